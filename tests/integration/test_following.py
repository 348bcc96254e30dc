"""The process behind `judged` on a real Kafka: chains, rings and mules found over two partitions, kill -9 included."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from rules.rulebook import Rulebook
from streams.center import Center, demo_environment
from streams.findings import ALERTS
from streams.kafka import KafkaSettings
from streams.outcomes import Outcomes, records_of
from streams.topics import TopicSettings
from streams.trace import Trace
from tests.conftest import QUICK_START
from tests.faults import harness
from tests.streams.flows_of_money import KEY, a_country, judged, write

pytestmark = pytest.mark.kafka

SECONDS = 60.0


def test_alerts_of_the_whole_country_come_whatever_happens_to_the_process(tmp_path: Path) -> None:
    events = a_country(days=6)
    quiet = map(alert_of, Trace(KEY).take(judged(events, Rulebook.load())))
    expected = {alert["alert_id"]: alert for alert in quiet}
    assert {"chain-0-3", "ring-0-3", "mules-0-in-33"} <= {str(alert["event_id"]) for alert in expected.values()}
    file = write(events, tmp_path / "events.jsonl")
    with (
        Center(
            tmp_path,
            workers=1,
            followers=1,
            topics=TopicSettings(partitions=2),
            kafka=KafkaSettings(data=tmp_path / "kafka", port=0, java_options=QUICK_START),
            environment={**demo_environment(), "ANTIFRAUD_SNAPSHOT_SECONDS": "1"},
        ) as center,
        Outcomes(center.kafka.bootstrap_servers) as seen,
    ):
        center.start_workers()
        center.wait_ready()
        servers, rate = center.kafka.bootstrap_servers, len(events) / 8.0
        with harness.published(servers, file, rate):
            deadline, kills, next_kill = time.monotonic() + SECONDS, 0, time.monotonic() + 4.0
            while time.monotonic() < deadline and not (kills == 2 and expected.keys() <= seen.alerts.keys()):
                center.supervisor.check()
                seen.poll()
                if kills < 2 and time.monotonic() > next_kill:
                    for process in center.supervisor.processes[1:]:
                        process.send_signal(signal.SIGKILL)
                    kills, next_kill = kills + 1, time.monotonic() + 6.0
        assert seen.judged == len(events)
        told = {alert["alert_id"]: alert for alert in map(alert_of, records_of(servers, ALERTS))}
    missing = [str(expected[identity]["event_id"]) for identity in expected.keys() - told.keys()]
    assert not missing
    for identity, alert in expected.items():
        assert told[identity]["score"] == alert["score"]
        assert [each["event"] for each in told[identity]["evidence"]] == [each["event"] for each in alert["evidence"]]
    of_trace = traced_signals()
    others = [
        alert["event_id"]
        for identity, alert in told.items()
        if alert["signals"][0]["id"] in of_trace and identity not in expected
    ]
    assert not others, "nothing but what a quiet run tells"


def alert_of(record: Any) -> dict[str, Any]:
    alert: dict[str, Any] = json.loads(record.value)
    return alert


def traced_signals() -> set[str]:
    """What the first signal of an alert of trace's may be: that of a pattern."""
    tracing = Rulebook.load().tracing
    assert tracing is not None
    return {pattern.signals[0].id for pattern in tracing.patterns}
