"""Ends a process that has stopped working: "alive, ready, not processing" is how a stream worker usually fails.

It is a thread of its own, so it also sees an event loop that hangs in a call. It cannot repair anything. It writes
where every thread stands, and ends the process without unwinding; nothing unfinished was acknowledged, and the
supervisor starts the worker again. Where not even this thread gets to run, because some call never gives the
interpreter back, a timer outside the interpreter (faulthandler's) does the same a little later, with exit code 1.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

EXIT_CODE: Final = 70  # EX_SOFTWARE of sysexits.h
STANDARD_ERROR: Final = 2  # the descriptor: sys.stderr may be what hangs

log = structlog.get_logger(__name__)

__all__ = ["EXIT_CODE", "Watchdog"]


class Watchdog:
    """Watches a counter of progress, and whether the event loop still turns.

    Parameters
    ----------
    progress
        A number that grows with whatever is done; called in the watchdog's thread, so it may only read.
    has_work
        Is there anything to do? Without work no progress is expected.
    seconds
        How long there may be no progress, or no answer from the event loop.
    end
        How to end the process; for tests of the watchdog itself.
    """

    def __init__(
        self,
        progress: Callable[[], int],
        has_work: Callable[[], bool],
        *,
        seconds: float,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._progress = progress
        self._has_work = has_work
        self._seconds = seconds
        self._end = end
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answered_at = time.monotonic()
        self._asked = False

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Watch from now on; with a loop, that one too."""
        self._loop = loop
        self._answered_at = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Watch no more: an orderly end may take its time."""
        self._stopped.set()
        self._thread.join(timeout=5.0)
        faulthandler.cancel_dump_traceback_later()

    def _watch(self) -> None:
        seen = self._look(0)[0]
        moved_at = looked_at = time.monotonic()
        look_every = min(self._seconds / 10, 1.0)
        while not self._stopped.wait(look_every):
            faulthandler.dump_traceback_later(2 * self._seconds + 5.0, exit=True, file=STANDARD_ERROR)
            now = time.monotonic()
            if now - looked_at > look_every + self._seconds / 2:
                # The whole process stood still, as in a suspended virtual machine; that is not the worker's fault.
                moved_at = self._answered_at = now
            looked_at = now
            progress, has_work = self._look(seen)
            if progress != seen or not has_work:
                seen, moved_at = progress, now
            self._ask_loop(now)
            if now - moved_at > self._seconds:
                return self._give_up("no progress while there is work", now - moved_at)
            if self._asked and now - self._answered_at > self._seconds:
                return self._give_up("the event loop does not answer", now - self._answered_at)
        return None

    def _look(self, seen: int) -> tuple[int, bool]:
        try:
            return self._progress(), self._has_work()
        except Exception:  # who cannot say that there is progress has none
            return seen, True

    def _ask_loop(self, now: float) -> None:
        if self._loop is None or self._asked:
            return
        self._asked = True
        self._answered_at = now
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:  # the loop is closed: the process is ending by itself
            self._stopped.set()

    def _answer(self) -> None:
        self._answered_at = time.monotonic()
        self._asked = False

    def _give_up(self, cause: str, seconds: float) -> None:
        # Whatever hangs may hold the log's lock: the last line must not be able to keep the process alive.
        last_words = threading.Thread(target=self._last_words, args=(cause, seconds), daemon=True)
        last_words.start()
        last_words.join(timeout=2.0)
        self._end(EXIT_CODE)

    @staticmethod
    def _last_words(cause: str, seconds: float) -> None:
        log.critical("watchdog ends the process", cause=cause, seconds=round(seconds, 1), exit_code=EXIT_CODE)
        faulthandler.dump_traceback(file=STANDARD_ERROR, all_threads=True)
