"""A stub process that keeps one broker running exactly as long as the process that wants it, and never longer.

It imports nothing of ours, so that it starts in a few hundredths of a second and can be run by its path. The process
that wants the broker holds the other end of this one's standard input: commands come in as lines (`stop`, `kill`,
`pause`, `resume`), and its end means that the wanting process is gone, also after kill -9. Answers go to standard
output: `started <pid>`, `paused`, `resumed`, `exited <code>`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 0.25


def _dies_with_keeper() -> Callable[[], None] | None:
    """Make the broker die with this process, should somebody kill -9 the keeper itself; Linux only."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)  # loaded before the fork: after it, only the call itself is safe
    keeper = os.getpid()

    def set_signal() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:  # it died between fork and prctl
            os._exit(1)

    return set_signal


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody is left to hear it
        os.write(1, f"{text}\n".encode())


class Keeper:
    """Runs `command` and ends it when told to or when the process `parent` is gone."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.parent: int = order["parent"]
        self.grace: float = order["grace_seconds"]
        self.cleanup: list[str] = order["cleanup"]
        self.kill_at: float | None = None
        self.wake, wake_in = os.pipe()
        os.set_blocking(wake_in, False)
        signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer: it stops the broker last
        with open(order["output"], "ab") as output:
            self.broker = subprocess.Popen(  # noqa: S603 (the order comes from streams/kafka.py, and no shell reads it)
                order["command"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=order["folder"],
                pass_fds=order["pass_fds"],  # the data folder's lock is held until the last of us is gone
                preexec_fn=_dies_with_keeper(),
            )
        _say(f"started {self.broker.pid}")

    def stop(self) -> None:
        """Ask the broker to end; it is killed when the grace is over."""
        if self.kill_at is None:
            self.kill_at = time.monotonic() + self.grace
            self.broker.send_signal(signal.SIGTERM)
            self.broker.send_signal(signal.SIGCONT)  # a paused broker would not hear it

    def obey(self, command: str) -> None:
        if command == "stop":
            self.stop()
        elif command == "kill":
            self.broker.kill()
        elif command == "pause":
            self.broker.send_signal(signal.SIGSTOP)
            _say("paused")
        elif command == "resume":
            self.broker.send_signal(signal.SIGCONT)
            _say("resumed")

    def run(self) -> int:
        """Keep until the broker has ended; returns its exit code."""
        listening = True
        rest = b""
        while self.broker.poll() is None:
            ready, _, _ = select.select([self.wake, *([0] if listening else [])], [], [], LOOK_SECONDS)
            if self.wake in ready:
                os.read(self.wake, 4096)
            if 0 in ready:
                data = os.read(0, 4096)
                listening = bool(data)
                *commands, rest = (rest + data).split(b"\n")
                for command in commands:
                    self.obey(command.decode())
            # The end of the pipe is not enough: a forked child of the parent may hold a copy of its end.
            if not listening or os.getppid() != self.parent:
                self.stop()
            if self.kill_at is not None and time.monotonic() > self.kill_at:
                self.broker.kill()
        if self.cleanup:
            subprocess.run(self.cleanup, check=False, capture_output=True)  # noqa: S603 (as above)
        _say(f"exited {self.broker.returncode}")
        return self.broker.returncode


if __name__ == "__main__":
    Keeper(json.loads(sys.argv[1])).run()
