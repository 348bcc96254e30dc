"""Who was faster: what somebody did last to a thing that a request would have changed, and how it stands now."""

from __future__ import annotations

import contextlib

from fastapi import Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.people.roles import may_see_case
from console.store import alerts
from console.store.alerts import StaleAlerts
from console.store.audit_log import Entry, last_of, last_of_alert
from console.store.errors import Stale, StoreError
from console.store.standing import standing
from console.web.house import house_of
from console.web.viewer import Viewer


class Change(BaseModel):
    """One thing that is no longer as the request had seen it."""

    kind: str = Field(description="alert, case, hold, notice, proposal or rulebook_draft, as in the audit log")
    id: str
    actor: str | None = Field(description="username of who changed it last; none where nobody but the center did")
    action: str | None = Field(description="what that was, as in the audit log")
    at: int | None = Field(description="when, ms UTC")
    state: str | None = Field(description="as it is now; of a notice the answer that was written down")
    version: int | None = Field(description="as it is now: what the next request has to name, where it names one")
    owner: str | None = Field(description="username of whose it is now: an alert's assignee, a case's owner")


def changes(request: Request, viewer: Viewer | None, error: Stale) -> list[Change]:
    """What was changed in the meantime, each with its last change; nothing where the store cannot be asked."""
    with contextlib.suppress(StoreError), house_of(request).store.reading() as connection:
        return [_change(connection, viewer, kind, identity) for kind, identity in _things(error)]
    return []


def _things(error: Stale) -> list[tuple[str, object]]:
    if isinstance(error, StaleAlerts):
        return [("alert", alert_id) for alert_id in error.alert_ids]
    return [error.of] if error.of is not None else []


def _change(connection: Connection, viewer: Viewer | None, kind: str, identity: object) -> Change:
    last, now = _last(connection, viewer, kind, identity), standing(connection, kind, identity)
    return Change(
        kind=kind,
        id=str(identity),
        actor=last.actor if last is not None else None,
        action=last.action if last is not None else None,
        at=last.at if last is not None else None,
        **now._asdict(),
    )


def _last(connection: Connection, viewer: Viewer | None, kind: str, identity: object) -> Entry | None:
    if kind != "alert":
        return last_of(connection, kind, identity)
    case_id = alerts.find(connection, str(identity))["case_id"]
    known = case_id is not None and viewer is not None and may_see_case(connection, viewer, case_id)
    return last_of_alert(connection, str(identity), case_id if known else None)
