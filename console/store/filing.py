"""A report about a case: proposed by one, approved by another, and what was approved is what the exports write.

The document of the proposal lists every alert with the digest of its text as it was: what exports make of an approved
filing is made of exactly that.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from sqlalchemy import Connection, RowMapping

from console.store import cases, proposals
from console.store.actor import Actor
from console.store.cases import NotPossible
from console.store.proposals import Proposal, on_approved

KIND: Final = "filing"


def propose(connection: Connection, maker: Actor, case_id: int, narrative: str, *, now: int) -> int:
    """Propose to report a case with what is in it now; the proposal's number.

    Raises:
        NotAllowed, NotFound: the maker may not, or does not see the case.
        NotPossible: there is nothing to report, the case is closed, or another filing waits for its check.
    """
    case = cases.find(connection, maker, case_id)
    if case["state"] == "closed":
        raise NotPossible("closed", f"Case {case_id} is closed.", "Open a new case for what is new.")
    rows = cases.alerts_of(connection, case_id)
    if not rows:
        raise NotPossible("nothing_to_file", f"Case {case_id} has no alert to report.", "Put alerts into it first.")
    if any(each.kind == KIND and each.state == "proposed" for each in proposals.of_case(connection, case_id)):
        raise NotPossible(
            "filing_waits", f"A report about case {case_id} waits already.", "Have it answered, or withdraw it."
        )
    document = {
        "case_id": case_id,
        "title": case["title"],
        "narrative": narrative,
        "alerts": [_reported(row) for row in rows],
    }
    return proposals.propose(connection, maker, KIND, document, narrative, now=now, case_id=case_id)


@on_approved(KIND)
def file(connection: Connection, checker: Actor, proposal: Proposal, _now: int) -> None:
    """Write down that the case is filed; the approved proposal is what exports are made of."""
    assert proposal.case_id is not None
    cases.filed(connection, checker, proposal.case_id)


def approved(connection: Connection, case_id: int) -> list[Proposal]:
    """The approved filings of a case, the earliest first."""
    found = proposals.of_case(connection, case_id)
    return [each for each in found if each.kind == KIND and each.state == "approved"]


def _reported(row: RowMapping) -> dict[str, Any]:
    return {
        "alert_id": row["alert_id"],
        "typology": row["typology"],
        "institution": row["institution"],
        "event_id": row["event_id"],
        "occurred_at": row["occurred_at"],
        "amount": row["amount"],
        "digest": hashlib.sha256(row["document"].encode()).hexdigest(),
    }
