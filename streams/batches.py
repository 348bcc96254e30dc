"""Records as batches of one partition, and which of those that were handed over are done: no broker is needed here."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from faust.types import TP

BATCH_RECORDS: Final = 500
BATCH_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition, in offset order: what an agent receives as one event's value."""

    topic: str
    partition: int
    records: Sequence[Any]  # aiokafka.ConsumerRecord: .offset .timestamp .headers .key .value

    @property
    def tp(self) -> TP:
        return TP(self.topic, self.partition)

    @property
    def first_offset(self) -> int:
        return int(self.records[0].offset)

    @property
    def next_offset(self) -> int:
        """One past the last record's offset."""
        return int(self.records[-1].offset) + 1


def cut(
    records: Sequence[Any], *, max_records: int = BATCH_RECORDS, max_bytes: int = BATCH_BYTES
) -> list[Sequence[Any]]:
    """Cut records into runs of at most `max_records` and about `max_bytes` of values; a larger record stands alone."""
    runs: list[Sequence[Any]] = []
    start = size = 0
    for index, record in enumerate(records):
        length = len(record.value) if record.value else 0
        if index > start and (index - start >= max_records or size + length > max_bytes):
            runs.append(records[start:index])
            start, size = index, 0
        size += length
    if start < len(records):
        runs.append(records[start:])
    return runs


class OpenBatches:
    """The batches of one partition that were handed over and are not yet covered, oldest first."""

    __slots__ = ("_acknowledged", "_order")

    def __init__(self) -> None:
        self._order: deque[int] = deque()  # last offset of each open batch
        self._acknowledged: set[int] = set()

    def __len__(self) -> int:
        return len(self._order)

    def open(self, last_offset: int) -> None:
        """Note a batch; a batch handed over again after a seek is noted once."""
        if not self._order or last_offset > self._order[-1]:
            self._order.append(last_offset)

    def acknowledge(self, last_offset: int) -> bool:
        """Mark a batch as done; False where it is not open (already covered, or revoked)."""
        if not self._order or last_offset < self._order[0] or last_offset in self._acknowledged:
            return False
        self._acknowledged.add(last_offset)
        return True

    def committable(self) -> int | None:
        """Take the acknowledged prefix; return the offset to commit (one past its end), or None."""
        offset = None
        while self._order and self._order[0] in self._acknowledged:
            last = self._order.popleft()
            self._acknowledged.discard(last)
            offset = last + 1
        return offset
