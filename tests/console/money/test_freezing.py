"""Freeze advice: within its limits, never worse than naive, near the best there is, and better on simulated frauds."""

from __future__ import annotations

from itertools import combinations
from math import e

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from console.money.freezing import Limits, advise, look_ahead
from console.money.survival import Staying, Stays, stays_of
from console.money.tracing import trace
from console.money.transfers import OUTSIDE
from tests.console.money.frauds import HOPS, recovered
from tests.console.money.small import ROWS, Row, transfers

MINUTE = 60_000
HOUR = 60 * MINUTE


@given(ROWS, st.integers(1, 3), st.none() | st.integers(0, 8), st.sampled_from([0.0, 0.2, 1.0]), st.integers(0, 2))
def test_it_keeps_its_limits_and_is_never_worse_than_naive(
    rows: list[Row], accounts: int, innocent: int | None, harm: float, each: int
) -> None:
    known, limits = transfers(rows), Limits(accounts, innocent, harm, each, delay_ms=2, lasting_ms=10)
    advice = advise(known, trace(known, [0], "fifo", HOPS), len(rows), limits)
    assert advice.order.value >= advice.naive.value
    for order in (advice.order, advice.naive):
        assert len(set(order.accounts)) == len(order.accounts) <= accounts
        assert innocent is None or order.innocent <= innocent
        assert -1e-9 <= order.expected <= advice.outlook.present.sum() + 1e-9


@given(ROWS, st.integers(1, 3), st.integers(0, 4))
def test_it_is_near_the_best_there_is(rows: list[Row], accounts: int, delay: int) -> None:
    known, limits = transfers(rows), Limits(accounts, harm=0.0, each=0, delay_ms=delay, lasting_ms=10)
    said = trace(known, [0], "fifo", HOPS)
    outlook = look_ahead(known, said, len(rows), limits)
    candidates = range(len(outlook.accounts))
    best = max((outlook.expected(some) for n in range(accounts + 1) for some in combinations(candidates, n)), default=0)
    found = advise(known, said, len(rows), limits).order.expected
    assert (1 - 1 / e) * best - 1e-9 <= found <= best + 1e-9


@given(ROWS, st.sets(st.integers(0, 3)), st.sets(st.integers(0, 3)), st.integers(0, 3))
def test_what_an_order_catches_is_monotone_and_submodular(
    rows: list[Row], some: set[int], more: set[int], one: int
) -> None:
    known = transfers(rows)
    outlook = look_ahead(known, trace(known, [0], "pro_rata", HOPS), len(rows), Limits(delay_ms=3, lasting_ms=9))
    within = set(range(len(outlook.accounts)))
    few, many, new = some & within, (some | more) & within, {one} & within
    gain_of_few = outlook.expected(sorted(few | new)) - outlook.expected(sorted(few))
    gain_of_many = outlook.expected(sorted(many | new)) - outlook.expected(sorted(many))
    assert gain_of_few >= -1e-9
    if not new & many:
        assert gain_of_few >= gain_of_many - 1e-9


def test_money_that_is_gone_is_looked_for_where_it_went() -> None:
    # Three victims pay a mule, who has passed on everything, within minutes as always.
    rows: list[Row] = []
    for number in range(3):
        at = number * HOUR
        rows += [(number, 3, 100_000, at), (3, 4, 99_000, at + 5 * MINUTE)]
    known = transfers(rows, 5)
    advice = advise(known, trace(known, [0, 2, 4], "fifo", HOPS), 3 * HOUR, Limits(accounts=1, each=0))
    assert (advice.naive.accounts, advice.order.accounts) == ((3,), (4,))
    assert advice.order.expected > 0.9 * 297_000 > 10 * advice.naive.expected


def test_an_account_full_of_other_peoples_money_is_left_alone() -> None:
    rows: list[Row] = [(OUTSIDE, 1, 50_000_000, 0), (0, 1, 1_000, 1), (0, 2, 900, 2)]
    known = transfers(rows)
    said = trace(known, [1, 2], "pro_rata", HOPS)
    assert advise(known, said, 3, Limits(each=0)).order.accounts == (2,)
    assert advise(known, said, 3, Limits(harm=0.0, each=0)).order.accounts == (1, 2)
    assert advise(known, said, 3, Limits(harm=0.0)).order.accounts == ()
    assert advise(known, said, 3, Limits(harm=0.0, each=0, innocent=1_000)).order.accounts == (2,)


def test_how_long_money_stays_is_what_kaplan_and_meier_tell() -> None:
    # Freireich's leukaemia data (1963), those with 6-mercaptopurine, as every text book has it: weeks; + is censored.
    told = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
    weeks = [float(week.rstrip("+")) for week in told.split()]
    stays = Stays(np.array(weeks), np.ones(21), np.array(["+" not in week for week in told.split()]))
    said = [round(Staying(stays).share(week), 4) for week in (5, 6, 7, 10, 13, 16, 22, 23, 50)]
    assert said == [1.0, 0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482, 0.4482]


def test_what_stayed_how_long_is_told_first_in_first_out() -> None:
    rows: list[Row] = [(OUTSIDE, 1, 100, 0), (OUTSIDE, 1, 50, 10), (1, OUTSIDE, 120, 30), (1, 1, 5, 35)]
    stays = stays_of(transfers(rows), 1, 40, 0)
    assert stays.lasted.tolist() == [30, 20, 30]
    assert stays.weight.tolist() == [1.0, 0.4, 0.6]
    assert stays.ended.tolist() == [True, True, False]


def test_it_finds_more_than_naive_on_simulated_frauds() -> None:
    found = recovered(11, Limits(accounts=3))  # a seed on which nothing was tuned
    print(found)
    assert found.advised > 1.2 * found.naive
