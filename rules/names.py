"""The names that expressions may use about an event, and how a batch of events gives their values.

`event.*` are facts of the event itself. `payer.*`, `payee.*`, `device.*` and `phone.*` are declared features and the
fixed statistics of that subject's history; `model.*` are the scores of the online models; `threshold.*` are dated
values of law from catalogue/lists; `p.*` are the parameters of a typology.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rules.conditions import Booleans, Name, Truth
from rules.events import (
    CHANNELS,
    DAY_MS,
    DEVICE_NEW,
    HISTORY,
    KINDS,
    LATE,
    LOCAL_OFFSET_MS,
    NO_TIME,
    OWN_DEPOSIT_BROKEN,
    PARTY_KINDS,
    PAYEE_NON_RESIDENT,
    PAYER_NON_RESIDENT,
    REMOTE_ACCESS,
    ROLES,
    Events,
)

HOUR_MS: Final = 3_600_000
NOT_GIVEN: Final = 255
_MONDAY: Final = 3  # 1 January 1970 was a Thursday, the fourth day of its week


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
MODELS: Final = ("model.payer", "model.payee")


class Batch:
    """The columns of some rows of a batch; each is read once, however many signals ask for it."""

    def __init__(
        self,
        catalogue: Catalogue,
        rows: Events,
        values: NDArray[np.float64] | None = None,
        statistics: NDArray[np.float64] | None = None,
        scores: NDArray[np.float64] | None = None,
        index: NDArray[np.intp] | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.rows = rows
        self.values = values
        self.statistics = statistics
        self.scores = scores
        self.index = index
        self.size = len(rows) if index is None else len(index)
        self.cache: dict[str, Any] = {}

    def __len__(self) -> int:
        return self.size

    def field(self, name: str) -> NDArray[Any]:
        """One field of the event rows, as it is stored."""
        key = f"={name}"
        found: NDArray[Any] | None = self.cache.get(key)
        if found is None:
            column = self.rows[name]
            found = np.ascontiguousarray(column) if self.index is None else column[self.index]
            self.cache[key] = found
        return found

    def numbers(self, name: str) -> NDArray[np.float64]:
        found: NDArray[np.float64] | None = self.cache.get(name)
        if found is None:
            found = self.cache[name] = self._numbers(name)
        return found

    def _numbers(self, name: str) -> NDArray[np.float64]:
        if reader := _NUMBERS.get(name):
            return reader(self)
        if (feature := self.catalogue.features.get(name)) is not None:
            return self._taken(self.values, feature)
        if (place := self.catalogue.statistics.get(name)) is not None:
            return self._taken(self.statistics, place)
        if name in MODELS:
            return self._taken(self.scores, MODELS.index(name))
        return self.catalogue.thresholds[name].at(self.field("occurred_at"))

    def _taken(self, source: NDArray[np.float64] | None, place: int | tuple[int, int]) -> NDArray[np.float64]:
        if source is None:
            return np.full(self.size, np.nan)
        places = (place,) if isinstance(place, int) else place
        rows: Any = slice(None) if self.index is None else self.index
        taken: NDArray[np.float64] = source[(rows, *places)]
        return taken

    def truths(self, name: str) -> Truth:
        found: Truth | None = self.cache.get(name)
        if found is None:
            found = self.cache[name] = _TRUTHS[name](self)
        return found

    def codes(self, name: str) -> NDArray[np.intp]:
        found: NDArray[np.intp] | None = self.cache.get(name)
        if found is None:
            code = self.field(_TEXTS[name][0]).astype(np.intp)
            found = self.cache[name] = np.where(code < len(_TEXTS[name][1]), code, -1)
        return found

    def has_words(self, lexicon: str) -> Booleans:
        found: Booleans | None = self.cache.get(lexicon)
        if found is None:
            # One place for each of the 65,536 hashes; 0 stands for "no word".
            found = self.cache[lexicon] = self.catalogue.lexicons[lexicon][self.field("words")].any(axis=1)
        return found


def _flag(bit: int) -> Callable[[Batch], Truth]:
    def read(batch: Batch) -> Truth:
        value = (batch.field("flags") & np.uint32(bit)) != 0
        return value, value

    return read


def _present(field: str) -> Callable[[Batch], Truth]:
    def read(batch: Batch) -> Truth:
        value = batch.field(field) != 0
        return value, value

    return read


def _own_transfer(batch: Batch) -> Truth:
    value = (batch.field("payer") == batch.field("payee")) & (batch.field("payer") != 0)
    return value, value


def _foreign_currency(batch: Batch) -> Truth:
    value = batch.field("currency") != b"KZT"
    return value, value


def _same(left: str, right: str, absent: Any) -> Callable[[Batch], Truth]:
    def read(batch: Batch) -> Truth:
        one, other = batch.field(left), batch.field(right)
        known = (one != absent) & (other != absent)
        same = one == other
        return same & known, same | ~known

    return read


def _or_unknown(field: str, absent: int) -> Callable[[Batch], NDArray[np.float64]]:
    def read(batch: Batch) -> NDArray[np.float64]:
        value = batch.field(field)
        return np.where(value == absent, np.nan, value)

    return read


def _since(field: str, unit_ms: int) -> Callable[[Batch], NDArray[np.float64]]:
    def read(batch: Batch) -> NDArray[np.float64]:
        value = batch.field(field)
        # A time after the event is a fault of whoever gave it: nothing to judge by.
        known = (value != NO_TIME) & (value <= batch.field("occurred_at"))
        return np.where(known, (batch.field("occurred_at") - np.where(known, value, 0)) / unit_ms, np.nan)

    return read


def _local(batch: Batch) -> NDArray[np.int64]:
    local: NDArray[np.int64] = batch.field("occurred_at") + LOCAL_OFFSET_MS
    return local


def _amount(batch: Batch) -> NDArray[np.float64]:
    tiyn = batch.field("amount_kzt")
    # Amounts are above 0, so 0 says that no rate of the currency was in force.
    return np.where(tiyn == 0, np.nan, tiyn / 100.0)


def _hour(batch: Batch) -> NDArray[np.float64]:
    return (_local(batch) // HOUR_MS % 24).astype(np.float64)


def _weekday(batch: Batch) -> NDArray[np.float64]:
    return ((_local(batch) // DAY_MS + _MONDAY) % 7 + 1).astype(np.float64)


def _day(batch: Batch) -> NDArray[np.float64]:
    days = (_local(batch) // DAY_MS).astype("datetime64[D]")
    day: NDArray[np.float64] = (days - days.astype("datetime64[M]")).astype(np.float64)
    return day + 1


_NUMBERS: Final[Mapping[str, Callable[[Batch], NDArray[np.float64]]]] = {
    "event.amount": _amount,
    "event.hour": _hour,
    "event.weekday": _weekday,
    "event.day": _day,
    "event.merchant_category": _or_unknown("merchant_category", 0),
    "event.purpose_code": _or_unknown("purpose_code", 0),
    "event.sim_changed_hours": _since("sim_changed_at", HOUR_MS),
    "event.payer_account_age_days": _since("payer_account_opened_at", DAY_MS),
    "event.payee_account_age_days": _since("payee_account_opened_at", DAY_MS),
}
_TRUTHS: Final[Mapping[str, Callable[[Batch], Truth]]] = {
    "event.device_new": _flag(DEVICE_NEW),
    "event.remote_access": _flag(REMOTE_ACCESS),
    "event.own_deposit_broken": _flag(OWN_DEPOSIT_BROKEN),
    "event.payer_non_resident": _flag(PAYER_NON_RESIDENT),
    "event.payee_non_resident": _flag(PAYEE_NON_RESIDENT),
    "event.late": _flag(LATE),
    "event.history": _flag(HISTORY),
    "event.has_device": _present("device"),
    "event.has_phone": _present("phone"),
    "event.own_transfer": _own_transfer,
    "event.foreign_currency": _foreign_currency,
    "event.same_institution": _same("payer_institution", "payee_institution", b""),
    "event.same_region": _same("payer_region", "payee_region", 0),
}
_TEXTS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "event.kind": ("kind", KINDS),
    "event.channel": ("channel", CHANNELS),
    "event.payer_kind": ("payer_kind", PARTY_KINDS),
    "event.payee_kind": ("payee_kind", PARTY_KINDS),
}
EVENT_NAMES: Final[Mapping[str, Name]] = {
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
        Name("event.purpose", "words"),
        *(Name(name, "truth") for name in _TRUTHS),
        *(Name(name, "text", options=options) for name, (_, options) in _TEXTS.items()),
    )
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
    """Every name of one rulebook, and where its values stand."""

    names: Mapping[str, Name]  # without p.*, which each typology adds
    features: Mapping[str, int]
    statistics: Mapping[str, tuple[int, int]]
    thresholds: Mapping[str, Dated]
    lexicons: Mapping[str, Booleans]  # bool[65536]

    @classmethod
    def of(
        cls, features: Iterable[Name], thresholds: Iterable[Dated], lexicons: Mapping[str, Iterable[int]]
    ) -> Catalogue:
        """The catalogue of declared features (in the order of their columns), dated thresholds and lexicons."""
        declared = list(features)
        dated = list(thresholds)
        names = dict(EVENT_NAMES)
        for role in ROLES:
            for statistic in STATISTICS:
                name = f"{role}.{statistic.name}"
                names[name] = Name(
                    name, "number", statistic.unit, statistic.low, statistic.high, integral=statistic.integral
                )
        names.update({name: Name(name, "number", "tail", low=0, high=1) for name in MODELS})
        for threshold in dated:
            low, high = float(threshold.values.min()), float(threshold.values.max())
            names[f"threshold.{threshold.name}"] = Name(
                f"threshold.{threshold.name}", "number", threshold.unit, low, high
            )
        names.update({feature.name: feature for feature in declared})
        return cls(
            names,
            {feature.name: place for place, feature in enumerate(declared)},
            {
                f"{role}.{statistic.name}": (r, k)
                for r, role in enumerate(ROLES)
                for k, statistic in enumerate(STATISTICS)
            },
            {f"threshold.{threshold.name}": threshold for threshold in dated},
            {name: _table(hashes) for name, hashes in lexicons.items()},
        )


def _table(hashes: Iterable[int]) -> Booleans:
    table = np.zeros(1 << 16, np.bool_)
    table[list(hashes)] = True
    table[0] = False
    return table
