"""`/subjects/{token}`: everything known of a person, company, account, device or telephone; and the way to another."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from console.web import subject_reading
from console.web.formats import Formats
from console.web.house import TheHouse
from console.web.page import page
from console.web.timeline import Bar, draw
from console.web.viewer import Viewer, may

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("alerts.read"))]
Token = Annotated[str, Query(max_length=41)]


@router.get("/subjects/{token}")
def show(
    request: Request,
    viewer: Reader,
    house: TheHouse,
    token: str,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    """One subject; `before`: a seq, for its older alerts."""
    with house.store.reading() as connection:
        found = subject_reading.read(connection, viewer, token, now=house.clock(), before=before)
    name = house.renderer.texts(viewer.language, "alert.history_picture")
    picture = draw([Bar(**bar.model_dump()) for bar in found.history], Formats(viewer.language), name)
    return page(request, viewer, "subjects/one.html", found=found, picture=picture)


@router.get("/subjects/{token}/network")
def network(
    request: Request,
    viewer: Reader,
    house: TheHouse,
    token: str,
    hops: Annotated[int, Query(ge=1, le=4)] = 2,
    other: Token = "",
) -> Response:
    """The network of a subject as a page of its own, or the shortest way of money from it to another."""
    with house.store.reading() as connection:
        way = subject_reading.way(connection, token, other.strip()) if other.strip() else None
        around = subject_reading.network(connection, token, hops=hops, most=200) if way is None else way.network
    return page(
        request, viewer, "subjects/around.html", token=token, hops=hops, other=other.strip(), way=way, around=around
    )
