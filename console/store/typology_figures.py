"""How often each typology alerts and how often it was right, by what analysts closed its alerts with.

Each query reads a stretch of the index `ix_alerts_counted`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, case, func, select

from console.store.fraud_counts import REFUTED
from console.store.tables import CONFIRMED, alerts
from rules.events import DAY_MS, LOCAL_OFFSET_MS

WEEK: Final = 7
MONTH: Final = 30


@dataclass(frozen=True, slots=True)
class Figures:
    """Alerts of one typology in one status; `confirmed` and `refuted` of the last 30 days."""

    week: int
    month: int
    confirmed: int
    refuted: int

    @property
    def precision(self) -> float | None:
        """The share of frauds among the alerts that were closed with a verdict; None where none was."""
        judged = self.confirmed + self.refuted
        return self.confirmed / judged if judged else None


def latest(connection: Connection) -> int | None:
    """When the last event happened that was alerted of (ms UTC): the figures look back from there."""
    found = connection.scalar(select(func.max(alerts.c.occurred_at)))
    return int(found) if found is not None else None


def by_typology(connection: Connection, until: int) -> dict[tuple[str, str], Figures]:
    """Figures by typology and status, of the time up to `until`."""
    week = func.sum(case((alerts.c.occurred_at > until - WEEK * DAY_MS, 1), else_=0))
    right = func.sum(case((alerts.c.reason_code.in_(CONFIRMED), 1), else_=0))
    wrong = func.sum(case((alerts.c.reason_code.in_(REFUTED), 1), else_=0))
    rows = connection.execute(
        select(alerts.c.typology, alerts.c.status, week, func.count(), right, wrong)
        .where(alerts.c.occurred_at > until - MONTH * DAY_MS, alerts.c.occurred_at <= until)
        .group_by(alerts.c.typology, alerts.c.status)
    )
    return {(typology, status): Figures(*map(int, counts)) for typology, status, *counts in rows}


def days(connection: Connection, typology: str, until: int) -> Sequence[Row[Any]]:
    """(day since 1970 in Kazakhstan, status, alerts) of one typology in the last 30 days."""
    day = ((alerts.c.occurred_at + LOCAL_OFFSET_MS) // DAY_MS).label("day")
    rows = connection.execute(
        select(day, alerts.c.status, func.count().label("alerts"))
        .where(
            alerts.c.occurred_at > until - MONTH * DAY_MS,
            alerts.c.occurred_at <= until,
            # With nothing put behind it SQLite would look up each of the typology's alerts by another index.
            alerts.c.typology.concat("") == typology,
        )
        .group_by(day, alerts.c.status)
        .order_by(day)
    )
    return rows.all()
