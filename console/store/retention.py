"""Takes operations out of the store once they are old and nobody's: whom an alert, a case or a list knows stays.

An operation stays for ever if any of its parties, accounts, its device or its telephone is in an alert, a hold, a
warning, a list or the books of a case, or has been above the limit of the pyramid meter, or if it is itself held,
claimed, recalled, or a hop of a chain that an alert names. Of collectors who never were above the limit old readings
go as well. While a case is open, nothing is taken that happened since its first alert, or as long before that as money
is followed back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, Connection, Row, delete, func, select, tuple_

from console.money.restitution import claimant, frozen
from console.store import meters
from console.store.among import among
from console.store.money import MOST_DAYS
from console.store.tables import (
    alert_parties,
    alerts,
    cases,
    chain_events,
    claims,
    holds,
    ledger,
    meter_readings,
    notices,
    operations,
    recalls,
    registry_entries,
    warnings,
)
from console.store.upserts import chunks
from rules.events import DAY_MS

LOT: Final = 200
_suspected: Final = meter_readings.alias("suspected")
_KEYS: Final = ("payer", "payee", "device", "phone", "payer_account", "payee_account")
_SUBJECTS: Final[tuple[Column[Any], ...]] = (
    alert_parties.c.key,
    holds.c.payer,
    holds.c.payee,
    warnings.c.payer,
    warnings.c.payee,
    notices.c.subject,
    registry_entries.c.subject,
)
_EVENTS: Final[tuple[Column[Any], ...]] = (
    claims.c.operation,
    recalls.c.operation,
    recalls.c.closed_by_event,
    chain_events.c.event,
)


class Place(NamedTuple):
    """An operation in the order of time; `occurred_at` in ms UTC."""

    occurred_at: int
    event: int


BEGINNING: Final = Place(-(2**63), -(2**63))


def horizon(connection: Connection, days: int, now: int) -> int:
    """What happened before this instant (ms UTC) may go, where `days` are kept and it is `now`."""
    open_cases = select(cases.c.case_id).where(cases.c.state != "closed")
    first = connection.scalar(select(func.min(alerts.c.occurred_at)).where(alerts.c.case_id.in_(open_cases)))
    kept_from = now - days * DAY_MS
    return kept_from if first is None else min(kept_from, int(first) - MOST_DAYS * DAY_MS)


def prune(connection: Connection, before: int, after: Place = BEGINNING) -> tuple[int, Place | None]:
    """Take out what may go of the next LOT operations that happened before `before`.

    The answer: how many are gone, and where to go on; None at the end.
    """
    place = tuple_(operations.c.occurred_at, operations.c.event)
    lot = connection.execute(
        select(operations)
        .where(operations.c.occurred_at < before, place > tuple_(*after))
        .order_by(operations.c.occurred_at, operations.c.event)
        .limit(LOT)
    ).all()
    known, named = _known(connection, _keys(lot)), _named(connection, lot)
    gone = [row.event for row in lot if row.event not in named and known.isdisjoint(_keys([row]))]
    for some in chunks(gone):
        connection.execute(delete(operations).where(operations.c.event.in_(some)))
    return len(gone), Place(lot[-1].occurred_at, lot[-1].event) if len(lot) == LOT else None


def prune_readings(connection: Connection, before: int) -> int:
    """Take out at most LOT readings from before `before` of collectors who never were above the limit; how many."""
    of_whom = (meter_readings.c.collector, meter_readings.c.at)
    suspected = select(_suspected.c.collector).where(_suspected.c.above)
    old = select(*of_whom).where(meter_readings.c.at < before, meter_readings.c.collector.not_in(suspected)).limit(LOT)
    gone = [tuple(row) for row in connection.execute(old)]
    for asked in among(of_whom, gone):
        connection.execute(delete(meter_readings).where(asked))
    return len(gone)


def _keys(rows: Iterable[Row[Any]]) -> set[int]:
    return {key for row in rows for name in _KEYS if (key := getattr(row, name)) is not None}


def _known(connection: Connection, keys: Collection[int]) -> set[int]:
    """Those of the keys that somebody has a reason to look at."""
    found: set[int] = set()
    for some in chunks(keys):
        for column in _SUBJECTS:
            found |= set(connection.scalars(select(column).where(column.in_(some)).distinct()))
    found |= meters.suspected(connection, keys)
    accounts = set(connection.scalars(select(ledger.c.account).distinct()))
    return found | {key for key in keys if accounts & {frozen(key), claimant(key)}}


def _named(connection: Connection, rows: Sequence[Row[Any]]) -> set[int]:
    """Those of the operations that are themselves named somewhere."""
    found: set[int] = set()
    for some in chunks([row.event for row in rows]):
        for column in _EVENTS:
            found |= set(connection.scalars(select(column).where(column.in_(some))))
    events = {(row.institution, row.event_id): row.event for row in rows}
    held = (holds.c.institution, holds.c.event_id)
    for asked in among(held, events):
        found |= {events[row[0], row[1]] for row in connection.execute(select(*held).where(asked))}
    return found
