"""Find or start a real Apache Kafka: the one place of the project that starts a broker.

In this order: the cluster that KAFKA_BOOTSTRAP_SERVERS names, Docker where a daemon answers, and else the Kafka jars
that Maven resolves from `kafka-runtime/pom.xml`, as a child process. A broker of ours is one KRaft node on the
loopback address only, and lives as long as the process that started it (streams/kafka_keeper.py), also when that is
killed with -9.

    with Kafka.find_or_start(KafkaSettings(data=Path("var/kafka"))) as kafka:
        print(kafka.bootstrap_servers)
"""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import hashlib
import json
import logging
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Literal, Self

import psutil
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

VERSION: Final = "4.3.1"
IMAGE: Final = f"apache/kafka:{VERSION}"
JAVA_AT_LEAST: Final = 17
HOST: Final = "127.0.0.1"
LARGEST_RECORD_BYTES: Final = 16 * 1024 * 1024
POM: Final = Path(__file__).with_name("kafka-runtime") / "pom.xml"
KEEPER: Final = Path(__file__).with_name("kafka_keeper.py")

# Free ports are looked for below Linux's range for outgoing connections (32768 and up). A client that reconnects to a
# dead broker inside that range may be given the broker's own port, connect to itself, and so keep the broker out.
FREE_PORTS: Final = range(20_000, 32_000)
DOWNLOAD_SECONDS: Final = 900
STOP_SECONDS: Final = 10.0

# What every broker of ours is told, in a container or not.
BROKER: Final[dict[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    # Topics come from streams/topics.yaml only: a mistyped name must fail, not become a topic.
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "log.message.timestamp.type": "LogAppendTime",
    # An oversize record has to arrive, so that intake can reject it with a reason.
    "message.max.bytes": str(LARGEST_RECORD_BYTES),
    "replica.fetch.max.bytes": str(LARGEST_RECORD_BYTES),
    "log.segment.bytes": str(256 * 1024 * 1024),
    "log.index.size.max.bytes": str(1024 * 1024),
    "log.retention.hours": "168",
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # After kill -9 the same node may register again only when its earlier session is over.
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "2",
}

LOGGING: Final = """\
status = error
appenders = file
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = broker.log
appender.file.filePattern = broker.%i.log
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{ISO8601} %p %m (%c{1})%n%throwable{short}
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
rootLogger.level = info
rootLogger.appenderRefs = file
rootLogger.appenderRef.file.ref = file
loggers = config, server
logger.config.name = org.apache.kafka.common.config.AbstractConfig
logger.config.level = warn
logger.server.name = kafka.server.KafkaConfig
logger.server.level = warn
"""


class KafkaUnavailable(Exception):
    """No Kafka can be had: one sentence says why (`message`), another what to do about it (`remedy`)."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


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
        session = _Lock(settings.data).holder()
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
                "Start it, correct the address, or unset KAFKA_BOOTSTRAP_SERVERS to have a broker started here.",
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
        self._keeper: _Keeper | None = None
        self._lock = _Lock(self.data)
        self._lock.take()
        try:
            self._prepare()
            self.port, self.controller_port = _ports(settings)
            self.bootstrap_servers = f"{HOST}:{self.port}"
            self._start()
        except BaseException:
            self.stop()
            raise

    def _prepare(self) -> None:
        """Find out what can be found out before a process is started, and get what is missing."""
        raise NotImplementedError

    def _launch(self) -> _Keeper:
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

    def _start(self) -> None:
        deadline = time.monotonic() + self.settings.startup_seconds
        for attempt in range(3):
            started_at = time.time()
            self._keeper = self._launch()
            if self._ready(deadline):
                self._lock.describe(bootstrap_servers=self.bootstrap_servers, kind=self.kind)
                return
            died = not self.running
            line = self._last_line(started_at)
            self._end("kill")
            # Between finding a port free and using it somebody else may have taken it: take another, if we may.
            if died and "in use" in line and self.settings.port == 0 and attempt < 2:
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
            if _connects(self.port) and answers(self.bootstrap_servers, seconds=min(5.0, left)):
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
        return _short((telling or lines)[-1])

    def stop(self) -> None:
        if os.getpid() != self._owner:  # a forked child ends nothing that its parent uses
            return
        self._end("stop")
        self._lock.give()

    def kill(self) -> None:
        self._end("kill")

    def restart(self) -> None:
        self._end("stop")
        self._start()

    def pause(self) -> None:
        self._kept().ask("pause", "paused")

    def resume(self) -> None:
        self._kept().ask("resume", "resumed")

    def _kept(self) -> _Keeper:
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
        self._java = find_java()
        resolve_jars(self.settings.jars)

    def _launch(self) -> _Keeper:
        properties = self.data / "server.properties"
        text = BROKER | {
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self.port}",
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "log.dirs": str(self.data / "log"),
        }
        _write(properties, "".join(f"{name}={value}\n" for name, value in text.items()))
        _write(self.data / "log4j2.properties", LOGGING)
        self._format(properties)
        heap = f"{self.settings.heap_mib}m"
        memory = [
            f"-Xms{heap}",
            f"-Xmx{heap}",
            "-XX:+UseG1GC",
            "-XX:MaxGCPauseMillis=20",
            "-XX:+ExitOnOutOfMemoryError",
        ]
        command = [*self._command(), *memory, "kafka.Kafka", str(properties)]
        return _Keeper(command, data=self.data, pass_fds=[self._lock.fileno()])

    def _command(self) -> list[str]:
        return [
            *(str(self._java), "-Djava.awt.headless=true", "-Xshare:auto"),
            f"-Dlog4j2.configurationFile={self.data / 'log4j2.properties'}",
            *("-cp", f"{self.settings.jars}/*"),
        ]

    def _format(self, properties: Path) -> None:
        """Give an empty data folder its cluster id; a folder that has one keeps it, and so its records."""
        if (self.data / "log" / "meta.properties").exists():
            return
        command = [*self._command(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "kafka.tools.StorageTool", "format"]
        command += ["--cluster-id", cluster_id(self.data), "--config", str(properties)]
        done = _run(command, folder=self.data)
        if done.returncode:
            line = ((done.stderr or done.stdout).strip().splitlines() or ["(it wrote nothing)"])[-1]
            raise KafkaUnavailable(
                f"The data folder {self.data} could not be prepared for Kafka: {_short(line)}",
                "Set ANTIFRAUD_KAFKA_DATA to a folder that can be written and has room.",
            )


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
                    f"The image {IMAGE} cannot be pulled: {_short(pulled.stderr)}",
                    "Check the connection to the registry, or set ANTIFRAUD_KAFKA_RUNTIME=maven.",
                )

    def _launch(self) -> _Keeper:
        environment = container_environment(
            self.port, self.controller_port, cluster=cluster_id(self.data), heap_mib=self.settings.heap_mib
        )
        command = ["docker", "run", "--rm", "--name", self.container, "--publish", f"{HOST}:{self.port}:{self.port}"]
        command += ["--volume", f"{self.volume}:/var/lib/kafka/data"]
        command += [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
        return _Keeper(
            [*command, IMAGE],
            data=self.data,
            pass_fds=[self._lock.fileno()],
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
    return _run(["docker", *arguments], seconds=seconds)


def _run(command: list[str], *, seconds: float = 60, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run to its end a program that is fixed in this file; one that cannot be run, or overruns, has failed."""
    try:
        return subprocess.run(  # noqa: S603 (no shell, and no argument that comes from outside the settings)
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"{command[0]} did not end within {seconds:g} s")
    except OSError as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def find_java() -> Path:
    """The Java that a broker is run with: $JAVA_HOME's, else the PATH's.

    Raises:
        KafkaUnavailable: there is none, or it is older than Kafka 4 needs.
    """
    remedy = (
        f"Install Java {JAVA_AT_LEAST} or newer (Debian: `apt install openjdk-17-jre-headless`), start Docker, "
        "or set KAFKA_BOOTSTRAP_SERVERS to a Kafka that runs already."
    )
    home = os.environ.get("JAVA_HOME")
    named = str(Path(home) / "bin" / "java") if home else "java"
    path = shutil.which(named)
    if path is None:
        place = f"JAVA_HOME={home} has no bin/java" if home else "there is no `java` on the PATH"
        raise KafkaUnavailable(f"Kafka needs Java, and {place}.", remedy)
    told = _run([path, "-version"])
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    if told.returncode or found is None:
        raise KafkaUnavailable(f"{path} does not say which version of Java it is.", remedy)
    if int(found[1]) < JAVA_AT_LEAST:
        raise KafkaUnavailable(f"{path} is Java {found[1]}, and Kafka {VERSION} needs {JAVA_AT_LEAST}.", remedy)
    return Path(path)


def resolve_jars(folder: Path) -> None:
    """Have Maven put the pinned broker's jars into `folder`, once; other processes never see a part of them.

    Raises:
        KafkaUnavailable: Maven is missing, or could not get them.
    """
    if folder.is_dir():
        return
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailable(
            f"Kafka's jars are not in {folder} yet, and there is no `mvn` on the PATH to get them.",
            "Install Maven (Debian: `apt install maven`), start Docker, or set KAFKA_BOOTSTRAP_SERVERS.",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        jars = Path(temporary) / "jars"
        command = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
        done = _run(command, seconds=DOWNLOAD_SECONDS)
        failure = "" if done.returncode == 0 else done.stdout + done.stderr
        if failure or not any(jars.glob("kafka_*.jar")):
            lines = [line for line in failure.splitlines() if line.strip()] or ["(it wrote nothing)"]
            raise KafkaUnavailable(
                f"Maven could not get Kafka {VERSION}: {_short(lines[0])}",
                "Check the connection to Maven Central, or name a mirror in ~/.m2/settings.xml.",
            )
        # Where two got them at once, the second's rename fails, and the first's are as good.
        with contextlib.suppress(FileExistsError, OSError):
            jars.rename(folder)
    if not folder.is_dir():
        raise KafkaUnavailable(f"{folder} cannot be written.", "Set ANTIFRAUD_KAFKA_JARS to a folder that can be.")


def cluster_id(data: Path) -> str:
    """The id of the cluster whose records are in `data`, made on first use and kept beside them."""
    path = data / "cluster-id"
    if not path.exists():
        # Kafka's own form: 16 random bytes in URL-safe base 64; a leading dash would be taken for an option.
        text = "-"
        while text.startswith("-"):
            text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        _write(path, text)
    return path.read_text().strip()


def _short(line: str) -> str:
    """A line of somebody else's log as a part of our sentence, its end included."""
    return textwrap.shorten(line, 240, placeholder=" …").rstrip(".") + "."


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


def _connects(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the broker does: TIME_WAIT is no obstacle
        try:
            listener.bind((HOST, port))
            listener.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def free_port(taken: int = 0) -> int:
    """A port of the loopback address that nobody listens on now, other than `taken`."""
    for _ in range(1000):
        port = random.choice(FREE_PORTS)  # noqa: S311 (two processes that look at once should not meet)
        if port != taken and _is_free(port):
            return port
    raise KafkaUnavailable(
        f"No free port was found on {HOST} between {FREE_PORTS[0]} and {FREE_PORTS[-1]}.",
        "Set ANTIFRAUD_KAFKA_PORT and ANTIFRAUD_KAFKA_CONTROLLER_PORT.",
    )


def _ports(settings: KafkaSettings) -> tuple[int, int]:
    for port, name in ((settings.port, "PORT"), (settings.controller_port, "CONTROLLER_PORT")):
        if port and not _is_free(port):
            raise KafkaUnavailable(
                f"Port {port} on {HOST} is in use{_user_of(port)}.",
                f"Stop that process, or set ANTIFRAUD_KAFKA_{name} to another port (0: any free one).",
            )
    port = settings.port or free_port(settings.controller_port)
    return port, settings.controller_port or free_port(port)


def _user_of(port: int) -> str:
    """Who listens there, as far as we may know: ' by java (process 12)' or nothing."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


class _Lock:
    """A data folder belongs to one broker at a time; the lock file also says where that one answers.

    The broker and its keeper inherit the open file: after kill -9 of the owner, the folder is free again only when
    the last of them is gone.
    """

    def __init__(self, data: Path) -> None:
        self.data = data.expanduser().resolve()
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Raises KafkaUnavailable where another process has it."""
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            file = (self.data / "lock").open("a+")
        except OSError as error:
            raise KafkaUnavailable(
                f"The data folder {self.data} cannot be written ({error.strerror}).",
                "Set ANTIFRAUD_KAFKA_DATA to a folder that can be.",
            ) from None
        # The broker of an owner that has just been killed is given the time to end.
        deadline = time.monotonic() + STOP_SECONDS + 2
        while not _locks(file):
            holder = self.holder() or {}
            owner = holder.get("pid")
            if (isinstance(owner, int) and psutil.pid_exists(owner)) or time.monotonic() > deadline:
                file.close()
                raise KafkaUnavailable(
                    f"The data folder {self.data} is in use: process {owner or '(unknown)'} runs a Kafka on it.",
                    "Stop that process, or set ANTIFRAUD_KAFKA_DATA to another folder.",
                )
            time.sleep(0.1)
        self._file = file
        self.describe()

    def describe(self, **more: str) -> None:
        """Say in the file who has the lock, and where its broker answers."""
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps({"pid": os.getpid()} | more))
        self._file.flush()

    def holder(self) -> dict[str, object] | None:
        """What the process that has the lock says of itself; None where nobody has it."""
        try:
            with (self.data / "lock").open("r") as file:
                if _locks(file, shared=True):
                    return None
                told = json.loads(file.read() or "{}")
        except (OSError, ValueError):
            return None
        return told if isinstance(told, dict) else None

    def fileno(self) -> int:
        assert self._file is not None
        return self._file.fileno()

    def give(self) -> None:
        if self._file is not None:
            # Said outright: a forked child may still hold the open file.
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._file.close()
            self._file = None


def _locks(file: IO[str], *, shared: bool = False) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class _Keeper:
    """This process's end of a keeper (streams/kafka_keeper.py) and, through it, of the broker."""

    def __init__(
        self, command: list[str], *, data: Path, pass_fds: list[int], cleanup: list[str] | None = None
    ) -> None:
        order = {
            "parent": os.getpid(),
            "command": command,
            "folder": str(data),
            "output": str(data / "broker.out"),
            "grace_seconds": STOP_SECONDS,
            "pass_fds": pass_fds,
            "cleanup": cleanup or [],
        }
        (data / "broker.out").unlink(missing_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 (our own file, under our own interpreter)
            [sys.executable, "-I", "-S", str(KEEPER), json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=pass_fds,
            start_new_session=True,  # Ctrl-C in the terminal is answered by us, who end the broker last
        )
        self.broker_pid = 0
        started = self._hear(10)
        if not started.startswith("started "):
            self.end("kill")
            raise KafkaUnavailable(f"{command[0]} could not be started.", f"See {data / 'broker.out'}.")
        self.broker_pid = int(started.split()[1])

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, command: str, answer: str) -> None:
        self._tell(command)
        told = self._hear(10)
        if told != answer:
            raise KafkaUnavailable(f"The Kafka broker did not {command}: {told or 'no answer'}.", "Restart it.")

    def end(self, how: Literal["stop", "kill"]) -> None:
        """Have the broker end, and wait until it and the keeper are gone."""
        self._tell(how)
        try:
            self._process.wait(STOP_SECONDS + 5)
        except subprocess.TimeoutExpired:
            logging.getLogger(__name__).warning("the Kafka keeper did not end in time and is killed with its broker")
            self._process.send_signal(signal.SIGKILL)  # the broker follows: PR_SET_PDEATHSIG
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _tell(self, command: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(f"{command}\n".encode())
            self._process.stdin.flush()

    def _hear(self, seconds: float) -> str:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        return self._process.stdout.readline().decode().strip() if ready else ""
