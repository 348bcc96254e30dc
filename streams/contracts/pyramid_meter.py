"""The contract of `meters`: how far one collector of money looks like a pyramid, and where it goes unless stopped."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from streams.contracts.fields import Contract, Instant
from streams.contracts.suspicious_operation import Tenge, TokenText
from streams.contracts.text import Text

Points = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=0)]
Ratio = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class MeterPart(Contract):
    """One part of the index."""

    part: str = Field(pattern=r"^[a-z][a-z0-9_]{1,47}$")
    points: Points
    most: Points
    text: Text


class GrowthForecast(Contract):
    """Who and what comes in so many days unless it is stopped, with limits of 90 %."""

    days: int = Field(ge=1)
    people: Count
    people_low: Count
    people_high: Count
    money: Tenge
    money_low: Tenge
    money_high: Tenge


class PyramidMeter(Contract):
    """The latest reading of one collector; `parts` add up to `index`. Money in tenge, of the window unless said."""

    type: Literal["pyramid_meter"]
    collector: TokenText
    kind: Literal["absent", "person", "company", "foreign", "account"]
    at: Instant
    index: Points
    line: Points
    above: bool = Field(description="The index is at or above the line")
    parts: tuple[MeterPart, ...]
    people: Count = Field(description="Different private payers ever")
    payers: Count = Field(description="Of them, those who paid in the window")
    estimated: bool = Field(description="Figures of people come from a sample of the payers (standard error 5 %)")
    entrants_a_day: Ratio = Field(description="New payers a day, over the last week")
    doubling_days: Ratio | None = Field(default=None, description="Absent where new payers do not grow")
    regions: Count
    deposits: Tenge = Field(description="Paid in by private people")
    payouts: Tenge = Field(description="Paid out to earlier payers, refunds apart")
    funded_by_later: Tenge = Field(description="Of the payouts, with the money of those who came after the recipient")
    repaid: Count = Field(description="Earlier payers who were paid")
    monthly_rate: Ratio | None = Field(default=None, description="Median of what they got a month for what they paid")
    depth: Count = Field(description="Watched collectors one below the other: the least depth, persuasion is not seen")
    cash_share: Ratio = Field(description="Taken in cash, crypto or by outsiders, of the deposits")
    expenses_share: Ratio = Field(description="Paid to suppliers, for taxes and to companies, of the deposits")
    money_in: Tenge = Field(description="Ever")
    money_out: Tenge = Field(description="Ever")
    still_there: Tenge = Field(description="Came in and did not go out, as far as the center saw both")
    forecast: tuple[GrowthForecast, ...] = Field(description="Empty before there are four days to judge growth by")
    summary: Text


_TEXT: Final = {"kk": "Төлеушілер саны", "ru": "Число плательщиков", "en": "Number of payers"}
EXAMPLE: Final[dict[str, Any]] = {
    "type": "pyramid_meter",
    "collector": "k1:ffeeddccbbaa99887766554433221100",
    "kind": "person",
    "at": "2026-11-23T18:59:59.999Z",
    "index": 71.5,
    "line": 50.0,
    "above": True,
    "parts": [{"part": "crowd", "points": 7.2, "most": 8.0, "text": _TEXT}],
    "people": 412,
    "payers": 398,
    "estimated": False,
    "entrants_a_day": 41.3,
    "doubling_days": 3.1,
    "regions": 8,
    "deposits": "31200000.00",
    "payouts": "6120000.00",
    "funded_by_later": "5890000.00",
    "repaid": 96,
    "monthly_rate": 0.31,
    "depth": 1,
    "cash_share": 0.22,
    "expenses_share": 0.0,
    "money_in": "31200000.00",
    "money_out": "12100000.00",
    "still_there": "19100000.00",
    "forecast": [
        {
            "days": 7,
            "people": 820,
            "people_low": 560,
            "people_high": 1190,
            "money": "62000000.00",
            "money_low": "42000000.00",
            "money_high": "90000000.00",
        }
    ],
    "summary": {
        "kk": "71,5 балл 100-ден: 30 күнде 8 өңірден 398 адам төледі.",
        "ru": "71,5 из 100: за 30 дней заплатили 398 человек из 8 регионов.",
        "en": "71.5 of 100: in 30 days 398 people of 8 regions paid.",
    },
}
