"""A whole center on a Kafka that takes TLS and SCRAM only: workers, client, commands and console; and strangers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion
from sqlalchemy import func, select

from console import outbound
from console.feed.feed import Feed
from console.outbound import Sender
from console.store.opening import Store
from console.store.tables import operations
from streams.center import Center, demo_environment
from streams.client import Client, WhenSilent
from streams.delivery import BrokerUnreachable
from streams.kafka import KafkaSettings, answers
from streams.kafka_java import BrokerProgram
from streams.kafka_ports import HOST, free_port
from streams.kafka_process import Kept
from streams.outcomes import records_of
from streams.topics import TopicSettings
from tests.conftest import QUICK_START
from tests.console.builders import NOW, VAULT, reader
from tests.integration.test_center import BANK, person, takeover

pytestmark = pytest.mark.kafka

SECONDS = 60.0
PASSWORD = "a word that only brokers know"


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that is its own authority, and a file of its key and itself, as Kafka wants it."""
    key, own, both = folder / "key.pem", folder / "ca.pem", folder / "broker.pem"
    asked = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={HOST} -addext subjectAltName=IP:{HOST}"
    subprocess.run([*asked.split(), "-keyout", key, "-out", own], check=True, capture_output=True)
    both.write_text(key.read_text() + own.read_text())
    return own, both


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a broker takes TLS with SCRAM, the environment set so that ours may enter; its plain door made the user."""
    folder = tmp_path_factory.mktemp("secured")
    authority, keystore = certificate(folder)
    data = folder / "kafka"
    data.mkdir()
    program = BrokerProgram.get(KafkaSettings().jars)
    plain = free_port()
    controller = free_port(plain)
    port = free_port(plain)
    doors = f"PLAINTEXT://{HOST}:{plain},SECURE://{HOST}:{port}"
    properties = program.configure(data, plain, controller)
    more = {
        "listeners": f"{doors},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": doors,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.secure.ssl.keystore.type": "PEM",
        "listener.name.secure.ssl.keystore.location": keystore,
        "listener.name.secure.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
    }
    with properties.open("a") as file:  # of a name that stands there twice the last word counts
        file.writelines(f"{name}={value}\n" for name, value in more.items())
    broker = Kept(
        program.command(data, "kafka.Kafka", str(properties), options=["-Xmx384m", QUICK_START]), data=data, pass_fds=[]
    )
    try:
        until = time.monotonic() + SECONDS
        while not answers(f"{HOST}:{plain}", seconds=2.0):
            assert time.monotonic() < until, (data / "broker.log").read_text()[-2000:]
        admin = KafkaAdminClient(bootstrap_servers=f"{HOST}:{plain}")
        user = UserScramCredentialUpsertion("center", ScramMechanism.SCRAM_SHA_512, PASSWORD)
        assert admin.alter_user_scram_credentials([user]) == {"center": None}
        admin.close()
        secret = folder / "password"
        secret.write_text(f"{PASSWORD}\n")
        secret.chmod(0o600)
        with pytest.MonkeyPatch.context() as environment:
            for name, value in {
                "SECURITY_PROTOCOL": "SASL_SSL",
                "CA_FILE": authority,
                "SASL_USERNAME": "center",
                "SASL_PASSWORD_FILE": secret,
            }.items():
                environment.setenv(f"ANTIFRAUD_KAFKA_{name}", str(value))
            yield f"{HOST}:{port}"
    finally:
        broker.end("stop")


def test_everything_of_the_center_passes_the_locked_door(secured: str, tmp_path: Path) -> None:
    center = Center(
        tmp_path / "center",
        workers=1,
        followers=1,
        topics=TopicSettings(partitions=1),
        kafka=KafkaSettings(bootstrap_servers=secured),
        environment=demo_environment(),
    )
    store = Store.open(f"sqlite:///{tmp_path}/cases.db")
    with center:
        center.start_workers()
        center.wait_ready()
        with Client(secured, BANK, policy=WhenSilent("hold")) as client:
            assert client.decide(takeover(person(1), person(2)), timeout=SECONDS).by != "policy"
        feed = Feed(store, secured, reader())
        feed.start()
        until = time.monotonic() + SECONDS
        while not _operations(store):
            assert time.monotonic() < until, feed.state
            time.sleep(0.1)
        with store.writing() as connection:
            outbound.put(connection, "dispositions", b'{"type":"disposition"}', record_key="one", now=NOW)
        sender = Sender(store, secured, VAULT, lambda: NOW, {})
        assert sender.send_waiting() == 1
        sender.stop()
        assert [record.key for record in records_of(secured, "dispositions")] == [b"one"]
        feed.stop()
        assert "T12" in antifraud(secured, "alerts").stdout
        assert '"generation": 1' in antifraud(secured, "rulebook", "list", "--json").stdout
        assert antifraud(secured, "holds", "--json").returncode == 0
    store.close()
    told = "".join(log.read_text() for log in (tmp_path / "center" / "logs").iterdir())
    assert "worker started" in told
    assert PASSWORD not in told


def antifraud(servers: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of ours, which knows only what the environment says."""
    command = [sys.executable, "-m", "streams.cli", *arguments]
    environment = os.environ | {"KAFKA_BOOTSTRAP_SERVERS": servers, "COLUMNS": "200"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)


def _operations(store: Store) -> int:
    with store.reading() as connection:
        return connection.execute(select(func.count()).select_from(operations)).scalar_one()


def test_who_does_not_know_the_password_stays_outside(
    secured: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("another word")
    wrong.chmod(0o600)
    monkeypatch.setenv("ANTIFRAUD_KAFKA_SASL_PASSWORD_FILE", str(wrong))
    with pytest.raises(BrokerUnreachable, match="security settings") as refused:
        Client(secured, BANK, policy=WhenSilent("hold"))
    assert "another word" not in str(refused.value)
    done = antifraud(secured, "topics", "diff")
    assert (done.returncode, "another word" in done.stderr) == (3, False)
    monkeypatch.delenv("ANTIFRAUD_KAFKA_SASL_PASSWORD_FILE")
    done = antifraud(secured, "topics", "diff")
    assert done.returncode == 2
    assert "ANTIFRAUD_KAFKA_SASL_PASSWORD_FILE" in done.stderr
