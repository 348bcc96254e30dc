"""What a state has applied and no snapshot covers yet: Faust events wait here until a snapshot covers them.

Partitions of `screen` and the followers behind `judged` each have one. A snapshot is never taken of a state that is
ahead of what it caused, and an event is acknowledged only when a snapshot covers it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import structlog
from numpy.typing import NDArray

from streams.outbox import Outbox
from streams.snapshots import SnapshotStore

log = structlog.get_logger(__name__)

AHEAD_SECONDS: Final = 5.0  # that the last snapshot waits for a batch that is being sent


class Snapshot(NamedTuple):
    """What one snapshot holds, and its place: see SnapshotStore.begin."""

    partition: int
    offset: int
    document: bytes
    arrays: Mapping[str, NDArray[Any]]


class Covering:
    """The events of one state that its next snapshot will cover, and the snapshot under way.

    `state` gives the state as it is now; `written` hears how long a kept snapshot took and how long the flow stood
    still for it, in seconds; `failed` hears of one that could not be written. `place` is for the log.
    """

    def __init__(
        self,
        store: SnapshotStore,
        outbox: Outbox,
        state: Callable[[], Snapshot],
        *,
        seconds: float,
        written: Callable[[float, float], None],
        failed: Callable[[], None],
        **place: Any,
    ) -> None:
        self.events: list[Any] = []
        self.ahead = False  # the state is ahead of what was handed to the producer
        self._store = store
        self._outbox = outbox
        self._state = state
        self._seconds = seconds
        self._written = written
        self._failed = failed
        self._place = place
        self._under_way: asyncio.Task[None] | None = None
        self._took = 0.0
        self._taken_at = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the last snapshot ended, or since the beginning."""
        return time.monotonic() - self._taken_at

    def begin_if_due(self) -> None:
        """Begin a snapshot where its time has come and the state has moved since the last one."""
        # A large state is not written all the time: at most for a third of it.
        interval = max(self._seconds, 2 * self._took)
        if self._under_way is None and self.events and not self.ahead and self.age >= interval:
            self._under_way = asyncio.create_task(self.take())

    async def take(self, *, urgent: bool = False) -> None:
        """Write a snapshot and acknowledge what it covers; `urgent` where somebody waits for it."""
        if self.ahead:
            self._under_way = None
            return
        events, self.events = self.events, []
        try:
            began = time.perf_counter()
            snapshot = self._state()
            caused = self._outbox.open_now()
            writing = self._store.begin(*snapshot, urgent=urgent)
            pause = time.perf_counter() - began
            self._took = await self._store.finish(writing, caused)
            for event in events:
                event.ack()
            self._written(self._took, pause)
        except asyncio.CancelledError:
            self.events = events + self.events
            raise
        except Exception as error:
            # Without a snapshot nothing is acknowledged, so nothing is lost; the next one covers these events too.
            self.events = events + self.events
            self._failed()
            log.error("snapshot failed", **self._place, cause=str(error))
        finally:
            self._taken_at = time.monotonic()
            self._under_way = None

    def give_up(self) -> None:
        """The state has moved away: nobody waits for the snapshot under way."""
        if self._under_way is not None:
            self._under_way.cancel()

    async def take_last(self) -> None:
        """Snapshot once more before an orderly end, so that the next start has nothing to read again."""
        if self._under_way is not None:
            self._under_way.cancel()  # it takes its time, and this one covers what it would
            with contextlib.suppress(asyncio.CancelledError):
                await self._under_way
        deadline = time.monotonic() + AHEAD_SECONDS
        while self.ahead and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        if self.events:
            await self.take(urgent=True)
