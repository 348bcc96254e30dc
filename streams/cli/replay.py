"""`antifraud replay`: judge files of events without Kafka."""

from __future__ import annotations

import csv
import dataclasses
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from rules.problems import RulebookInvalid
from rules.rulebook import Rulebook
from rules.rulebook_files import PACKAGED
from streams.cli.common import EXIT, JsonOption, console, fail, output, print_json
from streams.contracts.rejected import RejectedEvent
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.engine import Judgement
from streams.replay import Replayed, top_typologies
from streams.replay import replay as judge_files
from streams.tokens import KeyRefused, TokenKey, demo_keys
from streams.verdicts import NEW


def replay(
    files: Annotated[list[Path], typer.Argument(help="JSON Lines in order of time, plain or .gz.", exists=True)],
    out: Annotated[Path, typer.Option(help="JSON Lines of alerts to write; - for standard output.")],
    scores: Annotated[
        Path | None, typer.Option(help="CSV to write: event_id,risk,top_typology for every event.")
    ] = None,
    rulebook: Annotated[Path, typer.Option(help="Folder of the rulebook.")] = PACKAGED,
    rejected: Annotated[Path | None, typer.Option(help="JSON Lines of rejected lines to write.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge files of events with the live engine, without Kafka.

    Tokens are made with the configured key, or with the public demo key where none is configured.
    """
    try:
        book = Rulebook.load(rulebook)
    except RulebookInvalid as invalid:
        fail(str(invalid), "Run `antifraud check` on the folder.")
    try:
        key = TokenKey.load()
    except KeyRefused:
        key = demo_keys()[0]
    with ExitStack() as files_open, _progress() as bar:
        write_alert = _alert_writer(out, files_open)
        write_scores = _score_writer(scores, files_open)
        write_rejected = _rejected_writer(rejected, files_open)
        task = bar.add_task("replaying", total=None)
        try:
            result = judge_files(
                files,
                book,
                key,
                on_alert=write_alert,
                on_judgement=write_scores,
                on_rejected=write_rejected,
                on_lines=lambda lines: bar.advance(task, lines),
            )
        except (OSError, EOFError) as error:
            fail(f"reading or writing failed: {error}")
    _show(result, out, as_json)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def _alert_writer(out: Path, stack: ExitStack) -> Any:
    file: IO[str] = sys.stdout if str(out) == "-" else stack.enter_context(out.open("w", encoding="utf-8"))

    def write(alert: SuspiciousOperation) -> None:
        file.write(alert.model_dump_json(exclude_none=True) + "\n")

    return write


def _score_writer(path: Path | None, stack: ExitStack) -> Any:
    if path is None:
        return lambda _: None
    writer = csv.writer(stack.enter_context(path.open("w", encoding="utf-8", newline="")))
    writer.writerow(["event_id", "risk", "top_typology"])

    def write(judgement: Judgement) -> None:
        tops = top_typologies(judgement)
        ids = judgement.rows["event_id"].tolist()
        for i, (state, risk) in enumerate(zip(judgement.state.tolist(), judgement.risk.tolist(), strict=True)):
            if state == NEW:
                writer.writerow([ids[i].decode(), f"{risk:.6f}", tops[i]])

    return write


def _rejected_writer(path: Path | None, stack: ExitStack) -> Any:
    if path is None:
        return lambda _: None
    file = stack.enter_context(path.open("w", encoding="utf-8"))

    def write(rejected: RejectedEvent) -> None:
        file.write(rejected.model_dump_json(exclude_none=True) + "\n")

    return write


def _show(result: Replayed, out: Path, as_json: bool) -> None:
    if as_json and str(out) != "-":
        print_json(dataclasses.asdict(result))
    elif not as_json:
        _show_table(result, out)
    if result.judged == 0 and result.rejected:
        raise typer.Exit(EXIT.FOUND)


def _show_table(result: Replayed, out: Path) -> None:
    table = Table(title=f"{result.lines:,} lines in {result.seconds:.1f} s", show_header=False)
    for name, value in (
        ("judged", result.judged),
        ("rejected", result.rejected),
        ("repeats and contradictions", result.repeats),
        ("late", result.late),
        ("alerts", result.alerts),
        *((f"  {typology}", count) for typology, count in sorted(result.by_typology.items())),
    ):
        table.add_row(name, f"{value:,}")
    (console if str(out) == "-" else output).print(table)
