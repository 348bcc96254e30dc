"""The names that expressions may use about an event, and how a batch of events gives their values.

`event.*` are facts of the event itself. `payer.*`, `payee.*`, `device.*` and `phone.*` are declared features and the
fixed statistics of that subject's history, and `payer.on_list.*` and so on say on which lists it is; `model.*` are the
scores of the online models; `threshold.*` are dated values of law from catalogue/lists; `p.*` are the parameters of a
typology.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules import machine, statistic_kernels
from rules.conditions import Name, lexicon_place
from rules.events import CHANNELS, KINDS, PARTY_KINDS, ROLES, Events
from rules.machine import COLUMNS
from rules.references import LISTS


@dataclass(frozen=True, slots=True)
class Statistic:
    """One of the fixed statistics of a subject's history, in the order in which histories give them."""

    name: str
    unit: str
    low: float = 0.0
    high: float = math.inf
    integral: bool = False


STATISTICS: Final = (
    Statistic("events", "times", integral=True),
    Statistic("age_days", "days"),
    Statistic("amount_deviation", "deviations", low=-math.inf),
    Statistic("gap_seconds", "seconds"),
    Statistic("burst", "times", integral=True),
    Statistic("hour_share", "share", high=1.0),
    Statistic("counterparty_seen", "times", integral=True),
    Statistic("counterparty_share", "share", high=1.0),
    Statistic("amount_over_max", "ratio"),
    Statistic("region_share", "share", high=1.0),
)
if tuple(statistic.name for statistic in STATISTICS) != statistic_kernels.STATISTICS:
    raise AssertionError("the statistics that histories give are not those that expressions know")
MODELS: Final = ("model.payer", "model.payee")
# The lists that a subject is on: true or not, never unknown. A party's are those of its person and of its account.
ON_LISTS: Final[Mapping[str, tuple[int, int]]] = {
    f"{role}.on_list.{which}": (place, number) for place, role in enumerate(ROLES) for number, which in enumerate(LISTS)
}

_UNITS: Final[Mapping[str, Name]] = {
    name.name: name
    for name in (
        Name("event.amount", "number", "tenge", low=0),
        Name("event.hour", "number", "hour", low=0, high=23, integral=True),
        Name("event.weekday", "number", "1 is Monday", low=1, high=7, integral=True),
        Name("event.day", "number", "day of the month", low=1, high=31, integral=True),
        Name("event.merchant_category", "number", "ISO 18245", low=1, high=9999, integral=True),
        Name("event.purpose_code", "number", "KNP", low=1, high=999, integral=True),
        Name("event.sim_changed_hours", "number", "hours", low=0),
        Name("event.payer_account_age_days", "number", "days", low=0),
        Name("event.payee_account_age_days", "number", "days", low=0),
        Name("event.kind", "text", options=KINDS),
        Name("event.channel", "text", options=CHANNELS),
        Name("event.payer_kind", "text", options=PARTY_KINDS),
        Name("event.payee_kind", "text", options=PARTY_KINDS),
    )
}
# What is no number and no text is a truth. The purpose is no column: it is compared with lexicons only.
EVENT_NAMES: Final[Mapping[str, Name]] = {
    **{f"event.{column}": _UNITS.get(f"event.{column}", Name(f"event.{column}", "truth")) for column in COLUMNS},
    "event.purpose": Name("event.purpose", "words"),
}


@dataclass(frozen=True, slots=True)
class Dated:
    """A value that changes at known instants; not known outside them."""

    name: str
    unit: str
    starts: NDArray[np.int64]  # ms, ascending
    ends: NDArray[np.int64]  # exclusive
    values: NDArray[np.float64]

    def at(self, times: NDArray[np.int64]) -> NDArray[np.float64]:
        place = np.searchsorted(self.starts, times, side="right") - 1
        known = (place >= 0) & (times < self.ends[place])
        return np.where(known, self.values[place], np.nan)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every name of one rulebook, and where the machine finds its value."""

    names: Mapping[str, Name]  # without p.*, which each typology adds
    places: Mapping[str, tuple[int, int]]  # name → the instruction that loads it, and its argument
    lexicons: NDArray[np.bool_]  # [lexicons, 65536]: one place for each hash of a word
    dated: _DatedTables

    @classmethod
    def of(
        cls, features: Iterable[Name], thresholds: Iterable[Dated], lexicons: Mapping[str, Iterable[int]]
    ) -> Catalogue:
        """The catalogue of declared features (in the order of their columns), dated thresholds and lexicons."""
        names = dict(EVENT_NAMES)
        places = {f"event.{column}": (machine.EVENT_COLUMN, place) for place, column in enumerate(COLUMNS)}
        for place, lexicon in enumerate(lexicons):
            places[lexicon_place(lexicon)] = machine.EVENT_COLUMN, len(COLUMNS) + place
        dated = tuple(thresholds)
        for place, threshold in enumerate(dated):
            name = f"threshold.{threshold.name}"
            low, high = float(threshold.values.min()), float(threshold.values.max())
            names[name] = Name(name, "number", threshold.unit, low, high)
            places[name] = machine.EVENT_COLUMN, len(COLUMNS) + len(lexicons) + place
        for number, role in enumerate(ROLES):
            for place, statistic in enumerate(STATISTICS):
                name = f"{role}.{statistic.name}"
                low, high = statistic.low, statistic.high
                names[name] = Name(name, "number", statistic.unit, low, high, integral=statistic.integral)
                places[name] = machine.STATISTIC, number << machine.STATISTICS_SHIFT | place
        for name, (number, which) in ON_LISTS.items():
            names[name] = Name(name, "truth")
            places[name] = machine.LISTED, number << machine.STATISTICS_SHIFT | which
        for place, name in enumerate(MODELS):
            names[name] = Name(name, "number", "tail", low=0, high=1)
            places[name] = machine.MODEL, place
        for place, feature in enumerate(features):
            names[feature.name] = feature
            places[feature.name] = machine.FEATURE, place
        return cls(names, places, _tables(lexicons.values()), _DatedTables.of(dated))

    def columns(self, rows: Events, wanted: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """The event columns of the rows that are wanted: float64[n, columns + lexicons + thresholds]."""
        rows = np.ascontiguousarray(rows)
        columns = np.empty((len(rows), len(COLUMNS) + len(self.lexicons) + len(self.dated.first) - 1))
        if wanted is None:
            wanted = np.ones(len(rows), np.bool_)
        raw = rows.view(np.uint8).reshape(len(rows), rows.dtype.itemsize)
        machine.fill(rows, raw, wanted, self.lexicons, *self.dated, columns)
        return columns


class _DatedTables(NamedTuple):
    """All dated values, one after the other."""

    first: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, dated: tuple[Dated, ...]) -> _DatedTables:
        return cls(
            np.cumsum([0, *(len(one.values) for one in dated)]),
            np.concatenate([np.empty(0, np.int64), *(one.starts for one in dated)]),
            np.concatenate([np.empty(0, np.int64), *(one.ends for one in dated)]),
            np.concatenate([np.empty(0), *(one.values for one in dated)]),
        )


def _tables(lexicons: Collection[Iterable[int]]) -> NDArray[np.bool_]:
    tables = np.zeros((len(lexicons), 1 << 16), np.bool_)
    for table, hashes in zip(tables, lexicons, strict=True):
        table[list(hashes)] = True
        table[0] = False  # 0 stands for "no word"
    return tables
