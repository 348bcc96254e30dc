"""Lists and blocked resources as the store has them, counts of refusals, and whom a listed subject had dealt with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from console.store.errors import NotFound
from console.store.keys import short_text
from console.store.tables import alerts, operations, refusal_counts, registry_entries, tokens
from rules.events import DAY_MS, TRANSACTION_KINDS

PAGE: Final = 50
LISTS: Final = "lists"
BLOCKED: Final = "blocked_resources"
LISTING: Final = "T20"  # the typology that says who had dealt with somebody before the listing
LOOKED_BACK_DAYS: Final = 30  # as T20 does
Standing = Literal["in_force", "over", "withdrawn", "overturned"]


@dataclass(frozen=True)
class Filter:
    """Which entries to list; None is any. `in_force_at`: ms UTC."""

    registry: str = LISTS
    which: str | None = None  # list
    subject: int | None = None
    appeal: str | None = None
    in_force_at: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As parts of a WHERE."""
        entry = registry_entries.c
        wanted: list[ColumnElement[bool]] = [entry.registry == self.registry]
        if self.which is not None:
            wanted.append(entry.list == self.which)
        if self.subject is not None:
            wanted.append(entry.subject == self.subject)
        if self.appeal is not None:
            wanted.append(entry.appeal == self.appeal)
        if self.in_force_at is not None:
            wanted += [
                entry.action == "set",
                or_(entry.appeal.is_(None), entry.appeal != "upheld"),
                entry.valid_from <= self.in_force_at,
                or_(entry.valid_to.is_(None), entry.valid_to > self.in_force_at),
            ]
        return wanted


@dataclass(frozen=True)
class Entry:
    """One entry as its registry said it last; instants in ms UTC."""

    registry: str
    entry_id: str
    list: str
    subject: str | None  # a token, or half of one not met elsewhere; None of a resource that asked for no payment
    key: int
    kind: str | None  # of the token
    action: str  # set, withdrawn
    publisher: str
    source: str
    reason: str
    proof: str | None
    appeal: str
    valid_from: int
    valid_to: int | None
    recorded_at: int

    def standing(self, now: int) -> Standing:
        """Whether it holds at `now`, and if not, why."""
        if self.action == "withdrawn":
            return "withdrawn"
        if self.appeal == "upheld":
            return "overturned"
        return "over" if self.valid_to is not None and self.valid_to <= now else "in_force"


@dataclass(frozen=True)
class Dealings:
    """What went to a subject in a time."""

    payers: int
    operations: int
    money: int  # tiyn


@dataclass(frozen=True)
class ListingAlert:
    """An alert about the subject that the listing, or money after it, raised."""

    alert_id: str
    typology: str
    occurred_at: int
    state: str
    severity: int


@dataclass(frozen=True)
class Screening:
    """Who had dealt with a subject when it was listed, and who has since."""

    before: Dealings  # in the thirty days before it was recorded
    since: Dealings
    alerts: list[ListingAlert]


@dataclass(frozen=True)
class RefusalDay:
    """How many credit refusals were set and withdrawn on a day (counted from 1970)."""

    day: int
    set: int
    withdrawn: int


def listed(
    connection: Connection, chosen: Filter, *, after: tuple[int, str, int] | None = None, limit: int = PAGE
) -> list[Entry]:
    """Entries, the one recorded last first; `after`: (recorded_at, entry_id, key) of the last of the page before."""
    entry = registry_entries.c
    query = _entries().where(*chosen.conditions())
    if after is not None:
        at, entry_id, key = after
        query = query.where(
            or_(
                entry.recorded_at < at,
                and_(entry.recorded_at == at, entry.entry_id > entry_id),
                and_(entry.recorded_at == at, entry.entry_id == entry_id, entry.subject > key),
            )
        )
    query = query.order_by(entry.recorded_at.desc(), entry.entry_id, entry.subject).limit(limit)
    return [_entry(row) for row in connection.execute(query)]


def found(connection: Connection, registry: str, entry_id: str) -> list[Entry]:
    """An entry with each of its subjects (of lists there is one); NotFound."""
    entry = registry_entries.c
    query = _entries().where(entry.registry == registry, entry.entry_id == entry_id).order_by(entry.subject)
    rows = [_entry(row) for row in connection.execute(query)]
    if not rows:
        raise NotFound("entry")
    return rows


def of_list(connection: Connection, entry_id: str) -> Entry:
    """An entry of a list as its last record said it; NotFound."""
    return max(found(connection, LISTS, entry_id), key=lambda one: one.recorded_at)


def counted(connection: Connection, registry: str, *, now: int) -> dict[str, int]:
    """How many entries each list has in force."""
    query = (
        select(registry_entries.c.list, func.count())
        .where(*Filter(registry=registry, in_force_at=now).conditions())
        .group_by(registry_entries.c.list)
        .order_by(registry_entries.c.list)
    )
    return {name: int(number) for name, number in connection.execute(query)}


def refusals(connection: Connection, *, days: int = 60) -> list[RefusalDay]:
    """Credit refusals by day, the latest first."""
    query = select(refusal_counts).order_by(refusal_counts.c.day.desc()).limit(2 * days)
    by_day: dict[int, dict[str, int]] = {}
    for row in connection.execute(query):
        by_day.setdefault(row.day, {})[row.action] = row.entries
    return [
        RefusalDay(day, counts.get("set", 0), counts.get("withdrawn", 0)) for day, counts in list(by_day.items())[:days]
    ]


def screened(connection: Connection, entry: Entry) -> Screening:
    """Who had paid the subject before it was listed and who has since, with the alerts that came of it."""
    recorded = entry.recorded_at
    received = operations.c.payee == entry.key
    if entry.kind == "account":  # its holder may be known, and then stands as the payee
        received = or_(received, operations.c.payee_account == entry.key)
    before = and_(operations.c.occurred_at >= recorded - LOOKED_BACK_DAYS * DAY_MS, operations.c.occurred_at < recorded)
    query = (
        select(alerts.c.alert_id, alerts.c.typology, alerts.c.occurred_at, alerts.c.state, alerts.c.severity)
        .where(alerts.c.subject == entry.key, alerts.c.typology == LISTING, alerts.c.status == "active")
        .order_by(alerts.c.seq.desc())
        .limit(50)
    )
    return Screening(
        _dealings(connection, [received, before]),
        _dealings(connection, [received, operations.c.occurred_at >= recorded]),
        [ListingAlert(*row) for row in connection.execute(query)],
    )


def _dealings(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> Dealings:
    query = select(
        func.count(operations.c.payer.distinct()), func.count(), func.coalesce(func.sum(operations.c.amount), 0)
    ).where(*conditions, operations.c.kind < len(TRANSACTION_KINDS))
    payers, number, money = connection.execute(query).one()
    return Dealings(int(payers), int(number), int(money))


def _entries() -> Select[tuple[object, ...]]:
    return select(registry_entries, tokens.c.token, tokens.c.kind).outerjoin(
        tokens, tokens.c.key == registry_entries.c.subject
    )


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    return Entry(
        row.registry,
        row.entry_id,
        row.list,
        row.token or (short_text(row.subject, "k1") if row.subject else None),
        row.subject,
        row.kind,
        row.action,
        row.publisher,
        row.source,
        row.reason,
        row.proof,
        row.appeal or "none",
        row.valid_from,
        row.valid_to,
        row.recorded_at,
    )
