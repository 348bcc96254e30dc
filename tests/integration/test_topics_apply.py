"""`antifraud topics` against a real Kafka: creating, doing nothing twice, altering, growing, refusing."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from kafka import KafkaProducer
from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.errors import KafkaError
from typer.testing import CliRunner

from streams.cli.topics import topics_app
from streams.kafka import Kafka
from streams.topics import FILE, Topics, TopicsRefused


@pytest.fixture
def admin(kafka: Kafka) -> Iterator[KafkaAdminClient]:
    with contextlib.closing(kafka.admin()) as client:
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The packaged file with names of this test's own: the broker is shared."""
    stem = "".join(chr(ord("a") + byte % 26) for byte in uuid.uuid4().bytes[:6])
    text = FILE.read_text().replace("- name: ", f"- name: {stem}-")
    path = tmp_path / "topics.yaml"
    path.write_text(text)
    return path


def load(file: Path, **settings: int) -> Topics:
    return Topics.load(file, ["CASPKZKA", "HSBKKZKX"], **({"partitions": 2} | settings))


def named(topics: Topics, end: str) -> str:
    return next(name for name in topics.names if name.endswith(end))


def test_apply_creates_what_is_declared_and_then_nothing(file: Path, admin: KafkaAdminClient) -> None:
    topics = load(file)
    with pytest.raises(TopicsRefused, match="is missing"):
        topics.verify(admin)
    plan = topics.apply(admin)
    assert [each.topic for each in plan.of("create")] == list(topics.names)
    assert not topics.apply(admin)
    assert not topics.diff(admin)
    topics.verify(admin)
    found = {topic["name"]: topic for topic in admin.describe_topics(list(topics.names))}
    assert {name: len(topic["partitions"]) for name, topic in found.items()} == {
        topic.name: topic.partitions for topic in topics
    }


def test_settings_that_were_changed_by_hand_are_set_right(file: Path, admin: KafkaAdminClient) -> None:
    topics = load(file)
    topics.apply(admin)
    facts = named(topics, "-facts")
    admin.alter_configs([ConfigResource("TOPIC", facts, {"retention.ms": "60000"})])
    deadline = time.monotonic() + 10
    while not (plan := topics.diff(admin)) and time.monotonic() < deadline:
        time.sleep(0.05)  # the broker shows a change a little after it has agreed to it
    [difference] = plan.differences
    assert (difference.topic, difference.what) == (facts, "retention.ms")
    assert (difference.declared, difference.found, difference.action) == (str(14 * 86_400_000), "60000", "alter")
    topics.apply(admin)
    assert not topics.diff(admin)


def test_transactions_may_get_more_partitions_and_subjects_may_not(file: Path, admin: KafkaAdminClient) -> None:
    load(file).apply(admin)
    grown = load(file, tx_partitions=3)
    assert {(each.what, each.action) for each in grown.diff(admin).differences} == {("partitions", "grow")}
    assert len(grown.apply(admin).of("grow")) == 2
    grown.verify(admin)

    more = load(file, tx_partitions=3, partitions=4)
    with pytest.raises(TopicsRefused, match="subjects would move away from the partition that holds their history"):
        more.apply(admin)
    with pytest.raises(TopicsRefused, match="has 2 partitions instead of 4"):
        more.verify(admin)
    with pytest.raises(TopicsRefused, match="Kafka cannot take any away to leave 1"):
        load(file).apply(admin)
    assert not grown.diff(admin)


def test_a_refusal_changes_nothing(file: Path, admin: KafkaAdminClient) -> None:
    load(file).apply(admin)
    wider = Topics.load(file, ["CASPKZKA", "HSBKKZKX", "KCJBKZKX"], partitions=3)
    with pytest.raises(TopicsRefused):
        wider.apply(admin)
    assert named(wider, "tx.KCJBKZKX") not in admin.list_topics()


def test_an_institution_that_left_is_named_and_nothing_is_deleted(file: Path, admin: KafkaAdminClient) -> None:
    load(file).apply(admin)
    fewer = Topics.load(file, ["CASPKZKA"], partitions=2)
    plan = fewer.diff(admin)
    assert {each.action for each in plan.differences} == {"leave"}
    assert [each.topic.rsplit("-", 1)[1] for each in plan.differences] == [
        "decisions.HSBKKZKX",
        "loans.HSBKKZKX",
        "orders.HSBKKZKX",
        "rejected.HSBKKZKX",
        "tx.HSBKKZKX",
    ]
    fewer.apply(admin)
    assert named(load(file), "tx.HSBKKZKX") in admin.list_topics()


def test_more_copies_than_brokers_is_the_brokers_objection(file: Path, admin: KafkaAdminClient) -> None:
    with pytest.raises(TopicsRefused, match=r"(?i)replication factor"):
        load(file, replicas=3).apply(admin)


def test_two_may_apply_at_once(file: Path, kafka: Kafka) -> None:
    faults: list[BaseException] = []

    def apply() -> None:
        try:
            with contextlib.closing(kafka.admin()) as admin:
                load(file).apply(admin)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=apply) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_an_oversize_record_arrives_at_a_transactions_topic(file: Path, admin: KafkaAdminClient, kafka: Kafka) -> None:
    topics = load(file)
    topics.apply(admin)
    topic = named(topics, "tx.CASPKZKA")
    size = 10 * 1024 * 1024
    # kafka-python sums 10 MB in Python, which takes seconds.
    servers = {"bootstrap.servers": kafka.bootstrap_servers}
    producer = Producer(servers | {"message.max.bytes": size + 4096})
    producer.produce(topic, b"x" * size, timestamp=1)
    assert producer.flush(20) == 0
    consumer = Consumer(servers | {"group.id": topic, "auto.offset.reset": "earliest"})
    with contextlib.closing(consumer):
        consumer.subscribe([topic])
        record = consumer.poll(20)
    assert record is not None
    assert len(record.value() or b"") == size
    assert record.timestamp()[1] > 1_700_000_000_000  # the broker's clock, whatever the writer said


def test_no_topic_appears_by_itself(admin: KafkaAdminClient, kafka: Kafka) -> None:
    with (
        contextlib.closing(KafkaProducer(bootstrap_servers=kafka.bootstrap_servers, max_block_ms=1000)) as producer,
        pytest.raises(KafkaError),
    ):
        producer.send("tx.MISTYPED", b"x").get(timeout=2)
    assert "tx.MISTYPED" not in admin.list_topics()


def test_the_command_tells_by_exit_code(file: Path, kafka: Kafka) -> None:
    run = CliRunner().invoke
    arguments = ["--file", str(file), "--institutions", "CASPKZKA", "--bootstrap-servers", kafka.bootstrap_servers]
    missing = run(topics_app, ["diff", "--json", *arguments])
    assert missing.exit_code == 1
    assert {row["action"] for row in json.loads(missing.stdout)} == {"create"}
    assert run(topics_app, ["apply", *arguments]).exit_code == 0
    same = run(topics_app, ["diff", "--json", *arguments])
    assert (same.exit_code, json.loads(same.stdout)) == (0, [])
    refused = run(topics_app, ["apply", *arguments, "--partitions", "3"])
    assert refused.exit_code == 2
    assert "subjects would move" in refused.stderr.replace("\n", " ")
    shown = run(topics_app, ["diff", *arguments, "--partitions", "3"])
    assert shown.exit_code == 1
    assert "cannot change" in shown.stdout
