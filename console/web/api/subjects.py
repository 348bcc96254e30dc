"""`/api/subjects`, `/api/paths`: subjects, the networks around them, and the ways between two of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from console.web import subject_reading
from console.web.api.subject_models import NetworkView, PathView, SubjectDetail
from console.web.house import TheHouse
from console.web.viewer import Viewer, may
from streams.contracts.fields import TOKEN, TOKEN_PREFIX

router = APIRouter(prefix="/api", tags=["subjects"])
Reader = Annotated[Viewer, Depends(may("alerts.read"))]
_TOKEN = f"{TOKEN}|{TOKEN_PREFIX}"
Token = Annotated[str, Path(pattern=_TOKEN, description="a token, or its first half")]


@router.get("/subjects/{token}", summary="A subject with everything known of it")
def show(
    viewer: Reader,
    house: TheHouse,
    token: Token,
    before: Annotated[int | None, Query(ge=1, le=2**53, description="a seq: alerts before it")] = None,
) -> SubjectDetail:
    """Alerts, history, counterparties, shared devices, listings, holds, warnings and cases."""
    with house.store.reading() as connection:
        return subject_reading.read(connection, viewer, token, now=house.clock(), before=before)


@router.get("/subjects/{token}/network", summary="The network around a subject, laid out")
def network(
    _viewer: Reader,
    house: TheHouse,
    token: Token,
    hops: Annotated[int, Query(ge=1, le=4)] = 2,
    most: Annotated[int, Query(ge=2, le=2_000, description="nodes")] = 200,
) -> NetworkView:
    """Counterparties by money, and others who use its devices and telephones."""
    with house.store.reading() as connection:
        return subject_reading.network(connection, token, hops=hops, most=most)


@router.get("/paths", summary="A shortest way of money between two subjects")
def path(
    _viewer: Reader,
    house: TheHouse,
    one: Annotated[str, Query(alias="from", pattern=_TOKEN)],
    other: Annotated[str, Query(alias="to", pattern=_TOKEN)],
) -> PathView:
    """At most six steps, whichever way the money flowed."""
    with house.store.reading() as connection:
        return subject_reading.way(connection, one, other)
