"""Reads suspicious operations from their topic or from a file, each alert once."""

from __future__ import annotations

import gzip
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from pydantic import ValidationError

from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.delivery import CONNECT_SECONDS, connection_options, reaching, topic_missing

ALERTS: Final = "suspicious-operations"
SHADOW_ALERTS: Final = "suspicious-operations.shadow"
REMEMBERED: Final = 200_000
POLL_MS: Final = 250


class Once:
    """Lets each alert pass once: the same finding may be on the topic again after a crash.

    The ids that are remembered are bounded; repeats come soon after the first or not at all.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._seen: OrderedDict[str, None] = OrderedDict()

    def first(self, alert_id: str) -> bool:
        """Whether this id is new."""
        if alert_id in self._seen:
            return False
        self._seen[alert_id] = None
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        return True


def read_topic(
    bootstrap_servers: str,
    topic: str = ALERTS,
    *,
    follow: bool = False,
    latest: int | None = None,
    options: Mapping[str, Any] | None = None,
    idle: Callable[[], None] | None = None,
    unreadable: Callable[[str, int, int], None] | None = None,
) -> Generator[SuspiciousOperation, None, None]:
    """The topic's alerts up to its end, or for ever with `follow`; with `latest`, only that many records from the end.

    `idle` is called whenever what was there at the start has been read; `unreadable` gets topic, partition and offset
    of what is no alert.
    """
    with reaching(bootstrap_servers):
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap_servers,
            bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000),
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            auto_offset_reset="earliest",
            max_poll_records=2000,
            metrics_enabled=False,
            **connection_options(options or {}),
        )
    try:
        with reaching(bootstrap_servers):
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            if not partitions:
                raise topic_missing(topic)
            consumer.assign(partitions)
            beginnings, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
            for partition in partitions:
                begin = (
                    beginnings[partition] if latest is None else max(beginnings[partition], ends[partition] - latest)
                )
                consumer.seek(partition, begin)
        yield from _poll(consumer, partitions, ends, follow, idle, unreadable)
    finally:
        consumer.close()


def _poll(
    consumer: Any,
    partitions: list[Any],
    ends: Mapping[Any, int],
    follow: bool,
    idle: Callable[[], None] | None,
    unreadable: Callable[[str, int, int], None] | None,
) -> Iterator[SuspiciousOperation]:
    once = Once()
    while follow or any(consumer.position(partition) < ends[partition] for partition in partitions):
        try:
            batches = consumer.poll(timeout_ms=POLL_MS)
        except KafkaError:
            continue  # kafka-python reconnects; a follower waits until the broker is back
        for partition, records in batches.items():
            for record in records:
                try:
                    alert = SuspiciousOperation.model_validate_json(record.value or b"")
                except ValidationError:
                    if unreadable is not None:
                        unreadable(partition.topic, partition.partition, record.offset)
                    continue
                if once.first(alert.alert_id):
                    yield alert
        if idle is not None and not any(consumer.position(partition) < ends[partition] for partition in partitions):
            idle()


def read_file(path: Path) -> Iterator[SuspiciousOperation]:
    """The alerts of a JSON Lines file, plain or .gz, as `antifraud replay` writes it.

    Raises:
        ValueError: a line is no alert; names the line.
    """
    once = Once()
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                alert = SuspiciousOperation.model_validate_json(line)
            except ValidationError:
                raise ValueError(f"{path.name}:{number} is no alert of this version of the center.") from None
            if once.first(alert.alert_id):
                yield alert


def find(alerts: Iterable[SuspiciousOperation], beginning: str) -> list[SuspiciousOperation]:
    """The alert with this id, or all whose id begins so."""
    found: list[SuspiciousOperation] = []
    for alert in alerts:
        if alert.alert_id == beginning:
            return [alert]
        if alert.alert_id.startswith(beginning):
            found.append(alert)
    return found
