"""`/api/registries/proposals`, `/api/registries/changes`: propose an entry of a list, or a new version of one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from console.listing.drafts import EntryDraft, faults
from console.listing.proposing import Change, Step, propose_change, propose_entry
from console.store import registries
from console.web.house import TheHouse
from console.web.queue_reading import typologies
from console.web.refusals import Refusal
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api/registries", tags=["registries"])
Maker = Annotated[Viewer, Depends(may("proposals.make"))]


class NewEntry(BaseModel):
    """An entry to propose; the standard of proof is that of the form."""

    list: str = Field(max_length=48)
    identifier: str = Field(max_length=16, description="id, account, phone, wallet or card")
    value: str = Field(max_length=80, description="IIN, BIN, account, telephone; sealed at once, never shown again")
    standing: str = Field(max_length=16, description="suspect, or impersonated: a victim, who can only be protected")
    source: str = Field(max_length=128)
    reason: str = Field(max_length=256)
    proof: str = Field(max_length=32)
    valid_to: str = Field(max_length=10, description="A date")
    case_type: str = Field(default="", max_length=4, description="A typology")
    grounds: str = Field(max_length=2_000)
    evidence: str = Field(max_length=2_000)
    consequence: str = Field(max_length=2_000)


class EntryChange(BaseModel):
    """A new version of an entry to propose."""

    entry_id: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
    seen: int = Field(ge=0, le=2**53, description="recorded_at of the version that was looked at")
    step: Step
    source: str = Field(min_length=3, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")
    reason: str = Field(min_length=3, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")


class Proposed(BaseModel):
    """The number of a proposal that waits for a second person."""

    proposal_id: int


@router.post("/proposals", status_code=201)
def propose(viewer: Maker, house: TheHouse, wanted: NewEntry) -> Proposed:
    """Propose an entry; 422 says what is wrong with it."""
    now, draft = house.clock(), EntryDraft(**wanted.model_dump())
    wrong = faults(draft, [each.id for each in typologies()], now=now)
    if wrong:
        raise Refusal(422, next(iter(wrong.values())))
    with house.store.writing() as connection:
        return Proposed(proposal_id=propose_entry(connection, house.keys, viewer, draft, now=now))


@router.post("/changes", status_code=201)
def change(viewer: Maker, house: TheHouse, wanted: EntryChange) -> Proposed:
    """Propose a new version of an entry of a list; 409 where it has a newer version."""
    with house.store.writing() as connection:
        found = registries.of_list(connection, wanted.entry_id)
        step = Change(wanted.step, wanted.source, wanted.reason)
        number = propose_change(connection, viewer, found, step, seen=wanted.seen, now=house.clock())
    return Proposed(proposal_id=number)
