"""A whole center on one machine: Kafka found or started, topics applied, a rulebook in force, workers supervised.

`antifraud up`, the demo, the benchmarks and the fault tests all use this and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rules.rulebook_files import PACKAGED
from streams.generations import activate_first
from streams.kafka import Kafka, KafkaSettings, free_port
from streams.supervisor import Supervisor
from streams.topics import Topics, TopicSettings

READY_SECONDS: Final = 90.0


class NotReady(RuntimeError):
    """The workers did not become ready in time; their logs say why."""


class Center:
    """Use as a context manager: everything it started is stopped at the end, whatever happens."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        followers: int = 0,
        topics: TopicSettings | None = None,
        kafka: KafkaSettings | None = None,
        environment: Mapping[str, str] | None = None,
        rulebook: Path = PACKAGED,
        group: str = "center.workers",
    ) -> None:
        self.folder = folder
        self.workers = workers
        self.followers = followers  # processes behind `judged`: one works, the others stand by
        self.topics = topics or TopicSettings()
        self.rulebook = rulebook
        self.group = group
        self._kafka_settings = kafka or KafkaSettings(data=folder / "kafka", port=0)
        self._environment = dict(environment or {})
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self.kafka = self._stack.enter_context(Kafka.find_or_start(self._kafka_settings))
            self.apply_topics()
            activate_first(self.kafka.bootstrap_servers, self.rulebook)
            self.ports = [free_port() for _ in range(self.workers)]
            self.follower_ports = [free_port() for _ in range(self.followers)]
            self.supervisor = Supervisor(
                {f"worker-{i + 1}": self.environment(port) for i, port in enumerate(self.ports)},
                self.folder / "logs",
                {f"follower-{i + 1}": self.environment(port) for i, port in enumerate(self.follower_ports)},
            )
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def apply_topics(self) -> None:
        """Make the cluster's topics as declared."""
        with contextlib.closing(self.kafka.admin()) as admin:
            Topics.of(self.topics).apply(admin)

    def environment(self, metrics_port: int) -> dict[str, str]:
        """The environment of a worker of this center."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "ANTIFRAUD_INSTITUTIONS": ",".join(self.topics.institutions),
            "ANTIFRAUD_OPERATORS": ",".join(self.topics.operators),
            "ANTIFRAUD_PARTITIONS": str(self.topics.partitions),
            "ANTIFRAUD_TX_PARTITIONS": str(self.topics.tx_partitions),
            "ANTIFRAUD_SNAPSHOTS": str(self.folder / "snapshots"),
            "ANTIFRAUD_METRICS_PORT": str(metrics_port),
            "ANTIFRAUD_GROUP": self.group,
            "ANTIFRAUD_FOLLOWERS_GROUP": f"{self.group.removesuffix('.workers')}.followers",
            **self._environment,
        }

    def start_workers(self) -> None:
        """Start the workers; they are stopped when the center ends."""
        self.supervisor.start()
        self._stack.callback(self.supervisor.stop)

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until every worker, and every process behind them, says that it is ready.

        Raises:
            NotReady: one does not, within `seconds`.
        """
        deadline = time.monotonic() + seconds
        named = [(f"worker-{i + 1}", port) for i, port in enumerate(self.ports)]
        named += [(f"follower-{i + 1}", port) for i, port in enumerate(self.follower_ports)]
        for name, port in named:
            while not self.is_ready(port):
                self.supervisor.check()
                if time.monotonic() > deadline:
                    log = self.supervisor.log_of(name)
                    raise NotReady(f"{name} was not ready within {seconds:.0f} s: see {log}")
                time.sleep(0.1)

    @staticmethod
    def is_ready(port: int) -> bool:
        """Whether the worker with this metrics port says that it is ready."""
        import urllib.error
        import urllib.request

        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def demo_environment() -> dict[str, str]:
    """Lets workers use the public demo keys; for the demo, tests and benchmarks only."""
    return {
        "ANTIFRAUD_DEMO": "1",
        "PYTHONUNBUFFERED": "1",
        **{k: v for k, v in os.environ.items() if k == "NUMBA_CACHE_DIR"},
    }
