"""`/statistics`: the Prosecutor's tables, each with its plot, as a page that prints and as CSV."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from console.exports import csv_safe
from console.statistics.blocks import BLOCKS, FILTERS, Block
from console.statistics.figures import TEXTS, published
from console.statistics.labels import Labels
from console.statistics.period import STEPS, date_of
from console.statistics.plot import plot
from console.store import statistics as store
from console.store.errors import NotFound
from console.texts import Language
from console.web.house import House, TheHouse
from console.web.page import page
from console.web.queue_reading import typologies
from console.web.statistics_query import FilledForm
from console.web.viewer import Viewer, may

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("statistics.read"))]
Asked = Annotated[FilledForm, Query()]
_REGION: Final = "regions.kz_"


@router.get("/statistics")
def statistics(request: Request, viewer: Reader, house: TheHouse, asked: Asked) -> Response:
    """The first block."""
    return block(request, viewer, house, "frauds", asked)


@router.get("/statistics/{name}")
def block(request: Request, viewer: Reader, house: TheHouse, name: Block, asked: Asked) -> Response:
    """One block: its tables with their plots."""
    with house.store.reading() as connection:
        choice = asked.choice(connection, name, house.clock())
        counted = house.counting.tables(connection, name, choice, asked.step)
        institutions = store.institutions(connection)
    labels = labels_for(house, viewer.language)
    return page(
        request,
        viewer,
        "statistics/block.html",
        block=name,
        blocks=tuple(BLOCKS),
        filters=FILTERS[name],
        asked=asked,
        address=asked.address(choice),
        first_day=date_of(choice.first_day).isoformat(),
        last_day=date_of(choice.end_day - 1).isoformat(),
        steps=STEPS,
        labels=labels,
        text_kinds=TEXTS,
        published=published(),
        counted_at=counted.at,
        tables=[(figures, plot(figures)) for figures in counted.tables],
        institution_choices=[(one, one) for one in institutions],
        typologies=[(one.id, labels.say("typology", one.id)) for one in typologies()],
        regions=regions(house, labels),
    )


@router.get("/statistics/{name}/{table}.csv")
def table_csv(viewer: Reader, house: TheHouse, name: Block, table: str, asked: Asked) -> Response:
    """One table as CSV."""
    with house.store.reading() as connection:
        choice = asked.choice(connection, name, house.clock())
        counted = house.counting.tables(connection, name, choice, asked.step)
    found = {figures.name: figures for figures in counted.tables}
    if table not in found:
        raise NotFound("table")
    file = f"{table}-{date_of(choice.first_day)}-{date_of(choice.end_day - 1)}.csv"
    return Response(
        labels_for(house, viewer.language).csv(found[table]),
        media_type=csv_safe.CONTENT_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )


def labels_for(house: House, language: Language) -> Labels:
    """The labels of a language, with the typologies of this version of the center."""
    names = {one.id: getattr(one.name, language) for one in typologies()}
    return Labels(house.renderer.texts, language, names)


def regions(house: House, labels: Labels) -> list[tuple[int, str]]:
    """The regions that can be chosen, by their name."""
    numbers = [int(key.removeprefix(_REGION)) for key in house.renderer.texts if key.startswith(_REGION)]
    return sorted(((number, labels.say("region", number)) for number in numbers), key=lambda region: region[1])
