"""`antifraud simulate`: a labelled country as a file of transactions."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from simulator.country import Settings, Summary, write_country
from simulator.writer import labels_beside
from streams.cli.common import JsonOption, console, fail, output, print_json


def simulate(
    out: Annotated[Path, typer.Option(help="JSON Lines to write; compressed if the name ends in .gz.")],
    days: Annotated[int, typer.Option(help="Days to simulate; frauds begin on the second.")] = 7,
    people: Annotated[int, typer.Option(help="People in the country.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    start: Annotated[str, typer.Option(help="The first day.")] = "2026-01-05",
    labels: Annotated[Path | None, typer.Option(help="Labels to write; beside the events by default.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a country: people, institutions, ordinary life and labelled frauds."""
    try:
        settings = Settings(days, people, seed, datetime.date.fromisoformat(start))
    except ValueError as error:
        fail(str(error))
    labels = labels or labels_beside(out)
    if labels == out:
        fail("the labels would overwrite the events", "Give another file with --labels.")
    began = perf_counter()
    try:
        summary = _with_progress(settings, out, labels)
    except OSError as error:
        fail(f"cannot write {error.filename or out}: {error.strerror}")
    seconds = perf_counter() - began
    if as_json:
        print_json({
            "out": str(out), "labels": str(labels), **dataclasses.asdict(settings), "start": start,
            **dataclasses.asdict(summary), "seconds": round(seconds, 3),
            "events_per_second": round(summary.events / seconds),
        })  # fmt: skip
        return
    console.print(f"{summary.events:,} events in {seconds:.1f} s → {out}, labels → {labels}", soft_wrap=True)
    table = Table("typology", "times played", "events")
    for typology, times in summary.instances.items():
        table.add_row(typology, f"{times:,}", f"{summary.labelled.get(typology, 0):,}")
    if summary.instances:
        output.print(table)


def _with_progress(settings: Settings, out: Path, labels: Path) -> Summary:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[events]:,} events"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("simulating", total=settings.days, events=0)
        events = 0

        def progress(more: int, days: int) -> None:
            nonlocal events
            events += more
            bar.update(task, advance=days, events=events)

        return write_country(settings, out, labels, progress)
