"""One batch of records as one transaction: every topic's projector, then the offsets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from console.feed import (
    alerts,
    holds,
    identities,
    judged,
    meters,
    notices,
    offsets,
    registries,
    rejected,
    warnings,
)
from console.feed.offsets import Partition, Place
from console.feed.records import Reader, Record
from console.store.opening import Store
from streams.alerts import ALERTS, SHADOW_ALERTS

JUDGED: Final = "judged"
REJECTED: Final = "rejected."
# What others look things up in comes first: operations and holds before the alerts that point at them.
_PROJECTORS: Final[Mapping[str, Callable[[Connection, Reader, Sequence[Record]], None]]] = {
    "identities": identities.project,
    "registry.lists": registries.project,
    "registry.blocked-resources": registries.project,
    "registry.credit-refusals": registries.project,
    "holds": holds.project,
    "notices": notices.project_notices,
    "necessity": notices.project_necessity,
    "warnings": warnings.project,
    "meters": meters.project,
}
_ALERTS: Final = (ALERTS, SHADOW_ALERTS)
TOPICS: Final = frozenset((JUDGED, *_ALERTS, *_PROJECTORS))
BUNDLE_BYTES: Final = 512 * 1024  # of the records: about so much becomes one transaction unless the feed knows better


def is_read(topic: str) -> bool:
    """Whether the store wants to know what stands on a topic."""
    return topic in TOPICS or topic.startswith(REJECTED)


def store_records(
    store: Store, reader: Reader, records: Sequence[Record], places: Mapping[Partition, Place], cluster: str, now: int
) -> dict[Partition, Place]:
    """Write what the records say, with how far they reach, as one transaction; where to go on after it.

    `records` are those that follow `places`, in order within each partition; `now` is in ms UTC.

    Raises:
        console.feed.offsets.ReadElsewhere: the store knows of other places: read on from those.
        console.store.errors.StoreError: nothing of it was written.
    """
    after = {**places, **{Partition(r.topic, r.partition): Place(r.offset + 1) for r in records}}
    before = {part.number: place.number or 0 for part, place in places.items() if part.topic == JUDGED}
    # Before the transaction: nobody needs to wait for this with a change of theirs.
    read = judged.read(reader, _of(records, (JUDGED,)), before)
    after |= {
        Partition(JUDGED, n): Place(after[Partition(JUDGED, n)].offset, number) for n, number in read.numbers.items()
    }
    with store.writing() as connection:
        offsets.check(connection, cluster, places)
        judged.project(connection, reader, read)
        for topic, project in _PROJECTORS.items():
            if some := _of(records, (topic,)):
                project(connection, reader, some)
        if some := _of(records, _ALERTS):
            alerts.project(connection, reader, some, now)
        if some := [record for record in records if record.topic.startswith(REJECTED)]:
            rejected.project(connection, reader, some)
        moved = {partition: place for partition, place in after.items() if places.get(partition) != place}
        offsets.write(connection, cluster, moved)
    return after


def bundles(records: Iterable[Record], largest: Callable[[], int] = lambda: BUNDLE_BYTES) -> Iterator[list[Record]]:
    """The records in lists of about so many bytes, each of which becomes one transaction."""
    bundle: list[Record] = []
    size = 0
    for record in records:
        bundle.append(record)
        size += len(record.value or b"")
        if size >= largest():
            yield bundle
            bundle, size = [], 0
    if bundle:
        yield bundle


def _of(records: Iterable[Record], topics: Sequence[str]) -> list[Record]:
    return [record for record in records if record.topic in topics]
