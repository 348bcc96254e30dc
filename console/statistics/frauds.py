"""Frauds by kind, time, region and institution, and those that launder money: suspected and confirmed apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row

from console.statistics.figures import Cell, Column, Figures, Kind, by_size, columns, published
from console.statistics.period import Step, period_of
from console.store import statistics as store
from console.store.statistics import CONFIRMED, REFUTED, Choice

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


@dataclass(slots=True)
class _Tally:
    alerts: int = 0
    confirmed: int = 0
    refuted: int = 0
    open: int = 0
    amount: int = 0
    confirmed_amount: int = 0

    def add(self, row: Row[Any]) -> None:
        amount = int(row.amount)
        self.alerts += row.alerts
        self.amount += amount
        if row.reason_code is None:
            self.open += row.alerts
        elif row.reason_code in CONFIRMED:
            self.confirmed += row.alerts
            self.confirmed_amount += amount
        elif row.reason_code in REFUTED:
            self.refuted += row.alerts

    def cells(self) -> tuple[Cell, ...]:
        return self.alerts, self.open, self.confirmed, self.refuted, self.amount, self.confirmed_amount


def frauds(connection: Connection, choice: Choice, step: Step) -> list[Figures]:
    """Four tables of the same alerts. Suspected is what nobody has decided yet."""
    rows = store.frauds(connection, choice)
    days = store.fraud_days(connection, choice)
    periods = _figures("frauds_by_period", "period", days, lambda row: period_of(row.day, step))
    told = published().internet_fraud_cases if step == "year" else {}
    return [
        _figures("frauds_by_kind", "typology", rows, lambda row: row.typology),
        Figures(periods.name, periods.columns, tuple(sorted(periods.rows)), _PLOTTED, tuple(sorted(told.items()))),
        _figures("frauds_by_region", "region", rows, lambda row: row.region or 0),
        _figures("frauds_by_institution", "institution", rows, lambda row: row.institution),
    ]


def laundering(connection: Connection, choice: Choice) -> list[Figures]:
    """Alerts of the typologies of laundering, and the cases that hold such."""
    rows = [row for row in store.frauds(connection, choice) if row.typology in LAUNDERING]
    cases = store.cases_of(connection, choice, LAUNDERING)
    return [
        _figures("laundering_by_kind", "typology", rows, lambda row: row.typology),
        Figures(
            "laundering_cases",
            columns(state="word", cases="count"),
            by_size(((f"case_{row.state}", row.cases) for row in cases), 1),
            (1,),
        ),
    ]


def _figures(name: str, kind: Kind, rows: Iterable[Row[Any]], key: Callable[[Row[Any]], Cell]) -> Figures:
    tallies: dict[Cell, _Tally] = defaultdict(_Tally)
    for row in rows:
        tallies[key(row)].add(row)
    head = (Column(kind, kind), *columns(**_COUNTED))
    return Figures(name, head, by_size(_told(tallies), _ALERTS), _PLOTTED)


def _told(tallies: dict[Cell, _Tally]) -> list[Sequence[Cell]]:
    return [(name, *tally.cells()) for name, tally in tallies.items()]
