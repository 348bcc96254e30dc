"""One day of the country: its date, its dice, and what season it falls into."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from simulator import texts
from simulator.moves import HOUR, Indices

_HOUR_SUMS: Final = {name: np.cumsum(shares) / np.sum(shares) for name, shares in texts.HOURS.items()}
# Public holidays of every year, (month, day), and the first day of Kurban Ait, which goes by the moon.
_HOLIDAYS: Final = frozenset(
    (
        (1, 1),
        (1, 2),
        (1, 7),
        (3, 8),
        (3, 21),
        (3, 22),
        (3, 23),
        (5, 1),
        (5, 7),
        (5, 9),
        (7, 6),
        (8, 30),
        (10, 25),
        (12, 16),
    )
)
_KURBAN_AIT: Final = {
    2024: datetime.date(2024, 6, 16), 2025: datetime.date(2025, 6, 6), 2026: datetime.date(2026, 5, 27),
    2027: datetime.date(2027, 5, 16), 2028: datetime.date(2028, 5, 5),
}  # fmt: skip


@dataclass(frozen=True)
class Season:
    """How the day differs from an ordinary one: factors, and whether offices work."""

    working: bool
    shopping: float = 1.0
    gifts: float = 1.0
    family: float = 1.0  # parents to students
    donations: float = 1.0


def season(date: datetime.date) -> Season:
    """What the calendar makes of a date.

    >>> season(datetime.date(2026, 3, 22)).gifts, season(datetime.date(2026, 3, 25)).working
    (2.5, True)
    """
    kurban = date == _KURBAN_AIT.get(date.year)
    working = date.weekday() < 5 and (date.month, date.day) not in _HOLIDAYS and not kurban
    monthday = (date.month, date.day)
    if kurban:
        return Season(working, gifts=1.8, donations=5.0)
    if (3, 21) <= monthday <= (3, 23):
        return Season(working, 1.1, gifts=2.5, donations=1.5)
    if (3, 17) <= monthday <= (3, 20):
        return Season(working, 1.3, gifts=1.3)
    if monthday == (3, 8):
        return Season(working, 1.3, gifts=2.0)
    if (8, 18) <= monthday <= (9, 2):
        return Season(working, 1.25, family=1.6)
    if monthday >= (12, 24):
        return Season(working, 1.5, gifts=1.6)
    if monthday <= (1, 2):
        return Season(working, 0.6, gifts=1.5)
    return Season(working)


def paydays(date: datetime.date) -> list[int]:
    """The days of the month whose payments are made on this date: those of days off are made on the last day before.

    >>> paydays(datetime.date(2026, 1, 9)), paydays(datetime.date(2026, 1, 10)), paydays(datetime.date(2026, 2, 27))
    ([9, 10, 11], [], [27, 28, 29, 30, 31, 1])
    """
    if not season(date).working:
        return []
    dates = [date]
    while not season(dates[-1] + datetime.timedelta(days=1)).working:
        dates.append(dates[-1] + datetime.timedelta(days=1))
    days: list[int] = []
    for each in dates:
        last = (each + datetime.timedelta(days=1)).day == 1
        days.extend(range(each.day, 32) if last else [each.day])
    return days


@dataclass(frozen=True)
class Day:
    """One day and the dice that belong to it."""

    date: datetime.date
    start: int  # local midnight
    rng: np.random.Generator
    season: Season = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "season", season(self.date))

    def times(self, hours: str, count: int) -> Indices:
        """Moments of the day, spread as that kind of activity is."""
        hour = np.searchsorted(_HOUR_SUMS[hours], self.rng.random(count), side="right")
        return self.start + hour * HOUR + self.rng.integers(0, HOUR, count)

    def happens(self, people: Indices, share: float) -> Indices:
        """Those of the people to whom something happens today that happens to a share of them a day."""
        return people[self.rng.random(len(people)) < share]
