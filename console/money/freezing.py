"""Which accounts to freeze now, so that the largest expected part of traced money is found in them.

The model. A sum that is in account i now is still there when the order takes effect with the chance that its past
gives (console.money.survival); else it has moved on once, to where the account's money went before, in those shares. In
whatever account it is then, it is caught if that account is frozen; else it moves on, or rests, as before. What an
order catches is therefore the money whose way meets a frozen account: for every single way "meets the set" is monotone
and submodular in the set, and sums of such functions with weights above zero are so too. Taking the account with the
largest gain again and again then reaches at least 1 - 1/e of the best (Nemhauser, Wolsey and Fisher, 1978) under a
limit on their number. Other people's money that is frozen with it, and each account, are a cost. So the advice also
tries exchanges, and the naive order, "freeze whom the victims paid": it is the best of these, never worse than naive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from console.money.survival import Staying, staying, stays_of
from console.money.tracing import Trace
from console.money.transfers import OUTSIDE, Transfers

STEPS: Final = 6  # how often a sum is taken to move on after the order
CANDIDATES: Final = 200  # accounts that are looked at: those with, or on the way of, the most money

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Limits:
    """What an order may do."""

    accounts: int = 5  # frozen at most
    innocent: int | None = None  # tiyn of other people's money that may be frozen at most
    harm: float = 0.05  # what a frozen tenge of other people's money weighs against a tenge found
    each: int = 500_000  # what an order weighs that freezes one more person's account, in tiyn
    delay_ms: int = 30 * 60_000  # until the order takes effect
    lasting_ms: int = 3 * 86_400_000  # how long it lasts


@dataclass(frozen=True, slots=True)
class Outlook:
    """The accounts of a trace with what is expected of the money in them; arrays by candidate."""

    accounts: tuple[int, ...]  # candidates, as numbered by the transfers
    present: Floats  # traced tiyn that are there now
    stays: Floats  # the chance that these are there when the order takes effect
    leaves: Floats  # of what is there then: the chance that it moves on while the order lasts
    passes_on: Floats  # of what comes later: the same
    onward: Floats  # [candidates, candidates]: where it then goes; the rest of a row leaves
    innocent: Floats  # tiyn there that are not traced
    hop: NDArray[np.int16]
    received: Floats  # traced tiyn that came

    def expected(self, chosen: Sequence[int]) -> float:
        """Traced tiyn that are expected to be caught by freezing the candidates at these places."""
        frozen = np.zeros(len(self.accounts), np.bool_)
        frozen[list(chosen)] = True
        caught = frozen.astype(np.float64)
        for _ in range(STEPS):
            caught = np.where(frozen, 1.0, self.passes_on * (self.onward @ caught))
        later = self.onward @ caught
        there = np.where(frozen, 1.0, self.leaves * later)
        return float(self.present @ (self.stays * there + (1 - self.stays) * later))

    def harmed(self, chosen: Sequence[int]) -> int:
        """Other people's tiyn that would be frozen with it."""
        return int(self.innocent[list(chosen)].sum())


@dataclass(frozen=True, slots=True)
class Order:
    """Accounts to freeze, the most useful first, and what is expected of it (tiyn)."""

    accounts: tuple[int, ...]
    expected: float
    innocent: int
    value: float  # expected, less what harm and number weigh: what the advice makes largest


@dataclass(frozen=True, slots=True)
class Advice:
    """What to freeze, beside what somebody would who looks no further than the first account."""

    order: Order
    naive: Order
    outlook: Outlook


def advise(transfers: Transfers, said: Trace, now: int, limits: Limits) -> Advice:
    """The advice as of `now`, from the transfers up to then and a trace in them."""
    outlook = look_ahead(transfers, said, now, limits)
    first = sorted(np.flatnonzero(outlook.hop == 1).tolist(), key=lambda at: -outlook.received[at])
    naive = _within(outlook, first, limits)
    tried = [naive, *(_greedy(outlook, limits, ratio=ratio) for ratio in (False, True))]
    best = max((_improved(outlook, chosen, limits) for chosen in tried), key=lambda c: _value(outlook, c, limits))
    return Advice(_order(outlook, best, limits), _order(outlook, naive, limits), outlook)


def look_ahead(transfers: Transfers, said: Trace, now: int, limits: Limits) -> Outlook:
    """What is expected of the money in each account of the trace."""
    received = np.zeros(transfers.count)
    inside = transfers.target != OUTSIDE
    np.add.at(received, transfers.target[inside], said.moved[inside])
    touched = np.flatnonzero((said.hop > 0) & ((said.present > 0) | (received > 0)))
    accounts = touched[np.argsort(-(said.present[touched] + received[touched]), kind="stable")][:CANDIDATES]
    pasts = staying({at: stays_of(transfers, at, now, int(said.opening[at])) for at in accounts.tolist()})
    ages = _ages(transfers, said, now)
    lasting = float(limits.lasting_ms)

    def chance(told: Callable[[Staying, float], float]) -> Floats:
        return np.array([told(pasts[at], float(ages[at])) for at in accounts.tolist()], np.float64)

    return Outlook(
        accounts=tuple(accounts.tolist()),
        present=said.present[accounts].astype(np.float64),
        stays=chance(lambda past, age: past.still(age, limits.delay_ms)),
        leaves=chance(lambda past, age: 1 - past.still(age + limits.delay_ms, lasting)),
        passes_on=chance(lambda past, _: 1 - past.share(lasting)),
        onward=_onward(transfers, said, accounts),
        innocent=said.clean[accounts].astype(np.float64),
        hop=said.hop[accounts],
        received=received[accounts],
    )


def _ages(transfers: Transfers, said: Trace, now: int) -> Floats:
    """By account: how long the latest traced money has been there, in ms."""
    latest = np.full(transfers.count, now, np.int64)
    came = (said.moved > 0) & (transfers.target != OUTSIDE)
    latest[transfers.target[came]] = transfers.at[came]  # of several the last, which is the latest
    ages: Floats = (now - latest).astype(np.float64)
    return ages


def _onward(transfers: Transfers, said: Trace, accounts: NDArray[np.int64]) -> Floats:
    """Where each candidate's traced money went, in shares; of one that paid on none, where its other money went."""
    place = np.full(transfers.count + 1, -1, np.int64)  # the last is OUTSIDE
    place[accounts] = np.arange(len(accounts))
    source, target = place[transfers.source], place[transfers.target]
    shares = np.zeros((len(accounts), len(accounts)))
    totals = np.zeros((2, len(accounts)))
    sums = np.zeros((2, len(accounts), len(accounts)))
    for kind, amount in enumerate((said.moved, transfers.amount)):
        paid = (source >= 0) & (transfers.source != transfers.target)
        np.add.at(totals[kind], source[paid], amount[paid])
        within = paid & (target >= 0)
        np.add.at(sums[kind], (source[within], target[within]), amount[within])
    for at in range(len(accounts)):
        kind = 0 if totals[0, at] else 1
        if totals[kind, at]:
            shares[at] = sums[kind, at] / totals[kind, at]
    return shares


def _value(outlook: Outlook, chosen: Sequence[int], limits: Limits) -> float:
    return outlook.expected(chosen) - limits.harm * outlook.harmed(chosen) - limits.each * len(chosen)


def _fits(outlook: Outlook, chosen: Sequence[int], limits: Limits) -> bool:
    harmless = limits.innocent is None or outlook.harmed(chosen) <= limits.innocent
    return len(chosen) <= limits.accounts and harmless


def _within(outlook: Outlook, wanted: Sequence[int], limits: Limits) -> list[int]:
    """Of the wanted candidates, in their order, those that the limits leave room for."""
    chosen: list[int] = []
    for at in wanted:
        if _fits(outlook, [*chosen, at], limits):
            chosen.append(at)
    return chosen


def _greedy(outlook: Outlook, limits: Limits, *, ratio: bool) -> list[int]:
    """Take the candidate with the largest gain, or the largest for the innocent money it costs, while there is one."""
    chosen: list[int] = []
    while True:
        before = _value(outlook, chosen, limits)
        found: list[tuple[float, int]] = []
        for at in range(len(outlook.accounts)):
            if at in chosen or not _fits(outlook, [*chosen, at], limits):
                continue
            gain = _value(outlook, [*chosen, at], limits) - before
            if gain > 0:
                found.append((gain / (1 + outlook.innocent[at]) if ratio else gain, -at))
        if not found:
            return chosen
        chosen.append(-max(found)[1])


def _improved(outlook: Outlook, chosen: list[int], limits: Limits) -> list[int]:
    """Leave one out, or put another in its place, as long as that is worth it."""
    best, value = chosen, _value(outlook, chosen, limits)
    for _ in range(2 * limits.accounts):
        others = [at for at in range(len(outlook.accounts)) if at not in best]
        tried = [[*best[:at], *best[at + 1 :]] for at in range(len(best))]
        tried += [[*short, other] for short in tried for other in others]
        fitting = [one for one in tried if _fits(outlook, one, limits)]
        found = max(fitting, key=lambda one: _value(outlook, one, limits), default=best)
        if _value(outlook, found, limits) <= value:
            return best
        best, value = found, _value(outlook, found, limits)
    return best


def _order(outlook: Outlook, chosen: list[int], limits: Limits) -> Order:
    ordered = sorted(chosen, key=lambda at: -outlook.expected([at]))
    accounts = tuple(outlook.accounts[at] for at in ordered)
    return Order(accounts, outlook.expected(chosen), outlook.harmed(chosen), _value(outlook, chosen, limits))
