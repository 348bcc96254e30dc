"""Reads what a running center has put out, as it grows: judged events and alerts, each counted once.

The demo, the benchmarks and the fault tests look at a center only through this: topics that anybody may read.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from kafka import KafkaConsumer, TopicPartition
from numpy.typing import NDArray

from rules.events import FIRST_FACT
from streams import frames
from streams.alerts import ALERTS
from streams.contracts.fields import instant, milliseconds
from streams.delivery import connection_options

LOT_BYTES: Final = 64 * 1024 * 1024  # of records that are held at once


@dataclass(slots=True)
class AlertSeen:
    """The parts of an alert that a tally needs."""

    alert_id: str
    typology: str
    institution: str
    event_id: str
    occurred_at: str
    amount: str
    appended_ms: int  # when the broker took the event
    latency_ms: int  # from the event's append to the alert's, both by the broker's clock
    times: int = 1


@dataclass(slots=True)
class Outcomes:
    """A consumer without a group over `judged` and `suspicious-operations`; use as a context manager."""

    bootstrap_servers: str
    keep_events: bool = False
    keep_latencies: bool = False
    judged: int = 0  # different events
    transactions: int = 0  # of them, those that moved money; the others are facts that a subject's streams told of
    rows: int = 0  # with those that a restarted worker sent again
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    alerts: dict[str, AlertSeen] = field(default_factory=dict)
    # (when a judgement was appended, ms from its events' appends to it), both by the broker's clock
    latencies: list[tuple[int, NDArray[np.int64]]] = field(default_factory=list)
    first_judged_ms: int | None = None
    last_judged_ms: int | None = None
    _consumer: Any = None
    _next: dict[int, int] = field(default_factory=dict)

    def __enter__(self) -> Self:
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap_servers,
            enable_auto_commit=False,
            max_poll_records=5_000,
            **connection_options({}),
        )
        partitions = [
            TopicPartition(topic, number)
            for topic in ("judged", ALERTS)
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        self._consumer = consumer
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()

    def poll(self, seconds: float = 0.2) -> bool:
        """Take what came within `seconds`; whether there was anything."""
        found = self._consumer.poll(timeout_ms=int(seconds * 1000))
        for partition, records in found.items():
            for record in records:
                if partition.topic == ALERTS:
                    self._alert(record)
                else:
                    self._judged(record)
        return bool(found)

    def to_end(self) -> None:
        """Take everything that stands on the topics now."""
        ends = self._consumer.end_offsets(list(self._consumer.assignment()))
        while any(self._consumer.position(partition) < end for partition, end in ends.items()):
            self.poll(0.5)

    def _judged(self, record: Any) -> None:
        meta, arrays = frames.decode_arrays(record.value)
        rows, first = arrays["rows"], int(meta["first"])  # no rows: the record tells only how far is judged
        known = self._next.get(record.partition, 0)
        if first > known:
            raise AssertionError(f"judged/{record.partition} jumps from {known} to {first}")
        fresh = rows[known - first :]
        self._next[record.partition] = max(known, first + len(rows))
        self.rows += len(rows)
        self.judged += len(fresh)
        self.transactions += int((fresh["kind"] < FIRST_FACT).sum())
        if len(fresh):
            self.first_judged_ms = record.timestamp if self.first_judged_ms is None else self.first_judged_ms
            self.last_judged_ms = max(self.last_judged_ms or 0, record.timestamp)
        if self.keep_latencies and len(fresh):
            self.latencies.append((record.timestamp, record.timestamp - fresh["appended_at"]))
        if self.keep_events:
            pairs = zip(fresh["institution"].tolist(), fresh["event_id"].tolist(), strict=True)
            self.events.update((institution.decode(), event.decode()) for institution, event in pairs)

    def _alert(self, record: Any) -> None:
        said = json.loads(record.value)
        known = self.alerts.get(said["alert_id"])
        if known is not None:
            known.times += 1
            return
        appended = instant_ms(said["appended_at"])
        self.alerts[said["alert_id"]] = AlertSeen(
            said["alert_id"],
            said["typology"]["id"],
            said["institution"],
            said["event_id"],
            said["occurred_at"],
            said["amount"],
            appended,
            record.timestamp - appended,
        )

    def wait_for(
        self, events: int, seconds: float, each: Callable[[], None] = lambda: None, *, transactions: bool = False
    ) -> None:
        """Poll until so many different events are judged, or so many transactions.

        Raises:
            TimeoutError: they were not, after `seconds`.
        """
        deadline = time.monotonic() + seconds
        while (judged := self.transactions if transactions else self.judged) < events:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{judged:,} of {events:,} events were judged after {seconds:.0f} s")
            self.poll()
            each()
        self.to_end()


def instant_ms(text: str) -> int:
    """Milliseconds since 1970 of an instant as contracts write it."""
    return milliseconds(instant(text))


def percentile(values: list[int], share: float) -> float:
    """The value below which `share` of the values lie; NaN of none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))])


def records_of(bootstrap_servers: str, topic: str) -> Iterator[Any]:
    """Every record of a topic, from its beginning to its present end.

    No consumer is open while its records are looked at: a loop that an error leaves keeps no thread of one alive.
    """
    places: dict[Any, int] = {}
    ends: dict[Any, int] = {}
    while True:
        yield from _lot(bootstrap_servers, topic, places, ends)
        if all(places[partition] >= end for partition, end in ends.items()):
            return


def _lot(bootstrap_servers: str, topic: str, places: dict[Any, int], ends: dict[Any, int]) -> list[Any]:
    """About LOT_BYTES of records from `places`, which are moved on; without `ends` it begins, and fills them in."""
    lot: list[Any] = []
    room = LOT_BYTES
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False, **connection_options({}))
    with contextlib.closing(consumer):
        if not ends:
            numbers = sorted(consumer.partitions_for_topic(topic) or ())
            partitions = [TopicPartition(topic, number) for number in numbers]
            found = consumer.end_offsets(partitions)
            ends |= {partition: found[partition] for partition in partitions}  # in their order, which the answer is not
            places |= consumer.beginning_offsets(partitions)
        for partition, end in ends.items():
            consumer.assign([partition])
            consumer.seek(partition, places[partition])
            while places[partition] < end and room > 0:
                for records in consumer.poll(timeout_ms=500).values():
                    lot += records
                    room -= sum(len(record.value or b"") for record in records)
                places[partition] = consumer.position(partition)
    return lot
