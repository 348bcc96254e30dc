"""Whose money paid whom: told by weeks in whole tiyn, and as the meter tells it."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.pyramids.story import Operation, split, tell
from rules.events import DAY_MS, KINDS
from rules.pyramid import Meter, Payment
from rules.rulebook_reading import packaged_procedure

COLLECTOR = 7
TRANSFER = KINDS.index("transfer")
CASH = KINDS.index("cash_withdrawal")
START = 20_000 * DAY_MS


def paid_in(day: float, payer: int, tenge: int, region: int = 75, kind: str = "person") -> Operation:
    """A deposit, `day` days after the start."""
    return Operation(START + int(day * DAY_MS), TRANSFER, payer, COLLECTOR, tenge * 100, region, kind, "person")


def paid_out(day: float, payee: int | None, tenge: int, kind: int = TRANSFER) -> Operation:
    """A payout, `day` days after the start."""
    return Operation(START + int(day * DAY_MS), kind, COLLECTOR, payee, tenge * 100, 75, "person", "person")


def test_a_payout_is_told_by_the_weeks_whose_money_it_was() -> None:
    story = tell(
        COLLECTOR,
        [
            paid_in(0, 1, 100_000),
            paid_in(1, 2, 100_000, region=71),
            paid_in(8, 3, 300_000),
            paid_out(9, 1, 40_000),  # after the first day came 100,000 of week 0 and 300,000 of week 1
            paid_out(9, 2, 15_000),  # after the second day, only what week 1 brought
        ],
        least_payment=0,
    )
    assert story.members[1].sources == [10_000_00, 30_000_00]
    assert story.members[2].sources == [0, 15_000_00]
    first, second = story.cohorts
    assert (first.people, first.repaid, first.received, first.sources) == (2, 2, 55_000_00, (10_000_00, 45_000_00))
    assert (second.people, second.repaid, second.received) == (1, 0, 0)
    assert [day for day, new, _ in story.entrants if new] == [20_000, 20_001, 20_008]
    assert story.regions[71] == (1, 100_000_00)


def test_what_comes_back_whole_is_a_refund_and_no_payout() -> None:
    story = tell(COLLECTOR, [paid_in(0, 1, 50_000), paid_in(1, 2, 50_000), paid_out(2, 1, 50_000)], least_payment=0)
    assert (story.members[1].received, story.members[1].refunded) == (0, 50_000_00)
    assert not story.repaid


def test_cash_strangers_companies_and_small_sums_are_neither_payers_nor_paid() -> None:
    story = tell(
        COLLECTOR,
        [
            paid_in(0, 1, 50_000),
            paid_in(0, 2, 500),
            paid_in(0, 3, 50_000, kind="company"),
            paid_out(1, None, 10_000, CASH),
            paid_out(1, 9, 10_000),
        ],
        least_payment=1_000_00,
    )
    assert set(story.members) == {1}
    assert not story.repaid


def test_nobody_has_paid() -> None:
    assert tell(COLLECTOR, [], least_payment=0).cohorts == ()


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**15), min_size=1, max_size=8).filter(any))
def test_parts_add_up_and_are_nowhere_a_whole_tiyn_off(amount: int, weights: list[int]) -> None:
    parts = split(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) < sum(weights)


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 400), st.booleans()), min_size=2, max_size=60))
def test_later_money_is_what_the_meter_says_it_is(moves: list[tuple[int, int, bool]]) -> None:
    """The meter cuts each payout's share down to whole tiyn, here the rest is shared out: they differ by tiyn."""
    settings = packaged_procedure().pyramid_meter
    assert settings is not None
    meter, operations, hours = Meter(), [], count()
    for party, thousands, comes_in in moves:
        day = next(hours) / 3
        made = paid_in if comes_in else paid_out
        one = made(day, party, thousands * 1_000)
        operations.append(one)
        meter.pay(
            Payment(one.payer or 0, one.payee or 0, 0, 1, 1, 75, TRANSFER, one.amount, one.at, False, False, 0.0),
            settings,
        )
    collector = meter.candidates.get(COLLECTOR)
    funded = sum(day.funded for day in collector.days.values()) if collector else 0
    story = tell(COLLECTOR, operations, least_payment=settings.least_payment * 100)
    told = sum(member.from_later for member in story.members.values())
    assert told == pytest.approx(funded, abs=7 * len(moves))
