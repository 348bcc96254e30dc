"""A center under fault: workers killed at random while events flow, then everything compared with a quiet replay.

The verifier reads topics and snapshots only and shares no code with the agents that wrote them; what is right comes
from `streams.replay` (one quiet pass over the same file) and from histories recomputed line by line.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rules.rulebook import Rulebook
from simulator.country import Settings, write_country
from simulator.writer import labels_beside
from streams.center import Center, demo_environment
from streams.kafka import KafkaSettings
from streams.outcomes import Outcomes
from streams.publishing import Pace, publish_files
from streams.replay import replay
from streams.supervisor import CRASH_SECONDS, CRASHES
from streams.tokens import demo_keys
from streams.topics import TopicSettings
from tests.conftest import QUICK_START


def simulated(folder: Path, people: int, days: int, seed: int) -> Path:
    """A country as a file of events."""
    file = folder / "events.jsonl"
    write_country(
        Settings(days, people, seed, institutions=6, transactions_only=True), file, labels_beside(file), lambda *_: None
    )
    return file


@contextmanager
def unstarted(folder: Path, *, workers: int, partitions: int, **environment: str) -> Iterator[Center]:
    """A center with a broker of its own, topics and a rulebook, snapshots every second; its workers not started yet."""
    settings = KafkaSettings(data=folder / "kafka", port=0, java_options=QUICK_START)
    with Center(
        folder,
        workers=workers,
        topics=TopicSettings(partitions=partitions),
        kafka=settings,
        environment={**demo_environment(), "ANTIFRAUD_SNAPSHOT_SECONDS": "1", **environment},
    ) as made:
        yield made


@contextmanager
def center(folder: Path, *, workers: int, partitions: int, **environment: str) -> Iterator[Center]:
    """The same with its workers ready."""
    with unstarted(folder, workers=workers, partitions=partitions, **environment) as made:
        made.start_workers()
        made.wait_ready()
        yield made


@dataclass(frozen=True)
class _Load(Pace):
    """Events at a rate, until the rest is wanted at once."""

    at_once: threading.Event = field(default_factory=threading.Event)

    def due(self, started: float, index: int, occurred_at: int, first: int) -> float:
        return started if self.at_once.is_set() else super().due(started, index, occurred_at, first)


@contextmanager
def published(servers: str, file: Path, rate: float | None) -> Iterator[threading.Thread]:
    """Publish a file as history in the background, at a rate while the block runs; its failure is the test's."""
    failures: list[BaseException] = []
    load = _Load(rate)

    def run() -> None:
        try:
            publish_files([file], bootstrap_servers=servers, pace=load)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield thread
    load.at_once.set()
    thread.join(600)
    assert not thread.is_alive(), "publishing did not end"
    if failures:
        raise failures[0]


def kill_randomly(center: Center, seen: Outcomes, kills: int, seed: int, events: int) -> list[float]:
    """Kill -9 a random worker, again and again, each time some way into its work (or its recovery, now and then).

    Returns the seconds from each kill until judged events came again; a slow machine may have judged all of them first.
    """
    chance = random.Random(seed)
    waits = []
    latest: deque[float] = deque(maxlen=CRASHES - 1)  # one more within CRASH_SECONDS, and the supervisor gives up
    for _ in range(kills):
        center.supervisor.check()
        poll_for(seen, chance.uniform(1.0, 6.0))
        if len(latest) == latest.maxlen:
            poll_for(seen, latest[0] + CRASH_SECONDS + 1.0 - time.monotonic())
        center.supervisor.check()  # whoever is killed is alive
        chance.choice(center.supervisor.processes).send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        latest.append(killed_at)
        if chance.random() < 0.2:
            continue  # the next kill meets the recovery
        center.supervisor.check()
        center.wait_ready()
        judged = seen.judged
        while seen.judged == judged < events:
            seen.poll()
            assert time.monotonic() - killed_at < 60, "nothing is judged 60 s after a kill"
        waits.append(time.monotonic() - killed_at)
    return waits


def poll_for(seen: Outcomes, seconds: float) -> None:
    """Look on for a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen.poll()


def quiet_alerts(file: Path) -> dict[str, str]:
    """Alert id → typology of one undisturbed replay without Kafka."""
    alerts: dict[str, str] = {}
    replay(
        [file],
        Rulebook.load(),
        demo_keys()[0],
        on_alert=lambda alert: alerts.__setitem__(alert.alert_id, alert.typology.id),
    )
    return alerts


def without_models(alerts: dict[str, str]) -> set[str]:
    """Alert ids of all typologies but T22, the one that may depend on the number of partitions."""
    return {alert for alert, typology in alerts.items() if typology != "T22"}
