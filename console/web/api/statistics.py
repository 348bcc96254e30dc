"""`/api/statistics`: the tables of each block, as the pages show them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from console.statistics.blocks import Block
from console.statistics.figures import Cell, Figures, Kind
from console.statistics.labels import Labels
from console.statistics.period import Step, date_of
from console.web.house import TheHouse
from console.web.pages.statistics import Reader, labels_for
from console.web.statistics_query import StatisticsQuery

router = APIRouter(prefix="/api/statistics", tags=["statistics"])


class ColumnView(BaseModel):
    """One column: money is in tiyn, shares are of one."""

    name: str
    title: str
    kind: Kind


class PublishedView(BaseModel):
    """A figure that others published and the center did not count."""

    period: str
    count: int


class TableView(BaseModel):
    """One table."""

    name: str
    title: str
    columns: list[ColumnView]
    rows: list[list[Cell]]
    totals: list[Cell] | None = Field(description="none where rows overlap or there is but one")
    as_published: list[PublishedView]


class BlockView(BaseModel):
    """The tables of one block over a period; both days are in it."""

    block: Block
    first_day: str
    last_day: str
    step: Step
    counted_at: int = Field(description="ms UTC: up to a minute ago")
    tables: list[TableView]


@router.get("/{name}", summary="The tables of one block")
def block(viewer: Reader, house: TheHouse, name: Block, asked: Annotated[StatisticsQuery, Query()]) -> BlockView:
    """Counted from the store as it was at `counted_at`."""
    with house.store.reading() as connection:
        choice = asked.choice(connection, name, house.clock())
        counted = house.counting.tables(connection, name, choice, asked.step)
    labels = labels_for(house, viewer.language)
    return BlockView(
        block=name,
        first_day=date_of(choice.first_day).isoformat(),
        last_day=date_of(choice.end_day - 1).isoformat(),
        step=asked.step,
        counted_at=counted.at,
        tables=[_view(figures, labels) for figures in counted.tables],
    )


def _view(figures: Figures, labels: Labels) -> TableView:
    totals = figures.totals
    return TableView(
        name=figures.name,
        title=labels.title(figures),
        columns=[
            ColumnView(name=column.name, title=title, kind=column.kind)
            for column, title in zip(figures.columns, labels.head(figures), strict=True)
        ],
        rows=[list(row) for row in figures.rows],
        totals=list(totals) if totals is not None else None,
        as_published=[PublishedView(period=period, count=count) for period, count in figures.published],
    )
