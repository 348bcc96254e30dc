"""Alerts on a real topic: each is shown once, and explained by its id."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from typer.testing import CliRunner

import streams.cli.alerts as command
from streams.alerts import find, read_file, read_topic
from streams.cli.common import EXIT
from streams.delivery import TopicMissing
from streams.kafka import Kafka
from tests.streams.alerts import alert

pytestmark = pytest.mark.kafka

runner = CliRunner()


@pytest.fixture
def topics(kafka: Kafka, fresh_name: object, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """An alerts topic and its shadow that hold seven alerts, two of them twice, and one record that is none."""
    assert callable(fresh_name)
    names = (fresh_name("suspicious-operations"), fresh_name("suspicious-operations.shadow"))
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    admin.create_topics([NewTopic(name, 1, 1) for name in names])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers, metrics_enabled=False)
    for number in (1, 2, 3, 1, 4, 5, 2):
        typology = {"id": "T03" if number % 2 else "T21", "version": "1", "name": {"kk": "к", "ru": "р", "en": "e"}}
        producer.send(names[0], alert(number, typology=typology).model_dump_json(exclude_none=True).encode())
    producer.send(names[0], b'{"type":"suspicious_operation"}')
    producer.send(names[1], alert(9, status="shadow").model_dump_json().encode())
    producer.flush()
    producer.close()
    monkeypatch.setattr(command, "ALERTS", names[0])
    monkeypatch.setattr(command, "SHADOW_ALERTS", names[1])
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap_servers)
    return names


def test_each_alert_is_read_once(kafka: Kafka, topics: tuple[str, str]) -> None:
    unreadable: list[int] = []
    found = list(
        read_topic(
            kafka.bootstrap_servers, topics[0], unreadable=lambda topic, partition, offset: unreadable.append(offset)
        )
    )
    assert [each.event_id for each in found] == ["event-1", "event-2", "event-3", "event-4", "event-5"]
    assert unreadable == [7]
    assert [each.event_id for each in read_topic(kafka.bootstrap_servers, topics[0], latest=3)] == [
        "event-5",
        "event-2",
    ]


def test_following_goes_on_after_the_end(kafka: Kafka, topics: tuple[str, str]) -> None:
    ends: list[int] = []
    following = read_topic(kafka.bootstrap_servers, topics[0], follow=True, idle=lambda: ends.append(1))
    seen = [next(following).event_id for _ in range(5)]
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers, metrics_enabled=False)
    producer.send(topics[0], alert(6).model_dump_json().encode()).get(timeout=10)
    seen.append(next(following).event_id)
    assert seen[-1] == "event-6"
    assert ends
    following.close()
    producer.close()


def test_a_missing_topic_is_one_clear_error(kafka: Kafka) -> None:
    with pytest.raises(TopicMissing):
        list(read_topic(kafka.bootstrap_servers, "no-such-topic"))


def test_the_commands(topics: tuple[str, str]) -> None:
    import typer

    app = typer.Typer()
    app.command()(command.alerts)
    app.command()(command.explain)
    listed = runner.invoke(app, ["alerts", "--json", "--limit", "2", "--typology", "T03"])
    assert listed.exit_code == 0, listed.output
    assert [each["event_id"] for each in json.loads(listed.stdout)] == ["event-3", "event-5"]
    table = runner.invoke(app, ["alerts", "--language", "ru"])
    assert table.exit_code == 0
    assert "00000005" in table.stdout
    shadow = runner.invoke(app, ["alerts", "--shadow", "--json"])
    assert [each["event_id"] for each in json.loads(shadow.stdout)] == ["event-9"]
    explained = runner.invoke(app, ["explain", "00000004"])
    assert explained.exit_code == 0
    assert "What the law allows" in explained.stdout
    assert runner.invoke(app, ["explain", "00000009", "--json"]).exit_code == 0
    assert runner.invoke(app, ["explain", "f" * 32]).exit_code == EXIT.NOT_FOUND
    assert runner.invoke(app, ["explain", "xyz"]).exit_code == EXIT.USAGE


def test_alerts_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl.gz"
    with gzip.open(path, "wt") as lines:
        lines.writelines(alert(number).model_dump_json() + "\n" for number in (1, 2, 1))
    assert [each.event_id for each in read_file(path)] == ["event-1", "event-2"]
    assert find(read_file(path), "00000002")[0].event_id == "event-2"
    assert len(find(read_file(path), "000000")) == 2
    broken = tmp_path / "broken.jsonl"
    broken.write_text(alert(1).model_dump_json() + "\n{}\n")
    with pytest.raises(ValueError, match=r"broken\.jsonl:2"):
        list(read_file(broken))
