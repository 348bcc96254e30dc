"""`antifraud topics`: what topics there are to be, how the cluster differs, and making it agree."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from kafka.admin import KafkaAdminClient
from pydantic import TypeAdapter
from rich.markup import escape
from rich.table import Table

from streams.cli.common import EXIT, JsonOption, console, errors_as_exit_codes, fail, output, print_json
from streams.kafka import Kafka, KafkaSettings
from streams.topics import Difference, Plan, Topic, Topics, TopicsInvalid, TopicsRefused

topics_app = typer.Typer(
    name="topics",
    help="The topics of the center: what they are to be, and how the cluster differs.",
    no_args_is_help=True,
    epilog="Exit codes: 0 as declared, 1 differences found, 2 wrong arguments or refused, 3 no Kafka answers.",
)

File = Annotated[Path | None, typer.Option("--file", help="Another topics file than the center's own.")]
Institutions = Annotated[str | None, typer.Option(help="BICs, separated by commas. [env: ANTIFRAUD_INSTITUTIONS]")]
Operators = Annotated[str | None, typer.Option(help="Telecom operators likewise. [env: ANTIFRAUD_OPERATORS]")]
Partitions = Annotated[int | None, typer.Option(help="Parts of the subjects. [env: ANTIFRAUD_PARTITIONS]")]
TxPartitions = Annotated[int | None, typer.Option(help="Partitions of each tx topic. [env: ANTIFRAUD_TX_PARTITIONS]")]
Replicas = Annotated[int | None, typer.Option(help="Copies of each topic. [env: ANTIFRAUD_REPLICAS]")]
Servers = Annotated[
    str | None, typer.Option("--bootstrap-servers", help="Another cluster. [env: KAFKA_BOOTSTRAP_SERVERS]")
]

_duration: TypeAdapter[timedelta | None] = TypeAdapter(timedelta | None)
_VERBS = {"create": "missing", "alter": "differs", "grow": "too few", "refuse": "cannot change", "leave": "unknown"}
_COLOURS = {"create": "green", "alter": "yellow", "grow": "yellow", "refuse": "red", "leave": "dim"}


@topics_app.command("list")
def list_topics(
    file: File = None,
    institutions: Institutions = None,
    operators: Operators = None,
    partitions: Partitions = None,
    tx_partitions: TxPartitions = None,
    replicas: Replicas = None,
    acls: Annotated[bool, typer.Option("--acls", help="List who may do what instead.")] = False,
    json: JsonOption = False,
) -> None:
    """List the declared topics; needs no Kafka."""
    topics = _load(file, institutions, operators, partitions, tx_partitions, replicas)
    if acls:
        _show([row._asdict() for row in topics.acls()], json)
    elif json:
        print_json([_as_json(topic) for topic in topics])
    else:
        table = _table("topic", "partitions", "kept", "owner", "written by", "read by")
        for topic in topics:
            kept = _duration.dump_python(topic.retention, mode="json") or "latest of each key"
            people = (", ".join(principals) for principals in (topic.write, topic.read))
            if topic.publisher:  # its name is in the topic's already
                people = (text.replace(f":{topic.publisher}", "") for text in people)
            table.add_row(topic.name, str(topic.partitions), kept, topic.owner, *people)
        output.print(table)


@topics_app.command()
def diff(
    file: File = None,
    institutions: Institutions = None,
    operators: Operators = None,
    partitions: Partitions = None,
    tx_partitions: TxPartitions = None,
    replicas: Replicas = None,
    bootstrap_servers: Servers = None,
    json: JsonOption = False,
) -> None:
    """Show how the cluster differs from the declaration; leaves with 1 where it does."""
    topics = _load(file, institutions, operators, partitions, tx_partitions, replicas)
    with _cluster(bootstrap_servers) as admin:
        plan = topics.diff(admin)
    _report(plan, json)
    if plan:
        raise typer.Exit(EXIT.FOUND)
    console.print(f"{len(topics)} topics are as declared.")


@topics_app.command()
def apply(
    file: File = None,
    institutions: Institutions = None,
    operators: Operators = None,
    partitions: Partitions = None,
    tx_partitions: TxPartitions = None,
    replicas: Replicas = None,
    bootstrap_servers: Servers = None,
    json: JsonOption = False,
) -> None:
    """Make the cluster agree with the declaration, all of it or nothing; nothing is ever deleted."""
    topics = _load(file, institutions, operators, partitions, tx_partitions, replicas)
    with _cluster(bootstrap_servers) as admin:
        plan = topics.apply(admin)
    _report(plan, json)
    done = plan.of("create", "alter", "grow")
    changed = len({difference.topic for difference in done})
    console.print(f"{changed} of {len(topics)} topics changed." if done else f"{len(topics)} topics were as declared.")


def _load(
    file: Path | None,
    institutions: str | None,
    operators: str | None,
    partitions: int | None,
    tx_partitions: int | None,
    replicas: int | None,
) -> Topics:
    try:
        return Topics.load(
            file,
            _names(institutions),
            partitions,
            operators=_names(operators),
            tx_partitions=tx_partitions,
            replicas=replicas,
        )
    except TopicsInvalid as error:
        fail(str(error), code=EXIT.USAGE)


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


@contextlib.contextmanager
def _cluster(bootstrap_servers: str | None) -> Iterator[KafkaAdminClient]:
    """An admin client of the cluster that runs; none is started for looking at topics."""
    settings = KafkaSettings()
    if bootstrap_servers is not None:
        settings = settings.model_copy(update={"bootstrap_servers": bootstrap_servers})
    with errors_as_exit_codes(), contextlib.closing(Kafka.find(settings).admin()) as admin:
        try:
            yield admin
        except TopicsRefused as error:
            fail(error.message, error.remedy, EXIT.USAGE)


def _report(plan: Plan, json: bool) -> None:
    if json:
        print_json([dataclasses.asdict(difference) for difference in plan.differences])
    elif plan:
        table = _table("topic", "", "what", "declared", "found")
        for difference in plan.differences:
            table.add_row(*_row(difference))
        output.print(table)
        for reason in plan.reasons("refuse", "leave"):
            console.print(escape(reason), soft_wrap=True, highlight=False)


def _row(difference: Difference) -> tuple[str, ...]:
    verb = f"[{_COLOURS[difference.action]}]{_VERBS[difference.action]}[/]"
    told = (difference.what, difference.declared, difference.found)
    return difference.topic, verb, *map(escape, told)


def _show(rows: list[dict[str, Any]], json: bool) -> None:
    if json:
        print_json(rows)
        return
    table = _table(*(name.replace("_", " ") for name in rows[0]))
    for row in rows:
        table.add_row(*map(str, row.values()))
    output.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column == "topic")
    return table


def _as_json(topic: Topic) -> dict[str, Any]:
    return dataclasses.asdict(topic) | {"retention": _duration.dump_python(topic.retention, mode="json")}
