"""Transfers in order of time, as arrays: what tracing works on, and what can be said before any method is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

OUTSIDE: Final = -1  # cash, a shop, an exchange: where money comes from or goes to and is not followed
NEVER: Final = np.iinfo(np.int64).max

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Transfers:
    """`count` accounts, numbered from 0, and the transfers between them, in the order in which they were made.

    `source` and `target` are accounts or OUTSIDE, `amount` is tiyn above 0, `at` milliseconds.
    """

    source: Numbers
    target: Numbers
    amount: Numbers
    at: Numbers
    count: int

    @classmethod
    def of(cls, rows: list[tuple[int, int, int, int]], count: int) -> Transfers:
        """The transfers of (source, target, amount, at); raises ValueError where one is no transfer."""
        columns = np.array(rows, np.int64).reshape(-1, 4).T.copy()
        source, target, amount, at = columns
        made = cls(source, target, amount, at, count)
        if len(made) and (made.amount.min() <= 0 or np.any(np.diff(made.at) < 0)):
            raise ValueError("transfers have an amount above zero and stand in order of time")
        if len(made) and (columns[:2].min() < OUTSIDE or columns[:2].max() >= count):
            raise ValueError(f"accounts are numbered from 0 to {count - 1}")
        return made

    def __len__(self) -> int:
        return len(self.amount)

    def reversed(self) -> Transfers:
        """The same money running back: tracing forwards in this is tracing backwards in the other.

        First in, first out read backwards is first in, first out again, and so with the other methods: a queue, a stack
        and a mixture leave the same marks in both directions of time.
        """
        return Transfers(self.target[::-1], self.source[::-1], self.amount[::-1], -self.at[::-1], self.count)

    def until(self, at: int) -> Transfers:
        """Those made before the instant `at`."""
        kept = int(np.searchsorted(self.at, at))
        return Transfers(self.source[:kept], self.target[:kept], self.amount[:kept], self.at[:kept], self.count)

    def least_openings(self) -> Numbers:
        """By account: the least balance at the beginning with which it never pays what it does not have, in tiyn.

        What was there before the first transfer is not known; this much must have been.
        """
        account = np.concatenate([self.source, self.target])
        change = np.concatenate([-self.amount, self.amount])
        place = np.tile(np.arange(len(self), dtype=np.int64), 2)
        own = np.concatenate([self.source == self.target] * 2)
        kept = (account != OUTSIDE) & ~own
        account, change, place = account[kept], change[kept], place[kept]
        openings = np.zeros(self.count, np.int64)
        if not len(account):
            return openings
        order = np.lexsort((place, account))
        account, running = account[order], np.cumsum(change[order])
        begins = np.flatnonzero(np.diff(account, prepend=-1))
        before = np.concatenate([[0], running])[begins]
        openings[account[begins]] = np.maximum(0, before - np.minimum.reduceat(running, begins))
        return openings


def reach(transfers: Transfers, seeds: list[int], hops: int, ends: frozenset[int] = frozenset()) -> NDArray[np.int16]:
    """By account: the fewest transfers by which money of the seeds can have come to it, a seed being the first; else 0.

    `seeds` are places of transfers. Money moves on only after it came; accounts of `ends` keep it.
    """
    found = np.zeros(transfers.count, np.int16)
    since = np.full(transfers.count, NEVER, np.int64)  # the place from which on there can be such money
    for seed in seeds:
        target = int(transfers.target[seed])
        if target != OUTSIDE:
            found[target], since[target] = 1, min(int(since[target]), seed)
    place = np.arange(len(transfers), dtype=np.int64)
    inside = (transfers.source != OUTSIDE) & (transfers.target != OUTSIDE)
    passes_on = np.ones(transfers.count, np.bool_)
    passes_on[list(ends)] = False
    source, target, place = transfers.source[inside], transfers.target[inside], place[inside]
    for hop in range(2, hops + 1):
        moving = (place > since[source]) & passes_on[source]
        later = since.copy()
        np.minimum.at(later, target[moving], place[moving])
        found[(later < NEVER) & (found == 0)] = hop
        if np.array_equal(later, since):
            break
        since = later
    return found
