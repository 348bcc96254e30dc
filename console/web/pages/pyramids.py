"""`/pyramids`: suspected collectors; `/pyramids/{token}`: one of them over time, by region, by whose money, and on."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from console.exports import csv_safe
from console.map import ABROAD, NOT_GIVEN, region_map
from console.pyramids.detail import PAGE, Detail, Payer, detail, unwarned
from console.pyramids.pictures import bars, plot
from console.store import meters
from console.store.money import event_text
from console.web.house import House, TheHouse
from console.web.page import page
from console.web.tokens import key_in_path
from console.web.viewer import Viewer, may
from rules.events import DAY_MS, LOCAL_OFFSET_MS

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("pyramids.read"))]

_ABOVE: Final = {"all": None, "above": True, "below": False}


@router.get("/pyramids")
def pyramids(
    request: Request, viewer: Reader, house: TheHouse, show: Literal["all", "above", "below"] = "all"
) -> Response:
    """Collectors by their index."""
    with house.store.reading() as connection:
        found = meters.listed(connection, above=_ABOVE[show])
        watched, above = meters.counted(connection)
    return page(request, viewer, "pyramids/list.html", collectors=found, watched=watched, above=above, show=show)


@router.get("/pyramids/{token}")
def pyramid(
    request: Request,
    viewer: Reader,
    house: TheHouse,
    token: str,
    by: Literal["payers", "money"] = "payers",
    start: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """One collector; `start` is the place of the first of those to warn, `by` what colours the map."""
    key = key_in_path(token)
    with house.store.reading() as connection:
        found = detail(connection, key, start=start)
        largest = meters.largest_payment(connection, key)
    return page(
        request,
        viewer,
        "pyramids/one.html",
        one=found,
        start=start,
        following=start + PAGE if start + PAGE < found.unwarned else None,
        by=by,
        largest=event_text(largest) if largest is not None else None,
        **_pictures(found, by),
    )


@router.get("/pyramids/{token}/to-warn.csv")
def to_warn_csv(viewer: Reader, house: TheHouse, token: str) -> Response:
    """Everybody to warn as a table: tokens, not people."""
    key = key_in_path(token)
    with house.store.reading() as connection:
        payers = unwarned(connection, key, limit=None)
    head = tuple(house.renderer.texts(viewer.language, f"pyramids.to_warn.{name}") for name in _CSV)
    table = csv_safe.table(head, (_row(house, viewer, one) for one in payers))
    name = f"to-warn-{token.replace(':', '-')}.csv"
    return Response(
        table, media_type=csv_safe.CONTENT_TYPE, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


_CSV: Final = ("payer", "region", "payments", "paid", "got")


def _row(house: House, viewer: Viewer, one: Payer) -> tuple[csv_safe.Cell, ...]:
    region = house.renderer.texts(viewer.language, f"regions.kz_{one.region}") if one.region else ""
    back = one.received + one.refunded
    return one.token, region, one.payments, f"{one.paid / 100:.2f}", f"{back / 100:.2f}"


def _pictures(found: Detail, by: str) -> dict[str, Any]:
    reading = found.collector.reading
    moments = [one.at for one in found.readings] or [reading.at]
    index = [one.index for one in found.readings] or [reading.index]
    money_in = [one.money_in for one in found.readings] or [reading.money_in]
    money_out = [one.money_out for one in found.readings] or [reading.money_out]
    people = [one.people for one in found.readings] or [reading.people]
    regions = {one.region: one for one in found.regions}
    values = {region: getattr(one, by) for region, one in regions.items() if region not in (NOT_GIVEN, ABROAD)}
    return {
        "index_plot": plot(moments, [index], most=100, level=reading.line),
        "money_plot": plot(moments, [money_in, money_out]),
        "people_plot": plot(moments, [people]),
        "drawn": region_map(values),
        "regions": regions,
        "entrants": bars([one.entrants for one in found.days]),
        "moment_of": lambda day: day * DAY_MS - LOCAL_OFFSET_MS,
        "most_paid": max((max(cohort.sources, default=0) for cohort in found.cohorts), default=0),
    }
