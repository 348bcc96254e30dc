"""The fate of one published event: open, acknowledged, or failed with its error."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from streams.delivery import DeliveryError, not_acknowledged

RELEASE_SECONDS: Final = 1.0  # that letting go may take


class Delivered(NamedTuple):
    """Where the broker keeps the event."""

    partition: int
    offset: int


class Receipt:
    """The fate of one published event: open, acknowledged with its place, or failed with a `DeliveryError`."""

    __slots__ = ("_callbacks", "_deadline", "_done", "_error", "_lock", "_place", "_seconds", "event_id", "topic")

    def __init__(self, event_id: str | None, topic: str, seconds: float) -> None:
        self.event_id = event_id
        self.topic = topic
        self._seconds = seconds
        # A little later than the producer's own timeout, and the end of every wait should it never report.
        self._deadline = time.monotonic() + seconds + RELEASE_SECONDS
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._place: Delivered | None = None
        self._error: DeliveryError | None = None
        self._callbacks: list[Callable[[Receipt], None]] = []

    def done(self) -> bool:
        """Whether the fate is known."""
        return self._done.is_set()

    def result(self, timeout: float | None = None) -> Delivered:
        """Where the event is; raises its `DeliveryError`, or TimeoutError where the fate is still open by then."""
        left = max(0.0, self._deadline - time.monotonic())
        if not self._done.wait(left if timeout is None else min(timeout, left)) and not self.expire():
            raise TimeoutError("The event is not acknowledged yet.")
        if self._place is None:
            assert self._error is not None
            raise self._error
        return self._place

    def error(self) -> DeliveryError | None:
        """Why the event failed; None where it did not, or not yet."""
        return self._error

    def when_done(self, callback: Callable[[Receipt], None]) -> None:
        """Calls back once the fate is known, from the producer's thread; at once where it is known already."""
        with self._lock:
            if not self._done.is_set():
                self._callbacks.append(callback)
                return
        callback(self)

    def expire(self) -> bool:
        """Fails the event where its time is over; whether the fate is known now."""
        if not self._done.is_set() and time.monotonic() >= self._deadline:
            self.settle(not_acknowledged(self.topic, self._seconds))
        return self._done.is_set()

    def settle(self, fate: Delivered | DeliveryError) -> None:
        """Makes the fate known; the first one stays."""
        with self._lock:
            if self._done.is_set():
                return
            if isinstance(fate, DeliveryError):
                self._error = fate
            else:
                self._place = fate
            self._done.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)
