"""The lists of a rulebook: lexicons, dated values of law, and exchange rates, each with its source and validity."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from rules.events import DAY_MS, LOCAL_OFFSET_MS, Events, word_hash
from rules.names import Dated
from rules.texts import Strict, Texts

FOREVER: Final = np.iinfo(np.int64).max
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,47}$")]
Confidence = Literal["H", "M", "L"]  # several agreeing sources, one good source, uncertain


def _day(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError("a day is written 2026-01-31")
    date.fromisoformat(text)
    return text


Day = Annotated[str, AfterValidator(_day)]


def day_starts(day: str) -> int:
    """The instant, in ms, at which a day of the calendar starts in Kazakhstan."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000) - LOCAL_OFFSET_MS


class Sourced(Strict):
    """Something that was true for a time, and who says so."""

    source: Annotated[str, StringConstraints(min_length=3)]
    confidence: Confidence
    valid_from: Day | None = None
    valid_to: Day | None = None  # the last day

    @model_validator(mode="after")
    def _in_order(self) -> Sourced:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        return self

    def interval(self) -> tuple[int, int]:
        """Start and exclusive end in ms."""
        start = day_starts(self.valid_from) if self.valid_from else -FOREVER
        end = day_starts(self.valid_to) + DAY_MS if self.valid_to else FOREVER
        return start, end


def _one_word(word: str) -> str:
    if word != word.lower() or not word.isalpha():
        raise ValueError(f"{word!r} is not one lower-case word")
    return word


class Lexicon(Strict):
    """Words of a purpose that mean one thing. Every form is listed: words are compared whole, as hashes."""

    name: Identifier
    text: Texts
    source: Annotated[str, StringConstraints(min_length=3)]
    words: dict[Literal["kk", "ru", "en"], list[Annotated[str, AfterValidator(_one_word)]]]

    def hashes(self) -> frozenset[int]:
        return frozenset(word_hash(word) for words in self.words.values() for word in words)


class DatedValue(Sourced):
    value: float


class Threshold(Strict):
    """A value that law or an office sets, in each of its times."""

    name: Identifier
    unit: str
    text: Texts
    values: Annotated[list[DatedValue], Field(min_length=1)]

    @model_validator(mode="after")
    def _apart(self) -> Threshold:
        _apart(self.values)
        return self

    def dated(self) -> Dated:
        return _dated(self.name, self.unit, self.values, [value.value for value in self.values])


class Rate(Sourced):
    kzt: Annotated[float, Field(gt=0)]


class ExchangeRate(Strict):
    """Tenge for one unit of a currency, in each of its times."""

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    minor_digits: Annotated[int, Field(ge=0, le=4)] = 2
    values: Annotated[list[Rate], Field(min_length=1)]

    @model_validator(mode="after")
    def _apart(self) -> ExchangeRate:
        _apart(self.values)
        return self

    def dated(self) -> Dated:
        # Tiyn for one minor unit: what amounts are multiplied by.
        factor = 100 / 10**self.minor_digits
        return _dated(self.currency, "tiyn", self.values, [rate.kzt * factor for rate in self.values])


class Lists(Strict):
    """One file of catalogue/lists."""

    lexicons: list[Lexicon] = Field(default_factory=list)
    thresholds: list[Threshold] = Field(default_factory=list)
    exchange_rates: list[ExchangeRate] = Field(default_factory=list)


def _apart(values: Sequence[Sourced]) -> None:
    spans = sorted(value.interval() for value in values)
    for (_, end), (start, _) in pairwise(spans):
        if start < end:
            raise ValueError("two values are valid on the same day: give the earlier one a valid_to")


def _dated(name: str, unit: str, spans: Sequence[Sourced], values: Sequence[float]) -> Dated:
    order = sorted(range(len(spans)), key=lambda place: spans[place].interval())
    intervals = np.array([spans[place].interval() for place in order], np.int64)
    return Dated(name, unit, intervals[:, 0], intervals[:, 1], np.array([values[place] for place in order]))


@dataclass(frozen=True, slots=True)
class Rates:
    """Turns amounts of any listed currency into tiyn, by the rate in force when the event happened."""

    by_currency: dict[bytes, Dated]

    @classmethod
    def of(cls, rates: Sequence[ExchangeRate]) -> Rates:
        return cls({rate.currency.encode(): rate.dated() for rate in rates})

    def tiyn(self, rows: Events) -> NDArray[np.int64]:
        """The amounts in tiyn; 0 where no rate is known."""
        amounts: NDArray[np.int64] = rows["amount"].astype(np.int64)
        foreign = np.flatnonzero(rows["currency"] != b"KZT")
        if not len(foreign):
            return amounts
        currencies = rows["currency"][foreign]
        amounts[foreign] = 0
        for currency in np.unique(currencies):
            rate = self.by_currency.get(bytes(currency))
            if rate is None:
                continue
            places = foreign[currencies == currency]
            tiyn = rows["amount"][places] * rate.at(rows["occurred_at"][places])
            # At least 1, since 0 means "no rate"; far below 2**63, where floats would no longer fit.
            amounts[places] = np.clip(np.rint(np.nan_to_num(tiyn)), ~np.isnan(tiyn), 2**62).astype(np.int64)
        return amounts
