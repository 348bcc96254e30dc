"""An evaluation as one HTML file that can be read, printed and sent without anything else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from streams.evaluation import charts
from streams.evaluation.compare import Change, Compared
from streams.evaluation.figures import EARLY, CaseFigures, CaseFound, Figures
from streams.evaluation.page import Html, beside, cell, lasting, note, page, percent, section, table, tenge
from streams.evaluation.run import Country, Evaluated

TARGET_HONEST_HELD: Final = 0.001
STRIPS: Final = 30
DEFINITIONS: Final = (
    ("recall", "cases of which at least one alert of the typology names an event or a subject of the case"),
    ("subject of a case", "who takes part in its events, where the case is more than chance among that one's events"),
    ("found by event", "cases with an alert on one of their own events: stricter than recall"),
    ("precision", "alerts whose event belongs to a fraud of any kind; strict: of the typology's own kind"),
    ("event recall", "events of the fraud with an alert; the first ones of a case look honest and cannot have any"),
    ("lead", "from the case's first event to the first alert; median over the cases found"),
    ("money of a case", "what came into it from outside; money passed on inside it is counted once"),
    ("still to come", "share of the case's money that came in after the first alert's event"),
    ("recoverable", "still to come, being moved by the alert's event, or on accounts of the case just before it"),
    ("protected", "sums of the case's events at and after the first hold or block (or warning) of their subject"),
    ("findings before 10 %", "typologies that named the case before a tenth of its money had come in"),
    ("honest held", "honest transactions with a hold or block; its length is the legal term, in calendar days"),
)


def report(found: Evaluated, compared: Compared | None = None) -> str:
    """The whole report; the same evaluation gives the same bytes."""
    pooled = found.pooled
    sections = [
        _head(found),
        _overall(pooled),
        _typologies(pooled),
        _in_time(pooled),
        _cases(pooled.case_list),
        _innocents(pooled),
        _ranking(pooled),
    ]
    if len(found.runs) > 1:
        sections.insert(2, _runs(found))
    if compared is not None:
        sections.insert(1, _compared(compared))
    sections.append(section("How the figures are made", table(("word", "meaning"), DEFINITIONS, text_columns=2)))
    return page("Evaluation of the Anti-Fraud Center", sections)


def _head(found: Evaluated) -> str:
    rows: list[tuple[str, str]] = [
        ("command", Html(f"<code>{escape(found.command)}</code>")),
        ("rulebook", Html(f"version {escape(found.rulebook.version)}, <code>{found.rulebook.digest}</code>")),
    ]
    for of_run, (source, _, figures) in zip(found.as_json()["runs"], found.runs, strict=True):
        said = f"{figures.events:,} events, {of_run['first_event']} to {of_run['last_event']}"
        if isinstance(source, Country):
            scenario = f", scenario {source.scenario}" if source.scenario else ""
            said = f"{source.people:,} simulated people, {source.days} days{scenario}: {said}"
        rows.append((source.name, said))
    warnings = _warnings(found.pooled)
    told = table(("what", "which"), rows, text_columns=2)
    return f"<h1>Evaluation of the Anti-Fraud Center</h1>\n{told}\n" + "\n".join(warnings)


def _warnings(pooled: Figures) -> list[str]:
    warnings = []
    if pooled.rejected:
        warnings.append(f"{pooled.rejected:,} records were rejected; {pooled.fraud_events_not_judged:,} events of "
                        "frauds were not judged.")  # fmt: skip
    if pooled.cases_not_judged:
        names = ", ".join(pooled.cases_not_judged)
        warnings.append(f"Of these cases no event could be judged, and no figure counts them: {names}.")
    if pooled.unlabelled:
        warnings.append(f"{pooled.unlabelled:,} events have no label and were taken for honest.")
    if pooled.late:
        warnings.append(f"{pooled.late:,} records were out of order and judged late.")
    return [note(text, "warning") for text in warnings]


def _overall(pooled: Figures) -> str:
    ranking, innocents, cases = pooled.ranking, pooled.innocents, pooled.all_cases
    held = f"{percent(innocents.share, 3)} ({'within' if innocents.share < TARGET_HONEST_HELD else 'above'} 0.1 %)"
    rows = (
        ("cases found, by any typology", f"{cases.found:,} of {cases.cases:,}", percent(cases.recall)),
        ("  with an alert on an event of the case", f"{cases.found_by_event:,}", ""),
        ("alerts on events of a fraud (precision)", f"{pooled.alerts:,} alerts", percent(pooled.precision)),
        ("alerts per analyst day", f"{pooled.alerts_per_analyst_day:,.1f}", ""),
        ("lead, median", lasting(cases.lead_days), ""),
        ("money still recoverable at the first alert, median", "", percent(cases.recoverable)),
        ("tenge protected by holds and blocks", tenge(cases.held), _part(cases.held, cases.money)),
        ("tenge after a warning, not held", tenge(cases.warned), _part(cases.warned, cases.money)),
        ("honest transactions held or blocked", f"{innocents.held:,} of {innocents.events:,}", held),
        ("innocent people held", f"{innocents.people:,}", ""),
        ("average precision of the risk", f"{ranking.average_precision:.3f}", ""),
        ("recall at 1 % alert rate", "", percent(ranking.recall_at_1_percent, 1)),
    )
    return section("In short", table(("figure", "value", "share"), rows))


def _runs(found: Evaluated) -> str:
    names = ("run", "events", "cases", "recall", "precision", "average precision", "recall at 1 %",
             "recoverable", "honest held")  # fmt: skip
    sources = [(source.name, figures) for source, _, figures in found.runs]
    rows = [
        (
            name, each.events, each.cases, percent(each.all_cases.recall), percent(each.precision),
            f"{each.ranking.average_precision:.3f}", percent(each.ranking.recall_at_1_percent, 1),
            percent(each.all_cases.recoverable), percent(each.innocents.share, 3),
        )
        for name, each in [*sources, ("all together", found.pooled)]
    ]  # fmt: skip
    plot = charts.bars(
        "Recall and precision by run",
        ("recall of cases", "precision of alerts"),
        [(name, (each.all_cases.recall, each.precision)) for name, each in sources],
        most=1,
    )
    countries = [source for source, _, _ in found.runs if isinstance(source, Country)]
    said = "Seeds: " + ", ".join(str(country.seed) for country in countries) + "." if countries else ""
    return section("Each run", note(said), plot, table(names, rows))


def _typologies(pooled: Figures) -> str:
    rows = [
        (
            each.id, each.name if each.status == "active" else f"{each.name} (on trial)",
            each.own.cases, each.own.found, percent(each.own.recall), each.own.found_by_event,
            percent(each.by_any.recall), percent(each.own.event_recall), each.alerts, each.subjects,
            each.alerts_per_analyst_day, percent(each.precision), percent(each.strict_precision), each.honest_held,
        )
        for each in pooled.typologies
    ]  # fmt: skip
    head = ("", "typology", "cases", "found", "recall", "by event", "by any typology", "event recall", "alerts",
            "subjects", "a day", "precision", "strict", "honest held")  # fmt: skip
    plot = charts.bars(
        "Recall of cases and precision of alerts by typology",
        ("recall", "precision"),
        [(f"{each.id} {_cut(each.name)}", (each.own.recall, each.precision)) for each in pooled.typologies],
        most=1,
    )
    others = {name: each for name, each in pooled.scenarios.items() if name not in {t.id for t in pooled.typologies}}
    pieces = [plot, table(head, rows, text_columns=2)]
    if others:
        pieces.append(table(("scenario", *_CASE_HEAD), [(name, *_case_row(each)) for name, each in others.items()],
                            caption="Scenarios of the labels that are no typology's, by any typology"))  # fmt: skip
    return section("By typology", *pieces)


_CASE_HEAD: Final = ("cases", "found", "lead", "still to come", "recoverable", "money", "held", "warned")


def _case_row(each: CaseFigures) -> tuple[int | str, ...]:
    return (
        each.cases, each.found, lasting(each.lead_days), percent(each.to_come), percent(each.recoverable),
        tenge(each.money), tenge(each.held), tenge(each.warned),
    )  # fmt: skip


def _in_time(pooled: Figures) -> str:
    told = [each for each in pooled.typologies if each.own.cases]
    plot = charts.bars(
        "Share of the money still to come and still recoverable at the first alert, by typology",
        ("still to come", "recoverable"),
        [(f"{each.id} {_cut(each.name)}", (each.own.to_come, each.own.recoverable)) for each in told],
        most=1,
    )
    rows = [(f"{each.id} {_cut(each.name)}", *_case_row(each.own)) for each in told]
    rows.append(("all, by any", *_case_row(pooled.all_cases)))
    return section(
        "In time: money that can still be saved",
        note("A typology's own cases and its own alerts; medians over the cases it found; sums in tenge."),
        beside(plot, table(("typology", *_CASE_HEAD), rows)),
    )


def _cases(cases: Sequence[CaseFound]) -> str:
    several = sorted((case for case in cases if case.findings and case.money), key=lambda case: -case.money)
    runs = {case.run for case in cases}

    def name(case: CaseFound) -> str:
        return f"{case.case} · {case.run}" if len(runs) > 1 else case.case

    rows = [
        (
            name(case), ", ".join(case.scenarios), case.events, tenge(case.money), lasting(case.days),
            percent(case.recoverable), case.findings_before_10_percent, case.alerts_before_10_percent,
            ", ".join(f"{each.typology} {'' if each.by_event else '(subject) '}after {lasting(each.first_day)}, "
                      f"{percent(each.money_before)}" for each in case.findings) or "not found",
        )
        for case in cases
    ]  # fmt: skip
    plot = charts.strips(
        "When typologies named the largest cases, by the share of the money that had come in",
        [
            (_cut(name(case), 30), [(each.typology, each.money_before or 0.0) for each in case.findings])
            for case in several[:STRIPS]
        ],
        EARLY,
    )
    head = ("case", "scenarios", "events", "money", "length", "recoverable", "findings before 10 %",
            "alerts before 10 %", "who named it: after how long, at what share of the money")  # fmt: skip
    shown = [note(f"The {min(STRIPS, len(several))} found cases with the most money."), plot] if several else []
    return section("Cases", *shown, table(head, rows, text_columns=2))


def _innocents(pooled: Figures) -> str:
    found = pooled.innocents
    rows = (
        ("honest transactions", f"{found.events:,}"),
        ("held or blocked", f"{found.held:,} ({percent(found.share, 3)}; the target is below 0.1 %)"),
        ("innocent people held", f"{found.people:,}"),
        ("term of their holds, calendar days", f"{cell(found.days_mean)} on average, {cell(found.days_longest)} most"),
        ("asked to confirm (step-up)", f"{found.stepped_up:,}"),
        ("warned", f"{found.warned:,}"),
    )
    pieces = [table(("", ""), rows)]
    if pooled.look_alikes:
        alike = [
            (
                each.kind, each.cases, each.events, each.alerted, each.held,
                ", ".join(f"{typology} {count}" for typology, count in each.alerts.items()) or None,
            )
            for each in pooled.look_alikes
        ]  # fmt: skip
        plot = charts.bars(
            "Share of honest look-alikes with an alert",
            ("with an alert",),
            [(each.kind, (each.alerted / each.cases,)) for each in pooled.look_alikes],
            most=1,
        )
        head = ("honest look-alikes", "stories", "events", "with an alert", "held", "alerts of")
        pieces.append(beside(plot, table(head, alike)))
    return section("Honest people", *pieces)


def _ranking(pooled: Figures) -> str:
    ranking = pooled.ranking
    if not ranking.curve:
        return section("Ranking by risk", note("There is no fraud among these events."))
    every = max(1, len(ranking.curve) // 12)
    rows = [(percent(recall), percent(precision, 1)) for recall, precision in ranking.curve[::every]]
    return section(
        "Ranking by risk",
        note(
            f"Average precision {ranking.average_precision:.3f}; a ranking by chance has {ranking.share_of_fraud:.4f}. "
            f"The riskiest 1 % of events hold {percent(ranking.recall_at_1_percent, 1)} of the events of frauds."
        ),
        beside(
            charts.curve("Precision over recall", ranking.curve, "recall of events", "precision"),
            table(("recall", "precision"), rows),
        ),
    )


def _compared(compared: Compared) -> str:
    pieces = [note(f"Compared with rulebook {compared.before}")]
    if not compared.same_events:
        pieces.append(note("The two evaluations saw different events: differences are not the rulebook's alone.",
                           "warning"))  # fmt: skip
    pieces.append(table(("all together", "change"), [(each.name, _change(each)) for each in compared.overall]))
    names = [each.name for each in next(iter(compared.typologies.values()), [])]
    rows = [(name, *map(_change, changes)) for name, changes in compared.typologies.items()]
    pieces.append(table(("typology", *names), rows))
    counts = compared.counts()
    if counts:
        head = ("typology", "gained, on fraud", "gained, honest", "lost, on fraud", "lost, honest")
        plot = charts.bars(
            "Alerts gained and lost by typology",
            ("gained", "lost"),
            [(name, (float(a + b), float(c + d))) for name, (a, b, c, d) in counts.items()],
        )
        pieces.append(beside(plot, table(head, [(name, *four) for name, four in counts.items()])))
    return section(f"What changed: {len(compared.gained):,} alerts gained, {len(compared.lost):,} lost", *pieces)


def _change(change: Change) -> Html:
    kind = {True: "good", False: "bad", None: "faint"}[change.better]
    before, after = (cell(None if each is None else round(each, 4)) if each is None or isinstance(each, int)
                     else f"{each:.4g}" for each in (change.before, change.after))  # fmt: skip
    if change.arrow == "=":
        return Html(f'{after} <span class="faint">=</span>' if before == after else f"{before} → {after}")
    return Html(f'{before} → {after} <span class="{kind}">{change.arrow}</span>')


def _part(part: int, whole: int) -> str:
    return percent(part / whole if whole else None)


def _cut(text: str, length: int = 26) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
