"""Reads a topic of the center to its present end, and keeps of each subject of its records the latest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from kafka import KafkaConsumer, TopicPartition
from pydantic import ValidationError

from streams.contracts.fields import Contract
from streams.delivery import CONNECT_SECONDS, connection_options, reaching, topic_missing

Told = TypeVar("Told", bound=Contract)
Unreadable = Callable[[str, int, int], None]
POLL_MS = 500


def read_to_end(
    bootstrap_servers: str,
    topic: str,
    contract: type[Told],
    *,
    options: Mapping[str, Any] | None = None,
    unreadable: Unreadable | None = None,
) -> Iterator[Told]:
    """Every record that stands on the topic now, in its order; `unreadable` gets the place of what is none.

    Raises:
        streams.delivery.DeliveryError: no Kafka answers, or there is no such topic.
    """
    with reaching(bootstrap_servers):
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap_servers,
            bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000),
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            auto_offset_reset="earliest",
            max_poll_records=5_000,
            metrics_enabled=False,
            **connection_options(options or {}),
        )
    try:
        with reaching(bootstrap_servers):
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            if not partitions:
                raise topic_missing(topic)
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends = consumer.end_offsets(partitions)
            while any(consumer.position(partition) < ends[partition] for partition in partitions):
                for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
                    for record in records:
                        try:
                            yield contract.model_validate_json(record.value or b"")
                        except ValidationError:
                            if unreadable is not None:
                                unreadable(partition.topic, partition.partition, record.offset)
    finally:
        consumer.close()


def latest(records: Iterator[Told], identity: Callable[[Told], str], number: Callable[[Told], int]) -> dict[str, Told]:
    """Of each identity the record with the highest number, in the order in which they were first told."""
    found: dict[str, Told] = {}
    for record in records:
        name = identity(record)
        if name not in found or number(record) >= number(found[name]):
            found[name] = record
    return found
