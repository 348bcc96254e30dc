"""How a thing stands that somebody else has changed in the meantime: its state, its version, and whose it is."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, null, select

from console.store.tables import alerts, cases, holds, notices, proposals, rulebook_drafts

_NONE: Final = null()
# By the kind that the audit log gives it: by what it is found, its state, its version and whose it is.
_COLUMNS: Final[dict[str, tuple[ColumnElement[Any], ...]]] = {
    "alert": (alerts.c.alert_id, alerts.c.state, alerts.c.version, alerts.c.assignee),
    "case": (cases.c.case_id, cases.c.state, cases.c.version, cases.c.owner),
    "hold": (holds.c.hold_id, holds.c.state, _NONE, _NONE),
    "notice": (notices.c.notice_id, notices.c.answer, _NONE, _NONE),
    "proposal": (proposals.c.proposal_id, proposals.c.state, _NONE, _NONE),
    "rulebook_draft": (
        rulebook_drafts.c.draft_id,
        rulebook_drafts.c.state,
        rulebook_drafts.c.version,
        rulebook_drafts.c.author,
    ),
}


class Standing(NamedTuple):
    """What it is now; None where a thing of its kind has no such."""

    state: str | None = None  # of a notice the answer that was written down
    version: int | None = None
    owner: str | None = None  # a username


def standing(connection: Connection, kind: str, identity: object) -> Standing:
    """How a thing stands; nothing is known where there is none, or none of its kind can be changed by two."""
    if kind not in _COLUMNS:
        return Standing()
    found, state, version, owner = _COLUMNS[kind]
    told = select(state.label("state"), version.label("version"), owner.label("owner")).where(found == identity)
    row = connection.execute(told).mappings().first()
    return Standing(**row) if row is not None else Standing()
