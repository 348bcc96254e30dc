"""Everything that happened in a case, in one order of time: alerts, notes, proposals, and what people did with it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, select

from console.store import cases, proposals
from console.store.tables import alerts, audit

MOST: Final = 400  # moments of each sort, the latest: with a page of alerts they stay below 300 KB


@dataclass(frozen=True)
class Moment:
    """Something that happened: `sort` is alert, note, proposal or action; `what` its code; `at` in ms UTC."""

    at: int
    sort: str
    what: str
    by: str | None
    text: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def of(connection: Connection, case_id: int) -> list[Moment]:
    """The moments of a case, the latest first."""
    raised = select(alerts.c.occurred_at, alerts.c.typology, alerts.c.alert_id).where(alerts.c.case_id == case_id)
    found = [
        Moment(row.occurred_at, "alert", row.typology, None, None, {"alert_id": row.alert_id})
        for row in connection.execute(raised.order_by(alerts.c.occurred_at.desc(), alerts.c.seq.desc()).limit(MOST))
    ]
    found += [
        Moment(row["at"], "note", "note", row["author"], row["text"])
        for row in cases.notes_of(connection, case_id)[-MOST:]
    ]
    for proposal in proposals.of_case(connection, case_id)[-MOST:]:
        detail = {"proposal_id": proposal.proposal_id, "kind": proposal.kind}
        found.append(Moment(proposal.made_at, "proposal", "proposed", proposal.maker, proposal.reason, detail))
        if proposal.checked_at is not None:
            answered = proposal.checked_at, "proposal", proposal.state, proposal.checker, proposal.answer
            found.append(Moment(*answered, detail))
    found += [_action(row) for row in actions(connection, "case", str(case_id)) if row["action"] != "case.note_added"]
    return sorted(found, key=lambda moment: moment.at, reverse=True)


def actions(connection: Connection, object_kind: str, object_id: str) -> list[RowMapping]:
    """What people did with one object, as the audit log has it, the latest first."""
    chosen = select(audit).where(audit.c.object_kind == object_kind, audit.c.object_id == object_id)
    return list(connection.execute(chosen.order_by(audit.c.number.desc()).limit(MOST)).mappings())


def _action(row: RowMapping) -> Moment:
    return Moment(row["at"], "action", row["action"], row["actor"], row["reason"], json.loads(row["detail"]))
