"""A simulated scenario played through a whole center: published as history, followed, and read from topics only.

Waits look at numbers that a center tells, never at the clock: the followers have passed the moment at which publishing
ended, and each process has begun and ended a snapshot since, which covers only what the broker has acknowledged.
"""

from __future__ import annotations

import csv
import json
import re
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from rules.rulebook import Rulebook
from simulator.country import Settings, write_country
from simulator.writer import labels_beside
from streams.alerts import ALERTS
from streams.center import Center, demo_environment
from streams.kafka import KafkaSettings
from streams.outcomes import records_of
from streams.publishing import publish_files
from streams.tokens import demo_keys
from streams.topics import TopicSettings
from tests.conftest import QUICK_START

KEY, _ = demo_keys()
SECONDS: Final = 240.0  # a busy machine; a quiet one needs a tenth
Document = dict[str, Any]
_NUMBER: Final = re.compile(r"^(antifraud_\w+)(?:\{[^}]*\})? ([-+.\deE]+)$", re.MULTILINE)
_TRACING = Rulebook.load().tracing
assert _TRACING is not None
# The first signal of an alert of `trace` → the shape that it found.
SHAPES: Final = {pattern.signals[0].id: pattern.id for pattern in _TRACING.patterns}


@dataclass
class Played:
    """What a scenario came to. `file` and `labels` are what was published and what is true of it."""

    file: Path
    center: Center
    rows: dict[str, dict[str, str]]  # event id → its label
    _documents: dict[str, list[Document]] = field(default_factory=dict)

    @cached_property
    def events(self) -> list[Document]:
        """Every record of the file, in order."""
        return [json.loads(line) for line in self.file.read_bytes().splitlines()]

    def documents(self, topic: str) -> list[Document]:
        """Every document on a topic, in order; read once."""
        if topic not in self._documents:
            servers = self.center.kafka.bootstrap_servers
            self._documents[topic] = [json.loads(record.value) for record in records_of(servers, topic) if record.value]
        return self._documents[topic]

    @cached_property
    def alerts(self) -> dict[str, Document]:
        """Alert id → alert, each once."""
        return {alert["alert_id"]: alert for alert in self.documents(ALERTS)}

    def alerts_of(self, *typologies: str) -> list[Document]:
        return [alert for alert in self.alerts.values() if alert["typology"]["id"] in typologies]

    def traced(self, *shapes: str) -> list[Document]:
        """The alerts of the follower `trace`, of these shapes or of all."""
        found = [alert for alert in self.alerts.values() if alert["signals"][0]["id"] in SHAPES]
        return [alert for alert in found if not shapes or SHAPES[alert["signals"][0]["id"]] in shapes]

    def case(self, event_id: str) -> str:
        """The case that an event belongs to; empty in ordinary life."""
        return self.rows[event_id]["case"] if event_id in self.rows else ""

    def frauds(self, name: str) -> list[Document]:
        """The events of the cases whose name begins so."""
        return [event for event in self.events if self.case(event["event_id"]).startswith(name)]

    def typologies_of(self, name: str) -> set[str]:
        """The typologies with an alert on an event of the cases whose name begins so."""
        return {a["typology"]["id"] for a in self.alerts.values() if self.case(a["event_id"]).startswith(name)}

    def decisions(self, institution: str, event_id: str) -> list[str]:
        """What an institution was told of an event, in order."""
        return [
            said["decision"]
            for said in self.documents(f"decisions.{institution}")
            if said["type"] == "decision" and said["event_id"] == event_id
        ]

    def rejected(self, *publishers: str) -> list[Document]:
        return [said for name in publishers for said in self.documents(f"rejected.{name}")]


def tokens_of(alert: Document, role: str = "") -> set[str]:
    """The tokens of an alert's subjects, or of the one in a role."""
    return {subject["token"] for subject in alert["subjects"] if not role or subject["role"] == role}


def subject_of(alert: Document) -> str:
    """The token of whom an alert is about."""
    (token,) = tokens_of(alert, alert["subject"])
    return token


def person_token(identifier: str) -> str:
    """The token of a person or company by its IIN or BIN."""
    return KEY.text(KEY.token("person", identifier))


def simulated(folder: Path, scenario: str, *, people: int, days: int, seed: int) -> Path:
    """A scenario as a file of records of all streams, with its labels beside it."""
    file = folder / f"{scenario}.jsonl"
    settings = Settings(days=days, people=people, seed=seed, institutions=6, scenario=scenario)
    write_country(settings, file, labels_beside(file))
    return file


def add(file: Path, records: Sequence[Document]) -> None:
    """Put further records into a file, each in its place by time; of equal times the file's own come first."""
    lines = file.read_bytes().splitlines()
    lines += [json.dumps(record, ensure_ascii=False).encode() for record in records]
    moment = re.compile(rb'"occurred_at": ?"([^"]*)"')
    found = [(moment.search(line), line) for line in lines]
    ordered = sorted(found, key=lambda pair: pair[0][1] if pair[0] else b"")  # all have Almaty's offset
    file.write_bytes(b"\n".join(line for _, line in ordered) + b"\n")


@contextmanager
def played(folder: Path, file: Path, *, partitions: int = 1) -> Iterator[Played]:
    """Publish a file to a new center and wait until everything is judged and the followers are quiet."""
    settings = KafkaSettings(data=folder / "kafka", port=0, java_options=QUICK_START)
    with Center(
        folder,
        workers=1,
        followers=1,
        topics=TopicSettings(partitions=partitions),
        kafka=settings,
        environment={**demo_environment(), "ANTIFRAUD_SNAPSHOT_SECONDS": "1"},
    ) as center:
        center.start_workers()
        center.wait_ready(180)
        lines = file.read_bytes().count(b"\n")
        published = publish_files([file], bootstrap_servers=center.kafka.bootstrap_servers)
        assert (published.acknowledged, published.survey.unroutable) == (lines, 0)
        wait_until_quiet(center)
        assert center.supervisor.restarts == 0
        with labels_beside(file).open(encoding="utf-8", newline="") as labels:
            rows = {row["event_id"]: row for row in csv.DictReader(labels)}
        yield Played(file, center, rows)
        assert center.supervisor.restarts == 0


def wait_until_quiet(center: Center) -> None:
    """Wait until all that was published before is judged, followed and acknowledged by the broker.

    Raises:
        AssertionError: it was not, after `SECONDS`.
    """
    passed = time.time() + 1.0  # a gauge may be a tick old
    deadline = time.monotonic() + SECONDS
    follower, worker = center.follower_ports[0], center.ports[0]

    def wait(what: str, numbers: dict[int, dict[str, float]] | None = None) -> dict[int, dict[str, float]]:
        """Wait for the followers' mark, or for two more snapshots of each process than there were."""
        while True:
            center.supervisor.check()
            now = {port: _numbers(port) for port in (follower, worker)}
            if numbers is None:
                said = now[follower]
                mark = time.time() - said["antifraud_follower_mark_age_seconds"]
                done = mark > passed and said["antifraud_follower_waiting_events"] == 0
            else:
                done = all(
                    now[port][name] >= numbers[port][name] + 2
                    for port, name in (
                        (follower, "antifraud_follower_snapshots_total"),
                        (worker, "antifraud_snapshots_total"),
                    )
                )
            if done:
                return now
            assert time.monotonic() < deadline, f"not within {SECONDS:.0f} s: {what}: {now[follower]}"
            time.sleep(0.2)

    wait("snapshots", wait("the followers pass the end of publishing"))


def _numbers(port: int) -> dict[str, float]:
    """What a process tells of itself; of a number with labels the sum."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for name, value in _NUMBER.findall(text):
        found[name] = found.get(name, 0.0) + float(value)
    return found
