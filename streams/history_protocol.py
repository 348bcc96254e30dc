"""The records that a replay of history sends besides its events: it opens, keeps alive and closes its sources.

docs/architecture.md says under "Order of time on the wire" what they are for. Nothing is sent here, so that a loader
built on another producer library speaks the protocol too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from streams.contracts.fields import from_milliseconds, write_instant
from streams.contracts.headers import write_history
from streams.event_files import routes

OPENING_MS: Final = 2_000


class Record(NamedTuple):
    """What goes to one partition, whichever library sends it."""

    topic: str
    partition: int
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class HistoryProtocol:
    """The records that open, keep alive and close one replay of history.

    >>> protocol = HistoryProtocol(opened_at=1_780_000_000_000)
    >>> [record.partition for record in protocol.opening({"tx.CASPKZKA": 2})]
    [0, 1]
    >>> next(iter(protocol.closing({"tx.CASPKZKA": 1}))).headers
    [('af-history', b'1780000000000'), ('af-control', b'close')]
    >>> next(iter(protocol.heartbeats([("tx.CASPKZKA", 0)], occurred_at=0))).value
    b'{"type":"heartbeat","institution":"CASPKZKA","occurred_at":"1970-01-01T00:00:00.000Z"}'
    """

    opened_at: int  # the epoch: milliseconds since 1970

    @classmethod
    def soon(cls) -> HistoryProtocol:
        """A replay that opens late enough for its opening to reach every partition first."""
        return cls(opened_at=int(time.time() * 1000) + OPENING_MS)

    def headers(self) -> list[tuple[str, bytes]]:
        """The headers that every event of the replay carries."""
        return write_history(self.opened_at)

    def opening(self, partitions: Mapping[str, int]) -> Iterator[Record]:
        """Control records for every partition of every topic, to be acknowledged before `wait`."""
        return self._control(partitions, "open")

    def closing(self, partitions: Mapping[str, int]) -> Iterator[Record]:
        """Control records for every partition of every topic, once all events are acknowledged."""
        return self._control(partitions, "close")

    def heartbeats(self, sources: Iterable[tuple[str, int]], occurred_at: int) -> Iterator[Record]:
        """Says to each (topic, partition) that all its events older than `occurred_at` have been sent."""
        moment = write_instant(from_milliseconds(occurred_at))
        for topic, partition in sources:
            owner = routes().owner_of(topic)
            assert owner is not None
            event = {"type": "heartbeat", owner.field: owner.names[0], "occurred_at": moment}
            value = json.dumps(event, separators=(",", ":")).encode()
            yield Record(topic, partition, value, self.headers())

    def wait(self) -> None:
        """Sleeps until the replay is open."""
        while (left := self.opened_at / 1000 - time.time()) > 0:
            time.sleep(left)

    def _control(self, partitions: Mapping[str, int], what: Literal["open", "close"]) -> Iterator[Record]:
        for topic, count in partitions.items():
            for partition in range(count):
                yield Record(topic, partition, b"", write_history(self.opened_at, what))
