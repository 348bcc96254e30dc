"""Days of Kazakhstan's calendar, and the years, months and days that they are counted in."""

from __future__ import annotations

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
