"""`/alerts/{id}`: one screen that says what happened, why, what is usual, what the law allows, and what can be done."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from console.store import audit_log, cases
from console.store.alerts import StaleAlerts
from console.store.dispositions import PUBLISHED, REASONS
from console.web import alert_reading
from console.web.alert_actions import AlertAction, act, workers
from console.web.formats import Formats
from console.web.house import House, TheHouse
from console.web.page import page, see_other
from console.web.possible import possible
from console.web.rulebooks import desk_of
from console.web.timeline import Bar, draw
from console.web.tokens import Hash
from console.web.viewer import Viewer, may

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("alerts.read"))]
Worker = Annotated[Viewer, Depends(may("alerts.work"))]
_OPEN_CASES = 50  # of the viewer's own, offered to put the alert into


@router.get("/alerts/{alert_id}")
def show(request: Request, viewer: Reader, house: TheHouse, alert_id: Hash) -> Response:
    """The alert."""
    return _page(request, viewer, house, alert_id)


@router.post("/alerts/{alert_id}")
def act_on(
    request: Request, viewer: Worker, house: TheHouse, alert_id: Hash, wanted: Annotated[AlertAction, Form()]
) -> Response:
    """Do something with it; where somebody was faster, show how it is now with what was typed."""
    try:
        with possible(), house.store.writing() as connection:
            done = act(connection, house, viewer, wanted, now=house.clock())
    except StaleAlerts:
        typed = {"note": wanted.note, "reason_code": wanted.reason_code}
        return _page(request, viewer, house, alert_id, stale=typed)
    onward = "/queue" if wanted.action == "close" else f"/alerts/{alert_id}"
    return see_other(request, onward, f"queue.done.{wanted.action}", n=len(done))


def _page(
    request: Request, viewer: Viewer, house: House, alert_id: str, *, stale: dict[str, str] | None = None
) -> Response:
    form = Formats(viewer.language)
    with house.store.reading() as connection:
        found = alert_reading.read(connection, viewer, desk_of(request).shelf, alert_id)
        colleagues = workers(connection)
        last = audit_log.last_of_alert(connection, alert_id, found.alert.case_id) if stale is not None else None
        own = cases.listing(connection, viewer, states=["open"], owner=viewer.username, limit=_OPEN_CASES).rows
    bars = [Bar(**bar.model_dump()) for bar in found.history]
    name = house.renderer.texts(viewer.language, "alert.history_picture")
    return page(
        request,
        viewer,
        "alerts/one.html",
        status=200 if stale is None else 409,
        found=found,
        stale=stale,
        last=last,
        colleagues=colleagues,
        own_cases=own if viewer.can("cases.work") else [],
        reasons=REASONS,
        published=PUBLISHED,
        picture=draw(bars, form, name),
        back=f"/alerts/{alert_id}",
    )
