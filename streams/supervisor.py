"""Starts worker processes and keeps them running: restarted when they end, stopped together, never left behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import structlog

log = structlog.get_logger(__name__)

_PR_SET_PDEATHSIG: Final = 1
CRASHES: Final = 5  # within CRASH_SECONDS, after which restarting is not the remedy
CRASH_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0


def die_with_parent(parent: int) -> None:
    """Ask the kernel to end this process when its parent ends, however that happens (Linux; elsewhere nothing)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(0)  # it had ended before we asked


class WorkersFailing(RuntimeError):
    """A worker ended again and again; its log says why."""


@dataclass(slots=True)
class _Slot:
    name: str
    environment: Mapping[str, str]
    command: str = "worker"
    process: subprocess.Popen[bytes] | None = None
    log: IO[bytes] | None = None
    crashes: deque[float] = field(default_factory=lambda: deque(maxlen=CRASHES))
    restarts: int = 0


class Supervisor:
    """Some workers, and the processes behind them, with their logs in a folder.

    `environments` gives each worker's name and environment, `followers` those of the processes behind `judged`; the
    commands are `antifraud worker` and `antifraud follow`.
    """

    def __init__(
        self,
        environments: Mapping[str, Mapping[str, str]],
        logs: Path,
        followers: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._logs = logs
        self._slots = [_Slot(name, environment) for name, environment in environments.items()]
        self._slots += [_Slot(name, environment, "follow") for name, environment in (followers or {}).items()]
        logs.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Start all workers."""
        for slot in self._slots:
            self._launch(slot)

    def _launch(self, slot: _Slot) -> None:
        if slot.log is None:
            slot.log = (self._logs / f"{slot.name}.log").open("ab")
        slot.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "streams.cli", slot.command, "--parent", str(os.getpid())],
            env={**os.environ, **slot.environment, "ANTIFRAUD_NAME": slot.name},
            stdin=subprocess.DEVNULL,
            stdout=slot.log,
            stderr=slot.log,
        )

    @property
    def processes(self) -> Sequence[subprocess.Popen[bytes]]:
        """The running processes: workers first, each kind in order of names."""
        return [slot.process for slot in self._slots if slot.process is not None]

    @property
    def restarts(self) -> int:
        """How often a worker had to be started again."""
        return sum(slot.restarts for slot in self._slots)

    def log_of(self, name: str) -> Path:
        """The log file of a worker."""
        return self._logs / f"{name}.log"

    def check(self) -> None:
        """Start again what has ended.

        Raises:
            WorkersFailing: a worker ended CRASHES times within CRASH_SECONDS.
        """
        for slot in self._slots:
            if slot.process is None or slot.process.poll() is None:
                continue
            code = slot.process.returncode
            now = time.monotonic()
            slot.crashes.append(now)
            if len(slot.crashes) == CRASHES and now - slot.crashes[0] < CRASH_SECONDS:
                raise WorkersFailing(
                    f"{slot.name} ended {CRASHES} times within {CRASH_SECONDS:.0f} s, last with code {code}: "
                    f"see {self.log_of(slot.name)}"
                )
            log.warning("worker ended, starting it again", worker=slot.name, code=code)
            slot.restarts += 1
            self._launch(slot)

    def stop(self) -> None:
        """Ask all workers to end, and end those that do not."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for slot in self._slots:
            if slot.process is not None:
                try:
                    slot.process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    slot.process.kill()
                    slot.process.wait()
            if slot.log is not None:
                slot.log.close()
