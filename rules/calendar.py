"""The working calendar of Kazakhstan: which days are business days, and when so many of them are over.

Times are milliseconds since 1970 UTC; days are those of Kazakhstan, UTC+05:00. Public holidays are those of the library
`holidays`, which computes them from the law without a clock; days that the government moves are data of the rulebook
(catalogue/lists/clocks.yaml), since each is decided anew and often late. The first day of Kurban Ait is an estimate
until the muftiate names it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

import holidays

from rules.events import DAY_MS, LOCAL_OFFSET_MS

HOUR_MS: Final = 3_600_000
# Made when the module is read: the first of it takes a second, and deadlines are set while payments wait.
_PUBLIC: Final[Any] = holidays.country_holidays("KZ", years=range(2024, 2029))
_SATURDAY: Final = 5
_EPOCH: Final = date(1970, 1, 1)


class MovedDay(NamedTuple):
    """A business day on which nobody works, and the day of rest that is worked instead, if any."""

    off: date
    worked: date | None


class Hours(NamedTuple):
    """The hours of a working day, local time, from 0 to 24."""

    start: int
    end: int


USUAL_HOURS: Final = Hours(9, 18)


class Calendar:
    """Business days and what is counted in them.

    >>> calendar = Calendar()
    >>> friday = int(datetime.fromisoformat("2026-11-20T10:00:00+05:00").timestamp() * 1000)
    >>> datetime.fromtimestamp(calendar.after_business_days(friday, 5) / 1000, UTC).isoformat()
    '2026-11-27T05:00:00+00:00'
    """

    def __init__(self, moved: Iterable[MovedDay] = (), hours: Hours = USUAL_HOURS) -> None:
        moved = tuple(moved)
        self._off = frozenset(day.off for day in moved)
        self._worked = frozenset(day.worked for day in moved if day.worked is not None)
        self._hours = hours

    def is_business_day(self, day: date) -> bool:
        """Whether offices work on this day. What the rulebook says of it goes before the library."""
        if day in self._worked:
            return True
        return day not in self._off and _is_usual_business_day(day)

    def after_business_days(self, start: int, days: int) -> int:
        """The same time of day, so many business days later; `start` itself is not counted. ms in, ms out."""
        if days < 0:
            raise ValueError("business days are counted forwards")
        day, rest = divmod(start + LOCAL_OFFSET_MS, DAY_MS)
        left = days
        while left:
            day += 1
            left -= self.is_business_day(_EPOCH + timedelta(days=day))
        return day * DAY_MS + rest - LOCAL_OFFSET_MS

    def after_working_hours(self, start: int, hours: float) -> int:
        """The instant at which so many hours of business days have passed; nights and days of rest stand still."""
        if hours < 0:
            raise ValueError("working hours are counted forwards")
        opens, closes = self._hours.start * HOUR_MS, self._hours.end * HOUR_MS
        day, rest = divmod(start + LOCAL_OFFSET_MS, DAY_MS)
        left = round(hours * HOUR_MS)
        while True:
            if self.is_business_day(_EPOCH + timedelta(days=day)):
                begins = min(max(rest, opens), closes)
                if left <= closes - begins and begins < closes:
                    return day * DAY_MS + begins + left - LOCAL_OFFSET_MS
                left -= closes - begins
            day, rest = day + 1, 0


@cache
def _is_usual_business_day(day: date) -> bool:
    if day in _PUBLIC:
        return False
    return day.weekday() < _SATURDAY or day in _PUBLIC.weekend_workdays


def at(moment: datetime) -> int:
    """An aware instant as milliseconds since 1970 UTC, cut and not rounded."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
