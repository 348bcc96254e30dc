"""`antifraud publish` on a real broker: the protocol on the wire, and the fate of every line."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic
from typer.testing import CliRunner

import streams.publishing as publishing
from streams.cli.common import EXIT
from streams.cli.publish import publish
from streams.contracts.headers import read_history
from streams.event_files import time_of
from streams.kafka import Kafka
from streams.publishing import NotDelivered, Pace, Unsorted, publish_files
from tests.integration.socks import FreezableProxy

pytestmark = pytest.mark.kafka


@pytest.fixture
def institutions(kafka: Kafka) -> tuple[str, str]:
    """Two new institutions, of two and three source partitions."""
    names = tuple("".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=4)) + "KZKA" for _ in range(2))
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    admin.create_topics([NewTopic(f"tx.{name}", count, 1) for name, count in zip(names, (2, 3), strict=True)])
    admin.close()
    return names[0], names[1]


def line(institution: str, number: int) -> str:
    moment = f"2026-11-20T{10 + number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000+05:00"
    return json.dumps({"event_id": f"e-{number}", "institution": institution, "occurred_at": moment})


def written(path: Path, institutions: tuple[str, str], count: int) -> Path:
    path.write_text("".join(line(institutions[number % 3 == 0], number) + "\n" for number in range(count)))
    return path


def on_the_topics(kafka: Kafka, institutions: tuple[str, str]) -> dict[tuple[str, int], list[Any]]:
    """All records of the institutions' topics, by source partition."""
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap_servers, metrics_enabled=False)
    partitions = [
        TopicPartition(f"tx.{name}", number)
        for name, count in zip(institutions, (2, 3), strict=True)
        for number in range(count)
    ]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    records: dict[tuple[str, int], list[Any]] = {(p.topic, p.partition): [] for p in partitions}
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for partition, found in consumer.poll(timeout_ms=200).items():
            records[partition.topic, partition.partition] += found
    consumer.close()
    return records


def test_history_on_the_wire(kafka: Kafka, institutions: tuple[str, str], tmp_path: Path) -> None:
    path = written(tmp_path / "events.jsonl", institutions, 600)
    began = time.time() * 1000
    published = publish_files([path], bootstrap_servers=kafka.bootstrap_servers, pace=Pace(rate=600.0))
    assert published.acknowledged == 600
    assert published.history is not None
    events: list[str] = []
    for (topic, _), records in on_the_topics(kafka, institutions).items():
        control = [read_history(record.headers, record.timestamp) for record in records]
        assert {epoch for epoch, _ in control} == {published.history}
        assert [index for index, (_, what) in enumerate(control) if what is not None] == [0, len(records) - 1]
        assert (control[0][1], control[-1][1]) == ("open", "close")
        assert began < records[0].timestamp < published.history <= records[1].timestamp
        reached = -1
        beats = [records[1].timestamp]
        for record in records[1:-1]:
            value = json.loads(record.value)
            assert value["institution"] == topic.removeprefix("tx.")
            occurred_at = time_of(value["occurred_at"])
            assert occurred_at is not None
            assert occurred_at >= reached, "older than what was said to be the mark"
            reached = occurred_at
            if value.get("type") == "heartbeat":
                beats.append(record.timestamp)
            else:
                events.append(value["event_id"])
        beats.append(records[-1].timestamp)
        assert max(later - earlier for earlier, later in itertools.pairwise(beats)) < 300
    assert sorted(events) == sorted(f"e-{number}" for number in range(600))


def test_live_records_carry_nothing_of_history(kafka: Kafka, institutions: tuple[str, str], tmp_path: Path) -> None:
    path = written(tmp_path / "events.jsonl", institutions, 60)
    published = publish_files([path], bootstrap_servers=kafka.bootstrap_servers, live=True)
    assert published.history is None
    records = [record for found in on_the_topics(kafka, institutions).values() for record in found]
    assert len(records) == 60
    assert all(read_history(record.headers, record.timestamp) == (None, None) for record in records)


def test_speed_is_that_of_the_events(kafka: Kafka, institutions: tuple[str, str], tmp_path: Path) -> None:
    path = written(tmp_path / "events.jsonl", institutions, 61)
    published = publish_files([path], bootstrap_servers=kafka.bootstrap_servers, live=True, pace=Pace(speed=60.0))
    assert 0.95 < published.seconds < 1.5


def test_unsorted_history_is_refused_before_anything_is_sent(
    kafka: Kafka, institutions: tuple[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(line(institutions[0], number) for number in (5, 6, 4)))
    with pytest.raises(Unsorted, match=r"events\.jsonl:3"):
        publish_files([path], bootstrap_servers=kafka.bootstrap_servers)
    assert not any(on_the_topics(kafka, institutions).values())
    assert publish_files([path], bootstrap_servers=kafka.bootstrap_servers, late=True).acknowledged == 3


def test_a_frozen_network_stops_publishing_at_a_line(
    kafka: Kafka, institutions: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "DELIVERY_SECONDS", 2.0)
    path = written(tmp_path / "events.jsonl", institutions, 3000)
    with FreezableProxy() as network:
        threading.Timer(1.0, network.freeze).start()
        with pytest.raises(NotDelivered) as stopped:
            publish_files(
                [path],
                bootstrap_servers=kafka.bootstrap_servers,
                live=True,
                pace=Pace(rate=500.0),
                options={"proxy_url": network.url},
            )
    assert 0 < stopped.value.acknowledged < 3000
    # Lines are acknowledged partition by partition, so the first missing one is at or before the count.
    assert stopped.value.place.line <= stopped.value.acknowledged + 1
    arrived = {
        json.loads(record.value)["event_id"]
        for found in on_the_topics(kafka, institutions).values()
        for record in found
    }
    assert {f"e-{number}" for number in range(stopped.value.place.line - 1)} <= arrived
    assert len(arrived) >= stopped.value.acknowledged


def test_the_command(
    kafka: Kafka, institutions: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap_servers)
    app = typer.Typer()
    app.command()(publish)
    runner = CliRunner()
    path = written(tmp_path / "events.jsonl", institutions, 10)
    done = runner.invoke(app, [str(path), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["acknowledged"] == 10
    with path.open("a") as lines:
        lines.write("garbage\n")
    partly = runner.invoke(app, [str(path), "--json", "--live"])
    assert partly.exit_code == EXIT.NOT_DELIVERED
    assert json.loads(partly.stdout)["not_routable_lines"] == [{"file": "events.jsonl", "line": 11}]
    # With --as everything has a topic: what the center does not accept it rejects with a reason.
    assert runner.invoke(app, [str(path), "--as", institutions[0], "--live"]).exit_code == 0
    assert runner.invoke(app, [str(path), "--as", "NONEKZKA"]).exit_code == EXIT.USAGE
    assert runner.invoke(app, [str(path), "--rate", "1", "--speed", "1"]).exit_code == EXIT.USAGE
    monkeypatch.setenv("ANTIFRAUD_KAFKA_STARTUP_SECONDS", "1")
    assert runner.invoke(app, [str(path), "--bootstrap-servers", "127.0.0.1:9"]).exit_code == EXIT.KAFKA
