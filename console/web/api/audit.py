"""`/api/audit`: the audit log for those who oversee the work."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from console.store.audit_log import Sought, entries
from console.web.audit_checking import check_log
from console.web.house import TheHouse
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api/audit", tags=["audit"])
Auditor = Annotated[Viewer, Depends(may("audit.read"))]
Instant = Annotated[int | None, Query(ge=0, le=2**53)]


class EntryView(BaseModel):
    """One entry."""

    number: int
    at: int
    actor: str
    role: str
    action: str
    object_kind: str
    object_id: str
    reason: str | None
    request_id: str | None
    detail: dict[str, Any]


class CheckView(BaseModel):
    """What a check of the whole log found."""

    whole: bool
    entries: int = Field(description="how many entries are as they were written, from the first")
    heads: int = Field(description="signed heads that it was compared with")
    last_number: int
    last_hash: str
    fault: str | None = Field(description="changed, missing, out_of_place, cut_off, rewritten or head_forged")
    number: int | None = Field(description="the first bad entry")


@router.get("", summary="Read the audit log")
def listing(
    _viewer: Auditor,
    house: TheHouse,
    actor: Annotated[str, Query(max_length=64)] = "",
    action: Annotated[str, Query(max_length=64, description="the beginning of it")] = "",
    object_kind: Annotated[str, Query(max_length=32)] = "",
    object_id: Annotated[str, Query(max_length=128)] = "",
    since: Instant = None,
    until: Instant = None,
    before: Annotated[int | None, Query(ge=1, le=2**53, description="numbers below this one")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> list[EntryView]:
    """The entries that fit, the latest first."""
    sought = Sought(actor, action, object_kind, object_id, since, until)
    with house.store.reading() as connection:
        found = entries(connection, sought, before, limit)
    return [EntryView.model_validate(entry, from_attributes=True) for entry in found]


@router.post("/check", summary="Check the whole audit log")
def check(viewer: Auditor, house: TheHouse) -> CheckView:
    """Walk the chain, and compare it with the heads that were kept elsewhere."""
    return CheckView.model_validate(check_log(house, viewer), from_attributes=True)
