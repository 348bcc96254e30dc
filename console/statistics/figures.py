"""A table of figures as data: pages, CSV, plots and the API are all made of this one form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from rules.yaml import parse
from streams.contracts.text import Text

Kind = Literal[
    "typology",  # T03
    "institution",  # BIC
    "region",  # number of the ISO 3166-2:KZ region
    "period",  # 2026, 2026-11 or 2026-11-24
    "word",  # a key below statistics.words
    "count",
    "money",  # tiyn
    "share",  # of one
    "difference",  # of two shares
]
Cell = str | int | float | None
TEXTS: Final = ("typology", "institution", "region", "period", "word")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name is the text statistics.column.<name>."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Figures:
    """One table: its title is statistics.table.<name>, what to know about it statistics.note.<name>."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    plotted: tuple[int, ...] = ()  # columns that are bars of the plot, of one kind
    published: tuple[tuple[str, int], ...] = ()  # period and count that others published, for rows of their own
    summed: bool = True  # False: its rows overlap, so that sums would count twice

    @property
    def totals(self) -> tuple[Cell, ...] | None:
        """Sums of counts and money, where there are several rows; shares cannot be added up."""
        summed = any(column.kind in ("count", "money") for column in self.columns)
        if not self.summed or not summed or len(self.rows) < 2:
            return None
        return tuple(
            sum(_number(row[place]) for row in self.rows) if column.kind in ("count", "money") else None
            for place, column in enumerate(self.columns)
        )


@dataclass(frozen=True, slots=True)
class Published:
    """Figures of others and where they stand."""

    source: Text
    internet_fraud_cases: dict[str, int]  # by year


def columns(**kinds: Kind) -> tuple[Column, ...]:
    """Columns by name.

    >>> columns(month="period", alerts="count")
    (Column(name='month', kind='period'), Column(name='alerts', kind='count'))
    """
    return tuple(Column(name, kind) for name, kind in kinds.items())


def share(part: int, whole: int) -> float | None:
    """A share of one; None of nothing.

    >>> share(1, 4), share(0, 0)
    (0.25, None)
    """
    return part / whole if whole else None


def by_size(rows: Iterable[Sequence[Cell]], place: int) -> tuple[tuple[Cell, ...], ...]:
    """Rows with the largest number of one column first, then by their first cell."""
    return tuple(sorted((tuple(row) for row in rows), key=lambda row: (-_number(row[place]), str(row[0]))))


@cache
def published() -> Published:
    """The published figures."""
    file = Path(__file__).parent / "published.yaml"
    document = parse(file.name, file.read_text(encoding="utf-8"))
    assert document.root is not None
    told = _File.model_validate(document.root.plain())
    return Published(told.source, {str(one.year): one.cases for one in told.internet_fraud_cases})


class _Year(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    year: int
    cases: int


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Text
    internet_fraud_cases: list[_Year]


def _number(cell: Cell) -> float:
    return cell if isinstance(cell, int | float) else 0
