"""`/proposals`: what waits for the viewer's check, what became of his own, and one of them to be answered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from console.people.roles import may_see_case
from console.store import audit_log, proposals
from console.store.errors import NotFound, Stale
from console.store.proposals import CHECKING, Proposal
from console.web.api.case_models import Answer, Number, proposal_view
from console.web.house import House, TheHouse
from console.web.page import page, see_other
from console.web.possible import possible
from console.web.viewer import Viewer, may

router = APIRouter()
Concerned = Annotated[Viewer, Depends(may("proposals.make", "proposals.check", "rulebook.write", "rulebook.check"))]
Reader = Annotated[Viewer, Depends(may("cases.read"))]


@router.get("/proposals")
def listing(request: Request, viewer: Concerned, house: TheHouse) -> Response:
    """What waits for the viewer, and his own."""
    with house.store.reading() as connection:
        waiting = [each for each in proposals.waiting(connection, viewer) if visible(connection, viewer, each)]
        own = proposals.made_by(connection, viewer)
    return page(request, viewer, "proposals/list.html", waiting=waiting, own=own)


@router.get("/proposals/{proposal_id}")
def show(request: Request, viewer: Reader, house: TheHouse, proposal_id: Number) -> Response:
    """One proposal with all that it would do; a rulebook is shown beside the one in force, on a page of its own."""
    with house.store.reading() as connection:
        if proposals.find(connection, proposal_id).kind == "rulebook":
            return see_other(request, f"/rulebook/proposals/{proposal_id}")
    return _page(request, viewer, house, proposal_id)


@router.post("/proposals/{proposal_id}/approve")
def approve(
    request: Request, viewer: Concerned, house: TheHouse, proposal_id: Number, given: Annotated[Answer, Form()]
) -> Response:
    """Approve it: what it proposes is done at once."""
    try:
        with possible(), house.store.writing() as connection:
            seen(connection, viewer, proposal_id)
            proposals.approve(
                connection,
                viewer,
                proposal_id,
                given.digest,
                now=house.clock(),
                answer=given.answer,
                vault=house.keys.vault,
            )
    except Stale:
        return _page(request, viewer, house, proposal_id, stale={"answer": given.answer})
    return see_other(request, "/proposals", "proposals.said.approved", n=proposal_id)


@router.post("/proposals/{proposal_id}/refuse")
def refuse(
    request: Request, viewer: Concerned, house: TheHouse, proposal_id: Number, given: Annotated[Answer, Form()]
) -> Response:
    """Refuse it, with words for its maker."""
    try:
        with house.store.writing() as connection:
            seen(connection, viewer, proposal_id)
            proposals.refuse(connection, viewer, proposal_id, given.digest, now=house.clock(), answer=given.answer)
    except Stale:
        return _page(request, viewer, house, proposal_id, stale={"answer": given.answer})
    return see_other(request, "/proposals", "proposals.said.refused", n=proposal_id)


@router.post("/proposals/{proposal_id}/withdraw")
def withdraw(request: Request, viewer: Concerned, house: TheHouse, proposal_id: Number) -> Response:
    """Take back one's own."""
    try:
        with house.store.writing() as connection:
            seen(connection, viewer, proposal_id)
            proposals.withdraw(connection, viewer, proposal_id)
    except Stale:
        return _page(request, viewer, house, proposal_id, stale={})
    return see_other(request, "/proposals", "proposals.said.withdrawn", n=proposal_id)


def seen(connection: Connection, viewer: Viewer, proposal_id: int) -> Proposal:
    """The proposal, if the viewer may know of it; NotFound."""
    found = proposals.find(connection, proposal_id)
    if not visible(connection, viewer, found):
        raise NotFound(f"proposal {proposal_id}")
    return found


def visible(connection: Connection, viewer: Viewer, proposal: Proposal) -> bool:
    """Whether the viewer may know of it: his own, those of cases that he sees, and of kinds that he makes or checks.

    A checker of a restricted case has to be let into it first: who checks has to see what he checks. The auditor reads
    all of them.
    """
    if proposal.maker == viewer.username or "audit.read" in viewer.permissions:
        return True
    if proposal.case_id is not None:
        return may_see_case(connection, viewer, proposal.case_id)
    return bool(viewer.permissions & {CHECKING[proposal.kind], proposals.MAKING[proposal.kind]})


def _page(
    request: Request, viewer: Viewer, house: House, proposal_id: int, *, stale: dict[str, str] | None = None
) -> Response:
    with house.store.reading() as connection:
        found = seen(connection, viewer, proposal_id)
        last = audit_log.last_of(connection, "proposal", proposal_id) if stale is not None else None
    checks = CHECKING[found.kind] in viewer.permissions
    return page(
        request,
        viewer,
        "proposals/one.html",
        status=200 if stale is None else 409,
        found=proposal_view(found),
        stale=stale,
        last=last,
        checks=checks and found.maker != viewer.username and found.state == "proposed",
        own=found.maker == viewer.username and found.state == "proposed",
    )
