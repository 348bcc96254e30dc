"""Legal deadlines in Kazakhstan's working calendar."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

import holidays

# Law of 30 June 2025: an operation with signs of fraud is held for up to five business days (three before).
HOLD_BUSINESS_DAYS: Final = 5
_LOCAL: Final = timezone(timedelta(hours=5))


# Made, with the years around now, when the module is read: the first of it takes a second, and holds are made live.
_CALENDAR: Final = holidays.country_holidays("KZ", years=range(2025, 2029))


def hold_deadline(start: datetime, business_days: int = HOLD_BUSINESS_DAYS) -> datetime:
    """The instant at which a hold that began at `start` ends: the same time of day, that many business days later.

    >>> hold_deadline(datetime.fromisoformat("2026-11-20T10:00:00+05:00")).isoformat()
    '2026-11-27T10:00:00+05:00'
    """
    moment = start.astimezone(_LOCAL)
    left = business_days
    while left:
        moment += timedelta(days=1)
        if moment.weekday() < 5 and moment.date() not in _CALENDAR:
            left -= 1
    return moment
