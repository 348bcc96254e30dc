"""The Kafka broker as a Java program: its settings, its jars by way of Maven, and how it is called.

Getting it takes half a minute, once: Maven resolves the pinned jars, and a first broker is run to record its classes
for Java to load at once (an archive of class data), which saves every later start half its processor time.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shutil
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from streams.kafka_ports import HOST, connects, free_port
from streams.kafka_process import KafkaUnavailable, Kept, run, short, write_whole

VERSION: Final = "4.3.1"
JAVA_AT_LEAST: Final = 17
LARGEST_RECORD_BYTES: Final = 16 * 1024 * 1024
POM: Final = Path(__file__).with_name("kafka-runtime") / "pom.xml"
DOWNLOAD_SECONDS: Final = 900

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


class Java(NamedTuple):
    """An installed Java."""

    path: Path
    version: str


@dataclass(frozen=True, slots=True)
class BrokerProgram:
    """What it takes to run a broker: a Java, the jars, and the archive of their classes where there is one."""

    java: Java
    jars: Path
    archive: Path | None = None

    @classmethod
    def get(cls, jars: Path) -> BrokerProgram:
        """Find what is there and make what is not.

        Raises:
            KafkaUnavailable: Java or Maven is missing, or the jars cannot be had.
        """
        java = find_java()
        resolve_jars(jars)
        archive = jars.with_name(f"{jars.name}-java-{java.version}.jsa")
        if not archive.exists():
            cls(java, jars).record_classes(archive)
        return cls(java, jars, archive if archive.exists() else None)

    def command(self, data: Path, main: str, *arguments: str, options: list[str]) -> list[str]:
        """The command line that runs the class `main` of the broker on a data folder."""
        archive = [f"-XX:SharedArchiveFile={self.archive}"] if self.archive else []
        return [
            *(str(self.java.path), *archive, "-Xshare:auto", "-Djava.awt.headless=true"),
            # The class archive is of one collector's making, so every call names the same.
            *("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:+ExitOnOutOfMemoryError", *options),
            f"-Dlog4j2.configurationFile={data / 'log4j2.properties'}",
            *("-cp", f"{self.jars}/*", main, *arguments),
        ]

    def configure(self, data: Path, port: int, controller_port: int) -> Path:
        """Write the settings of a broker into its data folder, and give an empty one its cluster id.

        A folder that has an id keeps it, and so its records.

        Raises:
            KafkaUnavailable: the folder cannot be prepared.
        """
        settings = BROKER | {
            "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
            "controller.quorum.voters": f"1@{HOST}:{controller_port}",
            "log.dirs": str(data / "log"),
        }
        properties = data / "server.properties"
        write_whole(properties, "".join(f"{name}={value}\n" for name, value in settings.items()))
        write_whole(data / "log4j2.properties", LOGGING)
        if (data / "log" / "meta.properties").exists():
            return properties
        arguments = ["format", "--cluster-id", cluster_id(data), "--config", str(properties)]
        options = ["-XX:TieredStopAtLevel=1", "-Xmx256m"]
        done = run(self.command(data, "kafka.tools.StorageTool", *arguments, options=options), folder=data)
        if done.returncode:
            line = ((done.stderr or done.stdout).strip().splitlines() or ["(it wrote nothing)"])[-1]
            raise KafkaUnavailable(
                f"The data folder {data} could not be prepared for Kafka: {short(line)}",
                "Set ANTIFRAUD_KAFKA_DATA to a folder that can be written and has room.",
            )
        return properties

    def record_classes(self, archive: Path) -> None:
        """Run a broker once on an empty folder and keep its classes; what goes wrong costs speed only."""
        with tempfile.TemporaryDirectory(dir=archive.parent, prefix=f".{archive.name}-") as temporary:
            data, recorded = Path(temporary), Path(temporary) / "classes"
            port = free_port()
            options = [f"-XX:ArchiveClassesAtExit={recorded}", "-Xmx384m"]
            with contextlib.suppress(KafkaUnavailable, OSError):
                properties = self.configure(data, port, free_port(port))
                command = self.command(data, "kafka.Kafka", str(properties), options=options)
                kept = Kept(command, data=data, pass_fds=[], stop_seconds=120)
                deadline = time.monotonic() + 60
                while kept.alive() and time.monotonic() < deadline and not connects(port):
                    time.sleep(0.1)
                kept.end("stop")
                recorded.rename(archive)


def find_java() -> Java:
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
    told = run([path, "-version"])
    found = re.search(r'version "((?:1\.)?(\d+)[^"]*)"', told.stderr + told.stdout)
    if told.returncode or found is None:
        raise KafkaUnavailable(f"{path} does not say which version of Java it is.", remedy)
    if int(found[2]) < JAVA_AT_LEAST:
        raise KafkaUnavailable(f"{path} is Java {found[2]}, and Kafka {VERSION} needs {JAVA_AT_LEAST}.", remedy)
    return Java(Path(path), found[1])


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
        done = run(command, seconds=DOWNLOAD_SECONDS)
        failure = "" if done.returncode == 0 else done.stdout + done.stderr
        if failure or not any(jars.glob("kafka_*.jar")):
            lines = [line for line in failure.splitlines() if line.strip()] or ["(it wrote nothing)"]
            raise KafkaUnavailable(
                f"Maven could not get Kafka {VERSION}: {short(lines[0])}",
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
        write_whole(path, text)
    return path.read_text().strip()
