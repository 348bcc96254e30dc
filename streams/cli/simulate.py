"""`antifraud simulate`: a labelled country as a file of transactions and of the other streams' records."""

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
from simulator.people import INSTITUTIONS
from simulator.scenarios import SCENARIOS
from simulator.writer import labels_beside
from streams.cli.common import JsonOption, console, fail, output, print_json
from streams.topic_declarations import INSTITUTIONS as KNOWN_TO_CENTER


def simulate(
    out: Annotated[Path, typer.Option(help="JSON Lines to write; compressed if the name ends in .gz.")],
    scenario: Annotated[
        str, typer.Option(help=f"Which frauds are played: {', '.join(SCENARIOS)}.", metavar="NAME")
    ] = "country",
    days: Annotated[
        int | None, typer.Option(help="Days to simulate; frauds begin on the second. 7, or as the scenario asks.")
    ] = None,
    people: Annotated[int | None, typer.Option(help="People in the country; 20,000, or as the scenario asks.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    start: Annotated[str, typer.Option(help="The first day.")] = "2026-01-05",
    fraud_rate: Annotated[float, typer.Option(help="Frauds for each that is usual; 0 for none.")] = 1.0,
    institutions: Annotated[int, typer.Option(help="Banks and lenders that take part, the first of the list.")] = len(
        INSTITUTIONS
    ),
    late: Annotated[
        float,
        typer.Option(help="Share of events published up to 20 minutes late: the file is then in order of publication."),
    ] = 0.0,
    transactions_only: Annotated[
        bool, typer.Option("--transactions-only", help="Leave out calls, loans, lists and the other streams.")
    ] = False,
    labels: Annotated[Path | None, typer.Option(help="Labels to write; beside the events by default.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a country: people, institutions, ordinary life and labelled frauds."""
    try:
        known = SCENARIOS.get(scenario, SCENARIOS["country"])
        settings = Settings(
            days=known.days if days is None else days,
            people=known.people if people is None else people,
            seed=seed,
            start=datetime.date.fromisoformat(start),
            fraud_rate=fraud_rate,
            institutions=institutions,
            transactions_only=transactions_only,
            scenario=scenario,
            late=late,
        )
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
    taking_part = list(INSTITUTIONS)[: settings.institutions]
    if not set(taking_part) <= set(KNOWN_TO_CENTER):
        console.print(
            f"{len(taking_part)} institutions take part. A center knows {len(KNOWN_TO_CENTER)} unless told otherwise: "
            f"ANTIFRAUD_INSTITUTIONS={','.join(taking_part)}, or simulate with --institutions {len(KNOWN_TO_CENTER)}.",
            soft_wrap=True,
        )
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
