"""The benchmark: one worker on a real Kafka, drained, at a steady rate, and with a million subjects.

Every figure is taken in this run, on this machine, beside plain Faust: ratios travel, rates do not. `--json` ends with
one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import histories as population
import numpy as np
import psutil
import stages
from load import load
from plain_faust import measure as measure_plain
from rich.console import Console
from rich.table import Table

from rules.rulebook_files import PACKAGED
from simulator.country import Settings, write_country
from simulator.writer import labels_beside
from streams.center import Center, demo_environment
from streams.kafka import KafkaSettings
from streams.outcomes import Outcomes
from streams.screening import Partition
from streams.snapshots import SnapshotStore
from streams.tokens import demo_keys
from streams.topics import TopicSettings

STAGES = ("stages", "drain", "plain", "latency", "memory", "registries")
RATE = 2_000.0
SNAPSHOTS_SECONDS = 160.0  # long enough for several snapshots and the times between
SEEN_SECONDS = 0.1
WARM_SECONDS = 20.0  # in which the broker's JVM compiles itself and every subject is new
console = Console(stderr=True)
Beside = Callable[[Center], AbstractContextManager[object]]  # what runs as long as the worker is measured


@contextmanager
def center(rulebook: Path = PACKAGED, **environment: str) -> Iterator[Center]:
    """A fresh center of one worker and one partition."""
    with tempfile.TemporaryDirectory(prefix="antifraud-bench-") as name:
        folder = Path(name)
        with Center(
            folder,
            topics=TopicSettings(partitions=1),
            kafka=KafkaSettings(data=folder / "kafka", port=0),
            rulebook=rulebook,
            environment={**demo_environment(), **environment},
        ) as started:
            yield started


def worker(started: Center) -> psutil.Process:
    return psutil.Process(started.supervisor.processes[0].pid)


def drain(
    file: Path,
    events: int,
    *,
    rulebook: Path = PACKAGED,
    prepare: Callable[[Center], None] = lambda _: None,
    beside: Beside = nullcontext,
) -> dict[str, float]:
    """Load a backlog, then let one worker drain it: events/s from the first judgement to the last."""
    with center(rulebook) as started:
        prepare(started)
        load([file], started.kafka.bootstrap_servers, events=events)
        with beside(started):
            started.start_workers()
            started.wait_ready()
            process = worker(started)
            before = process.cpu_times()
            with Outcomes(started.kafka.bootstrap_servers) as seen:
                seen.wait_for(events, 600, started.supervisor.check)
            after = process.cpu_times()
        seconds = ((seen.last_judged_ms or 0) - (seen.first_judged_ms or 0)) / 1000
        cpu = after.user - before.user + after.system - before.system
        return {
            "throughput_events_per_s": events / seconds,
            "cpu_us_per_event": cpu / events * 1e6,
            "rss_bytes": process.memory_info().rss,
            "alerts": len(seen.alerts),
        }


def percentiles(values: np.ndarray[Any, Any]) -> dict[str, float]:
    if not len(values):
        return dict.fromkeys(("p50", "p99", "p999"), float("nan"))
    p50, p99, p999 = np.percentile(values, [50, 99, 99.9])
    return {"p50": float(p50), "p99": float(p99), "p999": float(p999)}


def at_rate(started: Center, file: Path, seconds: float) -> dict[str, Any]:
    """Publish live events at RATE, open loop; latency from the broker's append of an event to what it caused.

    `judged_ms` is that of all events after the warm-up. `pairs_ms` has, for each snapshot, the p99 of events that came
    while it was written and of those that came between it and the next one: neighbours, so that the noise of a shared
    machine, which changes by the minute, meets both alike.
    """
    warm = int(RATE * WARM_SECONDS)
    events = warm + int(RATE * seconds)
    writing: list[float] = []  # when a snapshot was seen under way, ms
    with Outcomes(started.kafka.bootstrap_servers, keep_latencies=True) as seen:
        with ThreadPoolExecutor(1) as loader:
            servers = started.kafka.bootstrap_servers
            loading = loader.submit(_load, file, servers, events)
            while not loading.done():
                seen.poll(SEEN_SECONDS)
                if any((started.folder / "snapshots").glob("*.writing-*")):
                    writing.append(time.time() * 1000)
                started.supervisor.check()
            sent = loading.result()
        seen.wait_for(events, 120, started.supervisor.check)
        appended = np.concatenate([np.full(len(each), at) for at, each in seen.latencies])[warm:]
        judged = np.concatenate([each for _, each in seen.latencies])[warm:]
        # Both by the broker's clock, so an alert of the warm-up is one whose event was appended before it ended.
        began = min(alert.appended_ms for alert in seen.alerts.values()) + WARM_SECONDS * 1000
        alerts = np.array([alert.latency_ms for alert in seen.alerts.values() if alert.appended_ms >= began])
    return {
        "judged_ms": percentiles(judged),
        "pairs_ms": pairs(appended, judged, np.array(writing)),
        "alert_ms": percentiles(alerts),
        "alerts": len(alerts),
        "behind_s": sent["behind_s"],
    }


def pairs(appended: np.ndarray[Any, Any], judged: np.ndarray[Any, Any], writing: np.ndarray[Any, Any]) -> list[Any]:
    """[p50 during, p50 after, p99 during, p99 after] of each snapshot that was followed by a time without one, ms."""
    breaks = np.flatnonzero(np.diff(writing) > 1_500)
    if not len(writing):
        return []
    begins, ends = writing[[0, *(breaks + 1)]], writing[[*breaks, -1]]
    found = []
    for begin, end, following in zip(begins[:-1], ends[:-1], begins[1:], strict=True):
        # A look happens every SEEN_SECONDS; what was appended shortly before waits through the snapshot's beginning.
        during = judged[(appended >= begin - 1000 * SEEN_SECONDS) & (appended <= end)]
        after = judged[(appended > end + 1_000) & (appended < following - 1_000)]
        if len(during) and len(after):
            found.append([float(np.percentile(some, share)) for share in (50, 99) for some in (during, after)])
    return found


def _load(file: Path, servers: str, events: int) -> dict[str, Any]:
    """Load live in a process of its own: a loader that shares our interpreter would be late."""
    command = [sys.executable, str(Path(__file__).with_name("load.py")), str(file), "--bootstrap", servers, "--live"]
    command += ["--rate", str(RATE), "--events", str(events), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def latency(file: Path, seconds: float, beside: Beside = nullcontext) -> dict[str, Any]:
    """Produce to alert at RATE, everything on, snapshots included."""
    with center() as started, beside(started):
        started.start_workers()
        started.wait_ready()
        return at_rate(started, file, seconds)


def memory(file: Path, subjects: int) -> dict[str, Any]:
    """A worker that holds a million subjects: resident bytes, and latency while a snapshot is written and between."""
    with center(ANTIFRAUD_SNAPSHOT_SECONDS="20") as started:
        found = _with_population(started, subjects, lambda: at_rate(started, file, SNAPSHOTS_SECONDS))
    p50_during, p50_after, p99_during, p99_after = np.array(found["pairs_ms"]).T
    return {
        "subjects": subjects,
        "rss_bytes": found["rss_bytes"],
        "snapshots": len(p99_during),
        "p50_ms_during_and_after": [statistics.median(p50_during), statistics.median(p50_after)],
        "p99_ms_during_and_after": [statistics.median(p99_during), statistics.median(p99_after)],
        "p99_ms_more_during_snapshots": statistics.median(p99_during - p99_after),
        "p99_ms_more_spread": [float(min(p99_during - p99_after)), float(max(p99_during - p99_after))],
        "snapshot_seconds": found["snapshot_seconds"],
        "pause_ms": found["pause_ms"],
    }


def _with_population(started: Center, subjects: int, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Leave a snapshot with that many subjects, written by a process of its own; then start the worker on it."""
    cluster = started.kafka.admin().describe_cluster()["cluster_id"]
    code = "import bench, sys; bench.write_population(sys.argv[1], sys.argv[2], int(sys.argv[3]))"
    folder = str(started.folder / "snapshots")
    subprocess.run(
        [sys.executable, "-c", code, folder, str(cluster), str(subjects)], cwd=Path(__file__).parent, check=True
    )
    started.start_workers()
    started.wait_ready(180)
    result = act()
    with urllib.request.urlopen(f"http://127.0.0.1:{started.ports[0]}/metrics") as response:
        text = response.read().decode()
    for name, metric, unit in (
        ("snapshot_seconds", "antifraud_snapshot_seconds", 1),
        ("pause_ms", "antifraud_snapshot_pause_seconds", 1000),
    ):
        total, count = (metric_of(text, f"{metric}_{part}") for part in ("sum", "count"))
        result[name] = round(unit * total / max(count, 1), 2)
    result["rss_bytes"] = worker(started).memory_info().rss
    return result


def metric_of(text: str, name: str) -> float:
    """The value of a metric without labels on a /metrics page; 0 where it is not there."""
    return next((float(line.split()[-1]) for line in text.splitlines() if line.split(" ")[0] == name), 0.0)


def write_population(folder: str, cluster: str, subjects: int) -> None:
    """A snapshot at offset 0 whose histories hold `subjects` subjects, 12 events each on average, busiest 20,000."""
    import asyncio

    filled = population.populate(subjects, mean=12.0, busiest=20_000)
    partition = Partition(0, 1, _no_rulebook)
    partition.engine.histories = filled
    store = SnapshotStore(folder, demo_keys()[0].derive(b"snapshot"), cluster)
    document, arrays = partition.state()
    writing = store.begin(0, 0, document, arrays)
    asyncio.run(store.finish(writing, []))


def _no_rulebook(generation: int) -> Any:
    raise LookupError(f"nothing is judged here, not even by generation {generation}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", action="append", choices=STAGES)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--plain-events", type=int, default=50_000)
    parser.add_argument("--subjects", type=int, default=1_000_000)
    parser.add_argument("--entries", type=int, default=4_500_000, help="credit refusals, of `registries`")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each latency run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    chosen = said.only or list(STAGES)
    with tempfile.TemporaryDirectory(prefix="antifraud-bench-") as name:
        file = Path(name) / "events.jsonl"
        people = max(1_000, said.events // 23)
        console.print(f"simulating {people:,} people …")
        settings = Settings(7, people, 1, institutions=6, transactions_only=True)
        write_country(settings, file, labels_beside(file), lambda *_: None)
        events = min(said.events, file.read_bytes().count(b"\n"))
        result = measure(chosen, file, events, said)
    show(result)
    if said.json:
        print(json.dumps(result, separators=(",", ":")))


def measure(chosen: list[str], file: Path, events: int, said: argparse.Namespace) -> dict[str, Any]:
    """Every chosen part, one after the other: two cores are not shared between measurements."""
    result: dict[str, Any] = {"events": events, "runs": said.runs}
    if "stages" in chosen:
        result["stages_us_per_event"] = stages.measure(file)
    if "drain" in chosen:
        console.print(f"draining {events:,} events, {said.runs} times …")
        drained = [drain(file, events) for _ in range(said.runs)]
        rates = [run["throughput_events_per_s"] for run in drained]
        result["throughput_events_per_s"] = round(statistics.median(rates))
        result["throughput_spread"] = [round(min(rates)), round(max(rates))]
        result["cpu_us_per_event"] = round(statistics.median(run["cpu_us_per_event"] for run in drained), 1)
        result["rss_bytes"] = max(int(run["rss_bytes"]) for run in drained)
    if "plain" in chosen:
        console.print(f"plain Faust, {said.plain_events:,} events …")
        with center() as started:
            plain = measure_plain(started.kafka.bootstrap_servers, said.plain_events, [file], 1, 600)
        result["plain_faust_events_per_s"] = round(plain["events_per_s"])
        if "throughput_events_per_s" in result:
            result["ratio_to_plain_faust"] = round(result["throughput_events_per_s"] / plain["events_per_s"], 2)
    if "latency" in chosen:
        console.print(f"{RATE:,.0f} events/s for {said.seconds:.0f} s, {said.runs} times …")
        found = [latency(file, said.seconds) for _ in range(said.runs)]
        for kind, key in (("alert_ms", "latency_ms"), ("judged_ms", "judged_latency_ms")):
            result[key] = {p: statistics.median(run[kind][p] for run in found) for p in ("p50", "p99", "p999")}
    if "memory" in chosen:
        console.print(f"{said.subjects:,} subjects …")
        result["memory"] = memory(file, said.subjects)
    if "registries" in chosen:
        import registries  # which imports this module

        console.print(f"{said.entries:,} refusals and all typologies against the first ten, {said.runs} times …")
        result["registries"] = registries.compare(file, min(events, 250_000), said.entries, said.runs)
    return result


def show(result: dict[str, Any]) -> None:
    """The results as tables."""
    stage_costs = result.get("stages_us_per_event")
    if stage_costs:
        table = Table("part", "µs an event", title="Cost of each stage (median of runs, one core)")
        for part, cost in stage_costs.items():
            table.add_row(part, f"{cost:.1f}")
        console.print(table)
    table = Table("measured", "value")
    for key, value in result.items():
        if key != "stages_us_per_event":
            table.add_row(key, f"{value:,}" if isinstance(value, int) else json.dumps(value))
    console.print(table)


if __name__ == "__main__":
    started_at = time.perf_counter()
    main()
    console.print(f"{time.perf_counter() - started_at:.0f} s in all")
