"""Days of Kazakhstan's calendar, and the years, months and days that they are counted in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from rules.events import LOCAL_OFFSET_MS

Step = Literal["day", "month", "year"]
STEPS: Final[tuple[Step, ...]] = ("day", "month", "year")
_EPOCH: Final = date(1970, 1, 1)
_LENGTH: Final = {"day": 10, "month": 7, "year": 4}  # of an ISO date


def day_number(day: date) -> int:
    """A day counted from 1970.

    >>> day_number(date(1970, 1, 2))
    1
    """
    return (day - _EPOCH).days


def date_of(day: int) -> date:
    """A counted day as a date."""
    return _EPOCH + timedelta(days=day)


def today(now: int) -> date:
    """The day in Kazakhstan at an instant (ms UTC).

    >>> today(19 * 3_600_000).isoformat()
    '1970-01-02'
    """
    return datetime.fromtimestamp((now + LOCAL_OFFSET_MS) / 1000, UTC).date()


def period_of(day: int, step: Step) -> str:
    """What a day is counted in.

    >>> [period_of(0, step) for step in STEPS]
    ['1970-01-01', '1970-01', '1970']
    """
    return date_of(day).isoformat()[: _LENGTH[step]]


def periods(first_day: int, end_day: int, step: Step) -> Iterator[tuple[str, int, int]]:
    """The years, months or days of a span of days: name, first day, and the day after the last; cut to the span.

    >>> list(periods(day_number(date(2026, 1, 30)), day_number(date(2026, 2, 2)), "month"))
    [('2026-01', 20483, 20485), ('2026-02', 20485, 20486)]
    """
    begin = first_day
    while begin < end_day:
        end = min(_next(date_of(begin), step), end_day)
        yield period_of(begin, step), begin, end
        begin = end


def _next(day: date, step: Step) -> int:
    if step == "day":
        return day_number(day) + 1
    if step == "year" or day.month == 12:
        return day_number(date(day.year + 1, 1, 1))
    return day_number(date(day.year, day.month + 1, 1))
