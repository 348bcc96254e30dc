"""Who may write next: among the threads of a process, and among the processes that have one SQLite file open."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from console.store.errors import StoreAway, StoreLocked

_LOOK_SECONDS: Final = 0.003


class Turns:
    """Gives turns, `with turns.one(): …`.

    SQLite's own lock is asked for again after up to 100 ms. A feed that catches up leaves it free for moments only, and
    whoever has an alert to close would come too late time and again. Here it is asked for every few milliseconds.
    """

    def __init__(self, file: Path | None, seconds: float) -> None:
        """`file`, where given, is locked for a turn among processes; nobody waits for it longer than `seconds`."""
        self._threads = threading.Lock()
        self._file = file
        self._seconds = seconds

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """The turn, as long as the block runs.

        Raises:
            StoreLocked: another process has kept it for too long.
            StoreAway: its file cannot be opened.
        """
        with self._threads, contextlib.ExitStack() as held:
            if self._file is not None:
                held.callback(os.close, self._lock(self._file))
            yield

    def _lock(self, file: Path) -> int:
        """The descriptor that has the lock, which goes with it: a process that is killed leaves none behind."""
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreAway(type(error).__name__) from None
        deadline = time.monotonic() + self._seconds
        while not _locked(descriptor):
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise StoreLocked
            time.sleep(_LOOK_SECONDS)
        return descriptor


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
