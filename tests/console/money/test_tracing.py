"""Tracing: it is what a slow count coin by coin finds, nothing is lost, and each method does as its law says."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from console.money.purses import METHODS, Method
from console.money.tracing import Trace, trace
from console.money.transfers import OUTSIDE, Transfers
from tests.console.money.small import ROWS, Row, coins, opening, transfers

FAR = 99
VICTIM, MULE, FRIEND, CHIEF = range(4)
# A mule with 100 of its own gets 300 of a victim and 100 of a friend, and pays on 200.
MIXED: list[Row] = [
    (VICTIM, MULE, 300, 1),
    (FRIEND, MULE, 100, 2),
    (MULE, CHIEF, 200, 3),
    (MULE, OUTSIDE, 300, 4),
]


@pytest.mark.parametrize(
    ("method", "moved", "left"),
    [
        ("fifo", [300, 0, 100, 200], 200),  # its own 100 first, then the victim's
        ("lifo", [300, 0, 100, 200], 200),  # the friend's 100 first, then the victim's
        ("pro_rata", [300, 0, 120, 180], 180),  # three fifths of everything
        ("poison", [300, 0, 200, 300], 300),
    ],
)
def test_each_method_does_as_its_law_says(method: Method, moved: list[int], left: int) -> None:
    said = trace(transfers(MIXED), [0], method, FAR)
    assert said.moved.tolist() == moved
    assert (said.left, said.left_from[MULE], said.present[CHIEF]) == (left, left, moved[2])
    assert said.opening.tolist()[MULE] == 100
    assert said.hop.tolist() == [0, 1, 0, 2]


def test_last_in_first_out_is_not_first_in_first_out() -> None:
    rows = [(OUTSIDE, MULE, 50, 1), (VICTIM, MULE, 30, 2), (MULE, CHIEF, 40, 3), (MULE, OUTSIDE, 40, 4)]
    assert trace(transfers(rows), [1], "fifo", FAR).moved.tolist() == [0, 30, 0, 30]
    assert trace(transfers(rows), [1], "lifo", FAR).moved.tolist() == [0, 30, 30, 0]


@given(ROWS, st.data())
def test_every_coin_goes_where_the_slow_count_sends_it(rows: list[Row], data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, len(rows) - 1))
    home = rows[seed][0]
    for method in ("fifo", "lifo"):
        expected = [0] * len(rows)
        for coin in coins(rows, first=method == "fifo")[seed]:
            for place in coin.went[coin.went.index(seed) :]:
                expected[place] += 1
                if rows[place][1] == home:
                    break
        assert trace(transfers(rows), [seed], method, FAR).moved.tolist() == expected


@given(ROWS, st.data())
def test_backwards_it_comes_from_where_the_coins_came(rows: list[Row], data: st.DataObject) -> None:
    asked = data.draw(st.integers(0, len(rows) - 1))
    for method in ("fifo", "lifo"):
        expected = [0] * len(rows)
        for coin in coins(rows, first=method == "fifo")[asked]:
            for place in reversed(coin.went[: coin.went.index(asked) + 1]):
                expected[place] += 1
                if rows[place][0] == rows[asked][1]:
                    break
        said = trace(transfers(rows).reversed(), [len(rows) - 1 - asked], method, FAR)
        assert said.moved[::-1].tolist() == expected


@given(ROWS, st.sets(st.integers(0, 13), min_size=1, max_size=3), st.integers(1, 5), st.sampled_from(METHODS))
def test_nothing_is_lost_and_nothing_made(rows: list[Row], chosen: set[int], hops: int, method: Method) -> None:
    seeds = sorted(place for place in chosen if place < len(rows))
    assume(seeds)
    said = trace(transfers(rows), seeds, method, hops)
    assert np.all((said.moved >= 0) & (said.moved <= transfers(rows).amount))
    assert np.all((said.present >= 0) & (said.clean >= 0))
    assert [sum(amount for _, amount in said.whose.get(at, [])) for at in range(4)] == said.present.tolist()
    if method != "poison":
        assert said.seeded == said.present.sum() + said.left + said.returned
    assert said.left >= said.left_from.sum()  # a seed of cash has left from nowhere
    for account in np.flatnonzero(said.followed).tolist():
        changes = [(row[1] == account) * row[2] - (row[0] == account) * row[2] for row in rows]
        assert said.opening[account] == opening(rows, account)
        assert said.balance[account] == said.opening[account] + sum(changes)


@given(ROWS, st.data())
def test_poison_is_the_most(rows: list[Row], data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, len(rows) - 1))
    most = trace(transfers(rows), [seed], "poison", FAR)
    for method in ("fifo", "lifo", "pro_rata"):
        assert np.all(trace(transfers(rows), [seed], method, FAR).moved <= most.moved)


def test_money_is_followed_for_so_many_transfers_and_kept_after() -> None:
    rows = [(at, at + 1, 100, at) for at in range(5)]
    for hops in range(1, 6):
        said = trace(transfers(rows, 6), [0], "fifo", hops)
        assert said.moved.tolist() == [100] * hops + [0] * (5 - hops)
        assert said.present.tolist() == [0] * hops + [100] + [0] * (5 - hops)


def test_an_end_keeps_what_comes_and_home_is_no_stranger() -> None:
    rows = [(0, 1, 100, 1), (1, 2, 60, 2), (2, 3, 60, 3), (1, 0, 40, 4), (0, 3, 40, 5)]
    said = trace(transfers(rows), [0], "fifo", FAR, frozenset({2}))
    assert said.moved.tolist() == [100, 60, 0, 40, 0]
    assert (said.returned, said.present[2], said.hop[3]) == (40, 60, 0)


def test_money_does_not_move_on_before_it_came() -> None:
    rows = [(1, 2, 100, 1), (0, 1, 100, 2)]
    assert [int(trace(transfers(rows), [1], method, FAR).present[1]) for method in METHODS] == [100] * 4


def test_seeds_are_told_apart_and_none_is_counted_twice() -> None:
    rows = [(0, 2, 100, 1), (1, 2, 100, 2), (2, 3, 150, 3)]
    said = trace(transfers(rows), [0, 1, 2], "fifo", FAR)
    assert (said.seeded, said.whose) == (200, {2: [(2, 50)], 3: [(1, 100), (2, 50)]})


def test_what_is_no_transfer_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        Transfers.of([(0, 1, 0, 1)], 2)
    with pytest.raises(ValueError, match="order of time"):
        Transfers.of([(0, 1, 5, 2), (0, 1, 5, 1)], 2)
    with pytest.raises(ValueError, match="numbered from 0 to 1"):
        Transfers.of([(0, 2, 5, 2)], 2)


def test_nothing_is_said_of_an_account_that_money_never_reached() -> None:
    said: Trace = trace(transfers(MIXED), [0], "fifo", FAR)
    assert (said.opening[VICTIM], said.balance[VICTIM], said.present[FRIEND]) == (0, 0, 0)
    assert set(METHODS) == set(get_args(Method))
