"""How far each partition has been read, as the store itself knows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select

from console.store.errors import StoreError
from console.store.tables import feed_offsets
from console.store.upserts import put


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    number: int


class Place(NamedTuple):
    """Where to go on in a partition; `number` is that of the next judged event, on `judged` only."""

    offset: int
    number: int | None = None


class OtherCluster(StoreError):
    """The store was filled from another cluster, in which its offsets mean something else."""

    def __init__(self, here: str, there: str) -> None:
        super().__init__(
            f"The case store was filled from the Kafka cluster {there}, and this is {here}.",
            "Name the cluster it belongs to with KAFKA_BOOTSTRAP_SERVERS, or a new store with ANTIFRAUD_STORE.",
        )


class ReadElsewhere(StoreError):
    """Another process has read on into the same store, so that these records may be in it already."""

    def __init__(self) -> None:
        super().__init__(
            "Another console reads from Kafka into this store as well; nothing was written twice.",
            "Let one of them read, and start the others with --no-feed.",
        )


def read(connection: Connection, cluster: str) -> dict[Partition, Place]:
    """Where to go on.

    Raises:
        OtherCluster: the store's offsets are of another cluster than `cluster`.
    """
    found: dict[Partition, Place] = {}
    for row in connection.execute(select(feed_offsets)):
        if row.cluster != cluster:
            raise OtherCluster(cluster, row.cluster)
        found[Partition(row.topic, row.partition)] = Place(row.next_offset, row.next_number)
    return found


def check(connection: Connection, cluster: str, known: Mapping[Partition, Place]) -> None:
    """Make sure that nobody else has read on since `known`.

    Raises:
        ReadElsewhere: somebody has.
    """
    if read(connection, cluster) != known:
        raise ReadElsewhere


def write(connection: Connection, cluster: str, places: Mapping[Partition, Place]) -> None:
    """Write down how far the rows of this transaction reach."""
    rows = [
        {
            "topic": partition.topic,
            "partition": partition.number,
            "next_offset": place.offset,
            "cluster": cluster,
            "next_number": place.number,
        }
        for partition, place in places.items()
    ]
    put(connection, feed_offsets, rows)


def behind(places: Mapping[Partition, Place], ends: Iterable[tuple[Partition, int]]) -> int:
    """How many records are still to be read, given where the partitions end."""
    return sum(max(0, end - places.get(partition, Place(0)).offset) for partition, end in ends)
