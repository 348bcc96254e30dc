"""Small countries for the tests of money: a strategy that draws them, and a slow count coin by coin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from hypothesis import strategies as st

from console.money.transfers import OUTSIDE, Transfers

ACCOUNTS = 4
Row = tuple[int, int, int, int]

_SIDE = st.integers(OUTSIDE, ACCOUNTS - 1)
ROWS = st.lists(
    st.tuples(_SIDE, _SIDE, st.integers(1, 6)).filter(lambda row: row[0] != row[1]), min_size=1, max_size=14
).map(lambda rows: [(source, target, amount, at) for at, (source, target, amount) in enumerate(rows)])


def transfers(rows: Sequence[Row], accounts: int = ACCOUNTS) -> Transfers:
    """The rows as arrays."""
    return Transfers.of(list(rows), accounts)


@dataclass
class Coin:
    """One tiyn, with the transfers that it went through."""

    went: list[int] = field(default_factory=list)


def opening(rows: Sequence[Row], account: int) -> int:
    """The least that the account must have had at the beginning."""
    changes = [(row[1] == account) * row[2] - (row[0] == account) * row[2] for row in rows]
    return max(0, -min(accumulate(changes), default=0))


def coins(rows: Sequence[Row], *, first: bool, accounts: int = ACCOUNTS) -> list[list[Coin]]:
    """By transfer, the coins that it moved: of each account the first that came, or the last."""
    purses = {account: [Coin() for _ in range(opening(rows, account))] for account in range(accounts)}
    moved = []
    for place, (source, target, amount, _) in enumerate(rows):
        if source == OUTSIDE:
            taken = [Coin() for _ in range(amount)]
        elif first:
            taken, purses[source] = purses[source][:amount], purses[source][amount:]
        else:
            taken, purses[source] = purses[source][-amount:], purses[source][:-amount]
        for coin in taken:
            coin.went.append(place)
        moved.append(taken)
        if target != OUTSIDE:
            purses[target] += taken
    return moved
