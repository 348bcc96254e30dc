"""What the process behind `judged` tells Prometheus."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.metrics import BATCH_BUCKETS, SNAPSHOT_BUCKETS, Histogram

_GAUGES = {
    "at_work": "1 where this process follows, 0 where it stands by.",
    "lag_records": "Records of `judged` not read yet.",
    "waiting_events": "Events that wait for the marks of slower partitions.",
    "mark_age_seconds": "How far the merged order lies behind now; large while a replay is judged.",
    "snapshot_age_seconds": "Since the last snapshot ended.",
}


class FollowerMetrics(Collector):
    """The numbers of one process; written by the event loop only."""

    def __init__(self, name: str) -> None:
        self.registry = CollectorRegistry()
        self._name = name
        self._totals: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()
        self._gauges: dict[str, float] = {}
        self._batches = Histogram(BATCH_BUCKETS)
        self._snapshots = Histogram(SNAPSHOT_BUCKETS)
        self.registry.register(self)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def taken(self, events: int) -> None:
        """Events handed to the followers."""
        self._totals["events"] += events

    def sent(self, follower: str, records: int) -> None:
        """Records that a follower caused."""
        self._sent[follower] += records

    def batch(self, seconds: float) -> None:
        """One batch of `judged` was taken."""
        self._batches.observe_one(seconds)

    def snapshot(self, seconds: float) -> None:
        """A snapshot was written."""
        self._totals["snapshots"] += 1
        self._snapshots.observe_one(seconds)

    def snapshot_failed(self) -> None:
        """A snapshot could not be written."""
        self._totals["snapshot_failures"] += 1

    def state(self, *, at_work: bool, lag: int, waiting: int, mark_ms: int, snapshot_age: float) -> None:
        """Bring the gauges up to date."""
        age = time.time() - mark_ms / 1000 if mark_ms > 0 else 0.0
        values = (float(at_work), float(lag), float(waiting), max(0.0, age), snapshot_age)
        self._gauges = dict(zip(_GAUGES, values, strict=True))

    def collect(self) -> Iterator[Metric]:
        """What a scrape gets."""
        for name in ("events", "snapshots", "snapshot_failures"):
            yield CounterMetricFamily(f"antifraud_follower_{name}", f"Total of {name}.", value=self._totals[name])
        sent = CounterMetricFamily("antifraud_follower_records", "Records that a follower caused.", labels=["follower"])
        for follower, count in self._sent.copy().items():
            sent.add_metric([follower], count)
        yield sent
        for name, text in _GAUGES.items():
            yield GaugeMetricFamily(f"antifraud_follower_{name}", text, value=self._gauges.get(name, 0.0))
        for name, text, histogram in (
            ("batch_seconds", "One batch of `judged`.", self._batches),
            ("snapshot_seconds", "One snapshot.", self._snapshots),
        ):
            family = HistogramMetricFamily(f"antifraud_follower_{name}", text)
            family.add_metric([], histogram.buckets(), histogram.sum)
            yield family
        info = GaugeMetricFamily("antifraud_follower_info", "The process.", labels=["worker"])
        info.add_metric([self._name], 1.0)
        yield info
