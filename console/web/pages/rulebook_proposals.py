"""`/rulebook/proposals/…`: what the second person looks at before approving a rulebook, and what became of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from console.rulebooks import approval
from console.rulebooks.files import unified
from console.rulebooks.reports import DifferenceReport
from console.store import drafts, proposals
from console.store.errors import NotFound
from console.store.proposals import Proposal
from console.web.house import TheHouse
from console.web.page import page, see_other
from console.web.rulebooks import PRINTED, TheDesk
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/rulebook/proposals")
Reader = Annotated[Viewer, Depends(may("rulebook.read"))]
Checker = Annotated[Viewer, Depends(may("rulebook.check"))]
Number = Annotated[int, Path(ge=1, lt=2**53)]
Digest = Annotated[str, Form(pattern=r"^[0-9a-f]{64}$")]


@router.get("/{number}")
def one(request: Request, viewer: Reader, house: TheHouse, desk: TheDesk, number: Number) -> Response:
    """A proposed rulebook beside the one in force."""
    in_force, _ = desk.shelf.in_force()
    with house.store.reading() as connection:
        proposal = rulebook_proposal(connection, number)
        content = proposal.content
        activation = approval.activation_of(connection, number)
        may_check = proposal.state == "proposed" and approval.may_check(connection, viewer, proposal)
        difference = content.get("difference")
    return page(
        request,
        viewer,
        "rulebook/proposal.html",
        proposal=proposal,
        content=content,
        differences=unified(in_force, content["files"]),
        difference=DifferenceReport.model_validate(difference) if difference else None,
        moved=content["in_force"] != desk.in_force_digest() and proposal.state == "proposed",
        activation=activation,
        may_check=may_check,
        known=desk.shelf.known(),
    )


@router.post("/{number}/approve")
def approve(
    request: Request,
    viewer: Checker,
    house: TheHouse,
    desk: TheDesk,
    number: Number,
    digest: Digest,
    answer: Annotated[str, Form(max_length=2_000, pattern=PRINTED)] = "",
) -> Response:
    """Approve exactly what was looked at, and publish it at once where Kafka answers."""
    with house.store.writing() as connection:
        rulebook_proposal(connection, number)
        proposals.approve(connection, viewer, number, digest, now=house.clock(), answer=answer)
    desk.publish(viewer)
    return see_other(request, f"/rulebook/proposals/{number}", "rulebook.approved_said")


@router.post("/{number}/refuse")
def refuse(
    request: Request,
    viewer: Checker,
    house: TheHouse,
    number: Number,
    digest: Digest,
    answer: Annotated[str, Form(min_length=3, max_length=2_000, pattern=PRINTED)],
) -> Response:
    """Refuse it, with an answer to its maker."""
    with house.store.writing() as connection:
        rulebook_proposal(connection, number)
        proposals.refuse(connection, viewer, number, digest, now=house.clock(), answer=answer)
    return see_other(request, f"/rulebook/proposals/{number}", "rulebook.refused_said")


@router.post("/{number}/withdraw")
def withdraw(
    request: Request, viewer: Annotated[Viewer, Depends(may("rulebook.write"))], house: TheHouse, number: Number
) -> Response:
    """Take one's own proposal back and go on with the draft."""
    with house.store.writing() as connection:
        draft = rulebook_proposal(connection, number).content.get("draft")
        proposals.withdraw(connection, viewer, number)
        if draft is not None:
            approval.take_up(connection, viewer, drafts.find(connection, draft))
    return see_other(request, f"/rulebook/drafts/{draft}" if draft is not None else "/rulebook/history")


def rulebook_proposal(connection: Connection, number: int) -> Proposal:
    """The proposal with this number, if it is one of a rulebook; NotFound."""
    proposal = proposals.find(connection, number)
    if proposal.kind != approval.KIND:
        raise NotFound(f"proposal {number}")
    return proposal
