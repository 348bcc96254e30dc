"""`/registries/new`, `/registries/changes`: propose an entry of a list, or a new version of one, to a second person."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from console.listing.drafts import IDENTIFIERS, LISTS, PROOFS, STANDINGS, EntryDraft, faults
from console.listing.proposing import Change, Step, propose_change, propose_entry
from console.store import registries
from console.store.errors import NotFound
from console.web.house import House, TheHouse
from console.web.page import page, see_other
from console.web.queue_reading import typologies
from console.web.viewer import Viewer, may

router = APIRouter()
Maker = Annotated[Viewer, Depends(may("proposals.make"))]
Text = Annotated[str, Form(max_length=2_000)]
_EMPTY: Final = EntryDraft(*[""] * 12)


def _draft(
    which: Annotated[str, Form(alias="list", max_length=48)] = "",
    identifier: Text = "",
    value: Text = "",
    standing: Text = "",
    source: Text = "",
    reason: Text = "",
    proof: Text = "",
    valid_to: Text = "",
    case_type: Text = "",
    grounds: Text = "",
    evidence: Text = "",
    consequence: Text = "",
) -> EntryDraft:
    return EntryDraft(
        which, identifier, value, standing, source, reason, proof, valid_to, case_type, grounds, evidence, consequence
    )


@router.get("/registries/new")
def new(request: Request, viewer: Maker, house: TheHouse) -> Response:
    """The form of a new entry, with the standard of proof."""
    return _form(request, viewer, house, _EMPTY, {})


@router.post("/registries/new")
def propose(
    request: Request, viewer: Maker, house: TheHouse, draft: Annotated[EntryDraft, Depends(_draft)]
) -> Response:
    """Propose an entry; what is wrong with it is said beside its fields."""
    now = house.clock()
    wrong = faults(draft, [each.id for each in typologies()], now=now)
    if wrong:
        return _form(request, viewer, house, draft, wrong, status=422)
    with house.store.writing() as connection:
        number = propose_entry(connection, house.keys, viewer, draft, now=now)
    return see_other(request, f"/proposals/{number}", "registries.proposed", n=number)


@router.post("/registries/changes")
def change(
    request: Request,
    viewer: Maker,
    house: TheHouse,
    entry_id: Annotated[str, Form(min_length=1, max_length=64)],
    seen: Annotated[int, Form(ge=0, le=2**53)],
    step: Annotated[Step, Form()],
    source: Annotated[str, Form(min_length=3, max_length=128)],
    reason: Annotated[str, Form(min_length=3, max_length=256)],
) -> Response:
    """Propose a new version of an entry of a list."""
    if not (entry_id.isprintable() and source.isprintable() and reason.isprintable()):
        raise NotFound("entry")
    with house.store.writing() as connection:
        entry = registries.of_list(connection, entry_id)
        wanted = Change(step, source, reason)
        number = propose_change(connection, viewer, entry, wanted, seen=seen, now=house.clock())
    return see_other(request, f"/proposals/{number}", "registries.proposed", n=number)


def _form(
    request: Request, viewer: Viewer, house: House, draft: EntryDraft, wrong: dict[str, str], *, status: int = 200
) -> Response:
    texts = house.renderer.texts

    def choices(prefix: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
        return [("", ""), *((name, texts(viewer.language, prefix + name)) for name in names)]

    names = ((each.id, f"{each.id} {getattr(each.name, viewer.language)}") for each in typologies())
    return page(
        request,
        viewer,
        "registries/new.html",
        status=status,
        draft=asdict(draft),
        wrong=wrong,
        lists=choices("registries.list.", LISTS),
        identifiers=choices("registries.form.identifiers.", IDENTIFIERS),
        standings=choices("registries.form.standings.", STANDINGS),
        proofs=choices("registries.proof.", PROOFS),
        case_types=[("", ""), *names],
    )
