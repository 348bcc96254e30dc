"""Reads the audit log for those who oversee the work: by actor, action, object and period, the latest first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from console.store.tables import audit


@dataclass(frozen=True, slots=True)
class Sought:
    """Which entries; what is None or empty does not matter. Instants are ms UTC, the end is not included."""

    actor: str = ""
    action: str = ""  # the beginning of it: `identity` finds identity.revealed and identity.used
    object_kind: str = ""
    object_id: str = ""
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log."""

    number: int
    at: int
    actor: str
    role: str
    action: str
    object_kind: str
    object_id: str
    reason: str | None
    request_id: str | None
    detail: dict[str, Any] = field(default_factory=dict)


def entries(connection: Connection, sought: Sought, before: int | None = None, limit: int = 100) -> list[Entry]:
    """At most `limit` entries, beginning below the number `before`."""
    query = select(audit).where(*_conditions(sought)).order_by(audit.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.number < before)
    return [_entry(dict(row)) for row in connection.execute(query).mappings()]


def of_object(connection: Connection, kind: str, identity: object, limit: int = 200) -> list[Entry]:
    """What happened to one thing, the latest first: for its own page and for case files."""
    return entries(connection, Sought(object_kind=kind, object_id=str(identity)), limit=limit)


def last_of(connection: Connection, kind: str, identity: object) -> Entry | None:
    """What happened to one thing last."""
    return next(iter(of_object(connection, kind, identity, limit=1)), None)


def last_of_alert(connection: Connection, alert_id: str, case_id: int | None) -> Entry | None:
    """The last change of an alert: an action on it, or that it came into the case it is in."""
    acted, came = last_of(connection, "alert", alert_id), None
    if case_id is not None:
        added = Sought(action="case.alerts_added", object_kind="case", object_id=str(case_id))
        came = next((entry for entry in entries(connection, added) if alert_id in entry.detail["alerts"]), None)
    return max((each for each in (acted, came) if each is not None), key=lambda each: each.number, default=None)


def _conditions(sought: Sought) -> Sequence[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if sought.actor:
        found.append(audit.c.actor == sought.actor)
    if sought.action:
        found.append(audit.c.action.startswith(sought.action, autoescape=True))
    if sought.object_kind:
        found.append(audit.c.object_kind == sought.object_kind)
    if sought.object_id:
        found.append(audit.c.object_id == sought.object_id)
    if sought.since is not None:
        found.append(audit.c.at >= sought.since)
    if sought.until is not None:
        found.append(audit.c.at < sought.until)
    return found


def _entry(row: dict[str, Any]) -> Entry:
    shown = {name: value for name, value in row.items() if name not in ("previous", "hash", "detail")}
    return Entry(**shown, detail=json.loads(row["detail"]))
