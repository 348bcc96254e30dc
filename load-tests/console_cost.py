"""What a console on the same machine costs the engine: the same drain without it and with it, by turns.

    python load-tests/console_cost.py [--events 150000] [--runs 3] [--viewers 50] [--seconds 30] [--json]

The console runs as people run it: its own processes, an embedded store, a feed behind every topic of the same broker,
viewers who have the queue open, into which new rows come, and two pages a second. Broker,
worker, console and viewers share the machine's cores: what they take from each other is what is measured. A drain is
the worst case, since the feed then has as much to store as the engine can judge. With --seconds the steady rate is
measured too, where what counts is the time from an event to its judgement.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from bench import RATE, WARM_SECONDS, Beside, drain, latency, percentiles
from console_audience import Audience
from rich.console import Console
from sqlalchemy import func, select

from console.keyring import Keyring
from console.people import demo, sessions
from console.store.opening import Store
from console.store.tables import feed_offsets
from console.web.house import wall_clock
from simulator.country import Settings, write_country
from simulator.writer import labels_beside
from streams.center import Center, demo_environment
from streams.cli import demo_console

PATIENCE_SECONDS = 600.0
console = Console(stderr=True)
Figures = dict[str, Any]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=150_000, help="to drain")
    parser.add_argument("--runs", type=int, default=3, help="of each kind")
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=0.0, help="at a steady rate as well, for so long")
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    needed = max(said.events, int(RATE * (WARM_SECONDS + said.seconds)) if said.seconds else 0)
    with tempfile.TemporaryDirectory(prefix="antifraud-cost-") as name:
        file = Path(name) / "events.jsonl"
        settings = Settings(7, max(1_000, needed // 20), 1, institutions=6, transactions_only=True)
        write_country(settings, file, labels_beside(file), lambda *_: None)
        result = compare_drains(file, said.events, said.viewers, said.runs)
        if said.seconds:
            result["steady"] = compare_latencies(file, said.seconds, said.viewers, said.runs)
    console.print_json(data=result)
    if said.json:
        print(json.dumps(result, separators=(",", ":")))


def compare_drains(file: Path, events: int, viewers: int, runs: int) -> Figures:
    """Events/s of each drain, the ratio of the medians, and how the console did."""
    alone, beside, consoles = [], [], []
    for number in range(runs):
        console.print(f"drain {number + 1} of {runs}, {events:,} events …")
        alone.append(round(drain(file, events)["throughput_events_per_s"]))
        console.print(f"  without a console {alone[-1]:,} events/s")
        figures: Figures = {}
        run = drain(file, events, beside=with_console(viewers, figures, events))
        beside.append(round(run["throughput_events_per_s"]))
        console.print(f"  with a console {beside[-1]:,} events/s; {figures}")
        consoles.append(figures)
    return {
        "events": events,
        "viewers": viewers,
        "alone_events_per_s": alone,
        "with_console_events_per_s": beside,
        "ratio_of_medians": round(statistics.median(beside) / statistics.median(alone), 3),
        "console": consoles,
    }


def compare_latencies(file: Path, seconds: float, viewers: int, runs: int) -> Figures:
    """Median p50 and p99 from an event's append to its judgement, of the runs without and with a console, ms."""
    alone, beside, consoles = [], [], []
    for number in range(runs):
        console.print(f"{RATE:,.0f} events/s, {number + 1} of {runs} …")
        alone.append(latency(file, seconds)["judged_ms"])
        figures: Figures = {}
        told = with_console(viewers, figures, int(RATE * WARM_SECONDS) + int(RATE * seconds))
        beside.append(latency(file, seconds, told)["judged_ms"])
        console.print(f"  without {alone[-1]}, with {beside[-1]}; {figures}")
        consoles.append(figures)
    median = {p: [statistics.median(run[p] for run in each) for each in (alone, beside)] for p in ("p50", "p99")}
    return {"judged_ms_without_and_with": median, "console": consoles}


def with_console(viewers: int, figures: Figures, events: int) -> Beside:
    """What runs a console beside a center whose `events` are judged; `figures` is filled when that is done.

    In it are the events that the store had not got when all were judged, how long it took to get them after that, the
    processor time of the console's processes until then, and how long pages took while events were judged.
    """

    @contextlib.contextmanager
    def beside(center: Center) -> Iterator[None]:
        folder = center.folder / "console"
        folder.mkdir()
        prepared = demo_console.Prepared(folder, f"sqlite:///{folder / 'cases.db'}", [])
        store = Store.open(prepared.store)
        with (
            contextlib.closing(store),
            demo_console.running(prepared, center.kafka.bootstrap_servers) as address,
            Audience(address, _signed_in(store), viewers) as looking,
        ):
            itself = _process_of(prepared.store)
            # Its feed has started once it has given way to others.
            _until(lambda: any(each.nice() > 0 for each in itself.children()))
            yield
            figures["events_behind"] = events - _stored(store)
            figures["cpu_s"] = _cpu_seconds(itself)
            figures["pages_ms"] = {p: round(ms) for p, ms in percentiles(np.array(looking.pages_ms)).items()}
            figures["events_to_viewers"] = looking.told
            began = time.monotonic()
            _until(lambda: _stored(store) == events)
            figures["caught_up_s"] = round(time.monotonic() - began, 1)
            figures["cpu_s_caught_up"] = _cpu_seconds(itself)

    return beside


def _signed_in(store: Store) -> str:
    """The secret of a session of the demo's analyst."""
    keys, now = Keyring.load(demo_environment()), wall_clock()
    with store.writing() as connection:
        demo.add_people(connection, keys, now)
        return sessions.begin(connection, "analyst", now)


def _stored(store: Store) -> int:
    """How many judged events the store has."""
    with store.reading() as connection:
        return int(connection.scalar(select(func.sum(feed_offsets.c.next_number))) or 0)


def _process_of(store: str) -> psutil.Process:
    """The console on this store."""
    return next(one for one in psutil.Process().children(recursive=True) if store in one.cmdline())


def _cpu_seconds(itself: psutil.Process) -> dict[str, float]:
    """Of the console's own process and of those beneath it, since they started."""
    web, feed = (
        sum(sum(one.cpu_times()[:2]) for one in processes) for processes in ([itself], itself.children(recursive=True))
    )
    return {"web": round(web, 1), "feed": round(feed, 1)}


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"It did not come to that within {PATIENCE_SECONDS:.0f} s.")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
