"""The broker that the center starts: it answers, keeps its records, explains itself, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from streams.kafka import Kafka, KafkaSettings, KafkaUnavailable, MavenKafka, answers
from streams.kafka_java import JAVA_AT_LEAST
from streams.kafka_ports import free_port
from tests.conftest import QUICK_START


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("ANTIFRAUD_KAFKA_", "KAFKA_BOOTSTRAP"))]:
        monkeypatch.delenv(name)


def own(data: Path, *, port: int = 0, jars: Path | None = None) -> KafkaSettings:
    settings = KafkaSettings(data=data, runtime="maven", port=port, heap_mib=384, java_options=QUICK_START)
    return settings.model_copy(update={"jars": jars}) if jars else settings


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MavenKafka]:
    """A broker of this file's own, since it is stopped, killed and paused."""
    started = Kafka.find_or_start(own(tmp_path_factory.mktemp("broker")))
    assert isinstance(started, MavenKafka)
    with started:
        yield started


def write(kafka: Kafka, topic: str, value: bytes) -> None:
    faults: list[object] = []
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    producer.produce(topic, value, on_delivery=lambda error, _: faults.append(error))
    assert producer.flush(20) == 0
    assert faults == [None]


def read(kafka: Kafka, topic: str, count: int) -> list[bytes]:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": "none"})
    with contextlib.closing(consumer):
        consumer.assign([TopicPartition(topic, 0, 0)])
        return [record.value() or b"" for record in consumer.consume(count, timeout=20)]


def gone(pids: list[int], seconds: float = 15) -> bool:
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=seconds)
    return not alive


def test_records_survive_a_stop_and_a_kill(broker: MavenKafka) -> None:
    servers = broker.bootstrap_servers
    with contextlib.closing(broker.admin()) as admin:
        admin.create_topics({"kept": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    write(broker, "kept", b"one")
    broker.restart()
    write(broker, "kept", b"two")
    broker.kill()
    assert not broker.running
    assert not answers(servers, seconds=0.5)
    broker.stop()
    broker.stop()  # whatever is stopped already
    broker.restart()
    assert broker.running
    assert broker.bootstrap_servers == servers
    assert read(broker, "kept", 2) == [b"one", b"two"]


def test_it_listens_on_the_loopback_address_only(broker: MavenKafka) -> None:
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(broker.broker_pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) == 2  # broker and controller
    assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}


def test_a_paused_broker_does_not_answer_until_it_is_resumed(broker: MavenKafka) -> None:
    broker.pause()
    assert broker.running
    assert not answers(broker.bootstrap_servers, seconds=0.5)
    broker.resume()
    assert answers(broker.bootstrap_servers, seconds=10)


def test_a_data_folder_has_one_broker(broker: MavenKafka) -> None:
    with pytest.raises(KafkaUnavailable, match=rf"is in use: process {os.getpid()} runs a Kafka on it") as caught:
        Kafka.find_or_start(own(broker.data))
    assert "ANTIFRAUD_KAFKA_DATA" in caught.value.remedy
    assert answers(broker.bootstrap_servers, seconds=10)


def test_the_broker_of_a_data_folder_is_found_by_others(broker: MavenKafka, tmp_path: Path) -> None:
    found = Kafka.find(own(broker.data))
    assert (found.kind, found.bootstrap_servers) == ("given", broker.bootstrap_servers)
    found.stop()  # not its to stop
    assert answers(broker.bootstrap_servers, seconds=10)
    with pytest.raises(KafkaUnavailable, match="does not kill it"):
        found.kill()
    with pytest.raises(KafkaUnavailable, match="No Kafka is running"):
        Kafka.find(own(tmp_path))


def test_a_given_cluster_is_used_and_left_alone(broker: MavenKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap_servers)
    with Kafka.find_or_start() as given:
        assert (given.kind, given.bootstrap_servers) == ("given", broker.bootstrap_servers)
    assert broker.running


def test_a_given_cluster_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    with pytest.raises(KafkaUnavailable, match=r"No Kafka answers at 127\.0\.0\.1:") as caught:
        Kafka.find_or_start(KafkaSettings(startup_seconds=0.5))
    assert "KAFKA_BOOTSTRAP_SERVERS" in caught.value.remedy


def test_a_busy_port_is_named_with_its_user(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(KafkaUnavailable, match=rf"Port {port} .* in use by .*\(process {os.getpid()}\)") as caught:
            Kafka.find_or_start(own(tmp_path, port=port))
    assert "ANTIFRAUD_KAFKA_PORT" in caught.value.remedy


def test_missing_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match="there is no `java` on the PATH") as caught:
        Kafka.find_or_start(own(tmp_path / "data"))
    assert f"Install Java {JAVA_AT_LEAST}" in caught.value.remedy
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    with pytest.raises(KafkaUnavailable, match="has no bin/java"):
        Kafka.find_or_start(own(tmp_path / "data"))


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(("version", "major"), [("11.0.2", "11"), ("1.8.0_312", "8")])
def test_java_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, major: str) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "java", f"echo 'openjdk version \"{version}\"' >&2")
    with pytest.raises(KafkaUnavailable, match=rf"is Java {major}, and Kafka 4.3.1 needs 17"):
        Kafka.find_or_start(own(tmp_path / "data"))


def test_jars_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "java", "echo 'openjdk version \"17.0.1\"' >&2")
    settings = own(tmp_path / "data", jars=tmp_path / "cache" / "jars")
    with pytest.raises(KafkaUnavailable, match="there is no `mvn` on the PATH"):
        Kafka.find_or_start(settings)
    program(tmp_path, "mvn", "echo '[ERROR] repo.maven.apache.org: unknown host'; exit 1")
    with pytest.raises(KafkaUnavailable, match=r"Maven could not get Kafka .*unknown host"):
        Kafka.find_or_start(settings)
    assert list((tmp_path / "cache").iterdir()) == []


def test_docker_is_used_where_it_answers_and_cleaned_up_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    calls = tmp_path / "calls"
    program(
        tmp_path, "docker", f'echo "$@" >> {calls}; [ $1 != run ] || {{ echo "no space left on device"; exit 125; }}'
    )
    settings = own(tmp_path / "data", port=free_port()).model_copy(update={"runtime": "auto"})
    with pytest.raises(KafkaUnavailable, match=r"ended while starting; .*no space left on device"):
        Kafka.find_or_start(settings)
    asked = calls.read_text().splitlines()
    assert [line.split()[0] for line in asked] == ["info", "info", "image", "run", "rm"]
    assert f"--publish 127.0.0.1:{settings.port}:{settings.port}" in asked[3]
    assert asked[3].endswith("apache/kafka:4.3.1")
    assert asked[4].split()[2] in asked[3]  # the container's name

    program(tmp_path, "docker", '[ $1 = info ] || { echo "manifest unknown" >&2; exit 1; }')
    with pytest.raises(KafkaUnavailable, match="cannot be pulled: manifest unknown"):
        Kafka.find_or_start(settings)
    program(tmp_path, "docker", "exit 1")
    with pytest.raises(KafkaUnavailable, match="Docker does not answer"):
        Kafka.find_or_start(settings.model_copy(update={"runtime": "docker"}))


def test_a_broker_that_dies_at_start_shows_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()
    (log / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=QUFBQUFBQUFBQUFBQUFBQQ\n")
    with pytest.raises(KafkaUnavailable, match=r"ended while starting; .*node id 7") as caught:
        Kafka.find_or_start(own(tmp_path))
    assert str(tmp_path / "broker.log") in caught.value.remedy


PARENT = """
import json, os, sys, time
from pathlib import Path
from streams.kafka import Kafka, KafkaSettings
kafka = Kafka.find_or_start(KafkaSettings(data=Path(sys.argv[1]), runtime="maven", port=0, java_options=sys.argv[2]))
child = os.fork()  # as a snapshot's child does, it holds copies of all that the parent has open
if child == 0:
    time.sleep(60)
    os._exit(0)
print(json.dumps({"broker": kafka.broker_pid, "keeper": kafka.keeper_pid, "child": child}), flush=True)
time.sleep(60)
"""


def test_nothing_is_left_after_kill_9_of_the_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path), QUICK_START], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    told = json.loads(parent.stdout.readline())
    assert psutil.Process(told["broker"]).ppid() == told["keeper"]
    try:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert gone([told["broker"], told["keeper"]])
    finally:
        os.kill(told["child"], signal.SIGKILL)
    # The folder is free at once for the next, and a broker dies with its keeper too.
    with Kafka.find_or_start(own(tmp_path)) as again:
        assert isinstance(again, MavenKafka)
        broker = again.broker_pid
        os.kill(again.keeper_pid, signal.SIGKILL)
        assert gone([broker], 5)
        deadline = time.monotonic() + 5
        while again.running and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not again.running
