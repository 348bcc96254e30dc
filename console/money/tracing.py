"""Follows the money of some transfers from account to account, by one of four methods (console.money.purses).

What is not known is said: an account is taken to have had, before the first transfer that is known, the least balance
with which it never pays what it does not have (`Transfers.least_openings`), and that money to have been clean. Money is
followed for a number of transfers; an account further away, or one of `ends`, keeps what comes. Money that comes back
to who sent it has returned and is not followed any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from console.money.purses import CLEAN, PURSES, Method, Part, Purse
from console.money.transfers import OUTSIDE, Numbers, Transfers, reach


@dataclass(frozen=True, slots=True)
class Trace:
    """Where the seeds' money went; amounts in tiyn. Except by poison, `seeded == present.sum() + left + returned`."""

    method: Method
    moved: Numbers  # by transfer: how much of it is the seeds' money
    present: Numbers  # by account: how much of it is still there
    balance: Numbers  # by account: all that is there; of accounts that are not followed, what came of it
    opening: Numbers  # by account: what it must have had before the first known transfer
    hop: NDArray[np.int16]  # by account: the fewest transfers by which it can have come, 0 where it cannot, or began
    followed: NDArray[np.bool_]  # by account: whether what it paid on was looked at
    left_from: Numbers  # by account: what left the accounts from there: as cash, to a shop, to an exchange
    seeded: int
    left: int
    returned: int
    whose: dict[int, list[Part]]  # account → what is there of which seed: (number of the seed from 1, tiyn)

    @property
    def clean(self) -> Numbers:
        """By account: what is there besides the seeds' money."""
        return self.balance - self.present


def trace(
    transfers: Transfers, seeds: Sequence[int], method: Method, hops: int, ends: frozenset[int] = frozenset()
) -> Trace:
    """Follow the money of the transfers at the places `seeds` over at most `hops` transfers, the seeds being the first.

    A seed that pays on money of another seed adds only the rest. Backwards: with `transfers.reversed()`.
    """
    targets = {int(transfers.target[seed]) for seed in seeds}
    home = {int(transfers.source[seed]) for seed in seeds} - targets - {OUTSIDE}
    hop = reach(transfers, list(seeds), hops, ends | home)
    hop[list(home)] = 0
    followed = (hop > 0) & (hop < hops)
    followed[list(ends | home)] = False
    opening = transfers.least_openings()
    flow = _Flow(transfers, method, followed, home, opening)
    flow.run({seed: number for number, seed in enumerate(seeds, 1)})
    return flow.trace(hop)


class _Flow:
    """One run through the transfers."""

    def __init__(
        self, transfers: Transfers, method: Method, followed: NDArray[np.bool_], home: set[int], opening: Numbers
    ) -> None:
        self._transfers, self._method, self._home, self._opening = transfers, method, home, opening
        self._followed = followed
        self._balance: list[int] = np.where(followed, opening, 0).tolist()  # of accounts without traced money
        self._purses: list[Purse | None] = [None] * transfers.count
        self._kept: dict[int, Purse] = {}  # what came to accounts that are not followed
        self._moved = [0] * len(transfers)
        self._seeded = self._left = self._returned = 0

    def run(self, seeds: dict[int, int]) -> None:
        """Take every transfer that touches a followed account, in order; `seeds`: place → number of the seed."""
        transfers, followed = self._transfers, np.append(self._followed, False)  # the last for OUTSIDE, which is -1
        touched = followed[transfers.source] | followed[transfers.target]
        touched[list(seeds)] = True
        touched &= transfers.source != transfers.target
        places = np.flatnonzero(touched)
        rows = zip(
            places.tolist(),
            transfers.source[places].tolist(),
            transfers.target[places].tolist(),
            transfers.amount[places].tolist(),
            strict=True,
        )
        purses, balance = self._purses, self._balance
        for place, source, target, amount in rows:
            purse = purses[source] if source >= 0 else None
            if purse is None and place not in seeds:
                if source >= 0:
                    balance[source] -= amount
                if target >= 0:
                    self._put_clean(target, amount)
                continue
            parts = self._taken(source, purse, amount)
            if place in seeds:
                parts = self._marked(parts, seeds[place])
            self._moved[place] = traced = sum(part[1] for part in parts if part[0])
            self._put(target, parts, amount, traced)

    def _put_clean(self, target: int, amount: int) -> None:
        purse = self._purses[target]
        if purse is None:
            self._balance[target] += amount
        else:
            purse.put([(CLEAN, amount)], amount, 0)

    def _taken(self, source: int, purse: Purse | None, amount: int) -> list[Part]:
        if purse is None:
            if source >= 0:
                self._balance[source] -= amount
            return [(CLEAN, amount)]
        parts = purse.take(amount)
        if not purse.traced:
            self._balance[source], self._purses[source] = purse.balance, None
        return parts

    def _marked(self, parts: list[Part], number: int) -> list[Part]:
        """The parts of a seed: what was clean is its own."""
        self._seeded += sum(amount for label, amount in parts if not label)
        return [(label or number, amount) for label, amount in parts]

    def _put(self, target: int, parts: list[Part], amount: int, traced: int) -> None:
        if target == OUTSIDE:
            self._left += traced
        elif target in self._home:
            self._returned += traced
        elif not self._followed[target]:
            kept = self._kept.setdefault(target, PURSES[self._method](0))
            kept.put([part for part in parts if part[0] and part[1]], traced, traced)
        else:
            purse = self._purses[target]
            if purse is None and not traced:
                self._balance[target] += amount
                return
            if purse is None:
                purse = self._purses[target] = PURSES[self._method](self._balance[target])
            purse.put(parts, amount, traced)

    def trace(self, hop: NDArray[np.int16]) -> Trace:
        """What the run found."""
        present, balance = np.zeros(len(hop), np.int64), np.where(self._followed, self._balance, 0)
        whose = {}
        full = {account: purse for account, purse in enumerate(self._purses) if purse is not None}
        for account, purse in (full | self._kept).items():
            present[account], balance[account] = purse.traced, purse.balance
            if purse.traced:
                whose[account] = purse.whose()
        moved = np.array(self._moved, np.int64)
        leaving = (self._transfers.target == OUTSIDE) & (self._transfers.source != OUTSIDE)
        left_from = np.zeros(len(hop), np.int64)
        np.add.at(left_from, self._transfers.source[leaving], moved[leaving])
        return Trace(
            self._method, moved, present, balance, np.where(self._followed, self._opening, 0), hop, self._followed,
            left_from, self._seeded, self._left, self._returned, whose,
        )  # fmt: skip
