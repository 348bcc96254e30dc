"""A broker's process as its owner sees it: the data folder that is its alone, and the keeper that it lives under."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import IO, Final, Literal

import psutil

KEEPER: Final = Path(__file__).with_name("kafka_keeper.py")
STOP_SECONDS: Final = 10.0


class KafkaUnavailable(Exception):
    """No Kafka can be had: one sentence says why (`message`), another what to do about it (`remedy`)."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


class DataFolder:
    """A data folder belongs to one broker at a time; the lock file also says where that one answers.

    The broker and its keeper inherit the open file: after kill -9 of the owner, the folder is free again only when
    the last of them is gone.
    """

    def __init__(self, data: Path) -> None:
        self.data = data.expanduser().resolve()
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Have the folder, made if need be; harmless where this object has it already.

        Raises:
            KafkaUnavailable: another process has it, or it cannot be written.
        """
        if self._file is not None:
            return
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            file = (self.data / "lock").open("a+")
        except OSError as error:
            raise KafkaUnavailable(
                f"The data folder {self.data} cannot be written ({error.strerror}).",
                "Set ANTIFRAUD_KAFKA_DATA to a folder that can be.",
            ) from None
        # The broker of an owner that has just been killed is given the time to end.
        deadline = time.monotonic() + STOP_SECONDS + 2
        while not _locks(file):
            holder = self.holder() or {}
            owner = holder.get("pid")
            if (isinstance(owner, int) and _lives(owner)) or time.monotonic() > deadline:
                file.close()
                raise KafkaUnavailable(
                    f"The data folder {self.data} is in use: process {owner or '(unknown)'} runs a Kafka on it.",
                    "Stop that process, or set ANTIFRAUD_KAFKA_DATA to another folder.",
                )
            time.sleep(0.1)
        self._file = file
        self.describe()

    def describe(self, **more: str) -> None:
        """Say in the file who has the lock, and where its broker answers."""
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps({"pid": os.getpid()} | more))
        self._file.flush()

    def holder(self) -> dict[str, object] | None:
        """What the process that has the lock says of itself; None where nobody has it."""
        try:
            with (self.data / "lock").open("r") as file:
                if _locks(file, shared=True):
                    return None
                told = json.loads(file.read() or "{}")
        except (OSError, ValueError):
            return None
        return told if isinstance(told, dict) else None

    def fileno(self) -> int:
        assert self._file is not None
        return self._file.fileno()

    def give(self) -> None:
        if self._file is not None:
            # Said outright: a forked child may still hold the open file.
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._file.close()
            self._file = None


def _lives(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def _locks(file: IO[str], *, shared: bool = False) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class Kept:
    """This process's end of a keeper (streams/kafka_keeper.py) and, through it, of the broker."""

    def __init__(
        self,
        command: list[str],
        *,
        data: Path,
        pass_fds: list[int],
        cleanup: list[str] | None = None,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._stop_seconds = stop_seconds
        order = {
            "parent": os.getpid(),
            "command": command,
            "folder": str(data),
            "output": str(data / "broker.out"),
            "grace_seconds": stop_seconds,
            "pass_fds": pass_fds,
            "cleanup": cleanup or [],
        }
        (data / "broker.out").unlink(missing_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 (our own file, under our own interpreter)
            [sys.executable, "-I", "-S", str(KEEPER), json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=pass_fds,
            start_new_session=True,  # Ctrl-C in the terminal is answered by us, who end the broker last
        )
        self.broker_pid = 0
        started = self._hear(10)
        if not started.startswith("started "):
            self.end("kill")
            raise KafkaUnavailable(f"{command[0]} could not be started.", f"See {data / 'broker.out'}.")
        self.broker_pid = int(started.split()[1])

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, command: str, answer: str) -> None:
        self._tell(command)
        told = self._hear(10)
        if told != answer:
            raise KafkaUnavailable(f"The Kafka broker did not {command}: {told or 'no answer'}.", "Restart it.")

    def end(self, how: Literal["stop", "kill"]) -> None:
        """Have the broker end, and wait until it and the keeper are gone."""
        self._tell(how)
        try:
            self._process.wait(self._stop_seconds + 5)
        except subprocess.TimeoutExpired:
            logging.getLogger(__name__).warning("the Kafka keeper did not end in time and is killed with its broker")
            self._process.send_signal(signal.SIGKILL)  # the broker follows: PR_SET_PDEATHSIG
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _tell(self, command: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(f"{command}\n".encode())
            self._process.stdin.flush()

    def _hear(self, seconds: float) -> str:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        return self._process.stdout.readline().decode().strip() if ready else ""


def run(command: list[str], *, seconds: float = 60, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, without a shell; one that cannot be run, or overruns, has failed."""
    try:
        return subprocess.run(  # noqa: S603 (no shell, and no argument that comes from outside the settings)
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"{command[0]} did not end within {seconds:g} s")
    except OSError as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def short(line: str) -> str:
    """A line of somebody else's log as a part of our sentence, its end included."""
    return textwrap.shorten(line, 240, placeholder=" …").rstrip(".") + "."


def write_whole(path: Path, text: str) -> None:
    """Write a file that others see whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)
