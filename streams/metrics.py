"""What a worker tells Prometheus, and whether it is alive and ready: /metrics, /healthz and /readyz.

Observations come from the event loop, whole batches at once, and cost a few microseconds; scrapes read them from
another thread. Counters are plain numbers that only the event loop writes; a scrape copies each in one step of the
interpreter.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

LATENCY_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0)  # s
BATCH_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
SNAPSHOT_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
PAUSE_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5)

Answer = tuple[bool, Mapping[str, Any]]

__all__ = ["Histogram", "MetricsServer", "WorkerMetrics"]


class Histogram:
    """Counts of values in buckets, for a whole array at once.

    >>> histogram = Histogram([0.01, 0.1])
    >>> histogram.observe(np.array([0.004, 0.01, 0.05, 3.0]))
    >>> histogram.buckets()
    [('0.01', 2.0), ('0.1', 3.0), ('+Inf', 4.0)]
    """

    def __init__(self, bounds: Iterable[float]) -> None:
        self._bounds = np.array(list(bounds), np.float64)
        self._counts = np.zeros(len(self._bounds) + 1, np.int64)
        self.sum = 0.0

    def observe(self, values: NDArray[np.float64]) -> None:
        """Count every value; NaN is passed over."""
        known = values[~np.isnan(values)]
        self._counts += np.bincount(np.searchsorted(self._bounds, known), minlength=len(self._counts))
        self.sum += float(known.sum())

    def observe_one(self, value: float) -> None:
        """Count one value."""
        self._counts[self._bounds.searchsorted(value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative counts by upper bound, as Prometheus writes them."""
        bounds = [*(f"{bound:g}" for bound in self._bounds.tolist()), "+Inf"]
        return list(zip(bounds, np.cumsum(self._counts).astype(float).tolist(), strict=True))


class Judged(Protocol):
    """What the metrics read of a batch of judged events (streams.engine.Judgement)."""

    @property
    def rows(self) -> NDArray[np.void]: ...
    @property
    def rulebook(self) -> Any: ...
    @property
    def findings(self) -> list[tuple[int, int]]: ...


class Registered(Protocol):
    """Numbers that can be scraped."""

    registry: CollectorRegistry


class WorkerMetrics(Collector):
    """The numbers of one worker process."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        self.registry = CollectorRegistry()
        self._events: Counter[str] = Counter()
        self._rejected: Counter[tuple[str, str]] = Counter()
        self._alerts: Counter[tuple[str, str]] = Counter()
        self._totals: Counter[str] = Counter()
        self._partitions: dict[int, dict[str, float]] = {}
        self._marks: dict[str, float] = {}
        self._references = 0, 0
        self._latency = Histogram(LATENCY_BUCKETS)
        self._decisions = Histogram(LATENCY_BUCKETS)
        self._batches = Histogram(BATCH_BUCKETS)
        self._snapshots = Histogram(SNAPSHOT_BUCKETS)
        self._pauses = Histogram(PAUSE_BUCKETS)
        self.registry.register(self)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    # -- intake -------------------------------------------------------------------------------------------------------

    def events(self, institution: str, count: int) -> None:
        """Events accepted from an institution."""
        self._events[institution] += count

    def rejected(self, institution: str, reason: str, count: int = 1) -> None:
        """Events sent to the rejected topic, by reason code."""
        self._rejected[institution, reason] += count

    def lost(self, count: int) -> None:
        """Records that the broker deleted before intake read them."""
        self._totals["lost"] += count

    def mark(self, source: str, behind_seconds: float) -> None:
        """How far a source's mark lies behind now; the oldest of them holds everything up."""
        self._marks[source] = behind_seconds

    def forget_marks(self) -> None:
        """The sources went to another worker."""
        self._marks.clear()

    # -- screen -------------------------------------------------------------------------------------------------------

    def applied(self, seconds: float) -> None:
        """A batch of facts or views was applied."""
        self._batches.observe_one(seconds)

    def judged(self, judgement: Judged, now_ms: float) -> None:
        """Events judged, with the time since the broker took them and the alerts they gave."""
        rows = judgement.rows
        self._totals["judged"] += len(rows)
        self.latencies((now_ms - rows["appended_at"]) / 1_000.0)
        typologies = judgement.rulebook.typologies
        for _, number in judgement.findings:
            typology = typologies[number]
            self._alerts[typology.id, typology.status] += 1

    def latencies(self, seconds: NDArray[np.float64]) -> None:
        """Append to judgement, one value per event."""
        self._latency.observe(seconds)

    def time_decision(self, sent: asyncio.Future[Any], appended_at: int) -> None:
        """Append to acknowledged decision, when the broker has it."""

        def acknowledged(future: asyncio.Future[Any]) -> None:
            if not future.cancelled() and future.exception() is None:
                self._decisions.observe_one(time.time() - appended_at / 1_000.0)

        sent.add_done_callback(acknowledged)

    def repeats(self, repeats: int, contradictions: int) -> None:
        """Events that were judged before; those with other content are contradictions."""
        self._totals["repeats"] += repeats
        self._totals["contradictions"] += contradictions

    def late(self, count: int) -> None:
        """Facts that came below the mark."""
        self._totals["late"] += count

    def state(
        self,
        partition: int,
        *,
        subjects: int,
        state_bytes: int,
        pending: int,
        snapshot_age: float,
        lag: int = 0,
        drift_alarms: int = 0,
    ) -> None:
        """Gauges of a partition that this worker holds."""
        self._partitions[partition] = {
            "subjects": subjects,
            "state_bytes": state_bytes,
            "pending_events": pending,
            "snapshot_age_seconds": snapshot_age,
            "lag_records": lag,
            "drift_alarms": drift_alarms,
        }

    def forget(self, partition: int) -> None:
        """The partition went to another worker."""
        self._partitions.pop(partition, None)

    def snapshot(self, seconds: float) -> None:
        """A snapshot was written whole."""
        self._totals["snapshots"] += 1
        self._snapshots.observe_one(seconds)

    def snapshot_pause(self, seconds: float) -> None:
        """How long the flow stood still for a snapshot."""
        self._pauses.observe_one(seconds)

    def snapshot_failed(self) -> None:
        """A snapshot could not be written; nothing was acknowledged for it."""
        self._totals["snapshot_failures"] += 1

    def references(self, entries: int, size: int) -> None:
        """The reference sets that the partitions of this worker share: entries, and their bytes."""
        self._references = entries, size

    # -- scrape -------------------------------------------------------------------------------------------------------

    def collect(self) -> Iterator[Metric]:
        """The numbers as Prometheus families."""
        yield _counter("antifraud_events", "Events accepted by intake.", ["institution"], self._events.copy())
        yield _counter(
            "antifraud_rejected", "Events sent to the rejected topic.", ["institution", "reason"], self._rejected.copy()
        )
        yield _counter("antifraud_alerts", "Findings of typologies.", ["typology", "status"], self._alerts.copy())
        for name, text in TOTALS.items():
            yield CounterMetricFamily(f"antifraud_{name}", text, self._totals[name])
        for name, text, histogram in (
            ("latency_seconds", "From the broker's append of an event to its judgement.", self._latency),
            ("decision_latency_seconds", "From append to the acknowledged decision.", self._decisions),
            ("batch_seconds", "Time to apply one batch of facts or views.", self._batches),
            ("snapshot_seconds", "Time to write a snapshot.", self._snapshots),
            ("snapshot_pause_seconds", "Time that the flow stood still for a snapshot.", self._pauses),
        ):
            yield HistogramMetricFamily(f"antifraud_{name}", text, buckets=histogram.buckets(), sum_value=histogram.sum)
        partitions = self._partitions.copy()
        for name, text in GAUGES.items():
            values = {(str(number),): gauges[name] for number, gauges in partitions.items()}
            yield _gauge(f"antifraud_{name}", text, ["partition"], values)
        yield _gauge(
            "antifraud_mark_age_seconds",
            "How far a source's mark lies behind now.",
            ["source"],
            {(source,): age for source, age in self._marks.copy().items()},
        )
        yield GaugeMetricFamily("antifraud_reference_entries", "Entries of the reference sets.", self._references[0])
        yield GaugeMetricFamily("antifraud_reference_bytes", "Bytes of the reference sets.", self._references[1])
        yield _gauge("antifraud_worker_info", "The worker.", ["worker"], {(self.worker,): 1.0})


TOTALS: Final = {
    "judged": "Events judged.",
    "repeats": "Events that had been judged before.",
    "contradictions": "Events that had been judged before with other content.",
    "late": "Facts that came below the mark and were put in their place by time.",
    "lost": "Records that the broker deleted before they were read.",
    "snapshots": "Snapshots written.",
    "snapshot_failures": "Snapshots that could not be written.",
}
GAUGES: Final = {
    "subjects": "Subjects with a history in this partition.",
    "state_bytes": "Bytes of the histories.",
    "pending_events": "Events that wait for marks or views.",
    "snapshot_age_seconds": "Since the last snapshot ended.",
    "lag_records": "Records of the partition not read yet.",
    "drift_alarms": "Drift alarms of the models since the partition's first event.",
}


class MetricsServer:
    """An HTTP server in a thread of its own: it answers also when the event loop does not.

    `ready` and `healthy` give the answer and what led to it, which becomes the JSON body; 200 for yes, 503 for no. They
    are called in the server's threads, so they may only read. One that fails counts as no.
    """

    def __init__(
        self,
        port: int,
        *,
        ready: Callable[[], Answer],
        healthy: Callable[[], Answer],
        metrics: Registered,
        host: str = "127.0.0.1",
    ) -> None:
        answers = {"/readyz": ready, "/healthz": healthy}

        class Handler(_Handler):
            registry = metrics.registry
            questions = answers

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    @property
    def port(self) -> int:
        """The port listened on, also where 0 asked for any free one."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more and give the port back."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    registry: CollectorRegistry
    questions: Mapping[str, Callable[[], Answer]]
    timeout = 10  # of a client that connects and says nothing

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._send(200, CONTENT_TYPE_LATEST, generate_latest(self.registry))
        elif path in self.questions:
            yes, causes = _ask(self.questions[path])
            body = json.dumps({"ok": yes, **causes}, default=str).encode()
            self._send(200 if yes else 503, "application/json", body)
        else:
            self._send(404, "application/json", b'{"error": "there are /metrics, /healthz and /readyz"}')

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """A scrape is not worth a line."""


def _ask(question: Callable[[], Answer]) -> Answer:
    try:
        return question()
    except Exception as error:  # a question about health that cannot be answered is itself the answer
        return False, {"cause": f"the check failed: {type(error).__name__}"}


def _counter(name: str, text: str, labels: list[str], values: Mapping[Any, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key) if isinstance(key, tuple) else [key], value)
    return family


def _gauge(name: str, text: str, labels: list[str], values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
