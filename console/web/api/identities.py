"""`/api/identities`: the token of an identifier, and who is behind a token, with a reason."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from console.vault import LONGEST_REASON, SHORTEST_REASON, reveal
from console.web.house import TheHouse
from console.web.pages.identities import look_up
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api/identities", tags=["identities"])
Revealer = Annotated[Viewer, Depends(may("identities.reveal"))]


class Search(BaseModel):
    """An identifier."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["person", "account", "phone"] = Field(description="person: an IIN or BIN")
    value: str = Field(max_length=128)


class Found(BaseModel):
    """The token of an identifier."""

    token: str
    met: bool = Field(description="whether the store has met it; otherwise there is no page about it")


class Wanted(BaseModel):
    """Whom to reveal, and why."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=41)
    reason: str = Field(min_length=SHORTEST_REASON, max_length=LONGEST_REASON, description="goes into the audit log")
    case_id: int | None = Field(default=None, ge=1, le=2**63 - 1)


class IdentityView(BaseModel):
    """What stands behind a token; do not keep it."""

    token: str
    kind: str
    value: str
    name: str | None


@router.post("/find", summary="Find the token of an identifier")
def find(viewer: Revealer, house: TheHouse, given: Search) -> Found:
    """The search is in the audit log, by its token."""
    token, met = look_up(house, viewer, given.kind, given.value)
    return Found(token=token, met=met)


@router.post("/reveal", summary="Reveal who is behind a token")
def show(viewer: Revealer, house: TheHouse, given: Wanted) -> IdentityView:
    """The audit entry is kept before anything is opened."""
    found = reveal(house.store, house.keys.vault, viewer, given.token, given.reason, given.case_id)
    return IdentityView(token=found.token, kind=found.kind, value=found.value, name=found.name)
