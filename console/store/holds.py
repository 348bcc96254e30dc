"""Holds as the store has them: what is held until when, the states each went through, and the alerts behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from console.store.errors import NotFound
from console.store.tables import alerts, hold_events, holds
from rules.holds import OPEN
from streams.contracts.fields import milliseconds
from streams.contracts.hold import HoldEvent
from streams.contracts.text import Text

PAGE: Final = 50


@dataclass(frozen=True)
class Filter:
    """Which holds to list; None is any."""

    open: bool | None = True
    decision: str | None = None
    institution: str | None = None
    due_before: int | None = None  # ms UTC
    cause: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As parts of a WHERE."""
        wanted: list[ColumnElement[bool]] = []
        if self.open is not None:
            wanted.append(holds.c.open == self.open)
        if self.decision is not None:
            wanted.append(holds.c.decision == self.decision)
        if self.institution is not None:
            wanted.append(holds.c.institution == self.institution)
        if self.due_before is not None:
            wanted.append(holds.c.deadline_at < self.due_before)
        if self.cause is not None:
            wanted.append(holds.c.cause == self.cause)
        return wanted


@dataclass(frozen=True)
class Hold:
    """One hold in its present state; instants in ms UTC, `amount` in tiyn."""

    hold_id: str
    open: bool
    amount: int
    since: int
    at: int
    deadline_at: int
    event: HoldEvent  # as published


@dataclass(frozen=True)
class HoldState:
    """One state that a hold went through; instants in ms UTC."""

    state: str
    at: int
    cause: str
    cause_text: Text
    clock: str
    deadline_at: int
    legal_basis: Text


@dataclass(frozen=True)
class HoldAlert:
    """An alert that a hold stands on, as far as the store has it."""

    alert_id: str
    typology: str
    state: str
    version: int
    subject_role: str


@dataclass(frozen=True)
class Counts:
    """Open holds by decision, and how many end by themselves soon."""

    by_decision: dict[str, int]
    due_in_an_hour: int
    due_in_a_day: int


def listed(
    connection: Connection, chosen: Filter, *, after: tuple[int, str] | None = None, limit: int = PAGE
) -> list[Hold]:
    """Holds by deadline: of open ones the nearest first, of others the latest first.

    `after`: (deadline_at, hold_id) of the last one of the page before.
    """
    query = select(holds).where(*chosen.conditions()).limit(limit)
    nearest = chosen.open is True
    if after is not None:
        at, hold_id = after
        later = holds.c.deadline_at > at if nearest else holds.c.deadline_at < at
        query = query.where(or_(later, and_(holds.c.deadline_at == at, holds.c.hold_id > hold_id)))
    order = holds.c.deadline_at if nearest else holds.c.deadline_at.desc()
    return [
        _hold(row.hold_id, row.open, row.amount, row.since, row.at, row.deadline_at, row.document)
        for row in connection.execute(query.order_by(order, holds.c.hold_id))
    ]


def counted(connection: Connection, *, now: int) -> Counts:
    """How many are open, by decision, and how many of them end within an hour and a day."""
    by_decision = select(holds.c.decision, func.count()).where(holds.c.open).group_by(holds.c.decision)
    counts = {decision: int(number) for decision, number in connection.execute(by_decision)}

    def due(within: int) -> int:
        query = select(func.count()).where(holds.c.open, holds.c.deadline_at < now + within)
        return int(connection.scalar(query) or 0)

    return Counts(counts, due(3_600_000), due(86_400_000))


def institutions(connection: Connection) -> list[str]:
    """Whose operations are or were held."""
    return list(connection.scalars(select(holds.c.institution).distinct().order_by(holds.c.institution)))


def causes(connection: Connection) -> list[str]:
    """Why ended holds ended, the commonest first."""
    query = select(holds.c.cause).where(~holds.c.open).group_by(holds.c.cause).order_by(func.count().desc())
    return list(connection.scalars(query))


def found(connection: Connection, hold_id: str) -> Hold:
    """The hold with this id; NotFound."""
    row = connection.execute(select(holds).where(holds.c.hold_id == hold_id)).one_or_none()
    if row is None:
        raise NotFound("hold")
    return _hold(row.hold_id, row.open, row.amount, row.since, row.at, row.deadline_at, row.document)


def states(connection: Connection, hold_id: str) -> list[HoldState]:
    """Every state that a hold went through, in order."""
    query = select(hold_events.c.document).where(hold_events.c.hold_id == hold_id).order_by(hold_events.c.number)
    said = [HoldEvent.model_validate_json(document) for document in connection.scalars(query)]
    return [
        HoldState(
            one.state,
            milliseconds(one.at),
            one.cause,
            one.cause_text,
            one.clock,
            milliseconds(one.deadline),
            one.legal_basis,
        )
        for one in said
    ]


def alerts_behind(connection: Connection, hold: Hold) -> list[HoldAlert]:
    """The alerts that a hold stands on; those that the store has not yet are left out."""
    query = (
        select(
            alerts.c.alert_id, alerts.c.typology, alerts.c.state, alerts.c.version, alerts.c.subject_role
        )
        .where(alerts.c.alert_id.in_(hold.event.alert_ids))
        .order_by(alerts.c.seq)
    )  # fmt: skip
    return [HoldAlert(*row) for row in connection.execute(query)]


def _hold(hold_id: str, is_open: bool, amount: int, since: int, at: int, deadline_at: int, document: str) -> Hold:
    event = HoldEvent.model_validate_json(document)
    assert (event.state in OPEN) == is_open
    return Hold(hold_id, is_open, amount, since, at, deadline_at, event)
