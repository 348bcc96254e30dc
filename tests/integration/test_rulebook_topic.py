"""Generations on a real Kafka: activated, refused, rolled back, listed, and read again the same."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.admin import NewTopic
from typer.testing import CliRunner

import streams.rulebook_topic
from streams.cli.rulebook import rulebook_app
from streams.generations import Generation, GenerationRefused
from streams.kafka import Kafka
from streams.rulebook_topic import RulebookTopic
from tests.rules.small import TYPOLOGY, documents


@pytest.fixture
def name(kafka: Kafka, fresh_name: Callable[[str], str]) -> str:
    """A compacted topic of this test's own: the broker is shared."""
    made = fresh_name("rulebook")
    with contextlib.closing(kafka.admin()) as admin:
        settings = {"cleanup.policy": "compact", "max.message.bytes": "16777216"}
        admin.create_topics([NewTopic(made, 1, 1, topic_configs=settings)])
    return made


@pytest.fixture
def topic(kafka: Kafka, name: str) -> RulebookTopic:
    return RulebookTopic(kafka.bootstrap_servers, name)


def changed() -> dict[str, str]:
    return documents(("alert_at: 0.5", "alert_at: 0.6"))


def test_activated_generations_are_read_again(topic: RulebookTopic) -> None:
    assert topic.read().all == ()
    before = int(time.time() * 1000)
    first = topic.activate(documents(), activated_by="officer")
    assert first.generation == 1
    assert first.effective_at >= before + 10_000
    second = topic.activate(changed(), activated_by="officer", effective_at=before + 3_600_000)
    assert topic.read().all == (first, second)
    assert topic.read().in_force(before + 60_000) == first
    assert topic.read().in_force(before + 3_600_000) == second


def test_an_invalid_rulebook_never_reaches_the_topic(topic: RulebookTopic) -> None:
    with pytest.raises(GenerationRefused, match="refused whole"):
        topic.activate(documents(("payer.payees_1d >= 3", "nonsense")), activated_by="officer")
    assert topic.read().all == ()


def test_nonsense_on_the_topic_is_passed_over(kafka: Kafka, topic: RulebookTopic, name: str) -> None:
    first = topic.activate(documents(), activated_by="officer")
    with contextlib.closing(KafkaProducer(bootstrap_servers=kafka.bootstrap_servers)) as producer:
        for value in (b"nonsense", first.to_record().replace(b"alert_at: 0.5", b"alert_at: 0.1"), None):
            producer.send(name, value, key=b"9").get(timeout=10)
    assert topic.read().all == (first,)
    assert topic.activate(changed(), activated_by="officer").generation == 2


def test_rolling_back_goes_to_the_last_other_rules(topic: RulebookTopic) -> None:
    with pytest.raises(GenerationRefused, match="no generation to roll back"):
        topic.roll_back(activated_by="officer")
    first = topic.activate(documents(), activated_by="officer")
    with pytest.raises(GenerationRefused, match="no earlier generation"):
        topic.roll_back(activated_by="officer")
    second = topic.activate(changed(), activated_by="officer")
    third = topic.roll_back(activated_by="officer")
    assert (third.digest, third.rollback_of, third.generation) == (first.digest, second.generation, 3)
    fourth = topic.roll_back(activated_by="officer", to=2)
    assert fourth.digest == second.digest
    with pytest.raises(GenerationRefused, match="no generation 77"):
        topic.roll_back(activated_by="officer", to=77)


def test_two_officers_at_once_do_not_both_win(topic: RulebookTopic, monkeypatch: pytest.MonkeyPatch) -> None:
    send = RulebookTopic._send

    def somebody_is_faster(self: RulebookTopic, generation: Generation) -> None:
        send(self, generation.model_copy(update={"activated_by": "the other one"}))
        send(self, generation)

    monkeypatch.setattr(RulebookTopic, "_send", somebody_is_faster)
    with pytest.raises(GenerationRefused, match="at the same moment"):
        topic.activate(documents(), activated_by="officer")


def test_the_command_line(kafka: Kafka, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams.rulebook_topic.RulebookTopic.__init__, "__defaults__", (name,))
    for path, text in documents().items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    servers = ["--bootstrap-servers", kafka.bootstrap_servers]
    runner = CliRunner()

    def call(*arguments: str) -> tuple[int, str]:
        result = runner.invoke(rulebook_app, [*arguments, *servers])
        return result.exit_code, result.stdout

    code, told = call("activate", str(tmp_path), "--by", "officer", "--json")
    assert code == 0
    assert json.loads(told)["generation"] == 1
    assert call("activate", str(tmp_path), "--at", "2026-01-01T00:00")[0] == 2
    assert call("activate", str(tmp_path), "--at", "2020-01-01T00:00+05:00")[0] == 2
    (tmp_path / "typologies" / "T90-test.yaml").write_text(TYPOLOGY.replace("payer.payees_1d", "payer.payes_1d"))
    assert call("activate", str(tmp_path))[0] == 1
    assert call("rollback")[0] == 2
    code, told = call("list", "--json")
    assert code == 0
    assert [(row["generation"], row["state"], row["activated_by"]) for row in json.loads(told)] == [
        (1, "in force", "officer")
    ]
    assert call("list")[0] == 0
