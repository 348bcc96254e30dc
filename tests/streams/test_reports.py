"""What `antifraud holds` and `antifraud notices` make of the records they read."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from streams.cli.holds import row
from streams.cli.notices import counted
from streams.contracts import hold, notice
from streams.contracts.hold import HoldEvent
from streams.contracts.notice import NoticeEvent
from streams.reports import latest

OPEN = HoldEvent.model_validate_json(json.dumps(hold.EXAMPLE))


def test_the_clock_counts_down_and_stops_at_the_end() -> None:
    at_five = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    assert row(OPEN, at_five, "en")[-3:] == (
        "2026-11-24 10:00:00",
        "05:00",
        "Without a decision within 24 hours the operation has to be carried out",
    )
    assert row(OPEN, datetime(2026, 11, 25, tzinfo=UTC), "ru")[-2] == "due"
    ended = OPEN.model_copy(update={"state": "proceeded", "on_silence": None, "number": 1})
    assert row(ended, at_five, "kk")[-3:] == ("", "", "")


def test_the_present_state_is_the_one_with_the_highest_number() -> None:
    ended = OPEN.model_copy(update={"state": "released", "number": 2})
    found = latest(iter([ended, OPEN]), lambda each: each.hold_id, lambda each: each.number)
    assert list(found.values()) == [ended], "a record that was sent again changes nothing"


def test_notices_are_counted_by_addressee_measure_and_outcome() -> None:
    told = NoticeEvent.model_validate_json(json.dumps(notice.EXAMPLE))
    done = told.model_copy(update={"outcome": "done"})
    assert [(line["outcome"], line["notices"]) for line in counted([told, done, told])] == [("done", 1), ("open", 2)]


@pytest.mark.parametrize("module", ["streams.cli.holds", "streams.cli.notices"])
def test_a_report_does_not_wait_for_compilers(module: str) -> None:
    code = f"import {module}, sys; sys.exit(any(name in sys.modules for name in ('numba', 'faust', 'river')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
