"""What every `antifraud` command shares: exit codes, how it fails, and where its output goes.

Results go to standard output, as a table or with `--json` as JSON; everything said to a person goes to standard error,
so that a pipe carries results only.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from enum import IntEnum
from typing import Annotated, Any, Never

import typer
from rich.console import Console
from rich.markup import escape

from streams.kafka import Kafka, KafkaSettings, KafkaUnavailable
from streams.kafka_security import SecurityRefused


class EXIT(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FOUND = 1  # the command did its work, and what it looked for is there: differences, failing examples
    USAGE = 2  # wrong arguments, settings or files
    KAFKA = 3  # no Kafka answers
    NOT_DELIVERED = 4  # at least one event has not reached Kafka
    NOT_FOUND = 5  # what was asked for does not exist


console = Console(stderr=True)
output = Console()

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]


def print_json(value: Any) -> None:
    """Print a result as JSON, in the order it was built in."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def found_servers(bootstrap_servers: str | None) -> str:
    """Where the Kafka that a command reads from answers: as given, else as the settings say.

    Raises:
        KafkaUnavailable: none answers.
    """
    settings = KafkaSettings()
    if bootstrap_servers is not None:
        settings = settings.model_copy(update={"bootstrap_servers": bootstrap_servers})
    return Kafka.find(settings).bootstrap_servers


def fail(message: str, remedy: str = "", code: EXIT = EXIT.USAGE) -> Never:
    """Say what is wrong and what to do about it, and leave with `code`."""
    console.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True, highlight=False)
    if remedy:
        console.print(escape(remedy), soft_wrap=True, highlight=False)
    raise typer.Exit(code)


def fail_unanswered(error: Exception) -> Never:
    """Say that no broker answered a worker or follower, and leave."""
    fail(
        f"Kafka does not answer: {error}",
        "Is it running, and are KAFKA_BOOTSTRAP_SERVERS and the security settings right?",
        EXIT.KAFKA,
    )


@contextlib.contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Turn the errors that a command may meet into their sentence and exit code; others stay what they are."""
    try:
        yield
    except SecurityRefused as error:
        fail(error.message, error.remedy)
    except KafkaUnavailable as error:
        fail(error.message, error.remedy, EXIT.KAFKA)
