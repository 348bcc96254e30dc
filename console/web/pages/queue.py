"""`/queue`: the alerts that wait, their filters, and what is done with many of them at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from console.store import alerts, audit_log, filters
from console.store.alerts import StaleAlerts
from console.store.dispositions import PUBLISHED, REASONS
from console.store.errors import NotFound
from console.web import queue_reading
from console.web.alert_actions import AlertAction, act, workers
from console.web.api.alert_models import alert_rows
from console.web.api.case_models import NO_NUL, Number
from console.web.house import TheHouse
from console.web.page import local_path, page, see_other
from console.web.possible import possible
from console.web.queue_query import QueueQuery
from console.web.viewer import Viewer, may

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("alerts.read"))]
Worker = Annotated[Viewer, Depends(may("alerts.work"))]


@router.get("/queue")
def queue(request: Request, viewer: Reader, house: TheHouse, query: Annotated[QueueQuery, Query()]) -> Response:
    """A page of the queue."""
    with house.store.reading() as connection:
        found = queue_reading.read(connection, viewer, query, now=house.clock())
        saved = filters.of(connection, viewer)
        colleagues = workers(connection)
    return page(
        request,
        viewer,
        "queue/list.html",
        found=found,
        query=query,
        address=query.address(after=None),
        saved=saved,
        colleagues=colleagues,
        typologies=queue_reading.typologies(),
        reasons=REASONS,
        published=PUBLISHED,
    )


@router.get("/queue/campaigns/{campaign_id}")
def campaign(
    request: Request,
    viewer: Reader,
    house: TheHouse,
    campaign_id: Number,
    query: Annotated[QueueQuery, Query()],
) -> Response:
    """The alerts of a campaign that pass the filters, as rows under it."""
    asked = query.model_copy(update={"campaign": campaign_id, "view": "alerts", "after": None})
    with house.store.reading() as connection:
        found = queue_reading.read(connection, viewer, asked, now=house.clock())
    return page(request, viewer, "queue/rows.html", rows=found.alerts, newest=found.newest)


@router.post("/alerts/actions")
def actions(
    request: Request,
    viewer: Worker,
    house: TheHouse,
    wanted: Annotated[AlertAction, Form()],
    back: Annotated[str, Form(max_length=2_000)] = "/queue",
) -> Response:
    """Do something with the chosen alerts; if somebody was faster with one of them, nothing, and say with which."""
    now = house.clock()
    try:
        with possible(), house.store.writing() as connection:
            done = act(connection, house, viewer, wanted, now=now)
    except StaleAlerts as stale:
        with house.store.reading() as connection:
            rows = alert_rows(connection, viewer, [alerts.find(connection, each) for each in stale.alert_ids])
            changed = [(row, audit_log.last_of_alert(connection, row.alert_id, row.case_id)) for row in rows]
        onward = local_path(back, "/queue")
        return page(
            request, viewer, "queue/stale.html", status=409, changed=changed, typed={"note": wanted.note}, back=onward
        )
    return see_other(request, local_path(back, "/queue"), f"queue.done.{wanted.action}", n=len(done))


@router.post("/queue/filters")
def save_filter(
    request: Request,
    viewer: Reader,
    house: TheHouse,
    name: Annotated[str, Form(min_length=1, max_length=64, pattern=NO_NUL)],
    query: Annotated[str, Form(max_length=2_000, pattern=NO_NUL)] = "",
) -> Response:
    """Keep the filters of the page under a name."""
    try:
        with house.store.writing() as connection:
            filters.save(connection, viewer, name.strip(), query)
    except filters.TooMany:
        return see_other(request, local_path(f"/queue?{query}"), "queue.too_many_filters", n=filters.MOST)
    return see_other(request, local_path(f"/queue?{query}"), "queue.filter_saved", name=name.strip())


@router.post("/queue/filters/forget")
def forget_filter(
    request: Request, viewer: Reader, house: TheHouse, name: Annotated[str, Form(max_length=64, pattern=NO_NUL)]
) -> Response:
    """Delete a saved filter."""
    try:
        with house.store.writing() as connection:
            filters.forget(connection, viewer, name)
    except NotFound:
        return see_other(request, "/queue")
    return see_other(request, "/queue", "queue.filter_forgotten", name=name)
