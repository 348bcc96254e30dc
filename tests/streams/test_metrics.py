"""What a worker tells Prometheus and its supervisor."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.metrics import LATENCY_BUCKETS, Histogram, MetricsServer, WorkerMetrics


@dataclass
class Typology:
    id: str
    status: str = "active"


@dataclass
class Rulebook:
    typologies: tuple[Typology, ...] = (Typology("T01"), Typology("T22", "shadow"))


@dataclass
class Judgement:
    appended_at: list[int]
    findings: list[tuple[int, int]]
    rulebook: Rulebook = field(default_factory=Rulebook)

    @property
    def rows(self) -> Any:
        return np.array([(at,) for at in self.appended_at], [("appended_at", "<i8")])


@dataclass
class Health:
    answer: tuple[bool, dict[str, Any]] = (True, {"partitions": [0]})

    def ask(self) -> tuple[bool, dict[str, Any]]:
        return self.answer


@pytest.fixture
def metrics() -> WorkerMetrics:
    return WorkerMetrics("worker-1")


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def server(metrics: WorkerMetrics, health: Health) -> Iterator[MetricsServer]:
    server = MetricsServer(0, ready=health.ask, healthy=lambda: (True, {}), metrics=metrics)
    server.start()
    yield server
    server.stop()


def get(server: MetricsServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def samples(server: MetricsServer) -> dict[tuple[str, ...], float]:
    """Values by name and label values, in order of the labels' names."""
    status, text = get(server, "/metrics")
    assert status == 200
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_events_rejections_and_alerts_are_counted(metrics: WorkerMetrics, server: MetricsServer) -> None:
    metrics.events("CASPKZKA", 500)
    metrics.events("CASPKZKA", 20)
    metrics.rejected("IRTYKZKA", "not_json")
    metrics.late(3)
    metrics.repeats(2, 1)
    metrics.lost(7)
    metrics.judged(Judgement([1_000, 1_000, 990], [(0, 0), (2, 0), (2, 1)]), now_ms=1_030)
    told = samples(server)
    assert told["antifraud_events_total", "CASPKZKA"] == 520
    assert told["antifraud_rejected_total", "IRTYKZKA", "not_json"] == 1
    assert told["antifraud_alerts_total", "active", "T01"] == 2
    assert told["antifraud_alerts_total", "shadow", "T22"] == 1
    assert told["antifraud_judged_total",] == 3
    assert told["antifraud_late_total",] == 3
    assert told["antifraud_repeats_total",] == 2
    assert told["antifraud_contradictions_total",] == 1
    assert told["antifraud_lost_total",] == 7
    assert told["antifraud_latency_seconds_bucket", "0.025"] == 0
    assert told["antifraud_latency_seconds_bucket", "0.05"] == 3
    assert told["antifraud_latency_seconds_sum",] == pytest.approx(0.1)


def test_partitions_and_marks_are_gauges_that_leave_with_them(metrics: WorkerMetrics, server: MetricsServer) -> None:
    metrics.state(3, subjects=10, state_bytes=4_096, pending=2, snapshot_age=1.5, lag=9, drift_alarms=1)
    metrics.snapshot(0.2)
    metrics.snapshot_pause(0.004)
    metrics.snapshot_failed()
    metrics.mark("tx.CASPKZKA/0", 0.25)
    metrics.applied(0.003)
    told = samples(server)
    assert told["antifraud_subjects", "3"] == 10
    assert told["antifraud_state_bytes", "3"] == 4_096
    assert told["antifraud_pending_events", "3"] == 2
    assert told["antifraud_snapshot_age_seconds", "3"] == 1.5
    assert told["antifraud_lag_records", "3"] == 9
    assert told["antifraud_drift_alarms", "3"] == 1
    assert told["antifraud_mark_age_seconds", "tx.CASPKZKA/0"] == 0.25
    assert told["antifraud_snapshots_total",] == told["antifraud_snapshot_failures_total",] == 1
    assert told["antifraud_snapshot_pause_seconds_bucket", "0.005"] == 1
    assert told["process_resident_memory_bytes",] > 0
    metrics.forget(3)
    metrics.forget_marks()
    left = samples(server)
    assert ("antifraud_subjects", "3") not in left
    assert ("antifraud_mark_age_seconds", "tx.CASPKZKA/0") not in left


def test_a_decision_is_timed_when_the_broker_has_it(metrics: WorkerMetrics, server: MetricsServer) -> None:
    async def send() -> None:
        loop = asyncio.get_running_loop()
        sent, failed, cancelled = loop.create_future(), loop.create_future(), loop.create_future()
        for future in (sent, failed, cancelled):
            metrics.time_decision(future, int(time.time() * 1_000) - 60)
        assert samples(server)["antifraud_decision_latency_seconds_count",] == 0
        sent.set_result(None)
        failed.set_exception(ConnectionError())
        cancelled.cancel()
        await asyncio.sleep(0)

    asyncio.run(send())
    assert samples(server)["antifraud_decision_latency_seconds_count",] == 1
    assert samples(server)["antifraud_decision_latency_seconds_bucket", "0.05"] == 0


def test_ready_says_why_not(server: MetricsServer, health: Health) -> None:
    assert get(server, "/readyz") == (200, json.dumps({"ok": True, "partitions": [0]}))
    health.answer = (False, {"cause": "restoring partition 2"})
    assert get(server, "/readyz") == (503, json.dumps({"ok": False, "cause": "restoring partition 2"}))
    assert get(server, "/healthz")[0] == 200


def test_a_check_that_fails_is_a_no_without_its_words(metrics: WorkerMetrics) -> None:
    def broken() -> tuple[bool, dict[str, Any]]:
        raise KeyError("791028302728")

    server = MetricsServer(0, ready=broken, healthy=broken, metrics=metrics)
    server.start()
    status, body = get(server, "/healthz?verbose=1")
    server.stop()
    assert status == 503
    assert json.loads(body) == {"ok": False, "cause": "the check failed: KeyError"}


def test_other_paths_are_not_found(server: MetricsServer) -> None:
    assert get(server, "/")[0] == 404


def test_a_stopped_server_gives_its_port_back(metrics: WorkerMetrics) -> None:
    first = MetricsServer(0, ready=lambda: (True, {}), healthy=lambda: (True, {}), metrics=metrics)
    first.start()
    port = first.port
    first.stop()
    again = MetricsServer(port, ready=lambda: (True, {}), healthy=lambda: (True, {}), metrics=metrics)
    again.start()
    assert get(again, "/healthz")[0] == 200
    again.stop()


def test_observing_a_batch_is_observing_each() -> None:
    values = np.random.default_rng(1).exponential(0.1, 2_000)
    whole, each = Histogram(LATENCY_BUCKETS), Histogram(LATENCY_BUCKETS)
    whole.observe(values)
    for value in values.tolist():
        each.observe_one(value)
    assert whole.buckets() == each.buckets()
    assert whole.sum == pytest.approx(each.sum)


def test_observing_a_batch_costs_next_to_nothing() -> None:
    values = np.random.default_rng(1).exponential(0.1, 500)
    histogram = Histogram(LATENCY_BUCKETS)

    def once() -> float:
        began = time.perf_counter()
        histogram.observe(values)
        return time.perf_counter() - began

    assert min(once() for _ in range(50)) < 500e-6
