"""Business days of Kazakhstan: weekends, holidays, days that the government moved, and hours of work."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.calendar import Calendar, Hours, MovedDay, at
from rules.rulebook_reading import packaged_procedure

DAY_MS = 86_400_000


def local(text: str) -> int:
    return at(datetime.fromisoformat(f"{text}+05:00"))


def written(moment: int) -> str:
    return (datetime.fromtimestamp(moment / 1000, UTC) + timedelta(hours=5)).isoformat(timespec="minutes")[:16]


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-11-20T10:00", 5, "2026-11-27T10:00"),  # Friday: one weekend
        ("2026-12-11T23:59", 3, "2026-12-17T23:59"),  # Independence Day on Wednesday the 16th
        ("2026-03-20T12:00", 1, "2026-03-26T12:00"),  # Nauryz and what is made up for its weekend days
        ("2025-12-31T09:00", 2, "2026-01-06T09:00"),  # New Year, then a weekend, before Christmas on the 7th
        ("2026-11-21T00:30", 1, "2026-11-23T00:30"),  # Saturday half past midnight: still Friday in UTC
        ("2026-11-23T10:00", 0, "2026-11-23T10:00"),
    ],
)
def test_business_days(start: str, days: int, end: str) -> None:
    assert written(Calendar().after_business_days(local(start), days)) == end


def test_a_moved_day_changes_both_days() -> None:
    moved = Calendar([MovedDay(off=date(2026, 11, 23), worked=date(2026, 11, 21))])
    assert written(moved.after_business_days(local("2026-11-20T10:00"), 1)) == "2026-11-21T10:00"
    assert written(moved.after_business_days(local("2026-11-20T10:00"), 2)) == "2026-11-24T10:00"


def test_the_packaged_rulebook_knows_the_moved_days_of_2025() -> None:
    calendar = packaged_procedure().calendar
    assert calendar.is_business_day(date(2025, 1, 5))  # a Sunday that was worked
    assert not calendar.is_business_day(date(2025, 1, 3))


def test_working_hours_stand_still_at_night_and_on_days_of_rest() -> None:
    calendar = Calendar(hours=Hours(9, 18))
    assert written(calendar.after_working_hours(local("2026-11-20T17:00"), 2)) == "2026-11-23T10:00"
    assert written(calendar.after_working_hours(local("2026-11-21T12:00"), 9)) == "2026-11-23T18:00"
    assert written(calendar.after_working_hours(local("2026-11-20T06:00"), 0)) == "2026-11-20T09:00"


@given(st.integers(local("2024-01-01T00:00"), local("2030-01-01T00:00")), st.integers(0, 15), st.integers(0, 15))
def test_counting_in_two_steps_is_counting_at_once(start: int, first: int, second: int) -> None:
    calendar = Calendar()
    at_once = calendar.after_business_days(start, first + second)
    assert calendar.after_business_days(calendar.after_business_days(start, first), second) == at_once
    assert at_once >= start + (first + second) * DAY_MS


@given(st.integers(local("2024-01-01T00:00"), local("2030-01-01T00:00")), st.integers(1, 15))
def test_a_deadline_falls_on_a_business_day_and_just_so_many_lie_between(start: int, days: int) -> None:
    calendar = Calendar()
    end = calendar.after_business_days(start, days)
    first, last = (int((moment + 5 * 3_600_000) // DAY_MS) for moment in (start, end))
    passed = [date(1970, 1, 1) + timedelta(days=day) for day in range(first + 1, last + 1)]
    assert sum(map(calendar.is_business_day, passed)) == days
    assert calendar.is_business_day(passed[-1])
    assert (end - start) % DAY_MS == 0
