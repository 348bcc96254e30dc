"""`/api/rulebook/drafts` and `/proposals`: write, check, compare, propose, approve."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from console.rulebooks import approval
from console.rulebooks.files import unified
from console.rulebooks.reports import CheckReport
from console.store import drafts, proposals
from console.web.api.rulebook import JobView, job_view
from console.web.api.rulebook_models import (
    Carried,
    Checked,
    ComparedOn,
    DraftLine,
    DraftView,
    FileGiven,
    FileSaved,
    Made,
    ProposalView,
    Proposed,
    Titled,
    Versioned,
)
from console.web.house import TheHouse
from console.web.pages.rulebook_drafts import DraftId
from console.web.pages.rulebook_proposals import Number, rulebook_proposal
from console.web.rulebooks import TheDesk, refused
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api/rulebook", tags=["rulebook"], dependencies=[Depends(may("rulebook.read"))])
Reader = Annotated[Viewer, Depends(may("rulebook.read"))]
Writer = Annotated[Viewer, Depends(may("rulebook.write"))]
Checker = Annotated[Viewer, Depends(may("rulebook.check"))]


@router.get("/drafts")
def listed(house: TheHouse) -> list[DraftLine]:
    """The drafts changed last."""
    with house.store.reading() as connection:
        return [DraftLine(**row) for row in drafts.latest(connection)]


@router.post("/drafts", status_code=201)
def begin(viewer: Writer, desk: TheDesk, given: Titled) -> Made:
    """Begin a draft from the rulebook in force."""
    return Made(number=desk.begin(viewer, given.title))


@router.get("/drafts/{draft_id}")
def one(desk: TheDesk, draft_id: DraftId) -> DraftView:
    """A draft: what it changes, what was found of it, what is still to be done."""
    draft = desk.open(draft_id).draft
    return DraftView.of(draft, approval.missing(draft, desk.in_force_digest()))


@router.put("/drafts/{draft_id}/files")
def save(viewer: Writer, desk: TheDesk, draft_id: DraftId, given: FileSaved) -> DraftView:
    """Keep the text of one file; 409 where somebody else was faster."""
    with refused():
        draft = desk.save(viewer, draft_id, given.path, given.text, given.version)
    return DraftView.of(draft, approval.missing(draft, desk.in_force_digest()))


@router.post("/drafts/{draft_id}/check")
def check(_: Writer, desk: TheDesk, draft_id: DraftId, given: FileGiven) -> CheckReport:
    """The faults and examples of a text that is not kept."""
    with refused():
        return desk.try_out(draft_id, given.path, given.text)


@router.post("/drafts/{draft_id}/examples")
def run_examples(viewer: Writer, desk: TheDesk, draft_id: DraftId) -> CheckReport:
    """Check the draft as it is kept and run all its examples."""
    return desk.run_examples(viewer, draft_id)


@router.post("/drafts/{draft_id}/compare", status_code=202)
def compare(viewer: Writer, desk: TheDesk, draft_id: DraftId, given: ComparedOn) -> JobView:
    """Begin to compare the draft with the rulebook in force."""
    with refused():
        events = desk.events(given.source, days=given.days, people=given.people, seed=given.seed)
        return job_view(desk.compare(viewer, draft_id, events))


@router.post("/drafts/{draft_id}/bring-up-to-date")
def bring_up_to_date(viewer: Writer, desk: TheDesk, draft_id: DraftId, given: Versioned) -> Carried:
    """Put the draft on the rulebook that is in force now."""
    with refused():
        return Carried(conflicts=desk.bring_up_to_date(viewer, draft_id, given.version))


@router.post("/drafts/{draft_id}/propose", status_code=201)
def propose(viewer: Writer, desk: TheDesk, draft_id: DraftId, given: Proposed) -> Made:
    """Propose the draft to another officer."""
    with refused():
        return Made(number=desk.propose(viewer, draft_id, given.reason, given.version))


@router.post("/drafts/{draft_id}/take-up", status_code=204)
def take_up(viewer: Writer, house: TheHouse, draft_id: DraftId) -> None:
    """Work on a draft again that was refused or withdrawn."""
    with house.store.writing() as connection:
        approval.take_up(connection, viewer, drafts.find(connection, draft_id))


@router.get("/proposals/{number}")
def proposed(viewer: Reader, house: TheHouse, desk: TheDesk, number: Number) -> ProposalView:
    """A proposed rulebook beside the one in force, and what became of it."""
    in_force, _ = desk.shelf.in_force()
    with house.store.reading() as connection:
        proposal = rulebook_proposal(connection, number)
        activation = approval.activation_of(connection, number)
        checks = proposal.state == "proposed" and approval.may_check(connection, viewer, proposal)
    names = ("proposal_id", "state", "maker", "made_at", "reason", "digest", "checker", "answer")
    content = proposal.content
    return ProposalView(
        **{name: getattr(proposal, name) for name in names},
        title=content["title"],
        rulebook=content["digest"],
        changes=unified(in_force, content["files"]),
        may_check=checks,
        generation=activation["generation"] if activation else None,
        effective_at=activation["effective_at"] if activation else None,
        failure=activation["failure"] if activation else None,
    )


@router.post("/proposals/{number}/approve", status_code=204)
def approve(viewer: Checker, house: TheHouse, desk: TheDesk, number: Number, given: Checked) -> None:
    """Approve exactly what was looked at, and publish it where Kafka answers."""
    with house.store.writing() as connection:
        rulebook_proposal(connection, number)
        proposals.approve(connection, viewer, number, given.digest, now=house.clock(), answer=given.answer)
    desk.publish(viewer)


@router.post("/proposals/{number}/refuse", status_code=204)
def refuse(viewer: Checker, house: TheHouse, number: Number, given: Checked) -> None:
    """Refuse it, with an answer to its maker."""
    with house.store.writing() as connection:
        rulebook_proposal(connection, number)
        proposals.refuse(connection, viewer, number, given.digest, now=house.clock(), answer=given.answer)
