"""The console's process on a real Kafka: killed in the middle, without a broker, and what it sends itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from sqlalchemy import func, select

from console import outbound
from console.feed.feed import Feed
from console.outbound import Sender
from console.store.opening import Store
from console.store.tables import alerts, campaigns, feed_offsets, operations
from console.store.tables import outbound as waiting
from rules.events import DAY_MS
from streams.alerts import ALERTS
from streams.kafka import Kafka, KafkaSettings, MavenKafka
from streams.kafka_ports import free_port
from streams.outcomes import records_of
from tests.conftest import QUICK_START
from tests.console.builders import NOW, VAULT, alert, judged_frame, operation, person, reader

pytestmark = pytest.mark.kafka

SECONDS = 60.0
COUNT = 1_500
COLLECTORS = 3


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[MavenKafka]:
    """A broker of the test's own: the topics that the console reads have fixed names."""
    settings = KafkaSettings(data=tmp_path / "kafka", runtime="maven", port=0, heap_mib=384, java_options=QUICK_START)
    with Kafka.find_or_start(settings) as started:
        assert isinstance(started, MavenKafka)
        yield started


def make_topics(servers: str, *names: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=servers)
    admin.create_topics([NewTopic(name, 1, 1) for name in names])
    admin.close()


def publish(servers: str, topic: str, values: Sequence[bytes]) -> None:
    producer = KafkaProducer(bootstrap_servers=servers, metrics_enabled=False, linger_ms=5)
    for value in values:
        producer.send(topic, value)
    producer.flush()
    producer.close()


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)


def counted(store: Store, table: Any) -> int:
    with store.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def started(url: str, servers: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "streams.cli", "console", "--store", url, "--port", "0", "--bootstrap", servers]
    return subprocess.Popen(command, env=os.environ | {"ANTIFRAUD_DEMO": "1"})


def feeds_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The processes beneath a console that feed its store and have not ended."""
    beneath = psutil.Process(process.pid).children()
    return [each for each in beneath if each.status() != psutil.STATUS_ZOMBIE]


def test_a_killed_console_shows_each_alert_once(own_kafka: MavenKafka, tmp_path: Path) -> None:
    """Its feed, then all of it killed while it writes: every alert and operation once, offsets and figures right."""
    servers, url = own_kafka.bootstrap_servers, f"sqlite:///{tmp_path}/cases.db"
    make_topics(servers, ALERTS, "judged")
    parties = [{"payer": person(number), "payee": person(-1 - number % COLLECTORS)} for number in range(COUNT)]
    said = [json.dumps(alert(number, **party)).encode() for number, party in enumerate(parties)]
    judged = [operation(f"event-{number}", **party, found=True) for number, party in enumerate(parties)]
    # Half of the alerts come twice, as after the crash of a worker.
    publish(servers, ALERTS, [*said, *said[: COUNT // 2]])
    publish(servers, "judged", [judged_frame(judged[at : at + 50], at) for at in range(0, COUNT, 50)])
    store = Store.open(url)
    process = started(url, servers)
    try:
        until(lambda: counted(store, alerts) > 0)
        (feed,) = feeds_of(process)
        feed.kill()
        at_death = counted(store, alerts)
        until(lambda: feeds_of(process) not in ([], [feed]))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process = started(url, servers)
        until(lambda: _reached(store) == {ALERTS: COUNT + COUNT // 2, "judged": COUNT // 50})
    finally:
        process.kill()
        process.wait()
    assert 0 < at_death <= COUNT
    assert counted(store, alerts) == counted(store, operations) == COUNT
    with store.reading() as connection:
        found = connection.execute(select(campaigns.c.alerts, campaigns.c.victims, campaigns.c.amount)).all()
        assert connection.scalar(select(func.max(alerts.c.seq))) == COUNT
    each = COUNT // COLLECTORS
    assert [tuple(row) for row in found] == [(each, each, each * 15_000_000)] * COLLECTORS
    store.close()


def _reached(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        return {row.topic: row.next_offset for row in connection.execute(select(feed_offsets))}


def test_the_feed_waits_for_a_broker_goes_on_by_itself_and_takes_out_what_is_old(tmp_path: Path) -> None:
    port = free_port()
    store = Store.open(f"sqlite:///{tmp_path}/cases.db")
    feed = Feed(store, f"127.0.0.1:{port}", reader(), clock=lambda: NOW / 1000, operations_days=365)
    feed.start()
    until(lambda: feed.state.phase == "no_broker")
    assert "No broker answers" in feed.state.message
    assert feed.state.remedy
    settings = KafkaSettings(
        data=tmp_path / "kafka", runtime="maven", port=port, heap_mib=384, java_options=QUICK_START
    )
    with Kafka.find_or_start(settings) as kafka:
        make_topics(kafka.bootstrap_servers, ALERTS, "judged")
        publish(kafka.bootstrap_servers, ALERTS, [json.dumps(alert(1)).encode()])
        long_ago = NOW - 366 * DAY_MS
        judged = [operation("event-1", payer=person(1), at=long_ago), operation("old", payer=person(3), at=long_ago)]
        publish(kafka.bootstrap_servers, "judged", [judged_frame(judged)])
        until(lambda: feed.state.phase == "following" and counted(store, alerts) == counted(store, operations) == 1)
        feed.stop()
    assert feed.state.phase == "stopped"
    store.close()


def test_what_waits_is_sent_in_order_once_and_names_nobody_any_more(
    kafka: Kafka, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    verdicts, orders, missing = fresh_name("dispositions"), fresh_name("orders"), fresh_name("missing")
    make_topics(kafka.bootstrap_servers, verdicts, orders)
    store = Store.open(f"sqlite:///{tmp_path}/cases.db")
    sender = Sender(store, kafka.bootstrap_servers, VAULT, lambda: NOW, {})
    with store.writing() as connection:
        outbound.put(connection, missing, b'{"type":"freeze_order"}', record_key="lost", now=NOW)
        for number in range(3):
            value = json.dumps({"type": "disposition", "subject": {"id": "791028302728"}, "n": number}).encode()
            outbound.put(connection, verdicts, value, record_key=f"verdict-{number}", now=NOW, seal=VAULT)
        outbound.put(connection, orders, b'{"type":"freeze_order"}', record_key="order", now=NOW)
    assert b"791028302728" not in _bytes_of(tmp_path)
    assert sender.send_waiting() == 4
    assert sender.failure is not None
    assert f"no topic {missing}" in sender.failure.message
    assert sender.send_waiting() == 0
    sender.stop()
    sent = list(records_of(kafka.bootstrap_servers, verdicts))
    assert [(record.key, json.loads(record.value)["n"]) for record in sent] == [
        (f"verdict-{number}".encode(), number) for number in range(3)
    ]
    assert dict(sent[0].headers)["ce_type"] == b"kz.antifraud.disposition.v1"
    assert len(list(records_of(kafka.bootstrap_servers, orders))) == 1
    with store.reading() as connection:
        rows = connection.execute(select(waiting).order_by(waiting.c.outbound_id)).mappings().all()
    assert [(row["sent_at"], row["failure"] is None) for row in rows] == [(None, False), *[(NOW, True)] * 4]
    assert [row["value"] for row in rows[1:4]] == [b""] * 3
    store.close()


def _bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("cases.db*"))
