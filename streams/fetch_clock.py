"""What is known of a log's end: when each fetch was sent, and which end of the log the broker reported for it."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Final

BROKEN_MS: Final = 1_000  # between two fetches: the broker did not answer


class FetchClock:
    """When was a fetch sent, and where did the broker say the log ended? (end offset, sent ms) for each partition.

    Written by the consumer's thread, read by the event loop's: deque operations are atomic.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], deque[tuple[int, float]]] = {}
        self._steady: dict[tuple[str, int], tuple[float, float]] = {}  # first and last fetch of an unbroken run

    def note(self, topic: str, partition: int, end_offset: int, sent_ms: float) -> None:
        seen = self._seen.get((topic, partition))
        if seen is None:
            seen = self._seen[topic, partition] = deque(maxlen=256)
        since, last = self._steady.get((topic, partition), (sent_ms, sent_ms))
        self._steady[topic, partition] = (since if sent_ms - last <= BROKEN_MS else sent_ms, sent_ms)
        if seen and seen[-1][0] == end_offset:
            seen[-1] = (end_offset, sent_ms)
        else:
            seen.append((end_offset, sent_ms))

    def read_up_to(self, topic: str, partition: int, next_offset: int) -> float | None:
        """Milliseconds (our clock): every record appended before this instant has an offset below `next_offset`.

        None where nothing is known yet. Never goes back for a growing `next_offset`.
        """
        seen = self._seen.get((topic, partition))
        if not seen:
            return None
        known = None
        while seen and seen[0][0] <= next_offset:
            known = seen[0][1]
            if len(seen) == 1:
                break
            if seen[1][0] > next_offset:
                break
            seen.popleft()
        return known

    def end_of(self, topic: str, partition: int) -> int | None:
        """The newest known end of the log."""
        seen = self._seen.get((topic, partition))
        return seen[-1][0] if seen else None

    def steady_since(self, topic: str, partition: int) -> float:
        """Since when (ms) the broker has answered fetches without a break: it may have been away before."""
        return self._steady.get((topic, partition), (0.0, 0.0))[0]

    def forget(self, topic: str, partition: int) -> None:
        self._seen.pop((topic, partition), None)
        self._steady.pop((topic, partition), None)


class TimedClient:
    """aiokafka's client as the fetcher sees it, which notes when each fetch was sent and what end of log it found."""

    def __init__(self, client: Any, clock: FetchClock) -> None:
        self._wrapped = client
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    async def send(self, node_id: int, request: Any, **options: Any) -> Any:
        sent_ms = time.time() * 1000.0
        response = await self._wrapped.send(node_id, request, **options)
        if type(response).__name__.startswith("FetchResponse"):
            for topic, partitions in response.topics:
                for partition, error_code, end_offset, *_ in partitions:
                    if error_code == 0:
                        self._clock.note(topic, partition, end_offset, sent_ms)
        return response
