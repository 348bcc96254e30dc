"""Records of a real topic, read in lots: all of them in order, and no consumer is left by who stops half way."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from streams import outcomes
from streams.kafka import Kafka
from streams.outcomes import records_of

pytestmark = pytest.mark.kafka


def test_records_come_whole_and_a_loop_that_is_left_leaves_no_consumer(
    kafka: Kafka, fresh_name: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = fresh_name("lots")
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    admin.create_topics([NewTopic(topic, 2, 1)])
    admin.close()
    assert list(records_of(kafka.bootstrap_servers, topic)) == []
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers, metrics_enabled=False)
    for number in range(6):
        producer.send(topic, f"{number}".encode(), partition=number % 2)
        producer.flush()
    producer.close()
    monkeypatch.setattr(outcomes, "LOT_BYTES", 2)
    before = set(threading.enumerate())
    reading = records_of(kafka.bootstrap_servers, topic)
    assert next(reading).value == b"0"
    assert set(threading.enumerate()) <= before
    assert [record.value for record in reading] == [b"2", b"4", b"1", b"3", b"5"]
