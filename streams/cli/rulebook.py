"""`antifraud check`, `test` and `rulebook`: whether a rulebook is sound, does what it says, and is in force."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from kafka.errors import KafkaError
from rich.markup import escape
from rich.table import Table

from rules.check import Checked
from rules.check import check as check_documents
from rules.events import LOCAL_OFFSET_MS
from rules.examples import Outcome
from rules.examples import run as run_examples
from rules.problems import Problem
from rules.rulebook_files import PACKAGED, read_documents
from streams.cli.common import EXIT, JsonOption, console, errors_as_exit_codes, fail, output, print_json
from streams.cli.rulebook_change import approve, diff
from streams.generations import Generation, GenerationRefused
from streams.kafka import Kafka, KafkaSettings
from streams.rulebook_topic import RulebookTopic

Folder = Annotated[Path, typer.Argument(help="Folder of the rulebook.", show_default="the packaged one")]
Servers = Annotated[
    str | None, typer.Option("--bootstrap-servers", help="Another cluster. [env: KAFKA_BOOTSTRAP_SERVERS]")
]
At = Annotated[
    str | None,
    typer.Option("--at", help="When it takes effect, such as 2026-12-01T00:00+05:00; in 15 seconds if not given."),
]
By = Annotated[str | None, typer.Option("--by", help="Who activates it.", show_default="the user logged in")]

rulebook_app = typer.Typer(
    name="rulebook",
    help="The generations of the rulebook: what judges now, what will, and how to go back.",
    no_args_is_help=True,
    epilog="Exit codes: 0 done, 1 refused because the rulebook has errors, or diff found differences, "
    "2 wrong arguments, 3 no Kafka answers, 5 no such proposal.",
)


def check(folder: Folder = PACKAGED, json: JsonOption = False) -> None:
    """Find the faults of a rulebook, with file, line and column. Leaves with 1 if there are errors."""
    checked = _checked(folder)
    if json:
        print_json([dataclasses.asdict(problem) for problem in checked.problems])
    else:
        for problem in checked.problems:
            output.print(_told(folder, problem), soft_wrap=True, highlight=False)
        _say_sum(checked)
    if checked.errors:
        raise typer.Exit(EXIT.FOUND)


def run_tests(folder: Folder = PACKAGED, json: JsonOption = False) -> None:
    """Run every example of a rulebook. Leaves with 1 if one does not show what it says."""
    checked = _checked(folder)
    if checked.rulebook is None:
        for problem in checked.errors:
            console.print(_told(folder, problem), soft_wrap=True, highlight=False)
        fail("the rulebook has errors, so its examples cannot be run", code=EXIT.FOUND)
    outcomes = list(run_examples(checked.rulebook))
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if json:
        print_json([outcome.as_json() for outcome in outcomes])
    else:
        _show_outcomes(outcomes)
        for outcome in failed:
            _explain_failure(outcome)
        console.print(f"{len(outcomes) - len(failed)} of {len(outcomes)} examples show what they say.")
    if failed:
        raise typer.Exit(EXIT.FOUND)


test = run_tests  # the command's name; a function of that name would look like a test of pytest's


@rulebook_app.command()
def activate(
    folder: Folder = PACKAGED,
    at: At = None,
    by: By = None,
    bootstrap_servers: Servers = None,
    json: JsonOption = False,
) -> None:
    """Validate a rulebook and make it the next generation. One with errors is refused whole."""
    if not folder.is_dir():
        fail(f"{folder} is no folder")
    instant = _instant(at)
    with _topic(bootstrap_servers) as topic:
        _report(topic.activate(read_documents(folder), activated_by=by or _user(), effective_at=instant), json)


@rulebook_app.command()
def rollback(
    to: Annotated[int | None, typer.Option(help="The generation to go back to; the one before if not given.")] = None,
    at: At = None,
    by: By = None,
    bootstrap_servers: Servers = None,
    json: JsonOption = False,
) -> None:
    """Put an earlier generation in force again, as a new one."""
    instant = _instant(at)
    with _topic(bootstrap_servers) as topic:
        _report(topic.roll_back(activated_by=by or _user(), to=to, effective_at=instant), json)


@rulebook_app.command("list")
def list_generations(bootstrap_servers: Servers = None, json: JsonOption = False) -> None:
    """List the generations, and which one is in force."""
    with _topic(bootstrap_servers) as topic:
        generations = topic.read()
    now = int(datetime.now(UTC).timestamp() * 1000)
    in_force = generations.in_force(now).generation if generations.all else 0
    rows = [_row(generation, in_force, now) for generation in generations.all]
    if json:
        print_json(rows)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("generation", "state", "version", "digest", "effective", "by", "takes back"):
        table.add_column(name)
    for row in reversed(rows):
        texts = [str(value) if value is not None else "" for value in row.values()]
        table.add_row(*(escape(text[:12] if name == "digest" else text) for name, text in zip(row, texts, strict=True)))
    output.print(table)


rulebook_app.command()(diff)
rulebook_app.command()(approve)


# -- what they share ------------------------------------------------------------------------------------------


def _checked(folder: Path) -> Checked:
    if not folder.is_dir():
        fail(f"{folder} is no folder", "Give the folder that holds rulebook.yaml.")
    try:
        return check_documents(read_documents(folder))
    except OSError as error:
        fail(f"{folder} cannot be read: {error.strerror}")


def _told(folder: Path, problem: Problem) -> str:
    """A problem as compilers write it, so that editors can jump to it."""
    colour = "red" if problem.severity == "error" else "yellow"
    place = f"{folder / problem.path}:{problem.line}:{problem.column}"
    tail = f"; {problem.suggestion}" if problem.suggestion else ""
    return f"{escape(place)}: [{colour}]{problem.severity}[/]: {escape(problem.message + tail)}"


def _say_sum(checked: Checked) -> None:
    errors = len(checked.errors)
    warnings = len(checked.problems) - errors
    if checked.rulebook is not None:
        book = checked.rulebook
        console.print(
            f"{len(book.typologies)} typologies, {len(book.features)} features, version {book.version}, "
            f"digest {book.digest[:12]}: no errors, {warnings} warnings."
        )
    else:
        console.print(f"{errors} errors, {warnings} warnings.")


def _show_outcomes(outcomes: list[Outcome]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "typology", "must", "example", "score"):
        table.add_column(name, justify="right" if name == "score" else "left")
    for outcome in outcomes:
        verdict = "[green]ok[/]" if outcome.passed else "[red]FAILED[/]"
        must = "alert" if outcome.kind == "alerting" else "stay silent"
        table.add_row(verdict, outcome.typology, must, escape(outcome.name), f"{outcome.score:g}")
    output.print(table)


def _explain_failure(outcome: Outcome) -> None:
    console.print(f"\n[red]{outcome.typology}[/] {escape(outcome.name)}", highlight=False)
    found = f"alerts at {list(outcome.alerts)}" if outcome.alerts else "no alert"
    console.print(f"  expected {outcome.expected}, found {found}", highlight=False)
    console.print(f"  highest score {outcome.score:g}, at event {outcome.best} of {outcome.events}:", highlight=False)
    for signal, state in outcome.signals.items():
        console.print(f"    {state:>10}  {escape(signal)}", highlight=False)


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no instant", "Write it like 2026-12-01T00:00+05:00.")
    if instant.tzinfo is None:
        fail(f"{text!r} has no offset", "Write it like 2026-12-01T00:00+05:00.")
    return int(instant.timestamp() * 1000)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run without a user name
        return "unknown"


@contextlib.contextmanager
def _topic(bootstrap_servers: str | None) -> Iterator[RulebookTopic]:
    settings = KafkaSettings()
    if bootstrap_servers is not None:
        settings = settings.model_copy(update={"bootstrap_servers": bootstrap_servers})
    with errors_as_exit_codes():
        try:
            with RulebookTopic(Kafka.find(settings).bootstrap_servers) as topic:
                yield topic
        except GenerationRefused as refused:
            fail(str(refused), code=EXIT.FOUND if refused.problems else EXIT.USAGE)
        except KafkaError as error:
            fail(
                f"the topic rulebook cannot be used: {error}",
                "Is it there? `antifraud topics apply` makes it.",
                EXIT.KAFKA,
            )


def _report(generation: Generation, json: bool) -> None:
    if json:
        print_json(_row(generation, 0, 0))
        return
    console.print(
        f"Generation {generation.generation} (version {generation.version}, digest {generation.digest[:12]}) "
        f"takes effect at {_local(generation.effective_at)}.",
        highlight=False,
    )


def _row(generation: Generation, in_force: int, now: int) -> dict[str, Any]:
    state = "in force" if generation.generation == in_force else "past"
    if generation.effective_at > now and generation.generation > in_force:
        state = "planned"
    return {
        "generation": generation.generation,
        "state": state,
        "version": generation.version,
        "digest": generation.digest,
        "effective_at": _local(generation.effective_at),
        "activated_by": generation.activated_by,
        "rollback_of": generation.rollback_of,
    }


def _local(milliseconds: int) -> str:
    """An instant as an officer's clock shows it."""
    return datetime.fromtimestamp((milliseconds + LOCAL_OFFSET_MS) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S+05:00")
