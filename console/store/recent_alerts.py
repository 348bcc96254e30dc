"""The latest alerts of a typology, each of another subject, with the operations that its judgement looked back on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, Connection, RowMapping, select

from console.store.alerts import as_published
from console.store.keys import signed, unsigned
from console.store.tables import alerts, operations
from rules.events import DAY_MS

LOOK_BACK_DAYS: Final = 90
MOST_OF_EACH: Final = 150  # operations of one party in one role
_LOOKED_THROUGH: Final = 40  # alerts of each state: one subject may have many
_STATES: Final = ("new", "assigned", "snoozed", "escalated", "closed")
_ROLES: Final = {
    "payer": (operations.c.payer, operations.c.payee),
    "payee": (operations.c.payer, operations.c.payee),
    "device": (operations.c.device,),
    "phone": (operations.c.phone,),
}


class RecentAlert(BaseModel):
    """One alert; events by their hashes (EVENT["event"])."""

    model_config = ConfigDict(frozen=True)

    alert_id: str
    occurred_at: int  # ms UTC
    event: int  # that it was raised at
    own: tuple[int, ...]  # those that it names as its evidence, and `event`
    appended_at: dict[int, int]  # of all that its parties did before, as far as the store has it: event → ms UTC


def latest(connection: Connection, typology: str, most: int) -> list[RecentAlert]:
    """The latest alerts of a typology, at most `most`, the newest first; without those whose operation is not stored.

    Of a subject with several the earliest of those looked through is taken: its story is the least entangled.
    """
    by_subject: dict[int, RowMapping] = {}
    for row in _newest(connection, typology):
        by_subject.pop(row["subject"], None)
        by_subject[row["subject"]] = row
    found = []
    for row in sorted(by_subject.values(), key=lambda row: -row["seq"]):
        alert = _with_operations(connection, row)
        if alert is not None:
            found.append(alert)
        if len(found) == most:
            break
    return found


def _newest(connection: Connection, typology: str) -> list[RowMapping]:
    """Alerts of a typology, the newest first: a stretch of the index of typologies and states for each state."""
    rows: list[RowMapping] = []
    for state in _STATES:
        chosen = select(alerts).where(alerts.c.typology == typology, alerts.c.state == state)
        rows += connection.execute(chosen.order_by(alerts.c.seq.desc()).limit(_LOOKED_THROUGH)).mappings()
    return sorted(rows, key=lambda row: -row["seq"])


def _with_operations(connection: Connection, row: RowMapping) -> RecentAlert | None:
    place = operations.c.institution == row["institution"], operations.c.event_id == row["event_id"]
    itself = connection.execute(select(operations.c.event, operations.c.appended_at).where(*place)).one_or_none()
    if itself is None:
        return None
    named = {int(each.event, 16) for each in as_published(row).evidence}
    appended = {itself.event: itself.appended_at} | _by_event(connection, map(signed, named))
    for role, columns in _ROLES.items():
        if row[role] is not None:
            for column in columns:
                appended |= _before(connection, column, row[role], row["occurred_at"])
    event = unsigned(itself.event)
    return RecentAlert(
        alert_id=row["alert_id"],
        occurred_at=row["occurred_at"],
        event=event,
        own=tuple(sorted({event, *named})),
        appended_at={unsigned(key): at for key, at in sorted(appended.items())},
    )


def _by_event(connection: Connection, events: Iterable[int]) -> dict[int, int]:
    chosen = select(operations.c.event, operations.c.appended_at).where(operations.c.event.in_(sorted(events)))
    return {row.event: row.appended_at for row in connection.execute(chosen)}


def _before(connection: Connection, column: Column[int], key: int, until: int) -> dict[int, int]:
    """The latest operations of one party in one role up to an instant."""
    chosen = (
        select(operations.c.event, operations.c.appended_at)
        .where(
            column == key, operations.c.occurred_at > until - LOOK_BACK_DAYS * DAY_MS, operations.c.occurred_at <= until
        )
        .order_by(operations.c.occurred_at.desc())
        .limit(MOST_OF_EACH)
    )
    return {row.event: row.appended_at for row in connection.execute(chosen)}
