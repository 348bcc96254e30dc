"""`antifraud evaluate`: how well a rulebook does on simulated countries or on any labelled events."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from rules.problems import RulebookInvalid
from rules.rulebook import Rulebook
from rules.rulebook_files import PACKAGED
from streams.cli.common import EXIT, JsonOption, console, fail, output, print_json
from streams.evaluation.compare import Compared, NotAnEvaluation, compare, read_evaluation
from streams.evaluation.demands import Demand, DemandInvalid, parse, unmet
from streams.evaluation.labels import LabelsInvalid
from streams.evaluation.page import lasting, percent, tenge
from streams.evaluation.report import report
from streams.evaluation.run import Country, Evaluated, Files, NothingJudged, files_with_labels
from streams.evaluation.run import evaluate as measure
from streams.tokens import KeyRefused, TokenKey, demo_keys

CASES_SHOWN = 12


def evaluate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Labelled JSON Lines in order of time, plain or .gz.", exists=True, dir_okay=False),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="CSV: event_id,label,scenario[,case]; beside each file by default.", exists=True),
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Simulate a country of this seed; repeat for several.")] = None,
    days: Annotated[int, typer.Option(min=1, help="Days of each simulated country.")] = 14,
    people: Annotated[int, typer.Option(min=200, help="People in each simulated country.")] = 5_000,
    scenario: Annotated[str | None, typer.Option(help="The scenario that the simulator plays.")] = None,
    rulebook: Annotated[Path, typer.Option(help="Folder of the rulebook.")] = PACKAGED,
    out: Annotated[Path | None, typer.Option(help="HTML report to write: one file that needs no other.")] = None,
    compared_with: Annotated[
        Path | None, typer.Option("--compare", help="What another evaluation printed with --json.", exists=True)
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(help="Such as recall=0.9,precision=0.8:T01,T03 or honest_held=0.001: exit 1 where not reached."),
    ] = None,
    analysts: Annotated[int, typer.Option(min=1, help="Among how many analysts the alerts are shared.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Judge labelled events by the live engine without Kafka, and say how well the rulebook did.

    Exit codes: 0; 1 a --require was not reached; 2 wrong arguments, or a file, label or rulebook that cannot be used.
    """
    sources, demands = _sources(files, labels, seed, Country(0, days, people, scenario)), _demands(require or [])
    try:
        book = Rulebook.load(rulebook)
        other = None if compared_with is None else read_evaluation(compared_with)
    except RulebookInvalid as invalid:
        fail(str(invalid), "Run `antifraud check` on the folder.")
    except NotAnEvaluation as refused:
        fail(str(refused))
    found = _measured(sources, book, analysts)
    told: dict[str, Any] | None = found.as_json() if as_json or other is not None else None
    compared = None if other is None or told is None else compare(other, told)
    if out is not None:
        _write(out, report(found, compared))
    if as_json:
        print_json(told)
    else:
        _show(found, compared)
    missed = unmet(demands, found.pooled)
    for each in missed:
        console.print(f"[bold red]not reached:[/] {each}", highlight=False)
    if missed:
        raise typer.Exit(EXIT.FOUND)


def _sources(
    files: list[Path] | None, labels: Path | None, seeds: list[int] | None, country: Country
) -> list[Country | Files]:
    if bool(files) == bool(seeds):
        fail("Give either files or --seed.", "antifraud evaluate --seed 101 --seed 102, or antifraud evaluate FILE …")
    if labels is not None and not files:
        fail("--labels belongs to files; a simulated country has its own.")
    if files:
        try:
            return [files_with_labels(files, labels)]
        except LabelsInvalid as invalid:
            fail(str(invalid), "Give them with --labels.")
    assert seeds is not None
    if len(set(seeds)) < len(seeds):
        fail("A seed is given twice.")
    return [Country(seed, country.days, country.people, country.scenario) for seed in seeds]


def _demands(texts: Sequence[str]) -> list[Demand]:
    try:
        return [demand for text in texts for demand in parse(text)]
    except DemandInvalid as invalid:
        fail(f"--require {invalid}")


def _measured(sources: Sequence[Country | Files], book: Rulebook, analysts: int) -> Evaluated:
    try:
        key = TokenKey.load()
    except KeyRefused:
        key = demo_keys()[0]
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f} events"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def step(name: str, what: str) -> None:
            number = [source.name for source in sources].index(name) + 1
            bar.reset(task, description=f"{number} of {len(sources)}: {name}, {what}")

        try:
            return measure(
                sources,
                book,
                key,
                command="antifraud " + shlex.join(sys.argv[1:]),
                analysts=analysts,
                on_step=step,
                on_events=lambda count: bar.advance(task, count),
            )
        except (LabelsInvalid, NothingJudged, ValueError) as refused:
            fail(str(refused))
        except (OSError, EOFError) as error:
            fail(f"reading or writing failed: {error}")


def _write(out: Path, text: str) -> None:
    try:
        part = out.with_name(out.name + ".part")
        part.write_text(text, encoding="utf-8")
        part.replace(out)
    except OSError as error:
        fail(f"cannot write {out}: {error.strerror}")
    console.print(f"report → {out}", soft_wrap=True, highlight=False)


def _show(found: Evaluated, compared: Compared | None) -> None:
    pooled = found.pooled
    table = _table("", "cases", "recall", "of events", "alerts", "precise", "strictly", "lead", "saved", "honest held")
    for each in pooled.typologies:
        own = each.own
        table.add_row(
            each.id, f"{own.found}/{own.cases}", percent(own.recall), percent(own.event_recall), f"{each.alerts:,}",
            percent(each.precision), percent(each.strict_precision), lasting(own.lead_days), percent(own.recoverable),
            f"{each.honest_held:,}",
        )  # fmt: skip
    output.print(table)
    several = [case for case in pooled.case_list if len(case.findings) > 1]
    if several:
        shown = _table("case", "tenge", "before 10 %", "named by, when so much of its money had come in")
        shown.columns[-1].justify = "left"
        for case in sorted(several, key=lambda case: (-case.findings_before_10_percent, -case.money))[:CASES_SHOWN]:
            shown.add_row(
                f"{case.case} ({case.run})" if len(found.runs) > 1 else case.case,
                tenge(case.money),
                str(case.findings_before_10_percent),
                ", ".join(f"{each.typology} {percent(each.money_before)}" for each in case.findings),
            )
        output.print()
        output.print(shown)
    cases, innocents, ranking = pooled.all_cases, pooled.innocents, pooled.ranking
    for line in (
        "",
        f"{pooled.events:,} events in {len(found.runs)} run(s): {cases.found} of {cases.cases} cases found, "
        f"{pooled.alerts_per_analyst_day:,.1f} alerts per analyst day, {percent(pooled.precision)} on frauds.",
        f"Tenge protected by holds: {tenge(cases.held)} of {tenge(cases.money)}; by warnings: {tenge(cases.warned)}.",
        f"Honest events held or blocked: {innocents.held:,} ({percent(innocents.share, 3)}), of {innocents.people:,} "
        f"innocent people, for {innocents.days_mean or 0:.1f} days on average.",
        f"Risk: average precision {ranking.average_precision:.3f}, "
        f"recall at 1 % alert rate {percent(ranking.recall_at_1_percent, 1)}.",
    ):
        output.print(line, highlight=False)
    if pooled.rejected or pooled.cases_not_judged:
        console.print(
            f"{pooled.rejected:,} records were rejected; cases of which nothing could be judged: "
            f"{', '.join(pooled.cases_not_judged) or 'none'}.",
            highlight=False,
        )
    if compared is not None:
        _show_changes(compared)


def _table(first: str, *names: str) -> Table:
    table = Table(first, box=None, header_style="bold", pad_edge=False)
    for name in names:
        table.add_column(name, justify="right")
    return table


def _show_changes(compared: Compared) -> None:
    if not compared.same_events:
        console.print("The other evaluation saw different events.", highlight=False)
    counts = compared.counts()
    table = _table("", "what changed", "gained", "on fraud", "lost", "on fraud")
    table.columns[1].justify = "left"
    for name, changes in compared.typologies.items():
        said = ", ".join(
            f"{each.name} {each.before:g} {each.arrow} {each.after:g}"
            for each in changes
            if each.before is not None and each.after is not None and each.arrow != "="
        )
        gained, wrong, lost, rightly = counts.get(name, (0, 0, 0, 0))
        if said or gained or wrong or lost or rightly:
            table.add_row(name, said, f"{gained + wrong:,}", f"{gained:,}", f"{lost + rightly:,}", f"{lost:,}")
    output.print()
    output.print(table)
    output.print(f"{len(compared.gained):,} alerts gained, {len(compared.lost):,} lost.", highlight=False)
