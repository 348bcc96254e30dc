"""How long money stays in an account before it is paid on, estimated from what the account did before.

Kaplan and Meier's estimate (1958): money that is still there says only that it stayed so long. An account with little
past leans on all accounts of the same trace, as if those were `PRIOR` payments of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from console.money.transfers import Numbers, Transfers

PRIOR: Final = 3.0  # payments


@dataclass(frozen=True, slots=True)
class Stays:
    """How long sums stayed: milliseconds, their weight (1 for each payment that came), and whether they have left."""

    lasted: NDArray[np.float64]
    weight: NDArray[np.float64]
    ended: NDArray[np.bool_]

    @classmethod
    def joined(cls, stays: Iterable[Stays], weight: float | None = None) -> Stays:
        """All of them; weighing `weight` together, where that is given."""
        some = [_NOTHING, *stays]
        weights = np.concatenate([one.weight for one in some])
        if weight is not None and weights.sum() > 0:
            weights = weights * (weight / weights.sum())
        return cls(np.concatenate([s.lasted for s in some]), weights, np.concatenate([s.ended for s in some]))


_NOTHING: Final = Stays(np.zeros(0), np.zeros(0), np.zeros(0, np.bool_))


class Staying:
    """The share of money that is still there after some time."""

    def __init__(self, stays: Stays) -> None:
        order = np.lexsort((~stays.ended, stays.lasted))  # what leaves at a moment was there until that moment
        weight, ended = stays.weight[order], stays.ended[order]
        at_risk = np.cumsum(weight[::-1])[::-1]
        self._times = stays.lasted[order]
        self._shares = np.concatenate([[1.0], np.cumprod(1 - np.where(ended, weight / np.maximum(at_risk, 1e-12), 0))])

    def share(self, lasted: float) -> float:
        """The share that stays longer than `lasted` ms; what was never seen is as the last that was.

        >>> three = Stays(np.array([1.0, 2.0, 3.0]), np.ones(3), np.array([True, False, True]))
        >>> [round(Staying(three).share(at), 3) for at in (0.5, 1, 2.5, 3)]
        [1.0, 0.667, 0.667, 0.0]
        """
        return float(self._shares[np.searchsorted(self._times, lasted, side="right")])

    def still(self, age: float, further: float) -> float:
        """The chance that what has been there for `age` ms is there for `further` ms more."""
        now = self.share(age)
        return self.share(age + further) / now if now > 1e-9 else 0.0


def stays_of(transfers: Transfers, account: int, now: int, opening: int) -> Stays:
    """What stayed how long in one account, first in, first out, up to `now`; its opening balance is passed over."""
    into, out = transfers.target == account, transfers.source == account
    both = into & out
    into, out = into & ~both, out & ~both
    came, went = np.cumsum(transfers.amount[into]) + opening, np.cumsum(transfers.amount[out])
    # The tenge are numbered in the order in which they came, which is that in which they leave.
    total = int(came[-1]) if len(came) else opening
    left = int(went[-1]) if len(went) else 0
    cuts = np.unique(np.concatenate([[opening, left, total], came, went]))
    cuts = cuts[(cuts >= opening) & (cuts <= total)]
    lots, begins = np.diff(cuts), cuts[:-1]
    if not len(lots):
        return _NOTHING
    arrival = np.searchsorted(came, begins, side="right")
    departure = np.searchsorted(went, begins, side="right")
    ended = begins < left
    since = transfers.at[into][arrival].astype(np.float64)
    until = np.append(transfers.at[out], now)[np.where(ended, departure, -1)].astype(np.float64)
    received: Numbers = transfers.amount[into][arrival]
    return Stays(np.maximum(0.0, until - since), lots / received, ended)


def staying(stays: Mapping[int, Stays]) -> dict[int, Staying]:
    """For each account its own past, and a little of everybody's."""
    everybody = Stays.joined(stays.values(), PRIOR)
    return {account: Staying(Stays.joined([own, everybody])) for account, own in stays.items()}
