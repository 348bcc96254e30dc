"""Find or start a real Apache Kafka: the one place of the project that starts a broker.

In this order: the cluster that KAFKA_BOOTSTRAP_SERVERS names, Docker where a daemon answers, and else the Kafka jars
that Maven resolves from `kafka-runtime/pom.xml`, as a child process. A broker of ours is one KRaft node on the
loopback address only, and lives as long as the process that started it (streams/kafka_keeper.py), also when that is
killed with -9.

    with Kafka.find_or_start(KafkaSettings(data=Path("var/kafka"))) as kafka:
        print(kafka.bootstrap_servers)
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.kafka_java import BROKER, DOWNLOAD_SECONDS, VERSION, BrokerProgram, cluster_id
from streams.kafka_ports import HOST, connects, free_port, is_free, user_of
from streams.kafka_process import DataFolder, KafkaUnavailable, Kept, run, short
from streams.kafka_security import KafkaSecurity, SecurityRefused

__all__ = [
    "IMAGE",
    "Kafka",
    "KafkaSettings",
    "KafkaUnavailable",
    "MavenKafka",
    "answers",
    "container_environment",
    "docker_answers",
    "free_port",
]

IMAGE: Final = f"apache/kafka:{VERSION}"


class KafkaSettings(BaseSettings):
    """Which Kafka to use, and what one of our own is given; each from ANTIFRAUD_KAFKA_<NAME> where not passed."""

    model_config = SettingsConfigDict(env_prefix="ANTIFRAUD_KAFKA_", frozen=True, populate_by_name=True)

    bootstrap_servers: str = Field(
        default="",
        validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS"),
        description="host:port of a cluster that runs already, several separated by commas; empty: start one",
    )
    runtime: Literal["auto", "docker", "maven"] = Field(default="auto", description="auto: Docker where it answers")
    data: Path = Field(default=Path("var/kafka"), description="data folder; records survive a restart in it")
    port: int = Field(default=9092, ge=0, le=65535, description="0: any free port")
    controller_port: int = Field(default=0, ge=0, le=65535, description="0: any free port")
    heap_mib: int = Field(default=640, ge=256, description="Java heap, MiB")
    java_options: str = Field(
        default="", description="more options for Java; -XX:TieredStopAtLevel=1 starts sooner and runs slower"
    )
    startup_seconds: float = Field(default=60.0, gt=0, description="how long a broker may take until it answers")
    jars: Path = Field(
        default_factory=lambda: Path.home() / ".cache" / "antifraud" / f"kafka-{VERSION}",
        description="where the jars that Maven resolved are kept",
    )


def answers(bootstrap_servers: str, *, seconds: float) -> bool:
    """Whether a metadata request is answered, by a broker that takes records, within `seconds`."""
    admin = None
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap_servers.split(","),
            bootstrap_timeout_ms=int(seconds * 1000),
            request_timeout_ms=int(seconds * 1000),
            client_id="antifraud-ready",
            **KafkaSecurity.load().options(),
        )
        return any(not broker.get("is_fenced", False) for broker in admin.describe_cluster()["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        if admin is not None:
            admin.close()


class Kafka:
    """A Kafka that answers, and how to end, fault and restart it where it is our own.

    `kind` says whose it is: "given" (KAFKA_BOOTSTRAP_SERVERS, or another process's of ours), "docker" or "maven".
    """

    def __init__(self, settings: KafkaSettings, kind: Literal["given", "docker", "maven"], servers: str) -> None:
        self.settings = settings
        self.kind = kind
        self.bootstrap_servers = servers

    @classmethod
    def find_or_start(cls, settings: KafkaSettings | None = None) -> Kafka:
        """The given cluster, or one of our own that has just become ready.

        Raises:
            KafkaUnavailable: nothing answers and nothing can be started; says why and what to do.
        """
        settings = settings or KafkaSettings()
        if settings.bootstrap_servers:
            return cls._given(settings)
        if KafkaSecurity.load().secured:
            raise SecurityRefused(
                "A broker that is started here takes plain connections only.",
                "Unset ANTIFRAUD_KAFKA_SECURITY_PROTOCOL, or name a cluster with KAFKA_BOOTSTRAP_SERVERS.",
            )
        if settings.runtime == "docker" or (settings.runtime == "auto" and docker_answers()):
            return DockerKafka(settings)
        return MavenKafka(settings)

    @classmethod
    def find(cls, settings: KafkaSettings | None = None) -> Kafka:
        """A cluster that runs already: the given one, or the one another process keeps on the same data folder.

        Raises:
            KafkaUnavailable: none runs.
        """
        settings = settings or KafkaSettings()
        if settings.bootstrap_servers:
            return cls._given(settings)
        session = DataFolder(settings.data).holder()
        servers = str(session.get("bootstrap_servers", "")) if session else ""
        if not servers or not answers(servers, seconds=5):
            raise KafkaUnavailable(
                f"No Kafka is running on the data folder {settings.data}.",
                "Start one with `antifraud up`, or set KAFKA_BOOTSTRAP_SERVERS.",
            )
        return cls(settings, "given", servers)

    @classmethod
    def _given(cls, settings: KafkaSettings) -> Kafka:
        servers = settings.bootstrap_servers
        if not answers(servers, seconds=min(10.0, settings.startup_seconds)):
            raise KafkaUnavailable(
                f"No Kafka answers at {servers}.",
                "Start it, correct the address or the security settings, or unset KAFKA_BOOTSTRAP_SERVERS.",
            )
        return cls(settings, "given", servers)

    def admin(self, *, seconds: float = 10.0) -> KafkaAdminClient:
        """A client that administers this cluster; the caller closes it.

        Raises:
            KafkaUnavailable: the cluster does not answer within `seconds`.
        """
        try:
            return KafkaAdminClient(
                bootstrap_servers=self.bootstrap_servers.split(","),
                bootstrap_timeout_ms=int(seconds * 1000),
                client_id="antifraud-admin",
                **KafkaSecurity.load().options(),
            )
        except (KafkaError, OSError):
            raise KafkaUnavailable(
                f"No Kafka answers at {self.bootstrap_servers}.", "See whether it still runs and can be reached."
            ) from None

    @property
    def running(self) -> bool:
        """Whether the broker process is there, paused or not; a given cluster is taken to be."""
        return True

    def stop(self) -> None:
        """End the broker in good order, its records kept; a given cluster is left alone."""

    def kill(self) -> None:
        """End the broker at once, as a power cut would (fault tests)."""
        raise self._not_ours("kill")

    def restart(self) -> None:
        """Start the broker again on the same port and data, ending it first where it runs; returns when ready."""
        raise self._not_ours("restart")

    def pause(self) -> None:
        """Freeze the broker: connections stay open and nothing is answered (fault tests)."""
        raise self._not_ours("pause")

    def resume(self) -> None:
        """Let a paused broker go on."""
        raise self._not_ours("resume")

    def _not_ours(self, act: str) -> KafkaUnavailable:
        return KafkaUnavailable(
            f"Kafka at {self.bootstrap_servers} was not started by this process, which therefore does not {act} it.",
            "Unset KAFKA_BOOTSTRAP_SERVERS to have a broker started here.",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


class OwnKafka(Kafka):
    """What a broker of our own has in common, in a container or not: data folder, ports, keeper, readiness."""

    def __init__(self, settings: KafkaSettings, kind: Literal["docker", "maven"]) -> None:
        super().__init__(settings, kind, "")
        self.data = settings.data.expanduser().resolve()
        self._owner = os.getpid()
        self._keeper: Kept | None = None
        self._folder = DataFolder(self.data)
        self._folder.take()
        try:
            self._prepare()
            self.port, self.controller_port = _ports(settings)
            self.bootstrap_servers = f"{HOST}:{self.port}"
            self._start(may_move=settings.port == 0)
        except BaseException:
            self.stop()
            raise

    def _prepare(self) -> None:
        """Find out what can be found out before a process is started, and get what is missing."""
        raise NotImplementedError

    def _launch(self) -> Kept:
        raise NotImplementedError

    @property
    def running(self) -> bool:
        return self._keeper is not None and self._keeper.alive()

    @property
    def broker_pid(self) -> int:
        """The process id of the broker (with Docker, of its client)."""
        return self._kept().broker_pid

    @property
    def keeper_pid(self) -> int:
        """The process id of the stub that keeps the broker."""
        return self._kept().pid

    def _start(self, *, may_move: bool = False) -> None:
        deadline = time.monotonic() + self.settings.startup_seconds
        for attempt in range(3):
            started_at = time.time()
            self._keeper = self._launch()
            if self._ready(deadline):
                self._folder.describe(bootstrap_servers=self.bootstrap_servers, kind=self.kind)
                return
            died = not self.running
            line = self._last_line(started_at)
            self._end("kill")
            # Between finding a port free and using it somebody else may have taken it: take another, if we may.
            if died and "in use" in line and may_move and attempt < 2:
                self.port, self.controller_port = _ports(self.settings)
                self.bootstrap_servers = f"{HOST}:{self.port}"
                continue
            log = self.data / "broker.log"
            if died:
                raise KafkaUnavailable(
                    f"The Kafka broker ended while starting; the last line of its log is: {line}",
                    f"See {log}; a damaged data folder can be moved away, a new one is made.",
                )
            raise KafkaUnavailable(
                f"The Kafka broker did not answer within {self.settings.startup_seconds:g} s of its start.",
                f"Set ANTIFRAUD_KAFKA_STARTUP_SECONDS higher on a slow machine; its log is {log}.",
            )

    def _ready(self, deadline: float) -> bool:
        while time.monotonic() < deadline and self.running:
            left = max(0.2, deadline - time.monotonic())
            # A plain connection first: it costs nothing, and an admin client that fails writes log lines.
            if connects(self.port) and answers(self.bootstrap_servers, seconds=min(5.0, left)):
                return True
            time.sleep(0.05)
        return False

    def _last_line(self, since: float) -> str:
        """What the broker last complained of, in one line."""
        lines: list[str] = []
        for name in ("broker.out", "broker.log"):
            with contextlib.suppress(OSError):
                path = self.data / name
                if path.stat().st_mtime >= since - 1:
                    lines += [line for line in path.read_text(errors="replace").splitlines()[-200:] if line.strip()]
        if not lines:
            return "(it wrote nothing)"
        telling = [line for line in lines if re.search(r"ERROR|FATAL|Exception|Error:", line)]
        return short((telling or lines)[-1])

    def stop(self) -> None:
        if os.getpid() != self._owner:  # a forked child ends nothing that its parent uses
            return
        self._end("stop")
        self._folder.give()

    def kill(self) -> None:
        self._end("kill")

    def restart(self) -> None:
        self._end("stop")
        self._folder.take()
        self._start()

    def pause(self) -> None:
        self._kept().ask("pause", "paused")

    def resume(self) -> None:
        self._kept().ask("resume", "resumed")

    def _kept(self) -> Kept:
        if self._keeper is None or not self._keeper.alive():
            raise KafkaUnavailable("The Kafka broker is not running.", "Start it again with restart().")
        return self._keeper

    def _end(self, how: Literal["stop", "kill"]) -> None:
        if self._keeper is not None:
            self._keeper.end(how)
            self._keeper = None


class MavenKafka(OwnKafka):
    """The broker as a Java process of its own, from jars resolved once into the cache folder."""

    def __init__(self, settings: KafkaSettings) -> None:
        super().__init__(settings, "maven")

    def _prepare(self) -> None:
        self._program = BrokerProgram.get(self.settings.jars)

    def _launch(self) -> Kept:
        settings = self.settings
        properties = self._program.configure(self.data, self.port, self.controller_port)
        options = [f"-Xms{settings.heap_mib}m", f"-Xmx{settings.heap_mib}m", *settings.java_options.split()]
        command = self._program.command(self.data, "kafka.Kafka", str(properties), options=options)
        return Kept(command, data=self.data, pass_fds=[self._folder.fileno()])


class DockerKafka(OwnKafka):
    """The broker as a container of the official image, its records in a volume named after the data folder."""

    def __init__(self, settings: KafkaSettings) -> None:
        digest = hashlib.sha256(str(settings.data.expanduser().resolve()).encode()).hexdigest()[:12]
        self.volume = f"antifraud-kafka-{digest}"
        self.container = f"{self.volume}-{uuid.uuid4().hex[:8]}"
        super().__init__(settings, "docker")

    def _prepare(self) -> None:
        if not docker_answers():
            raise KafkaUnavailable(
                "Docker does not answer.",
                "Start its daemon, or set ANTIFRAUD_KAFKA_RUNTIME=maven to use Java 17 and Maven.",
            )
        if _docker("image", "inspect", IMAGE).returncode:
            pulled = _docker("pull", "--quiet", IMAGE, seconds=DOWNLOAD_SECONDS)
            if pulled.returncode:
                raise KafkaUnavailable(
                    f"The image {IMAGE} cannot be pulled: {short(pulled.stderr)}",
                    "Check the connection to the registry, or set ANTIFRAUD_KAFKA_RUNTIME=maven.",
                )

    def _launch(self) -> Kept:
        environment = container_environment(
            self.port, self.controller_port, cluster=cluster_id(self.data), heap_mib=self.settings.heap_mib
        )
        command = ["docker", "run", "--rm", "--name", self.container, "--publish", f"{HOST}:{self.port}:{self.port}"]
        command += ["--volume", f"{self.volume}:/var/lib/kafka/data"]
        command += [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
        return Kept(
            [*command, IMAGE],
            data=self.data,
            pass_fds=[self._folder.fileno()],
            cleanup=["docker", "rm", "--force", self.container],
        )

    def kill(self) -> None:
        _docker("kill", self.container)
        self._end("kill")

    def pause(self) -> None:
        _docker("pause", self.container)

    def resume(self) -> None:
        _docker("unpause", self.container)


def container_environment(port: int, controller_port: int, *, cluster: str, heap_mib: int) -> dict[str, str]:
    """What a container of the official image is told, so that the host reaches it at 127.0.0.1:`port`."""
    properties = BROKER | {
        # Inside the container; outside only the loopback address is published.
        "listeners": f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "log.dirs": "/var/lib/kafka/data",
    }
    environment = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in properties.items()}
    return environment | {"CLUSTER_ID": cluster, "KAFKA_HEAP_OPTS": f"-Xmx{heap_mib}m"}


def docker_answers() -> bool:
    """Whether there is a Docker client and its daemon answers."""
    return shutil.which("docker") is not None and _docker("info", seconds=10).returncode == 0


def _docker(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    return run(["docker", *arguments], seconds=seconds)


def _ports(settings: KafkaSettings) -> tuple[int, int]:
    for port, name in ((settings.port, "PORT"), (settings.controller_port, "CONTROLLER_PORT")):
        if port and not is_free(port):
            raise KafkaUnavailable(
                f"Port {port} on {HOST} is in use{user_of(port)}.",
                f"Stop that process, or set ANTIFRAUD_KAFKA_{name} to another port (0: any free one).",
            )
    port = settings.port or free_port(settings.controller_port)
    return port, settings.controller_port or free_port(port)
