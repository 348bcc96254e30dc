"""`/rulebook/drafts`: the editor with its checks, the examples, the comparison, and the way to a proposal."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import Response

from console.rulebooks import approval
from console.rulebooks.desk import Desk, Opened
from console.rulebooks.files import is_path, normal, unified
from console.store import drafts
from console.store.errors import Stale
from console.web.house import TheHouse
from console.web.page import is_partial, page, see_other
from console.web.refusals import Refusal
from console.web.rulebooks import PRINTED, TheDesk, refused
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/rulebook/drafts")
Reader = Annotated[Viewer, Depends(may("rulebook.read"))]
Writer = Annotated[Viewer, Depends(may("rulebook.write"))]
DraftId = Annotated[int, Path(ge=1, lt=2**53)]
Version = Annotated[int, Form(ge=1, lt=2**31)]
# More than a file may have, so that one that is too large is told so by the check and not by the form.
FileText = Annotated[str, Form(max_length=1_000_000)]
FilePath = Annotated[str, Form(max_length=100)]


@router.get("")
def listed(request: Request, viewer: Reader, house: TheHouse) -> Response:
    """All drafts, and the form that begins one."""
    with house.store.reading() as connection:
        found = drafts.latest(connection)
    return page(request, viewer, "rulebook/drafts.html", drafts=found)


@router.post("")
def begin(
    request: Request,
    viewer: Writer,
    desk: TheDesk,
    title: Annotated[str, Form(min_length=3, max_length=200, pattern=PRINTED)],
    path: FilePath = "",
) -> Response:
    """Begin a draft from the rulebook in force, with the file of `path` open in the editor if there is one."""
    if path and not is_path(path):
        raise Refusal(422, "rulebook.refused.path")
    begun = f"/rulebook/drafts/{desk.begin(viewer, title)}"
    return see_other(request, f"{begun}/edit?{urlencode({'path': path})}" if path else begun)


@router.get("/{draft_id}")
def one(request: Request, viewer: Reader, desk: TheDesk, draft_id: DraftId, job: str = "") -> Response:
    """A draft: what it changes, what was found of it, and what is still to be done."""
    return _overview(request, viewer, desk, desk.open(draft_id), job)


@router.get("/{draft_id}/edit")
def edit(
    request: Request,
    viewer: Writer,
    desk: TheDesk,
    draft_id: DraftId,
    path: Annotated[str, Query(max_length=100)],
) -> Response:
    """The editor of one file; one that is not there yet begins empty."""
    opened = desk.open(draft_id)
    if not is_path(path):
        raise Refusal(422, "rulebook.refused.path")
    return _editor(request, viewer, opened, path, opened.whole.get(path, ""))


@router.post("/{draft_id}/edit")
def save(
    request: Request,
    viewer: Writer,
    desk: TheDesk,
    draft_id: DraftId,
    path: FilePath,
    version: Version,
    text: FileText = "",
    remove: Annotated[bool, Form()] = False,
) -> Response:
    """Keep one file; where somebody else was faster, both texts are shown and nothing is lost."""
    try:
        with refused():
            desk.save(viewer, draft_id, path, None if remove else text, version)
    except Stale:
        opened = desk.open(draft_id)
        if opened.draft.state != "draft":
            raise
        theirs = opened.whole.get(path, "")
        return _editor(request, viewer, opened, path, normal(text), theirs=theirs, status=409)
    return see_other(request, f"/rulebook/drafts/{draft_id}", "rulebook.saved")


@router.post("/{draft_id}/check")
def check(
    request: Request,
    viewer: Writer,
    desk: TheDesk,
    draft_id: DraftId,
    path: FilePath,
    text: FileText = "",
) -> Response:
    """The faults and examples of a text that is not kept: as it is typed, or by the button."""
    with refused():
        report = desk.try_out(draft_id, path, text)
    if is_partial(request):
        return page(request, viewer, "rulebook/checked.html", report=report, path_of_file=path)
    return _editor(request, viewer, desk.open(draft_id), path, normal(text), report=report)


@router.post("/{draft_id}/examples")
def run_examples(request: Request, viewer: Writer, desk: TheDesk, draft_id: DraftId) -> Response:
    """Check the draft as it is kept and run all its examples."""
    desk.run_examples(viewer, draft_id)
    return see_other(request, f"/rulebook/drafts/{draft_id}#examples")


@router.post("/{draft_id}/compare")
def compare(
    request: Request,
    viewer: Writer,
    desk: TheDesk,
    draft_id: DraftId,
    source: Annotated[str, Form(max_length=200)] = "simulated",
    days: Annotated[int, Form(ge=1, le=60)] = 10,
    people: Annotated[int, Form(ge=1_000, le=20_000)] = 3_000,
    seed: Annotated[int, Form(ge=0, le=2**31)] = 1,
) -> Response:
    """Begin to compare the draft with the rulebook in force."""
    with refused():
        job = desk.compare(viewer, draft_id, desk.events(source, days=days, people=people, seed=seed))
    return see_other(request, f"/rulebook/drafts/{draft_id}?job={job.job_id}#difference")


@router.get("/{draft_id}/compare")
def comparing(request: Request, viewer: Reader, desk: TheDesk, draft_id: DraftId, job: str = "") -> Response:
    """How far the comparison is: fetched again until it is done."""
    found = desk.workshop.find(job)
    opened = desk.open(draft_id)
    if not is_partial(request):
        return _overview(request, viewer, desk, opened, job)
    return page(request, viewer, "rulebook/comparing.html", job=found, draft=opened.draft)


@router.post("/{draft_id}/bring-up-to-date")
def bring_up_to_date(request: Request, viewer: Writer, desk: TheDesk, draft_id: DraftId, version: Version) -> Response:
    """Put the draft on the rulebook that is in force now."""
    with refused():
        conflicts = desk.bring_up_to_date(viewer, draft_id, version)
    said = "rulebook.conflicts" if conflicts else "rulebook.up_to_date"
    return see_other(
        request, f"/rulebook/drafts/{draft_id}", said, **({"files": ", ".join(conflicts)} if conflicts else {})
    )


@router.post("/{draft_id}/propose")
def propose(
    request: Request,
    viewer: Writer,
    desk: TheDesk,
    draft_id: DraftId,
    version: Version,
    reason: Annotated[str, Form(min_length=10, max_length=2_000, pattern=PRINTED)],
) -> Response:
    """Propose the draft to another officer."""
    with refused():
        number = desk.propose(viewer, draft_id, reason, version)
    return see_other(request, f"/rulebook/proposals/{number}", "rulebook.proposed_said")


@router.post("/{draft_id}/take-up")
def take_up(request: Request, viewer: Writer, house: TheHouse, draft_id: DraftId) -> Response:
    """Work on a draft again that was refused or withdrawn."""
    with house.store.writing() as connection:
        approval.take_up(connection, viewer, drafts.find(connection, draft_id))
    return see_other(request, f"/rulebook/drafts/{draft_id}")


def _overview(request: Request, viewer: Viewer, desk: Desk, opened: Opened, job: str) -> Response:
    with desk.store.reading() as connection:
        proposal = approval.latest_of(connection, opened.draft.draft_id)
    return page(
        request,
        viewer,
        "rulebook/draft.html",
        draft=opened.draft,
        files=sorted({*opened.whole, *opened.draft.changes}),
        differences=unified(opened.base, opened.whole),
        lacks=approval.missing(opened.draft, desk.in_force_digest()),
        proposal=proposal,
        job=desk.workshop.find(job),
        known=desk.shelf.known(),
        event_names=[(f"file:{name}", name) for name in desk.files_of_events()],
        has_kafka=desk.topic is not None,
    )


def _editor(
    request: Request, viewer: Viewer, opened: Opened, path: str, text: str, *, status: int = 200, **more: Any
) -> Response:
    return page(
        request,
        viewer,
        "rulebook/editor.html",
        status=status,
        draft=opened.draft,
        path_of_file=path,
        text=text,
        is_new=path not in opened.whole,
        report=more.get("report"),
        theirs=more.get("theirs"),
    )
