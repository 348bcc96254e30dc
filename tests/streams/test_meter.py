"""The meter agent keeps the laws of followers, and what it publishes is its contract."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.events import DAY_MS
from streams.contracts.pyramid_meter import PyramidMeter
from streams.following import Outgoing
from streams.meter import METERS, Meter
from streams.tokens import demo_keys
from streams.verdicts import REPEAT
from tests.streams.judged import Event, judged, rulebook

START = 1_767_553_200_000  # midnight of 5 January 2026 in Kazakhstan
KEY = demo_keys()[0]
REGIONS = (10, 19, 31, 47, 61, 71, 75, 79)


def pyramid(days: int = 12) -> list[Event]:
    """Ever more people pay round contributions; who came two days ago gets a tenth back, every day."""
    events: list[Event] = []
    members: list[tuple[int, int]] = []
    for day in range(days):
        for _ in range(5 + day * 3):
            payer = 1_000 + len(members)
            members.append((day, payer))
            at = START + day * DAY_MS + len(members) * 20_000
            events.append(
                Event(at=(1, at), payer=payer, payee=7, amount_kzt=5_000_000, event_id=b"in%d" % len(events),
                      payer_region=REGIONS[payer % 8], purpose="взнос участника")
            )  # fmt: skip
        for entered, payer in members:
            if entered <= day - 2:
                at = START + day * DAY_MS + DAY_MS // 2 + payer
                events.append(
                    Event(at=(1, at), payer=7, payee=payer, amount_kzt=500_000, event_id=b"o%d" % len(events))
                )
    return events


def told(meter: Meter, batches: list[list[Event]]) -> list[Outgoing]:
    return [record for batch in batches if batch for record in meter.take(judged(batch))]


def test_a_pyramid_is_published_above_the_line() -> None:
    meter = Meter(KEY)
    records = told(meter, [pyramid()])
    records += meter.advance((1, START + 12 * DAY_MS))
    found = [PyramidMeter.model_validate_json(record.value) for record in records]
    token = KEY.text((7, 7))
    assert {record.topic for record in records} == {METERS}
    assert {record.key for record in records} == {token.encode()}
    last = found[-1]
    assert last.above
    assert last.collector == token
    assert last.index == pytest.approx(sum(one.points for one in last.parts))
    assert last.people == last.payers == sum(5 + day * 3 for day in range(12))
    assert float(last.funded_by_later) > 0
    assert [one.days for one in last.forecast] == [7, 30]
    assert "8 өңірден" in last.summary.kk
    assert "из 8 регионов" in last.summary.ru
    assert "of 8 regions" in last.summary.en


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 600), max_size=6).map(sorted), st.integers(0, 6))
def test_batches_marks_and_snapshots_change_nothing(cuts: list[int], restart: int) -> None:
    events = pyramid()
    end = (1, events[-1]["at"][1] + 3 * DAY_MS)
    whole = Meter(KEY)
    expected = told(whole, [events]) + whole.advance(end)
    edges = [0, *(min(cut, len(events)) for cut in cuts), len(events)]
    meter, seen = Meter(KEY), []
    for number, (first, last) in enumerate(pairwise(edges)):
        seen += told(meter, [events[first:last]])
        if last:
            seen += meter.advance((1, events[last - 1]["at"][1]))
        if number == restart:
            document, arrays = meter.state()
            meter = Meter(KEY)
            meter.restore(document, arrays)
    seen += meter.advance(end)
    assert seen == expected
    assert meter.state()[0] == whole.state()[0]


def test_repeats_and_facts_move_no_meter() -> None:
    meter = Meter(KEY)
    for event in pyramid():
        assert meter.take(judged([Event({**event, "state": REPEAT})])) == []
    assert meter.take(judged([Event(at=(1, START), payee=7, kind="listing", event_id=b"x")])) == []
    assert not meter.collectors.candidates
    assert not meter.collectors.watched


def test_the_days_last_reading_comes_at_midnight_though_nothing_happens() -> None:
    meter = Meter(KEY)
    told(meter, [pyramid(days=3)])
    midnight = START + 3 * DAY_MS
    assert meter.advance((1, midnight - 1)) == []
    (record,) = meter.advance((1, midnight))
    assert PyramidMeter.model_validate_json(record.value).at.timestamp() * 1000 == midnight - 1
    assert meter.advance((1, midnight + DAY_MS)) == []
    assert rulebook().procedure.pyramid_meter is not None
