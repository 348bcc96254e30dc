"""`POST /holds/{id}/decision`: releases or confirms a hold by a verdict on the alerts behind it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from console.store import holds
from console.store.hold_decisions import Verdict, decide_on
from console.web.house import TheHouse
from console.web.page import see_other
from console.web.tokens import Hash
from console.web.viewer import Viewer, may
from rules.holds import EXTENDED

router = APIRouter()
Worker = Annotated[Viewer, Depends(may("alerts.work"))]


@router.post("/holds/{hold_id}/decision")
def decide(
    request: Request,
    viewer: Worker,
    house: TheHouse,
    hold_id: Hash,
    decision: Annotated[Verdict, Form()],
    note: Annotated[str, Form(min_length=3, max_length=2_000)],
    seen: Annotated[list[str], Form(max_length=200)] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Close the open alerts behind a hold with a verdict: by that the center releases or extends it.

    What a prosecutor has sanctioned stays as it is, and the page says so.
    """
    with house.store.writing() as connection:
        decide_on(connection, house.keys.vault, viewer, hold_id, decision, seen, now=house.clock(), note=note)
        sanctioned = holds.found(connection, hold_id).event.state == EXTENDED
    said = "holds.released" if decision == "false_positive" else "holds.confirmed"
    return see_other(request, f"/holds/{hold_id}", "holds.alerts_only" if sanctioned else said)
