"""`POST /api/holds/{id}/decision`: releases or confirms a hold by a verdict on the alerts behind it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from console.store.hold_decisions import Verdict, decide_on
from console.web.api.holds import HoldDetail, one
from console.web.house import TheHouse
from console.web.tokens import Hash
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api/holds", tags=["holds"])
Worker = Annotated[Viewer, Depends(may("alerts.work"))]


class Decision(BaseModel):
    """A verdict on the alerts behind a hold."""

    verdict: Verdict
    note: str = Field(min_length=3, max_length=2_000)
    seen: list[str] = Field(max_length=200, description="`<alert_id>.<version>` of each open alert behind it")


@router.post("/{hold_id}/decision")
def decide(viewer: Worker, house: TheHouse, hold_id: Hash, said: Decision) -> HoldDetail:
    """Release as a false positive, or confirm: closes the alerts, and the center ends or extends the hold by that."""
    with house.store.writing() as connection:
        decide_on(
            connection, house.keys.vault, viewer, hold_id, said.verdict, said.seen, now=house.clock(), note=said.note
        )
    return one(house, hold_id)
