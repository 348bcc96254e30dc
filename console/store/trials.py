"""Alerts of a typology on trial, those of active ones beside them, and what analysts found of the people in both."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, select

from console.store.fraud_counts import REFUTED
from console.store.tables import CONFIRMED, alerts
from console.store.upserts import chunks
from rules.events import DAY_MS

MONTH_MS: Final = 30 * DAY_MS
MOST: Final = 50_000  # alerts of each side that are looked at, the latest

Known = Literal["confirmed", "refuted", "open"]


class Raised(NamedTuple):
    """One alert: about whom (a key), when (ms UTC), on which event."""

    subject: int
    alert_id: str
    at: int
    event: tuple[str, str]  # institution, event_id


def shadow(connection: Connection, typology: str, until: int) -> list[Raised]:
    """Shadow alerts of a typology in the 30 days before `until`, the latest first."""
    return _raised(connection, "shadow", typology, until - MONTH_MS, until)


def active(connection: Connection, typology: str, since: int, until: int) -> list[Raised]:
    """Active alerts of a typology in [since, until], the latest first."""
    return _raised(connection, "active", typology, since - 1, until)


def active_about(connection: Connection, subjects: Collection[int], since: int, until: int) -> list[Raised]:
    """Active alerts of all typologies about these subjects in [since, until], the latest first."""
    found: list[Raised] = []
    for some in chunks(sorted(subjects)):
        about = alerts.c.subject.in_(some)
        found += _read(connection, about, alerts.c.status == "active", alerts.c.occurred_at.between(since, until))
    return sorted(found, key=lambda one: -one.at)


def known(connection: Connection, subjects: Collection[int]) -> dict[int, Known]:
    """What analysts found of subjects, by all alerts about them: confirmed where any alert was, whenever it was.

    A subject of which nothing is closed with a verdict is open.
    """
    verdicts: dict[int, Known] = dict.fromkeys(subjects, "open")
    decided = alerts.c.reason_code.in_((*CONFIRMED, *REFUTED))
    for some in chunks(sorted(subjects)):
        chosen = select(alerts.c.subject, alerts.c.reason_code).where(alerts.c.subject.in_(some), decided)
        for subject, code in connection.execute(chosen.distinct()):
            if code in CONFIRMED:
                verdicts[subject] = "confirmed"
            elif verdicts[subject] == "open":
                verdicts[subject] = "refuted"
    return verdicts


def _raised(connection: Connection, status: str, typology: str, after: int, until: int) -> list[Raised]:
    return _read(
        connection,
        alerts.c.status == status,
        alerts.c.typology == typology,
        alerts.c.occurred_at > after,
        alerts.c.occurred_at <= until,
    )


def _read(connection: Connection, *conditions: ColumnElement[bool]) -> list[Raised]:
    columns = (alerts.c.subject, alerts.c.alert_id, alerts.c.occurred_at, alerts.c.institution, alerts.c.event_id)
    chosen = select(*columns).where(*conditions).order_by(alerts.c.occurred_at.desc()).limit(MOST)
    return [
        Raised(subject, alert_id, at, (who, event)) for subject, alert_id, at, who, event in connection.execute(chosen)
    ]
