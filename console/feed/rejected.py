"""How much of each publisher was refused, by day and reason; what is told twice counts once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from console.feed.records import Reader, Record, local_day
from console.store.among import among
from console.store.tables import rejected_counts, rejected_places
from console.store.upserts import put
from streams.contracts.fields import milliseconds
from streams.contracts.rejected import RejectedEvent

# As long as topics.yaml keeps a refusal: what is older cannot be told again.
KEPT_DAYS: Final = 31
_UNKNOWN: Final = "?"

Place = tuple[str, int, int]  # topic, partition, offset


def project(connection: Connection, reader: Reader, records: Sequence[Record]) -> None:
    """Count the refusals that were not counted before."""
    told: dict[Place, tuple[int, str, str]] = {}
    for _, refusal in reader.contracts(records, RejectedEvent):
        day = local_day(milliseconds(refusal.appended_at))
        source = refusal.source
        place = (source.topic, source.partition, source.offset)
        told[place] = (day, refusal.institution or _UNKNOWN, refusal.reason.value)
    for place in _present(connection, told):
        del told[place]
    if not told:
        return
    rows = [
        {"topic": topic, "partition": partition, "offset": offset, "day": day}
        for (topic, partition, offset), (day, _, _) in told.items()
    ]
    connection.execute(insert(rejected_places), rows)
    newest = max(day for day, _, _ in told.values())
    connection.execute(delete(rejected_places).where(rejected_places.c.day < newest - KEPT_DAYS))
    counts = [
        {"day": day, "publisher": publisher, "reason": reason, "events": events}
        for (day, publisher, reason), events in sorted(Counter(told.values()).items())
    ]
    put(connection, rejected_counts, counts, adding=("events",))


def _present(connection: Connection, places: Iterable[Place]) -> list[Place]:
    columns = (rejected_places.c.topic, rejected_places.c.partition, rejected_places.c.offset)
    return [
        (row[0], row[1], row[2])
        for asked in among(columns, places)
        for row in connection.execute(select(*columns).where(asked))
    ]
