"""A reading of the meter with its money in tiyn, as pages and the API show it."""

from __future__ import annotations

from dataclasses import dataclass

from console.amounts import tiyn
from streams.contracts.fields import milliseconds
from streams.contracts.pyramid_meter import PyramidMeter


@dataclass(frozen=True)
class Words:
    """A text in three languages."""

    kk: str
    ru: str
    en: str

    def said(self, language: str) -> str:
        """The text in one of them."""
        return {"kk": self.kk, "ru": self.ru, "en": self.en}[language]


@dataclass(frozen=True)
class Part:
    """One part of the index."""

    part: str
    points: float
    most: float
    text: Words


@dataclass(frozen=True)
class Forecast:
    """What comes in so many days unless it is stopped, with limits of 90 %; money in tiyn."""

    days: int
    people: int
    people_low: int
    people_high: int
    money: int
    money_low: int
    money_high: int


@dataclass(frozen=True)
class Reading:
    """As streams.contracts.pyramid_meter.PyramidMeter says it; money in tiyn, `at` in ms UTC."""

    collector: str
    kind: str
    at: int
    index: float
    line: float
    above: bool
    parts: list[Part]
    people: int
    payers: int
    estimated: bool
    entrants_a_day: float
    doubling_days: float | None
    regions: int
    deposits: int
    payouts: int
    funded_by_later: int
    repaid: int
    monthly_rate: float | None
    depth: int
    cash_share: float
    expenses_share: float
    money_in: int
    money_out: int
    still_there: int
    forecast: list[Forecast]
    summary: Words

    @property
    def next_week(self) -> Forecast | None:
        """What comes in seven days, where there is a forecast."""
        return next((one for one in self.forecast if one.days == 7), None)


def reading_of(said: PyramidMeter) -> Reading:
    """The reading of a record of `meters`."""
    return Reading(
        collector=said.collector,
        kind=said.kind,
        at=milliseconds(said.at),
        index=said.index,
        line=said.line,
        above=said.above,
        parts=[Part(one.part, one.points, one.most, Words(**one.text.model_dump())) for one in said.parts],
        people=said.people,
        payers=said.payers,
        estimated=said.estimated,
        entrants_a_day=said.entrants_a_day,
        doubling_days=said.doubling_days,
        regions=said.regions,
        deposits=tiyn(said.deposits),
        payouts=tiyn(said.payouts),
        funded_by_later=tiyn(said.funded_by_later),
        repaid=said.repaid,
        monthly_rate=said.monthly_rate,
        depth=said.depth,
        cash_share=said.cash_share,
        expenses_share=said.expenses_share,
        money_in=tiyn(said.money_in),
        money_out=tiyn(said.money_out),
        still_there=tiyn(said.still_there),
        forecast=[
            Forecast(
                one.days,
                one.people,
                one.people_low,
                one.people_high,
                tiyn(one.money),
                tiyn(one.money_low),
                tiyn(one.money_high),
            )
            for one in said.forecast
        ],
        summary=Words(**said.summary.model_dump()),
    )
