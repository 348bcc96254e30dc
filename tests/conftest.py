"""What every test may use: a real Kafka for the session, and topic names that no other test has."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.kafka import IMAGE, Kafka, KafkaSettings, answers, container_environment, docker_answers
from streams.kafka_java import cluster_id
from streams.kafka_ports import free_port

# A test's broker lives for seconds: it is better started soon than compiled well.
QUICK_START = "-XX:TieredStopAtLevel=1"


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A real broker of this session's own, or the one KAFKA_BOOTSTRAP_SERVERS names; its absence is a failure.

    Tests share it: name topics and groups with `fresh_name`, and start your own broker to fault one.
    """
    data = tmp_path_factory.mktemp("kafka")
    settings = KafkaSettings(data=data, port=0, heap_mib=512, java_options=QUICK_START)
    if settings.bootstrap_servers or not docker_answers():
        with Kafka.find_or_start(settings) as started:
            yield started
        return
    from testcontainers.core.container import DockerContainer  # on import it looks for a Docker that answers

    # testcontainers' own KafkaContainer knows Confluent's images only: the same image is started as it is.
    port = free_port()
    environment = container_environment(port, free_port(port), cluster=cluster_id(data), heap_mib=settings.heap_mib)
    container = DockerContainer(IMAGE).with_bind_ports(port, port)
    for name, value in environment.items():
        container = container.with_env(name, value)
    with container:
        assert answers(f"127.0.0.1:{port}", seconds=settings.startup_seconds), "the Kafka container does not answer"
        given = settings.model_copy(update={"bootstrap_servers": f"127.0.0.1:{port}"})
        yield Kafka.find_or_start(given)


@pytest.fixture
def fresh_name() -> Callable[[str], str]:
    """Makes names that are used once: fresh_name("tx") -> "tx-1f0c9a2b"."""
    return lambda stem: f"{stem}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def repository() -> Path:
    """The root of the source tree."""
    return Path(__file__).resolve().parent.parent
