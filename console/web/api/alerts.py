"""`/api/alerts`, `/api/filters`: the queue, single alerts, what is done with them, and saved filters."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from console.store import alerts, filters
from console.web import alert_reading, queue_reading
from console.web.alert_actions import AlertAction, act
from console.web.api.alert_detail import AlertDetail
from console.web.api.alert_models import AlertRow, QueuePage, alert_rows
from console.web.api.case_models import NO_NUL
from console.web.house import TheHouse
from console.web.possible import possible
from console.web.queue_query import QueueQuery
from console.web.refusals import Refusal
from console.web.rulebooks import TheDesk
from console.web.tokens import Hash
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api", tags=["alerts"])
Reader = Annotated[Viewer, Depends(may("alerts.read"))]
Worker = Annotated[Viewer, Depends(may("alerts.work"))]


class SavedFilter(BaseModel):
    """Filters under a name: the query part of the queue's address."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
    query: str = Field(max_length=2_000, pattern=NO_NUL)


@router.get("/alerts", summary="A page of the queue")
def queue(viewer: Reader, house: TheHouse, query: Annotated[QueueQuery, Query()]) -> QueuePage:
    """Alerts or campaigns in the order in which they want to be worked."""
    with house.store.reading() as connection:
        return queue_reading.read(connection, viewer, query, now=house.clock())


@router.get("/alerts/arrived", summary="Alerts that came after a given one")
def arrived(
    viewer: Reader,
    house: TheHouse,
    query: Annotated[QueueQuery, Query()],
    seq: Annotated[int, Query(ge=0, le=2**53)],
) -> QueuePage:
    """The newest first, at most 50; `/live` says when to ask."""
    with house.store.reading() as connection:
        return queue_reading.arrived(connection, viewer, query, seq, now=house.clock())


@router.post("/alerts/actions", summary="Do something with alerts, with all of them or with none")
def actions(viewer: Worker, house: TheHouse, wanted: AlertAction) -> list[AlertRow]:
    """The alerts as they are afterwards; 409 where one of them is no longer in the version that was seen."""
    with possible(), house.store.writing() as connection:
        done = act(connection, house, viewer, wanted, now=house.clock())
        rows = [alerts.find(connection, alert_id) for alert_id in done]
        return alert_rows(connection, viewer, rows)


@router.get("/alerts/{alert_id}", summary="One alert with everything that its page shows")
def show(viewer: Reader, house: TheHouse, desk: TheDesk, alert_id: Hash) -> AlertDetail:
    """What happened, why, what is usual, what the law allows, and what was done."""
    with house.store.reading() as connection:
        return alert_reading.read(connection, viewer, desk.shelf, alert_id)


@router.get("/filters", summary="One's own saved filters")
def saved(viewer: Reader, house: TheHouse) -> list[SavedFilter]:
    """By name."""
    with house.store.reading() as connection:
        found = filters.of(connection, viewer)
    return [SavedFilter(name=name, query=query) for name, query in found.items()]


@router.post("/filters", summary="Save filters under a name", status_code=204)
def save(viewer: Reader, house: TheHouse, wanted: SavedFilter) -> Response:
    """In place of those that had the name."""
    try:
        with house.store.writing() as connection:
            filters.save(connection, viewer, wanted.name, wanted.query)
    except filters.TooMany as error:
        raise Refusal(409, "queue.too_many_filters", n=filters.MOST) from error
    return Response(status_code=204)


@router.delete("/filters/{name}", summary="Delete saved filters", status_code=204)
def forget(viewer: Reader, house: TheHouse, name: Annotated[str, Path(max_length=64, pattern=NO_NUL)]) -> Response:
    """404 where there are none of that name."""
    with house.store.writing() as connection:
        filters.forget(connection, viewer, name)
    return Response(status_code=204)
