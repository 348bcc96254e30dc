"""Frauds by kind, time, region and institution, and those that launder money: suspected and confirmed apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection

from console.statistics.figures import Cell, Column, Figures, Kind, by_size, columns, published
from console.statistics.period import Step, periods
from console.store import fraud_counts as store
from console.store.statistics import Choice

# Typologies of laundering: mule accounts, layering, cash-out, crypto exit, mobile balances.
LAUNDERING: Final = ("T03", "T04", "T15", "T16", "T17", "T19")
_ALERTS: Final = 1  # the column by which tables are ordered
_COUNTED: Final[dict[str, Kind]] = {
    "alerts": "count",
    "suspected": "count",
    "confirmed": "count",
    "refuted": "count",
    "amount": "money",
    "confirmed_amount": "money",
}
_PLOTTED: Final = (2, 3)  # suspected and confirmed


def frauds(connection: Connection, choice: Choice, step: Step) -> list[Figures]:
    """Four tables of the same alerts."""
    rows = store.frauds(connection, choice)
    told = published().internet_fraud_cases if step == "year" else {}
    return [
        _figures("frauds_by_kind", "typology", ((row.typology, row) for row in rows)),
        Figures(
            "frauds_by_period",
            (Column("period", "period"), *columns(**_COUNTED)),
            tuple(_by_period(connection, choice, step)),
            _PLOTTED,
            tuple(sorted(told.items())),
        ),
        _figures("frauds_by_region", "region", ((row.region or 0, row) for row in rows)),
        _figures("frauds_by_institution", "institution", ((row.institution, row) for row in rows)),
    ]


def laundering(connection: Connection, choice: Choice) -> list[Figures]:
    """Alerts of the typologies of laundering, and the cases that hold such."""
    rows = [row for row in store.frauds(connection, choice) if row.typology in LAUNDERING]
    cases = store.cases_of(connection, choice, LAUNDERING)
    return [
        _figures("laundering_by_kind", "typology", ((row.typology, row) for row in rows)),
        Figures(
            "laundering_cases",
            columns(state="word", cases="count"),
            by_size(((f"case_{row.state}", row.cases) for row in cases), 1),
            (1,),
        ),
    ]


def _by_period(connection: Connection, choice: Choice, step: Step) -> Iterator[tuple[Cell, ...]]:
    """A row for each year, month or day in which there was an alert: each is a short walk of its own."""
    first, last = store.first_day(connection), store.last_day(connection)
    if first is None or last is None:
        return
    within = replace(choice, first_day=max(choice.first_day, first), end_day=min(choice.end_day, last + 1))
    for name, begin, end in periods(within.first_day, within.end_day, step):
        row = store.tally(connection, replace(choice, first_day=begin, end_day=end))
        if row.alerts:
            yield (name, *_counts(row))


def _figures(name: str, kind: Kind, rows: Iterable[tuple[Cell, Any]]) -> Figures:
    sums: dict[Cell, list[int]] = defaultdict(lambda: [0] * len(_COUNTED))
    for key, row in rows:
        sums[key] = [had + more for had, more in zip(sums[key], _counts(row), strict=True)]
    head = (Column(kind, kind), *columns(**_COUNTED))
    return Figures(name, head, by_size(((key, *counts) for key, counts in sums.items()), _ALERTS), _PLOTTED)


def _counts(row: Any) -> list[int]:
    return [int(getattr(row, name)) for name in _COUNTED]
