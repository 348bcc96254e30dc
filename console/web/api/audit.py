"""`/api/audit`: the audit log for those who oversee the work."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from console.store.audit_log import entries
from console.web.audit_checking import check_log
from console.web.house import TheHouse
from console.web.list_queries import AuditQuery
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api/audit", tags=["audit"])
Auditor = Annotated[Viewer, Depends(may("audit.read"))]


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


class Asked(AuditQuery):
    """The same, and when (ms UTC), and how many at most."""

    since: int | None = Field(default=None, ge=0, le=2**53)
    until: int | None = Field(default=None, ge=0, le=2**53)
    limit: int = Field(default=100, ge=1, le=1_000)


@router.get("", summary="Read the audit log")
def listing(_viewer: Auditor, house: TheHouse, asked: Annotated[Asked, Query()]) -> list[EntryView]:
    """The entries that fit, the latest first."""
    with house.store.reading() as connection:
        found = entries(connection, asked.sought(asked.since, asked.until), asked.before, asked.limit)
    return [EntryView.model_validate(entry, from_attributes=True) for entry in found]


@router.post("/check", summary="Check the whole audit log")
def check(viewer: Auditor, house: TheHouse) -> CheckView:
    """Walk the chain, and compare it with the heads that were kept elsewhere."""
    return CheckView.model_validate(check_log(house, viewer), from_attributes=True)
