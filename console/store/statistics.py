"""Counts for the statistics pages: each query reads an index that has all it needs, or a table that is small.

A period is two days of Kazakhstan's calendar, counted from 1970, the first in it and the second not. Money is tiyn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, distinct, func, or_, select

from console.store.tables import (
    activity,
    hold_events,
    holds,
    ledger,
    meter_readings,
    operations,
    recalls,
    refusal_counts,
    registry_entries,
    rejected_counts,
    warning_effects,
    warnings,
)
from rules.events import DAY_MS, LOCAL_OFFSET_MS
from rules.holds import EXTENDED, IN_FORCE, PROPOSED, RELEASED, RESTRAINING, SUPERSEDED


@dataclass(frozen=True, slots=True)
class Choice:
    """Which alerts, holds and events are counted; None: all."""

    first_day: int
    end_day: int  # the first day that is no longer counted
    typology: str | None = None
    institution: str | None = None
    region: int | None = None

    @property
    def since(self) -> int:
        """Its beginning, ms UTC."""
        return self.first_day * DAY_MS - LOCAL_OFFSET_MS

    @property
    def until(self) -> int:
        """Its end, ms UTC."""
        return self.end_day * DAY_MS - LOCAL_OFFSET_MS


def hold_outcomes(connection: Connection, choice: Choice) -> Sequence[Any]:
    """Holds by (decision, state): with `holds` and `amount`; of typologies and regions holds know nothing."""
    return connection.execute(
        select(
            holds.c.decision,
            holds.c.state,
            func.count().label("holds"),
            func.sum(holds.c.amount).label("amount"),
        )
        .where(*_held(choice))
        .group_by(holds.c.decision, holds.c.state)
    ).all()


def hold_answers(connection: Connection, choice: Choice) -> Sequence[Any]:
    """Holds and blocks by institution: `holds`, and of them `answered` before their first deadline and `waiting`.

    Answered is what came into force, was extended or was released; what proceeded or expired first was not. Left out
    is what asks nobody: a hold that a graver decision took the place of, one that ends with the cooling-off of a loan,
    and one that let protected money go at once.
    """
    # A hold that ended knows only its end: whether it was in force before, its events know.
    confirmed = (
        select(hold_events.c.hold_id)
        .where(hold_events.c.hold_id == holds.c.hold_id, hold_events.c.state.in_((IN_FORCE, EXTENDED)))
        .exists()
    )
    # The states come first: of what is neither proposed nor released SQLite then reads no more than its index.
    asks_nobody = or_(
        and_(holds.c.state.in_((PROPOSED, RELEASED)), holds.c.clock.startswith("cooling_off")),
        and_(holds.c.state == RELEASED, holds.c.cause == "protected_money"),
    )
    answered = or_(holds.c.state.in_((IN_FORCE, EXTENDED, RELEASED)), confirmed)
    return connection.execute(
        select(
            holds.c.institution,
            func.count().label("holds"),
            func.sum(case((answered, 1), else_=0)).label("answered"),
            func.sum(case((and_(holds.c.open, ~answered), 1), else_=0)).label("waiting"),
        )
        .where(*_held(choice), holds.c.decision.in_(RESTRAINING), holds.c.state != SUPERSEDED, ~asks_nobody)
        .group_by(holds.c.institution)
    ).all()


def recalled(connection: Connection, choice: Choice) -> Any:
    """Recalls asked for in the period: `recalls`, `amount` asked back, `returned`."""
    chosen = [recalls.c.made_at >= choice.since, recalls.c.made_at < choice.until]
    if choice.institution is not None:
        of = select(operations.c.event).where(
            operations.c.event == recalls.c.operation, operations.c.institution == choice.institution
        )
        chosen.append(of.exists())
    return connection.execute(
        select(
            func.count().label("recalls"),
            func.coalesce(func.sum(recalls.c.amount), 0).label("amount"),
            func.coalesce(func.sum(recalls.c.returned), 0).label("returned"),
        ).where(*chosen)
    ).one()


def ledger_balances(connection: Connection, choice: Choice) -> dict[str, int]:
    """What the postings of the period brought to accounts of each kind: frozen, held, claimant, outside."""
    kind = func.substr(ledger.c.account, 1, 4).label("kind")
    rows = connection.execute(
        select(kind, func.sum(ledger.c.amount).label("amount"))
        .where(ledger.c.at >= choice.since, ledger.c.at < choice.until)
        .group_by(kind)
    )
    return {row.kind: int(row.amount) for row in rows}


def warned(connection: Connection, choice: Choice) -> Sequence[Any]:
    """Warnings by rule: `warnings`."""
    chosen = [warnings.c.at >= choice.since, warnings.c.at < choice.until]
    if choice.institution is not None:
        chosen.append(unindexed(warnings.c.institution) == choice.institution)
    return connection.execute(
        select(warnings.c.rule, func.count().label("warnings")).where(*chosen).group_by(warnings.c.rule)
    ).all()


def effects(connection: Connection, choice: Choice) -> list[str]:
    """The documents of the warnings' effects that were measured last in the period."""
    return list(
        connection.scalars(
            select(warning_effects.c.document)
            .where(warning_effects.c.at >= choice.since, warning_effects.c.at < choice.until)
            .order_by(warning_effects.c.rule, warning_effects.c.payee)
        )
    )


def registered(connection: Connection, choice: Choice) -> Sequence[Any]:
    """Entries of registries by (registry, list, action): `entries`."""
    keys = (registry_entries.c.registry, registry_entries.c.list, registry_entries.c.action)
    return connection.execute(
        select(*keys, func.count(distinct(registry_entries.c.entry_id)).label("entries"))
        .where(registry_entries.c.recorded_at >= choice.since, registry_entries.c.recorded_at < choice.until)
        .group_by(*keys)
        .order_by(*keys)
    ).all()


def refusals(connection: Connection, choice: Choice) -> Sequence[Any]:
    """Credit refusals by (day, action): `entries`."""
    return connection.execute(
        select(refusal_counts)
        .where(refusal_counts.c.day >= choice.first_day, refusal_counts.c.day < choice.end_day)
        .order_by(refusal_counts.c.day)
    ).all()


def pyramids(connection: Connection, choice: Choice) -> Sequence[Any]:
    """Collectors above the line by day: `collectors`, and the most `people` and `money` that one of them had."""
    day = ((meter_readings.c.at + LOCAL_OFFSET_MS) // DAY_MS).label("day")
    return connection.execute(
        select(
            day,
            meter_readings.c.collector,
            func.max(meter_readings.c.people).label("people"),
            func.max(meter_readings.c.money_in).label("money"),
        )
        .where(meter_readings.c.at >= choice.since, meter_readings.c.at < choice.until, meter_readings.c.above)
        .group_by(day, meter_readings.c.collector)
    ).all()


def participation(connection: Connection, choice: Choice) -> Sequence[Any]:
    """Judged events by institution: `events`, of them `late`, and their `amount`."""
    return connection.execute(
        select(
            activity.c.institution,
            func.sum(activity.c.events).label("events"),
            func.sum(activity.c.late).label("late"),
            func.sum(activity.c.amount).label("amount"),
        )
        .where(
            activity.c.day >= choice.first_day, activity.c.day < choice.end_day, *_of(choice, activity.c.institution)
        )
        .group_by(activity.c.institution)
    ).all()


def rejected(connection: Connection, choice: Choice) -> Sequence[Any]:
    """Refused records by (publisher, reason): `events`."""
    return connection.execute(
        select(
            rejected_counts.c.publisher, rejected_counts.c.reason, func.sum(rejected_counts.c.events).label("events")
        )
        .where(
            rejected_counts.c.day >= choice.first_day,
            rejected_counts.c.day < choice.end_day,
            *_of(choice, rejected_counts.c.publisher),
        )
        .group_by(rejected_counts.c.publisher, rejected_counts.c.reason)
    ).all()


def institutions(connection: Connection) -> list[str]:
    """Those that take part, by their judged events."""
    return list(connection.scalars(select(activity.c.institution).distinct().order_by(activity.c.institution)))


def _held(choice: Choice) -> list[ColumnElement[bool]]:
    chosen = [holds.c.since >= choice.since, holds.c.since < choice.until]
    if choice.institution is not None:
        chosen.append(unindexed(holds.c.institution) == choice.institution)
    return chosen


def _of(choice: Choice, column: ColumnElement[str]) -> list[ColumnElement[bool]]:
    return [column == choice.institution] if choice.institution is not None else []


def unindexed(column: ColumnElement[str]) -> ColumnElement[str]:
    """The column so that SQLite looks it up in no index of its own: it would read a document for each row it found."""
    return func.coalesce(column, "")
