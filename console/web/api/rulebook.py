"""`/api/rulebook`: the catalogue, a typology's card, examples and evasions, the generations, and going back."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from console.rulebooks import catalogue
from console.rulebooks.catalogue import Catalogue, TypologyCard
from console.rulebooks.checking import examples
from console.rulebooks.reports import DifferenceReport, EvasionReport, ExampleResult
from console.rulebooks.workshop import Job
from console.store.errors import NotFound
from console.web.api.rulebook_models import GenerationView, Made, Reason
from console.web.house import TheHouse
from console.web.pages.rulebook import Against, TypologyId
from console.web.rulebooks import TheDesk, refused
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api/rulebook", tags=["rulebook"], dependencies=[Depends(may("rulebook.read"))])
Writer = Annotated[Viewer, Depends(may("rulebook.write"))]


class Generations(BaseModel):
    """What is known of the topic."""

    standing: Literal["read", "reading", "away", "without"] = Field(description="away: Kafka does not answer")
    read_at: int | None = Field(description="When the topic was last read to its end, ms UTC")
    in_force: int | None
    generations: list[GenerationView]


class JobView(BaseModel):
    """A piece of long work, and what came of it."""

    job_id: str
    standing: Literal["waiting", "running", "done", "failed"]
    share: float = Field(description="How far it is, from 0 to 1")
    failure: str
    evasions: EvasionReport | None = None
    difference: DifferenceReport | None = None


@router.get("")
def overview(house: TheHouse, desk: TheDesk) -> Catalogue:
    """The typologies of the rulebook in force, with what they found lately."""
    files, generation = desk.shelf.in_force()
    with house.store.reading() as connection:
        number = generation.generation if generation is not None else None
        return catalogue.catalogue(connection, desk.shelf.rulebook(files), number, house.clock())


@router.get("/typologies/{typology_id}")
def card(house: TheHouse, desk: TheDesk, typology_id: TypologyId, against: Against = "") -> TypologyCard:
    """One typology as it is in force, and what it found; what it found on trial beside the typology `against`."""
    files, _ = desk.shelf.in_force()
    with house.store.reading() as connection:
        found = catalogue.card(
            connection, desk.shelf.rulebook(files), typology_id, house.clock(), against=against or None
        )
    if found is None:
        raise NotFound(f"typology {typology_id}")
    return found


@router.get("/typologies/{typology_id}/examples")
def example_results(desk: TheDesk, typology_id: TypologyId) -> list[ExampleResult]:
    """The examples of a typology, judged by the rulebook in force."""
    files, _ = desk.shelf.in_force()
    rulebook = desk.shelf.rulebook(files)
    paths = [one.document.path for one in rulebook.compiled if one.typology.id == typology_id]
    if not paths:
        raise NotFound(f"typology {typology_id}")
    return list(examples(rulebook, paths[0]))


@router.post("/typologies/{typology_id}/evasions", status_code=202)
def evasions(desk: TheDesk, typology_id: TypologyId) -> JobView:
    """Begin to look for the cheapest evasions of a typology in force."""
    with refused():
        return job_view(desk.seek_evasions(typology_id))


@router.get("/jobs/{job_id}")
def job(desk: TheDesk, job_id: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]) -> JobView:
    """How far a piece of work is, and its report once it is done."""
    found = desk.workshop.find(job_id)
    if found is None:
        raise NotFound(f"job {job_id}")
    return job_view(found)


@router.get("/generations")
def generations(house: TheHouse, desk: TheDesk) -> Generations:
    """Every generation of the topic, as far as Kafka answers."""
    known = desk.shelf.known()
    in_force = known.in_force(house.clock())
    return Generations(
        standing=known.standing,
        read_at=known.read_at,
        in_force=in_force.generation if in_force is not None else None,
        generations=[GenerationView.of(one) for one in known.generations],
    )


@router.post("/generations/{generation}/roll-back", status_code=201)
def roll_back(viewer: Writer, desk: TheDesk, generation: Annotated[int, Path(ge=1, lt=2**32)], given: Reason) -> Made:
    """Propose an earlier generation again."""
    with refused():
        return Made(number=desk.roll_back(viewer, generation, given.reason))


def job_view(found: Job) -> JobView:
    """A job as the API answers."""
    report = found.report
    return JobView(
        job_id=found.job_id,
        standing=found.standing,
        share=found.share,
        failure=found.failure,
        evasions=EvasionReport.model_validate_json(report) if report and found.kind == "search" else None,
        difference=DifferenceReport.model_validate_json(report) if report and found.kind == "comparison" else None,
    )
