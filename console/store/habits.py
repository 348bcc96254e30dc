"""How a subject normally behaves: medians, hours and counterparties of what it did before a given moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from sqlalchemy import Connection

from console.store.subjects import Move, moves_of
from rules.events import DAY_MS, FIRST_FACT, LOCAL_OFFSET_MS

DAYS: Final = 180
MOST: Final = 2_000
_HOUR_MS: Final = 3_600_000
_USUAL_SHARE: Final = 0.9  # of its operations fall into its usual hours


@dataclass(frozen=True)
class Side:
    """What a subject pays, or what it receives: amounts in tiyn; the spread is the median distance to the median."""

    times: int
    median: int
    spread: int
    counterparties: int


@dataclass(frozen=True)
class Habits:
    """What was usual for a subject in the `days` before a moment, from at most `MOST` operations."""

    operations: int
    days: int
    paid: Side
    received: Side
    hours: tuple[int, ...]  # operations in each hour of Kazakhstan's day, 24 numbers
    known: frozenset[int]  # counterparties

    @property
    def usual_hours(self) -> frozenset[int]:
        """The fewest hours of the day that have nine tenths of all operations."""
        chosen: set[int] = set()
        left = _USUAL_SHARE * sum(self.hours)
        for hour in sorted(range(24), key=lambda each: -self.hours[each]):
            if left <= 0:
                break
            chosen.add(hour)
            left -= self.hours[hour]
        return frozenset(chosen)

    def times_median(self, amount: int, *, paid: bool) -> float | None:
        """How many times the usual an amount is; none where nothing is usual yet."""
        side = self.paid if paid else self.received
        return amount / side.median if side.times and side.median else None


def before(connection: Connection, key: int, moment: int, latest: Sequence[Move] = ()) -> Habits:
    """Habits of a subject in the `DAYS` before `moment`, ms UTC; `latest`: its MOST latest moves, if known."""
    if 0 < len(latest) < MOST:  # these are all
        return of([move for move in latest if move.occurred_at < moment], key, moment)
    return of(moves_of(connection, key, until=moment, limit=MOST), key, moment)


def of(moves: Sequence[Move], key: int, moment: int) -> Habits:
    """Habits that moves of a subject show; facts about it (a call, a listing) are no operations of it."""
    moved = [move for move in moves if move.kind < FIRST_FACT and move.occurred_at >= moment - DAYS * DAY_MS]
    paid = [(move.amount, move.payee) for move in moved if move.paid]
    received = [(move.amount, move.payer) for move in moved if not move.paid]
    hours = Counter(hour_of(move.occurred_at) for move in moved)
    others = {other for move in moved for other in (move.payer, move.payee) if other is not None and other != key}
    return Habits(
        len(moved),
        DAYS,
        _side(paid),
        _side(received),
        tuple(hours[hour] for hour in range(24)),
        frozenset(others),
    )


def hour_of(moment: int) -> int:
    """The hour of Kazakhstan's day of an instant, ms UTC.

    >>> hour_of(0)
    5
    """
    return (moment + LOCAL_OFFSET_MS) % DAY_MS // _HOUR_MS


def _side(sums: Sequence[tuple[int, int | None]]) -> Side:
    amounts = [amount for amount, _ in sums]
    if not amounts:
        return Side(0, 0, 0, 0)
    middle = median(amounts)
    spread = median(abs(amount - middle) for amount in amounts)
    return Side(len(amounts), round(middle), round(spread), len({other for _, other in sums}))
