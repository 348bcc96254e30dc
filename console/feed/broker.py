"""The consumer behind the feed: every topic the store wants, from where the store says, without a group."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from console.feed.offsets import Partition, Place
from console.feed.projection import is_read
from console.feed.records import Record
from streams.delivery import CONNECT_SECONDS, BrokerUnreachable, connection_options, reaching

POLL_MS: Final = 200
_ASK_MS: Final = 3_000
_FETCH_BYTES: Final = 8 * 1024 * 1024


class Broker:
    """Reads on from places that it is given; `with open_broker(…) as broker`."""

    def __init__(self, servers: str, cluster: str, consumer: Any) -> None:
        self.cluster = cluster
        self._servers = servers
        self._consumer = consumer
        self._assigned: set[Partition] = set()

    def discover(self, places: Mapping[Partition, Place]) -> None:
        """Read every wanted partition there is, new ones from their beginning.

        Raises:
            BrokerUnreachable: it does not say which there are.
        """
        with reaching(self._servers):
            found = {
                Partition(topic, number)
                for topic in self._consumer.topics()
                if is_read(topic)
                for number in self._consumer.partitions_for_topic(topic) or ()
            }
            if found == self._assigned:
                return
            self._consumer.assign([TopicPartition(*partition) for partition in sorted(found)])
            for partition in found:
                place = places.get(partition)
                if place is None:
                    self._consumer.seek_to_beginning(TopicPartition(*partition))
                else:
                    self._consumer.seek(TopicPartition(*partition), place.offset)
            self._assigned = found

    def poll(self) -> list[Record]:
        """What has come, in order within each partition; nothing while no broker answers."""
        try:
            found = self._consumer.poll(timeout_ms=POLL_MS)
        except KafkaError as error:
            raise BrokerUnreachable(
                f"No broker answers at {self._servers} ({type(error).__name__}).", "Check that Kafka is running."
            ) from error
        return [
            Record(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value)
            for records in found.values()
            for record in records
        ]

    def ends(self) -> list[tuple[Partition, int]]:
        """Where each partition ends now.

        Raises:
            BrokerUnreachable: nobody says so in time.
        """
        partitions = [TopicPartition(*partition) for partition in sorted(self._assigned)]
        if not partitions:
            return []
        with reaching(self._servers):
            ends = self._consumer.end_offsets(partitions, timeout_ms=_ASK_MS)
        return [(Partition(partition.topic, partition.partition), end) for partition, end in ends.items()]


@contextlib.contextmanager
def open_broker(servers: str, options: Mapping[str, Any]) -> Iterator[Broker]:
    """A connection to the cluster at `servers`.

    Raises:
        streams.delivery.DeliveryError: no broker answers, or it does not let us in.
    """
    with reaching(servers):
        admin = KafkaAdminClient(
            bootstrap_servers=servers,
            bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000),
            **connection_options(options),
        )
        try:
            cluster = str(admin.describe_cluster()["cluster_id"])
        finally:
            admin.close()
        consumer = KafkaConsumer(
            bootstrap_servers=servers,
            bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000),
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            # What retention has taken meanwhile is gone; what is left is read.
            auto_offset_reset="earliest",
            max_poll_records=500,
            fetch_max_wait_ms=100,
            fetch_max_bytes=_FETCH_BYTES,
            metadata_max_age_ms=30_000,
            reconnect_backoff_max_ms=1_000,
            metrics_enabled=False,
            **connection_options(options),
        )
    try:
        yield Broker(servers, cluster, consumer)
    finally:
        consumer.close()
