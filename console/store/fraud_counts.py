"""Counts of frauds: each query reads one of three indexes of alerts that have all it needs, and no alert's document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, TextClause, case, func, select

from console.store.statistics import Choice, unindexed
from console.store.tables import CONFIRMED, FRAUD_CONFIRMED, alerts, cases, holds
from rules.events import DAY_MS, LOCAL_OFFSET_MS
from rules.holds import RESTRAINING

REFUTED: Final = ("false_positive",)
_SHORT_DAYS: Final = 62


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
            chosen.append((column if by_group else unindexed(column)) == value)
    if choice.region is not None:
        chosen.append(alerts.c.region == choice.region)
    return chosen


def _confirmed(choice: Choice) -> list[ColumnElement[bool] | TextClause]:
    """Active alerts of confirmed frauds, to be found in ix_alerts_confirmed, which has these alone."""
    chosen: list[ColumnElement[bool] | TextClause] = [
        FRAUD_CONFIRMED,
        func.coalesce(alerts.c.occurred_at, 0) >= choice.since,
        func.coalesce(alerts.c.occurred_at, 0) < choice.until,
        unindexed(alerts.c.status) == "active",
    ]
    if choice.institution is not None:
        chosen.append(alerts.c.institution == choice.institution)
    return chosen


def _day(at: int | None) -> int | None:
    return None if at is None else (at + LOCAL_OFFSET_MS) // DAY_MS
