"""The pyramid index of one collector: 0 to 100 points in parts that add up, and what becomes of it unless stopped.

Everything here is arithmetic on what `rules.pyramid` has counted. Each part is a share in [0, 1] of its most points;
the parts that only say that a crowd pays cannot reach the line together (the settings are refused if they could).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, NamedTuple, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rules.events import DAY_MS, LOCAL_OFFSET_MS
from rules.lists import Sourced
from rules.texts import Language, Strict, Texts
from rules.typology import TypologyId

Part = Literal[
    "crowd", "growth", "regions", "tickets", "words", "payouts", "returns", "referral", "cash_out", "no_expenses"
]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
SHAPE: Final = frozenset(("crowd", "growth", "regions", "tickets", "cash_out", "no_expenses"))
FITTED_DAYS: Final = 14
Z: Final = 1.6448536269514722  # of a two-sided interval of 90 %
HORIZONS: Final = (7, 30)
_MONTH_MS: Final = 30 * DAY_MS
_NOT_GIVEN_REGION: Final = 0


class Points(Strict):
    """One part of the index."""

    part: Part
    most: Annotated[float, Field(gt=0, le=100)]
    text: Texts


class MeterSettings(Sourced):
    """From where on a collector is watched and what its index is made of; an officer's numbers."""

    watch_payers: Annotated[int, Field(ge=2, le=1000)]
    watch_score: Annotated[float, Field(gt=0, le=1)]
    watch_typologies: list[TypologyId]
    window_days: Annotated[int, Field(ge=7, le=59)]
    least_payment: Annotated[int, Field(ge=0)]  # tenge
    line: Annotated[float, Field(gt=0, lt=100)]
    step: Annotated[float, Field(gt=0, le=50)]
    reach: Annotated[int, Field(ge=100)]
    points: list[Points]
    summary: Texts

    @model_validator(mode="after")
    def _adds_up(self) -> MeterSettings:
        if sorted(one.part for one in self.points) != sorted(PARTS):
            raise ValueError(f"points names each of {', '.join(PARTS)} once")
        if not math.isclose(sum(one.most for one in self.points), 100):
            raise ValueError("the most points of all parts do not add up to 100")
        if sum(one.most for one in self.points if one.part in SHAPE) >= self.line:
            raise ValueError(f"{', '.join(sorted(SHAPE))} reach the line together: a charity would be a pyramid")
        return self


class Payer(msgspec.Struct, array_like=True):
    """Somebody who has paid a collector: moments in ms, money in tiyn."""

    entered: int
    paid: int = 0
    last_amount: int = 0
    last_in: int = 0
    region: int = 0
    received: int = 0
    outs: int = 0
    first_out: int = 0
    last_out: int = 0
    refunded: bool = False


class Day(msgspec.Struct, array_like=True):
    """One local day of a collector; money in tiyn."""

    entrants: int = 0
    deposits: int = 0
    payments: int = 0
    words: int = 0
    other_in: int = 0
    cohort: int = 0  # ever deposited by those who entered on this day
    payouts: int = 0  # to earlier payers, refunds apart
    funded: int = 0  # of them, with the money of those who entered later than the recipient
    refunds: int = 0
    expenses: int = 0
    cash: int = 0
    other_out: int = 0


class Collector(msgspec.Struct, array_like=True):
    """Somebody whom private people pay."""

    rest: int  # of its token
    kind: int  # index into PARTY_KINDS
    began: int
    last: int
    payers: dict[int, Payer] = msgspec.field(default_factory=dict)
    days: dict[int, Day] = msgspec.field(default_factory=dict)
    level: int = 0  # each payer kept stands for 2**level
    people: int = 0
    payments: int = 0
    money_in: int = 0
    money_out: int = 0
    next_reading: int = 0
    index: float = 0.0
    told: float = -100.0  # never told
    moved: bool = False


class Growth(NamedTuple):
    """Entrants a day = exp(level + rate * days since the last complete day); covariance of the two."""

    level: float
    rate: float
    variances: tuple[float, float, float]  # of level, of both, of rate
    dispersion: float


class Forecast(NamedTuple):
    """People and money (tiyn) that come in so many days unless it is stopped, with 90 % limits."""

    days: int
    people: float
    people_low: float
    people_high: float
    money: float
    money_low: float
    money_high: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A collector at an instant. Money in tiyn; `parts` add up to `index`."""

    key: int
    rest: int
    kind: int
    moment: int
    index: float
    line: float
    parts: Mapping[Part, float]
    people: int  # ever
    payers: int  # in the window
    entrants_a_day: float
    doubling_days: float  # NaN where it does not grow
    regions: int
    deposits: int
    payouts: int
    funded: int
    repaid: int  # people
    monthly_rate: float  # NaN where nobody was paid
    cash_share: float  # of the deposits
    expenses_share: float
    money_in: int
    money_out: int
    estimated: bool  # figures of people come from a sample
    growth: Growth | None
    entrants: int  # in the window
    depth: int = 0  # filled in when it is told

    @property
    def still_there(self) -> int:
        """What has come in and not gone out, as far as the center saw both; never below 0."""
        return max(0, self.money_in - self.money_out)

    def forecast(self, settings: MeterSettings) -> tuple[Forecast, ...]:
        """What comes unless it is stopped; nothing before there are days enough to judge growth by."""
        return forecast(self.growth, self.people, self.deposits / max(self.entrants, 1), settings.reach)

    def texts(self, settings: MeterSettings) -> Mapping[Language, str]:
        """The reading as one sentence in three languages."""
        known: dict[str, tuple[float | str | None, str]] = {
            "index": (self.index, "points"),
            "days": (settings.window_days, "days"),
            "people": (self.payers, "people"),
            "regions": (self.regions, "regions"),
            "deposits": (self.deposits / 100, "tenge"),
            "payouts": (self.payouts / 100, "tenge"),
            "funded": (self.funded / self.payouts if self.payouts else 0.0, "share"),
        }
        return settings.summary.render(lambda name: known[name])


def share(value: float, nothing: float, full: float) -> float:
    """How far a value is from `nothing` to `full`, in [0, 1]."""
    return min(1.0, max(0.0, (value - nothing) / (full - nothing)))


def read(
    key: int,
    collector: Collector,
    moment: int,
    settings: MeterSettings,
    *,
    below: list[int],
    index_of: Callable[[int], float],
) -> Reading:
    """The index of a collector as of `moment`; `below` are its payers that are watched collectors themselves."""
    today = (moment + LOCAL_OFFSET_MS) // DAY_MS
    since = today - settings.window_days
    window = [day for number, day in collector.days.items() if since < number <= today]
    start = (since + 1) * DAY_MS - LOCAL_OFFSET_MS
    weight = 1 << collector.level
    active = [payer for payer in collector.payers.values() if payer.last_in >= start]
    paid = [payer for payer in collector.payers.values() if payer.last_out >= start]
    deposits = sum(day.deposits for day in window)
    payments = sum(day.payments for day in window)
    payouts = sum(day.payouts for day in window)
    funded = min(payouts, sum(day.funded for day in window))
    expenses = share(sum(day.expenses for day in window), 0, 0.2 * max(deposits, 1))
    other_in = sum(day.other_in for day in window)
    taken = sum(day.cash + day.other_out for day in window)
    growth = fit(collector.days, today if _day_is_over(moment) else today - 1)
    # Fewer than five repaid are a circle of friends, whatever share of the payers they are.
    breadth = share(len(paid), 0, max(5, 0.1 * len(active)))
    # What income other than deposits covers is paid by a business, and a business has suppliers.
    uncovered = max(0, payouts - other_in) / payouts if payouts else 0.0
    substance = uncovered * (1 - 0.5 * expenses)
    regular, rate = _returns(paid)
    regions = Counter(payer.region for payer in active if payer.region != _NOT_GIVEN_REGION)
    shares: dict[Part, float] = {
        "crowd": share(math.log(max(len(active) * weight, 1) / settings.watch_payers), 0, math.log(20)),
        "growth": share(growth.rate - math.sqrt(growth.variances[2]), 0, math.log(2) / 5) if growth else 0.0,
        "regions": share(_effective(regions), 1.2, 4.5),
        "tickets": share(_equal_round(active), 0.4, 0.8),
        "words": share(sum(day.words for day in window), 0, 0.3 * max(payments, 1)),
        "payouts": substance
        * (funded / payouts if payouts else 0.0)
        * min(breadth, share(payouts, 0, 0.03 * max(deposits, 1))),
        "returns": regular * breadth * substance,
        "referral": share(sum(index_of(payer) >= settings.line / 2 for payer in below), 0, max(3, 0.02 * len(active))),
        "cash_out": share(taken, 0, 0.5 * max(deposits, 1)),
        "no_expenses": 1 - expenses if deposits else 0.0,
    }
    parts: dict[Part, float] = {one.part: round(one.most * shares[one.part], 1) for one in settings.points}
    index = round(min(100.0, sum(parts.values())), 1)
    entrants = [day.entrants for number, day in collector.days.items() if today - 7 < number <= today]
    return Reading(
        key=key,
        rest=collector.rest,
        kind=collector.kind,
        moment=moment,
        index=index,
        line=settings.line,
        parts=parts,
        people=collector.people,
        payers=len(active) * weight,
        entrants_a_day=sum(entrants) / min(7, max(1, today - (collector.began + LOCAL_OFFSET_MS) // DAY_MS + 1)),
        doubling_days=math.log(2) / growth.rate if growth and growth.rate > 0.001 else math.nan,
        regions=len(regions),
        deposits=deposits,
        payouts=payouts,
        funded=funded,
        repaid=len(paid) * weight,
        monthly_rate=rate,
        cash_share=taken / deposits if deposits else 0.0,
        expenses_share=sum(day.expenses for day in window) / deposits if deposits else 0.0,
        money_in=collector.money_in,
        money_out=collector.money_out,
        estimated=collector.level > 0,
        growth=growth,
        entrants=sum(day.entrants for day in window),
    )


def _day_is_over(moment: int) -> bool:
    return (moment + 1 + LOCAL_OFFSET_MS) % DAY_MS == 0


def _effective(counts: Counter[int]) -> float:
    """The effective number of groups: the inverse of the chance that two are of the same (Simpson)."""
    total = sum(counts.values())
    return total * total / sum(count * count for count in counts.values()) if total else 0.0


def _equal_round(active: list[Payer]) -> float:
    """The share of payers whose latest payment is one of the four commonest round sums (of whole thousands)."""
    sums = Counter(payer.last_amount for payer in active if payer.last_amount % 100_000 == 0)
    return sum(count for _, count in sums.most_common(4)) / len(active) if active else 0.0


def _returns(paid: list[Payer]) -> tuple[float, float]:
    """How much of the repaid got parts of their deposit at regular intervals, in [0, 1]; the median rate a month."""
    if not paid:
        return 0.0, math.nan
    rates = sorted(
        payer.received / payer.paid * _MONTH_MS / max(payer.last_out - payer.entered, DAY_MS) for payer in paid
    )
    gaps = sorted((payer.last_out - payer.first_out) / (payer.outs - 1) for payer in paid if payer.outs >= 2)
    if not gaps:
        return 0.0, rates[len(rates) // 2]
    usual = gaps[len(gaps) // 2]
    regular = sum(
        payer.outs >= 2
        and abs((payer.last_out - payer.first_out) / (payer.outs - 1) - usual) <= 0.5 * usual
        and payer.received <= 0.6 * payer.paid * payer.outs
        for payer in paid
    )
    return share(regular / len(paid), 0, 0.3), rates[len(rates) // 2]


def fit(days: Mapping[int, Day], last: int) -> Growth | None:
    """Poisson regression of entrants a day on time, over at most the last 14 complete days.

    None before four days and twenty entrants. The dispersion, at least 1, widens what the fit believes of itself.
    """
    entered = [number for number, day in days.items() if day.entrants and last - FITTED_DAYS < number <= last]
    if not entered or last - min(entered) < 3:
        return None
    numbers = np.arange(min(entered), last + 1)
    counts = np.array([days[n].entrants if n in days else 0 for n in numbers.tolist()], np.float64)
    if counts.sum() < 20:
        return None
    design = np.stack([np.ones(len(numbers)), (numbers - last).astype(np.float64)], axis=1)
    found = np.array([math.log(counts.mean()), 0.0])
    for _ in range(25):
        expected = np.exp(np.clip(design @ found, -20, 20))
        step = np.linalg.solve(_information(design, expected), design.T @ (counts - expected))
        found = found + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    expected = np.maximum(np.exp(np.clip(design @ found, -20, 20)), 1e-6)
    dispersion = max(1.0, float((((counts - expected) ** 2) / expected).sum()) / max(1, len(counts) - 2))
    covariance = np.linalg.inv(_information(design, expected)) * dispersion
    variances = (float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1]))
    return Growth(float(found[0]), float(found[1]), variances, dispersion)


def _information(design: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    # A breath of ridge: days without anybody at all leave the slope open otherwise.
    information: NDArray[np.float64] = design.T @ (expected[:, None] * design) + 1e-6 * np.eye(2)
    return information


def forecast(growth: Growth | None, already: int, each: float, reach: int) -> tuple[Forecast, ...]:
    """People and money (`each` tiyn) of the next 7 and 30 days: growth dies down towards `reach` people (logistic)."""
    if growth is None:
        return ()
    told = []
    for horizon in HORIZONS:
        people, low, high = (_people(growth, horizon, already, reach, z) for z in (0.0, -Z, Z))
        noise = Z * math.sqrt(growth.dispersion * max(people, 1.0))
        low, high = max(0.0, min(low, people - noise)), max(high, people + noise)
        told.append(Forecast(horizon, people, low, high, people * each, low * each, high * each))
    return tuple(told)


def _people(growth: Growth, horizon: int, already: int, reach: int, z: float) -> float:
    """Who comes in `horizon` days, with the rate of every day moved by z standard errors of its logarithm."""
    level, both, slope = growth.variances
    come = 0.0
    for day in range(1, horizon + 1):
        spread = math.sqrt(max(0.0, level + 2 * day * both + day * day * slope))
        usual = math.exp(min(30.0, growth.level + growth.rate * day + z * spread))
        room = max(0.0, 1 - (already + come) / reach)
        come += min(usual * room, reach * room)
    return come
