"""`antifraud up`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from streams.center import Center, NotReady
from streams.cli.common import EXIT, JsonOption, console, errors_as_exit_codes, fail, print_json
from streams.kafka import KafkaSettings
from streams.supervisor import WorkersFailing
from streams.tokens import KeyRefused, TokenKey, Vault
from streams.topics import TopicSettings


def up(
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    partitions: Annotated[int | None, typer.Option(min=1, help="Parts that subjects are divided among.")] = None,
    followers: Annotated[
        int, typer.Option(min=0, help="Processes behind the workers: one works, others stand by.")
    ] = 1,
    folder: Annotated[Path, typer.Option(help="Kafka's data, snapshots and logs.")] = Path("var"),
    as_json: JsonOption = False,
) -> None:
    """Run the center: find or start Kafka, apply topics, activate the packaged rulebook if none is, run workers."""
    try:
        TokenKey.load()
        Vault.load()
    except KeyRefused as refused:
        fail(refused.message, refused.remedy)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    topics = TopicSettings() if partitions is None else TopicSettings(partitions=partitions)
    kafka = KafkaSettings(data=folder / "kafka")
    with (
        errors_as_exit_codes(),
        Center(folder, workers=workers, followers=followers, topics=topics, kafka=kafka) as center,
    ):
        center.start_workers()
        try:
            center.wait_ready()
        except (NotReady, WorkersFailing) as error:
            fail(str(error))
        if as_json:
            ports = {"metrics_ports": center.ports, "follower_ports": center.follower_ports}
            print_json({"bootstrap_servers": center.kafka.bootstrap_servers, **ports})
        else:
            console.print(
                f"Kafka at {center.kafka.bootstrap_servers} ({center.kafka.kind}), {workers} worker(s) ready."
            )
            console.print(f"Institutions: {', '.join(topics.institutions)}. Logs in {folder / 'logs'}. Ctrl-C ends it.")
            for port in (*center.ports, *center.follower_ports):
                console.print(f"  http://127.0.0.1:{port}/metrics  /healthz  /readyz")
        while not stop.wait(0.5):
            try:
                center.supervisor.check()
            except WorkersFailing as failing:
                fail(str(failing), code=EXIT.FOUND)
            if not center.kafka.running:
                console.print("[yellow]Kafka has ended; starting it again.[/]")
                center.kafka.restart()
