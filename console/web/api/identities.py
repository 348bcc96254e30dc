"""`/api/identities`: the token of an identifier, and who is behind a token, with a reason."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from console.vault import LONGEST_REASON, SHORTEST_REASON, NoIdentifier, reveal
from console.web.house import TheHouse
from console.web.pages.identities import look_up
from console.web.refusals import Refusal
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api/identities", tags=["identities"])
Revealer = Annotated[Viewer, Depends(may("identities.reveal"))]


# What the vault takes for a reason, as a pattern: a schema can say this, and not that blanks around it do not count.
_REASON: Final = rf"^\S[\s\S]{{{SHORTEST_REASON - 2},{LONGEST_REASON - 2}}}\S$"


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
    reason: str = Field(pattern=_REASON, description="10 to 500 letters; goes into the audit log")
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
    try:
        token, met = look_up(house, viewer, given.kind, given.value)
    except NoIdentifier:
        raise Refusal(404, "reveal.no_identifier") from None
    return Found(token=token, met=met)


@router.post("/reveal", summary="Reveal who is behind a token")
def show(viewer: Revealer, house: TheHouse, given: Wanted) -> IdentityView:
    """The audit entry is kept before anything is opened."""
    found = reveal(house.store, house.keys.vault, viewer, given.token, given.reason, given.case_id)
    return IdentityView(token=found.token, kind=found.kind, value=found.value, name=found.name)
