"""Counts for the statistics pages: each query reads an index that has all it needs, or a table that is small.

A period is two days of Kazakhstan's calendar, counted from 1970, the first in it and the second not. Money is tiyn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, TextClause, and_, case, distinct, func, or_, select

from console.store.tables import (
    CONFIRMED,
    FRAUD_CONFIRMED,
    activity,
    alerts,
    cases,
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
from rules.holds import EXTENDED, IN_FORCE, RELEASED, RESTRAINING, SUPERSEDED

REFUTED: Final = ("false_positive",)
_SHORT_DAYS: Final = 62


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


def fraud_query(choice: Choice) -> Select[Any]:
    """What `frauds` asks."""
    keys = (alerts.c.typology, alerts.c.institution, alerts.c.region)
    # A long period is walked in order of its groups, so that nothing is sorted; a short one by its time.
    by_group = choice.end_day - choice.first_day > _SHORT_DAYS
    return select(*keys, *_tallies()).where(*_chosen(choice, by_group=by_group)).group_by(*keys)


def tally_query(choice: Choice) -> Select[Any]:
    """What `tally` asks."""
    return select(*_tallies()).where(*_chosen(choice))


def frauds(connection: Connection, choice: Choice) -> Sequence[Any]:
    """Alerts by (typology, institution, region): `alerts`, of them `suspected`, `confirmed` and `refuted`; `amount`s.

    Suspected is what nobody has decided yet.
    """
    return connection.execute(fraud_query(choice)).all()


def tally(connection: Connection, choice: Choice) -> Any:
    """The same of all alerts together."""
    return connection.execute(tally_query(choice)).one()


def taken_query(choice: Choice) -> Select[Any]:
    """What `taken` asks."""
    once = (
        select(func.max(alerts.c.amount).label("amount"))
        .where(*_confirmed(choice))
        .group_by(alerts.c.institution, alerts.c.event_id)
        .subquery()
    )
    total = func.coalesce(func.sum(once.c.amount), 0)
    return select(func.count().label("operations"), total.label("amount")).select_from(once)


def taken(connection: Connection, choice: Choice) -> Any:
    """What confirmed frauds took, each operation once: `operations`, `amount`; by period and institution only."""
    return connection.execute(taken_query(choice)).one()


def still_held(connection: Connection, choice: Choice) -> int:
    """What running holds and blocks keep of what confirmed frauds took, tiyn."""
    same = (alerts.c.institution == holds.c.institution, alerts.c.event_id == holds.c.event_id)
    fraud = select(alerts.c.event_id).where(*same, *_confirmed(choice)).exists()
    events = (
        select(func.max(holds.c.amount).label("amount"))
        .where(holds.c.open, holds.c.decision.in_(RESTRAINING), fraud)
        .group_by(holds.c.institution, holds.c.event_id)
        .subquery()
    )
    return int(connection.scalar(select(func.coalesce(func.sum(events.c.amount), 0))) or 0)


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

    Answered is what came into force, was extended or was released; what proceeded or expired first was not. A hold
    that a graver decision took the place of is left out.
    """
    # A hold that ended knows only its end: whether it was in force before, its events know.
    confirmed = (
        select(hold_events.c.hold_id)
        .where(hold_events.c.hold_id == holds.c.hold_id, hold_events.c.state.in_((IN_FORCE, EXTENDED)))
        .exists()
    )
    answered = or_(holds.c.state.in_((IN_FORCE, EXTENDED, RELEASED)), confirmed)
    return connection.execute(
        select(
            holds.c.institution,
            func.count().label("holds"),
            func.sum(case((answered, 1), else_=0)).label("answered"),
            func.sum(case((and_(holds.c.open, ~answered), 1), else_=0)).label("waiting"),
        )
        .where(*_held(choice), holds.c.decision.in_(RESTRAINING), holds.c.state != SUPERSEDED)
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
        chosen.append(_unindexed(warnings.c.institution) == choice.institution)
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


def cases_of(connection: Connection, choice: Choice, typologies: Sequence[str]) -> Sequence[Any]:
    """Cases opened in the period that hold an alert of one of these typologies, by `state`: `cases`."""
    holding = (
        select(alerts.c.case_id).where(alerts.c.case_id == cases.c.case_id, alerts.c.typology.in_(typologies)).exists()
    )
    return connection.execute(
        select(cases.c.state, func.count().label("cases"))
        .where(cases.c.opened_at >= choice.since, cases.c.opened_at < choice.until, holding)
        .group_by(cases.c.state)
    ).all()


def first_day(connection: Connection) -> int | None:
    """The day of the earliest alert; None where there are none."""
    return _day(connection.scalar(select(func.min(alerts.c.occurred_at))))


def last_day(connection: Connection) -> int | None:
    """The day of the latest alert; None where there are none."""
    return _day(connection.scalar(select(func.max(alerts.c.occurred_at))))


def institutions(connection: Connection) -> list[str]:
    """Those that take part, by their judged events."""
    return list(connection.scalars(select(activity.c.institution).distinct().order_by(activity.c.institution)))


def _tallies() -> tuple[ColumnElement[Any], ...]:
    def among(reasons: Sequence[str]) -> ColumnElement[bool]:
        return alerts.c.reason_code.in_(reasons)

    def count(which: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((which, 1), else_=0)), 0)

    return (
        func.count().label("alerts"),
        count(alerts.c.reason_code.is_(None)).label("suspected"),
        count(among(CONFIRMED)).label("confirmed"),
        count(among(REFUTED)).label("refuted"),
        func.coalesce(func.sum(alerts.c.amount), 0).label("amount"),
        func.coalesce(func.sum(case((among(CONFIRMED), alerts.c.amount), else_=0)), 0).label("confirmed_amount"),
    )


def _chosen(choice: Choice, *, by_group: bool = False) -> list[ColumnElement[bool]]:
    """Active alerts of the choice, to be found in ix_alerts_counted or, `by_group`, in ix_alerts_grouped."""
    at = func.coalesce(alerts.c.occurred_at, 0) if by_group else alerts.c.occurred_at
    wanted = (
        (alerts.c.status, "active"),
        (alerts.c.typology, choice.typology),
        (alerts.c.institution, choice.institution),
    )
    chosen = [at >= choice.since, at < choice.until]
    for column, value in wanted:
        if value is not None:
            chosen.append((column if by_group else _unindexed(column)) == value)
    if choice.region is not None:
        chosen.append(alerts.c.region == choice.region)
    return chosen


def _confirmed(choice: Choice) -> list[ColumnElement[bool] | TextClause]:
    """Active alerts of confirmed frauds, to be found in ix_alerts_confirmed, which has these alone."""
    chosen: list[ColumnElement[bool] | TextClause] = [
        FRAUD_CONFIRMED,
        func.coalesce(alerts.c.occurred_at, 0) >= choice.since,
        func.coalesce(alerts.c.occurred_at, 0) < choice.until,
        _unindexed(alerts.c.status) == "active",
    ]
    return [*chosen, *_of(choice, alerts.c.institution)]


def _held(choice: Choice) -> list[ColumnElement[bool]]:
    chosen = [holds.c.since >= choice.since, holds.c.since < choice.until]
    if choice.institution is not None:
        chosen.append(_unindexed(holds.c.institution) == choice.institution)
    return chosen


def _of(choice: Choice, column: ColumnElement[str]) -> list[ColumnElement[bool]]:
    return [column == choice.institution] if choice.institution is not None else []


def _unindexed(column: ColumnElement[str]) -> ColumnElement[str]:
    """The column so that SQLite looks it up in no index of its own: it would read a document for each row it found."""
    return func.coalesce(column, "")


def _day(at: int | None) -> int | None:
    return None if at is None else (at + LOCAL_OFFSET_MS) // DAY_MS
