"""`/rulebook`: the catalogue, the card of a typology with its cheapest evasions, the generations and going back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import Response

from console.rulebooks import catalogue
from console.rulebooks.checking import examples
from console.rulebooks.reports import EvasionReport
from console.rulebooks.workshop import Job
from console.store.errors import NotFound
from console.web.house import TheHouse
from console.web.page import is_partial, page, see_other
from console.web.rulebooks import PRINTED, TheDesk, refused
from console.web.viewer import Viewer, may

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("rulebook.read"))]
Writer = Annotated[Viewer, Depends(may("rulebook.write"))]
TypologyId = Annotated[str, Path(pattern=r"^T[0-9]{2,3}$")]
Against = Annotated[str, Query(pattern=r"^(T[0-9]{2,3})?$", description="An active typology; none: all of them")]
Reason = Annotated[str, Form(min_length=10, max_length=2_000, pattern=PRINTED)]


@router.get("/rulebook")
def overview(request: Request, viewer: Reader, house: TheHouse, desk: TheDesk) -> Response:
    """The typologies of the rulebook in force, with what they found lately."""
    files, generation = desk.shelf.in_force()
    rulebook = desk.shelf.rulebook(files)
    with house.store.reading() as connection:
        found = catalogue.catalogue(connection, rulebook, generation.generation if generation else None, house.clock())
    return page(request, viewer, "rulebook/catalogue.html", catalogue=found, known=desk.shelf.known())


@router.get("/rulebook/history")
def history(request: Request, viewer: Reader, house: TheHouse, desk: TheDesk) -> Response:
    """Every generation of the topic, the latest first."""
    known = desk.shelf.known()
    return page(
        request,
        viewer,
        "rulebook/history.html",
        known=known,
        in_force=known.in_force(house.clock()),
        generations=list(reversed(known.generations)),
    )


@router.post("/rulebook/history/{generation}/roll-back")
def roll_back(
    request: Request,
    viewer: Writer,
    desk: TheDesk,
    generation: Annotated[int, Path(ge=1, lt=2**32)],
    reason: Reason,
) -> Response:
    """Propose an earlier generation again."""
    with refused():
        number = desk.roll_back(viewer, generation, reason)
    return see_other(request, f"/rulebook/proposals/{number}", "rulebook.proposed_said")


@router.get("/rulebook/{typology_id}")
def card(
    request: Request,
    viewer: Reader,
    house: TheHouse,
    desk: TheDesk,
    typology_id: TypologyId,
    job: str = "",
    against: Against = "",
) -> Response:
    """One typology: what it says, what it found, what it found on trial, how it could be evaded."""
    files, _ = desk.shelf.in_force()
    rulebook = desk.shelf.rulebook(files)
    with house.store.reading() as connection:
        found = catalogue.card(connection, rulebook, typology_id, house.clock(), against=against or None)
    if found is None:
        raise NotFound(f"typology {typology_id}")
    return page(
        request,
        viewer,
        "rulebook/card.html",
        card=found,
        against=against,
        active=[
            (one.id, f"{one.id} {getattr(one.name, viewer.language)}") for one in rulebook.typologies if not one.shadow
        ],
        results=list(examples(rulebook, found.path)),
        job=desk.workshop.find(job),
        report=_evasions(desk.workshop.find(job)),
    )


@router.post("/rulebook/{typology_id}/evasions")
def evasions(request: Request, _: Reader, desk: TheDesk, typology_id: TypologyId) -> Response:
    """Begin to look for the cheapest evasions."""
    with refused():
        job = desk.seek_evasions(typology_id)
    return see_other(request, f"/rulebook/{typology_id}?job={job.job_id}#evasions")


@router.get("/rulebook/{typology_id}/evasions")
def evasions_so_far(
    request: Request, viewer: Reader, desk: TheDesk, typology_id: TypologyId, job: str = ""
) -> Response:
    """How far the search is, or what it found: the part of the card that is fetched again until it is done."""
    if not is_partial(request):
        return see_other(
            request, f"/rulebook/{typology_id}?job={job[:64]}" if job.isalnum() else f"/rulebook/{typology_id}"
        )
    found = desk.workshop.find(job)
    return page(request, viewer, "rulebook/evasions.html", typology_id=typology_id, job=found, report=_evasions(found))


def _evasions(job: Job | None) -> EvasionReport | None:
    return EvasionReport.model_validate_json(job.report) if job is not None and job.report is not None else None
