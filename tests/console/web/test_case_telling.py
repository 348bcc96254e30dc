"""The course of a case day by day, as the case page tells it."""

from __future__ import annotations

from console.web.api.case_models import MomentView
from console.web.case_telling import course
from rules.events import DAY_MS, LOCAL_OFFSET_MS

HOUR_MS = DAY_MS // 24
MIDNIGHT = 20_000 * DAY_MS - LOCAL_OFFSET_MS  # in Kazakhstan


def moment(at: int, sort: str, what: str) -> MomentView:
    return MomentView(at=at, sort=sort, what=what, by=None, text=None, detail={})


def test_alerts_of_one_day_are_one_line_until_somebody_does_something() -> None:
    told = [
        moment(MIDNIGHT + 9 * HOUR_MS, "alert", "T02"),
        moment(MIDNIGHT + 8 * HOUR_MS, "note", "note"),
        moment(MIDNIGHT + 7 * HOUR_MS, "alert", "T01"),
        moment(MIDNIGHT + 6 * HOUR_MS, "alert", "T02"),
        moment(MIDNIGHT, "alert", "T02"),
        moment(MIDNIGHT - 1, "alert", "T02"),
    ]
    steps = course(told)
    assert [each for step in steps for each in step.moments] == told
    assert [(step.at, step.typologies) for step in steps] == [
        (MIDNIGHT + 9 * HOUR_MS, [("T02", 1)]),
        (MIDNIGHT + 8 * HOUR_MS, []),
        (MIDNIGHT + 7 * HOUR_MS, [("T02", 2), ("T01", 1)]),
        (MIDNIGHT - 1, [("T02", 1)]),
    ]
