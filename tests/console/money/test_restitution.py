"""Restitution: shares add up to the tiyn, nobody gets more than was lost, and no order of postings breaks the books."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.money.restitution import (
    OUTSIDE,
    Claim,
    Posting,
    Unbalanced,
    check,
    claimant,
    first_in_first_out,
    frozen,
    held,
    in_proportion,
    pro_rata,
    standing,
    transfer,
)

CASE = 7
OWED = st.dictionaries(st.integers(1, 20), st.integers(0, 10**13), max_size=8)


@given(st.integers(0, 10**14), OWED)
def test_shares_add_up_and_are_within_a_tiyn_of_the_exact_ones(amount: int, owed: dict[int, int]) -> None:
    shares, total = pro_rata(amount, owed), sum(owed.values())
    assert sum(shares.values()) == min(amount, total)
    for key, share in shares.items():
        assert share <= owed[key]
        assert not total or abs(share - Fraction(min(amount, total) * owed[key], total)) < 1


def test_the_largest_remainders_get_what_is_over() -> None:
    # Hamilton's method as for seats: 21,878 : 9,713 : 4,167 : 3,252 : 1,065 of 44 is 24 : 11 : 5 : 3 : 1.
    votes = {1: 21_878, 2: 9_713, 3: 4_167, 4: 3_252, 5: 1_065}
    assert list(in_proportion(44, votes).values()) == [24, 11, 5, 3, 1]
    with pytest.raises(ValueError, match="above zero"):
        in_proportion(1, {1: 0})


@given(st.integers(0, 1_000), OWED, st.dictionaries(st.integers(50, 53), OWED), st.data())
def test_by_claytons_case_nobody_gets_more_than_was_traced_owed_or_there(
    amount: int, owed: dict[int, int], whose: dict[int, dict[int, int]], data: st.DataObject
) -> None:
    recovered = {account: data.draw(st.integers(0, 10**13)) for account in whose}
    shares = first_in_first_out(amount, owed, whose, recovered, {})
    assert sum(shares.values()) <= amount
    for key, share in shares.items():
        assert 0 <= share <= min(owed[key], sum(traced.get(key, 0) for traced in whose.values()))


def test_claytons_case_and_proportion_differ() -> None:
    # Two lost 100 each; the first one's money was spent first, the second one's is what was found.
    owed, whose = {1: 100, 2: 100}, {50: {2: 100}}
    assert pro_rata(100, owed) == {1: 50, 2: 50}
    assert first_in_first_out(100, owed, whose, {50: 100}, {}) == {1: 0, 2: 100}
    # Sixty came before and were divided so; of the next forty again the second one's share is his.
    assert first_in_first_out(40, {1: 100, 2: 40}, whose, {50: 100}, {2: 60}) == {1: 0, 2: 40}


ACTS = st.lists(st.tuples(st.sampled_from("flrd"), st.sampled_from([50, 51]), st.integers(1, 300)), max_size=25)


@given(ACTS)
def test_whatever_is_posted_the_books_balance(acts: list[tuple[str, int, int]]) -> None:
    claims = [Claim(1, 1, 200), Claim(2, 2, 100), Claim(3, 1, 50)]
    postings: list[Posting] = []
    for number, (act, party, amount) in enumerate(acts):
        moves = {
            "f": [(OUTSIDE, frozen(party), amount)],
            "l": [(frozen(party), OUTSIDE, amount)],
            "r": [(frozen(party), held(CASE), amount)],
            "d": [
                (held(CASE), claimant(key), share)
                for key, share in pro_rata(amount, standing(postings, claims).owed).items()
                if share
            ],
        }[act]
        tried = [*postings, *transfer(number, moves)]
        try:
            balances = check(tried, claims)
        except Unbalanced:
            continue
        postings = tried
        said = standing(postings, claims)
        assert sum(balances.values()) == 0
        assert sum(said.frozen.values()) + said.held + sum(said.paid.values()) == -balances.get(OUTSIDE, 0)
        assert all(said.paid.get(key, 0) + said.owed[key] == said.claimed[key] for key in said.claimed)


def test_a_broken_ledger_says_what_is_wrong() -> None:
    claims = [Claim(1, 1, 100)]
    with pytest.raises(Unbalanced, match="transfer 3 does not add up: 5 tiyn"):
        check([Posting(3, OUTSIDE, -5), Posting(3, frozen(50), 10)], claims)
    with pytest.raises(Unbalanced, match="frozen:50 would be 10 tiyn below zero"):
        check(transfer(1, [(frozen(50), held(CASE), 10)]), claims)
    with pytest.raises(Unbalanced, match="more than was claimed"):
        check(transfer(1, [(OUTSIDE, claimant(1), 101)]), claims)
    with pytest.raises(Unbalanced, match="above zero"):
        transfer(1, [(OUTSIDE, held(CASE), 0)])
