"""Record headers: what is written is read again, and what has no sense is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streams.contracts import headers
from streams.contracts.reasons import FieldError, Reason

EVENT = headers.CloudEvent(
    id="7f0c",
    source=headers.cloud_event_source("CASPKZKA"),
    type=headers.cloud_event_type("transaction"),
    time=datetime(2026, 11, 23, 5, tzinfo=UTC),
)


def test_binary_mode_round_trip_hands_the_trace_on() -> None:
    trace = [("traceparent", b"00-0af7-b7ad-01"), ("other", b"x")]
    written = headers.write(EVENT, trace=trace)
    assert headers.read(written) == EVENT
    assert ("content-type", b"application/json") in written
    assert ("traceparent", b"00-0af7-b7ad-01") in written
    assert "other" not in dict(written)


def test_a_record_without_cloudevents_headers_is_fine() -> None:
    assert headers.read([]) is None
    assert headers.read([("traceparent", b"x")]) is None


@pytest.mark.parametrize(
    ("incomplete", "reason"),
    [
        ([("ce_id", b"1")], Reason.BAD_HEADER),
        ([("ce_id", b"\xff")], Reason.BAD_HEADER),
        ([*headers.write(EVENT)[:-1], ("ce_time", b"noon")], Reason.BAD_TIME),
    ],
)
def test_half_of_a_cloudevent_is_refused(incomplete: list[tuple[str, bytes]], reason: Reason) -> None:
    with pytest.raises(FieldError) as caught:
        headers.read(incomplete)
    assert caught.value.reason is reason


def test_history_round_trip() -> None:
    assert headers.read_history(headers.write_history(1_000), 2_000) == (1_000, None)
    assert headers.read_history(headers.write_history(1_000, "close"), 2_000) == (1_000, "close")
    assert headers.read_history(headers.write(EVENT), 2_000) == (None, None)
