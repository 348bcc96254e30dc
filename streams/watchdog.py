"""A thread outside the event loop that ends a process which has stopped making progress.

Faust's usual failure is "alive, ready, not processing" (../shared/faust-facts.md): only somebody who does not live in
its event loop can notice.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger(__name__)

STUCK: Final = 70  # the exit code; the supervisor starts the process again


class Watchdog:
    """Ends the process when `progress()` has not changed for `seconds`; `stalled_for` says how long it has not."""

    def __init__(
        self,
        progress: Callable[[], int],
        *,
        seconds: float,
        end: Callable[[int], None] = os._exit,
    ) -> None:
        self._progress = progress
        self._seconds = seconds
        self._end = end
        self._stopped = threading.Event()
        self._last = progress()
        self._moved_at = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    @property
    def stalled_for(self) -> float:
        """Seconds since progress was last seen."""
        return time.monotonic() - self._moved_at

    def start(self) -> None:
        """Begin to watch."""
        self._moved_at = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(min(1.0, self._seconds / 5)):
            now = self._progress()
            if now != self._last:
                self._last, self._moved_at = now, time.monotonic()
            elif self.stalled_for > self._seconds:
                log.critical("no progress, the process ends itself", seconds=round(self.stalled_for))
                self._end(STUCK)
                return
