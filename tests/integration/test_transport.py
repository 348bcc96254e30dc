"""The batch transport on a real broker: every record once, in order, in batches; exact offsets; rebalances."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import NewTopic

from streams.kafka import Kafka
from streams.outcomes import records_of

pytestmark = pytest.mark.kafka

DEADLINE = 60.0
Fresh = Callable[[str], str]


def create(kafka: Kafka, name: str, partitions: int = 1, **config: str) -> str:
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)) as admin:
        settings = {key.replace("_", "."): value for key, value in config.items()}
        admin.create_topics([NewTopic(name, partitions, 1, topic_configs=settings)])
    return name


def publish(kafka: Kafka, topic: str, numbers: range, partitions: int = 1, keys: int = 0) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "linger.ms": 5})
    for number in numbers:
        key = str(number % keys).encode() if keys else None
        producer.produce(topic, str(number).encode(), key, partition=number % partitions)
        producer.poll(0)
    assert producer.flush(30) == 0


def committed(kafka: Kafka, group: str) -> dict[tuple[str, int], int]:
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)) as admin:
        offsets = admin.list_group_offsets(group)
        found = offsets.get(group, offsets)
        return {(tp.topic, tp.partition): at.offset for tp, at in found.items() if isinstance(tp, TopicPartition)}


class Member:
    """A process of batched_app.py and what it has told so far."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path) -> None:
        self.process, self.out = process, out

    def told(self) -> list[dict[str, Any]]:
        lines = self.out.read_text(encoding="utf-8").splitlines(keepends=True) if self.out.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def batches(self) -> dict[tuple[str, int], list[list[int]]]:
        found: dict[tuple[str, int], list[list[int]]] = defaultdict(list)
        for said in self.told():
            if "values" in said:
                found[said["topic"], said["partition"]].append([int(value) for value in said["values"]])
        return found

    def numbers(self) -> list[int]:
        return [number for batches in self.batches().values() for batch in batches for number in batch]

    def assignments(self) -> list[list[list[Any]]]:
        return [said["assigned"] for said in self.told() if "assigned" in said]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def member(kafka: Kafka, tmp_path: Path) -> Iterator[Callable[..., Member]]:
    """Starts members of a group; all are ended with the test."""
    started: list[Member] = []

    def start(group: str, *topics: str, acknowledge: int = -1, position: int | None = None) -> Member:
        number = len(started)
        out = tmp_path / f"member-{number}.jsonl"
        arguments = [kafka.bootstrap_servers, group, f"{group}-{number}", str(out), ",".join(topics), str(acknowledge)]
        arguments += [] if position is None else [str(position)]
        with (tmp_path / f"member-{number}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.batched_app", *arguments],
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[2],
            )
        started.append(Member(process, out))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


def until(true: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < deadline, f"not within {DEADLINE:.0f} s: {what}"
        time.sleep(0.1)


def test_every_record_arrives_once_in_order_and_in_batches(
    kafka: Kafka, fresh_name: Fresh, member: Callable[..., Member]
) -> None:
    topic, group = create(kafka, fresh_name("in"), partitions=3), fresh_name("group")
    publish(kafka, topic, range(6_000), partitions=3)
    reader = member(group, topic)
    until(lambda: len(reader.numbers()) >= 6_000, "all records")
    publish(kafka, topic, range(6_000, 6_300), partitions=3)
    until(lambda: len(reader.numbers()) >= 6_300, "the records published later")
    until(lambda: committed(kafka, group) == {(topic, p): 2_100 for p in range(3)}, "commits to the end")
    batches = reader.batches()
    for partition in range(3):
        own = [number for batch in batches[topic, partition] for number in batch]
        assert own == list(range(partition, 6_300, 3))
    sizes = [len(batch) for several in batches.values() for batch in several]
    print(f"6,300 records in {len(sizes)} batches, the largest of {max(sizes)}")
    assert max(sizes) == 50, "as large as the setting allows"
    assert len(sizes) < 6_300 / 10


def test_a_restart_continues_exactly_behind_the_acknowledged_batches(
    kafka: Kafka, fresh_name: Fresh, member: Callable[..., Member]
) -> None:
    topic, group = create(kafka, fresh_name("in")), fresh_name("group")
    publish(kafka, topic, range(1_000))
    first = member(group, topic, acknowledge=7)
    until(lambda: len(first.numbers()) >= 1_000, "all records")
    acknowledged = sum(len(batch) for batch in first.batches()[topic, 0][:7])
    until(lambda: committed(kafka, group) == {(topic, 0): acknowledged}, "the commit of what was acknowledged")
    first.stop()
    assert committed(kafka, group) == {(topic, 0): acknowledged}, "an orderly end commits no more than that"
    second = member(group, topic)
    until(lambda: len(second.numbers()) >= 1_000 - acknowledged, "the rest")
    assert second.numbers() == list(range(acknowledged, 1_000))
    until(lambda: committed(kafka, group) == {(topic, 0): 1_000}, "the commit of the end")
    print(f"acknowledged {acknowledged} of 1,000 in 7 batches; the second process began at {second.numbers()[0]}")


def test_a_compacted_topic_with_gaps_is_committed_to_its_end(
    kafka: Kafka, fresh_name: Fresh, member: Callable[..., Member]
) -> None:
    topic = create(
        kafka,
        fresh_name("compacted"),
        cleanup_policy="compact",
        segment_ms="200",
        min_cleanable_dirty_ratio="0.001",
        max_compaction_lag_ms="200",
        delete_retention_ms="0",
    )
    group = fresh_name("group")
    publish(kafka, topic, range(2_000), keys=10)
    time.sleep(0.5)
    publish(kafka, topic, range(2_000, 2_005), keys=1_000_000)  # rolls the segment, so that it can be compacted
    deadline = time.monotonic() + DEADLINE
    while (left := sum(1 for _ in records_of(kafka.bootstrap_servers, topic))) > 1_000:
        assert time.monotonic() < deadline, "the broker compacts nothing"
        time.sleep(0.5)
    reader = member(group, topic)
    until(lambda: committed(kafka, group) == {(topic, 0): 2_005}, "a commit past all gaps")
    assert reader.numbers() == sorted(set(reader.numbers()))
    publish(kafka, topic, range(2_005, 2_010), keys=1_000_000)
    until(lambda: committed(kafka, group) == {(topic, 0): 2_010}, "the commit goes on behind the gaps")
    print(f"{left} of 2,005 records were left; committed 2,005, then 2,010")


def test_the_positions_hook_reads_again_what_lies_below_the_committed_offset(
    kafka: Kafka, fresh_name: Fresh, member: Callable[..., Member]
) -> None:
    topic, group = create(kafka, fresh_name("in")), fresh_name("group")
    publish(kafka, topic, range(500))
    first = member(group, topic)
    until(lambda: committed(kafka, group) == {(topic, 0): 500}, "the commit of the end")
    first.stop()
    second = member(group, topic, position=120)
    until(lambda: len(second.numbers()) >= 380, "what the state lacks")
    publish(kafka, topic, range(500, 510))
    until(lambda: committed(kafka, group) == {(topic, 0): 510}, "the commit goes on")
    assert second.numbers() == list(range(120, 510))
    assert second.assignments()[0] == [[topic, 0, 500]], "the hook is told what was committed"


def test_a_rebalance_loses_nothing_and_equal_partitions_stay_together(
    kafka: Kafka, fresh_name: Fresh, member: Callable[..., Member]
) -> None:
    one, two = (create(kafka, fresh_name(name), partitions=4) for name in ("one", "two"))
    group = fresh_name("group")
    published = 0

    def more() -> None:
        nonlocal published
        for topic in (one, two):
            publish(kafka, topic, range(published, published + 400), partitions=4)
        published += 400

    def seen() -> set[int]:
        return {number for each in members for number in each.numbers()}

    more()
    members = [member(group, one, two)]
    until(lambda: len(seen()) >= published, "the first member reads all")
    members.append(member(group, one, two))
    deadline = time.monotonic() + DEADLINE
    while not (members[1].assignments() and members[1].assignments()[-1]):
        assert time.monotonic() < deadline, "the second member is given nothing"
        more()
        time.sleep(0.3)
    more()
    until(lambda: len(seen()) >= published, "both members read all")
    for each in members:
        assigned = [(topic, number) for topic, number, _ in each.assignments()[-1]]
        assert {n for topic, n in assigned if topic == one} == {n for topic, n in assigned if topic == two}
        assert len(assigned) == 4
    before = {number for topic, number, _ in members[0].assignments()[0] if topic == one}
    stayed = {number for topic, number, _ in members[0].assignments()[-1] if topic == one}
    assert stayed < before, "what stays is not moved"
    members[0].process.kill()
    more()
    until(lambda: len(seen()) >= published, "the second member takes over")
    ends = dict.fromkeys([(topic, number) for topic in (one, two) for number in range(4)], published // 4)
    until(lambda: committed(kafka, group) == ends, "everything committed")
    got = [number for each in members for number in each.numbers()]
    print(f"2 x {published} records over 3 rebalances: {2 * published} read, {len(got) - 2 * published} of them again")
    assert sorted(set(got)) == list(range(published))
    for wanted in (one, two):
        parts = [several for each in members for (topic, _), several in each.batches().items() if topic == wanted]
        assert {n for several in parts for batch in several for n in batch} == set(range(published))
