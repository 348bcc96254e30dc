"""Works out the figures of an evaluation from what its runs showed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from rules.events import DAY_MS
from rules.rulebook_reading import packaged_procedure
from rules.typology import Typology
from streams.evaluation.cases import Case
from streams.evaluation.figures import (
    EARLY,
    CaseFigures,
    CaseFound,
    Figures,
    FindingOfCase,
    Innocents,
    LookAlike,
    Ranking,
    TypologyFigures,
)
from streams.evaluation.observed import TRANSACTIONS, Alert, Observed
from streams.evaluation.ranking import at_rate, average_precision, curve


@dataclass(frozen=True, slots=True)
class Judged:
    """A run with its cases."""

    observed: Observed
    cases: list[Case]


def figures(runs: Sequence[Judged], typologies: Sequence[Typology], analysts: int) -> Figures:
    """The figures over one or several runs together; every run's days count."""
    observed = [run.observed for run in runs]
    cases = [case for run in runs for case in run.cases]
    alerts = [(run, alert) for run in observed for alert in run.alerts]
    days = sum(_days(run) for run in observed)
    fraud = np.concatenate([run.fraud for run in observed])
    risk = np.concatenate([run.rows["risk"] for run in observed])
    recall, precision = at_rate(fraud, risk)
    right = sum(run.is_right(alert) for run, alert in alerts)
    scenarios = sorted({scenario for case in cases for scenario in case.scenarios})
    return Figures(
        events=len(fraud),
        rejected=sum(run.replayed.rejected for run in observed),
        late=sum(run.replayed.late for run in observed),
        unlabelled=sum(run.unlabelled for run in observed),
        days=_rounded(days, 2),
        fraud_events=int(fraud.sum()),
        fraud_events_not_judged=sum(
            count for run in observed for label, count in zip(run.known, run.missing, strict=True) if label.fraud
        ),
        cases=len(cases),
        cases_not_judged=[name for run in runs for name in _not_judged(run)],
        alerts=len(alerts),
        alerts_per_analyst_day=_rounded(len(alerts) / days / analysts, 2),
        precision=_share(right, len(alerts)),
        all_cases=_of_cases(cases, runs, None, None),
        ranking=Ranking(
            _rounded(average_precision(fraud, risk)),
            _rounded(recall),
            _rounded(precision),
            _rounded(float(fraud.mean()) if len(fraud) else 0.0, 6),
            curve(fraud, risk),
        ),
        innocents=_innocents(runs),
        typologies=[_of_typology(typology, runs, cases, alerts, days * analysts) for typology in typologies],
        scenarios={name: _of_cases(cases, runs, name, None) for name in scenarios},
        case_list=[_found(case) for case in cases],
        look_alikes=_look_alikes(runs),
    )


def _of_typology(
    typology: Typology,
    runs: Sequence[Judged],
    cases: Sequence[Case],
    alerts: Sequence[tuple[Observed, Alert]],
    analyst_days: float,
) -> TypologyFigures:
    own = [(run, alert) for run, alert in alerts if alert.typology == typology.id]
    right = sum(run.is_right(alert) for run, alert in own)
    strict = sum(_scenario(run, alert) == typology.id for run, alert in own)
    held = {(run.name, alert.row) for run, alert in own if _holds(alert) and not run.is_right(alert)}
    return TypologyFigures(
        id=typology.id,
        name=typology.name.en,
        status=typology.status,
        alerts=len(own),
        alerts_per_analyst_day=_rounded(len(own) / analyst_days, 2),
        subjects=len({(run.name, alert.subject) for run, alert in own}),
        right=right,
        right_strict=strict,
        precision=_share(right, len(own)),
        strict_precision=_share(strict, len(own)),
        honest_held=len(held),
        own=_of_cases(cases, runs, typology.id, typology.id),
        by_any=_of_cases(cases, runs, typology.id, None),
    )


def _of_cases(cases: Sequence[Case], runs: Sequence[Judged], scenario: str | None, typology: str | None) -> CaseFigures:
    """The cases of a scenario (None: all) as a typology (None: any of them) found them."""
    chosen = [case for case in cases if scenario is None or scenario in case.scenarios]
    firsts = [(case, first) for case in chosen if (first := case.first_named(typology)) is not None]
    protected = [case.protected(typology) for case in chosen]
    events = found = 0
    for run in runs:
        wanted = np.array([label.fraud and scenario in (None, label.scenario) for label in run.observed.known])
        labelled = wanted[run.observed.rows["label"]]
        events += int(labelled.sum())
        hit = {alert.row for alert in run.observed.alerts if typology in (None, alert.typology)}
        found += int(labelled[sorted(hit)].sum()) if hit else 0
    return CaseFigures(
        cases=len(chosen),
        found=len(firsts),
        recall=_share(len(firsts), len(chosen)),
        found_by_event=sum(
            any(each.by_event and typology in (None, each.alert.typology) for each in case.named) for case in chosen
        ),
        events=events,
        events_found=found,
        event_recall=_share(found, events),
        lead_days=_median((first.alert.occurred_at - case.first) / DAY_MS for case, first in firsts),
        to_come=_median(case.still_to_come(first) for case, first in firsts),
        recoverable=_median(case.recoverable(first) for case, first in firsts),
        money=sum(case.money for case in chosen),
        held=sum(held for held, _ in protected),
        warned=sum(warned for _, warned in protected),
    )


def _found(case: Case) -> CaseFound:
    findings, early = [], 0
    for typology in sorted({each.alert.typology for each in case.named}):
        first = case.first_named(typology)
        assert first is not None
        before = case.come_before(first.at)
        of_it = [each for each in case.named if each.alert.typology == typology]
        findings.append(
            FindingOfCase(
                typology,
                len(of_it),
                _rounded((first.alert.occurred_at - case.first) / DAY_MS, 3),
                None if before is None else _rounded(before),
                any(each.by_event for each in of_it),
            )
        )
    for each in case.named:
        before = case.come_before(each.at)
        early += before is not None and before < EARLY
    first = case.first_named()
    recoverable = case.recoverable(first) if first is not None else None
    return CaseFound(
        run=case.run,
        case=case.name,
        scenarios=case.scenarios,
        events=len(case.rows),
        days=_rounded((case.last - case.first) / DAY_MS, 2),
        money=case.money,
        recoverable=None if recoverable is None else _rounded(recoverable),
        findings_before_10_percent=sum(
            finding.money_before is not None and finding.money_before < EARLY for finding in findings
        ),
        alerts_before_10_percent=early,
        findings=sorted(findings, key=lambda finding: (finding.first_day, finding.typology)),
    )


def _innocents(runs: Sequence[Judged]) -> Innocents:
    events = held = warned = stepped_up = 0
    people: set[tuple[str, int]] = set()
    days: list[float] = []
    procedure = packaged_procedure()
    for run in runs:
        rows = run.observed.rows
        honest = ~run.observed.fraud & np.isin(rows["kind"], list(TRANSACTIONS))
        events += int(honest.sum())
        involved = frozenset(token for case in run.cases for token in case.subjects)
        stopped: set[int] = set()
        other: dict[str, set[int]] = defaultdict(set)
        for alert in run.observed.alerts:
            if not honest[alert.row]:
                continue
            if not _holds(alert):
                other[alert.decision].add(alert.row)
                continue
            if alert.row not in stopped:
                stopped.add(alert.row)
                days.append(procedure.deadline("suspicion_hold", alert.occurred_at) - alert.occurred_at)
            if alert.subject and alert.subject not in involved:
                people.add((run.observed.name, alert.subject))
        held += len(stopped)
        warned += len(other["warn"] - stopped)
        stepped_up += len(other["step_up"] - stopped)
    in_days = [lasted / DAY_MS for lasted in days]
    return Innocents(
        events=events,
        held=held,
        share=_rounded(held / events, 6) if events else 0.0,
        warned=warned,
        stepped_up=stepped_up,
        people=len(people),
        days_mean=_rounded(sum(in_days) / len(in_days), 2) if in_days else None,
        days_longest=_rounded(max(in_days), 2) if in_days else None,
    )


def _look_alikes(runs: Sequence[Judged]) -> list[LookAlike]:
    cases: dict[str, set[tuple[str, str]]] = defaultdict(set)
    alerted: dict[str, set[tuple[str, str]]] = defaultdict(set)
    held: dict[str, set[tuple[str, str]]] = defaultdict(set)
    events: Counter[str] = Counter()
    alerts: dict[str, Counter[str]] = defaultdict(Counter)
    for run in runs:
        observed = run.observed
        counts = np.bincount(observed.rows["label"], minlength=len(observed.known))
        for label, count in zip(observed.known, counts.tolist(), strict=True):
            if label.case and not label.fraud and count:
                kind = _kind(label.case)
                cases[kind].add((observed.name, label.case))
                events[kind] += count
        for alert in observed.alerts:
            label = observed.label(alert)
            if label.case and not label.fraud:
                kind = _kind(label.case)
                alerted[kind].add((observed.name, label.case))
                alerts[kind][alert.typology] += 1
                if _holds(alert):
                    held[kind].add((observed.name, label.case))
    return [
        LookAlike(
            kind,
            len(cases[kind]),
            events[kind],
            len(alerted[kind]),
            len(held[kind]),
            dict(sorted(alerts[kind].items())),
        )
        for kind in sorted(cases)
    ]


def _not_judged(run: Judged) -> list[str]:
    judged = {case.name for case in run.cases}
    return sorted({label.case for label in run.observed.known if label.fraud and label.case} - judged)


def _kind(case: str) -> str:
    """The kind of story from a case's name: what stands before its number."""
    stem, _, number = case.rpartition("-")
    return stem if stem and number.isdigit() else case


def _days(run: Observed) -> float:
    times = run.rows["occurred_at"]
    return max(1.0, float(times.max() - times.min()) / DAY_MS) if len(times) else 1.0


def _scenario(run: Observed, alert: Alert) -> str:
    label = run.label(alert)
    return label.scenario if label.fraud else ""


def _holds(alert: Alert) -> bool:
    return alert.decision in ("hold", "block")


def _share(part: int, whole: int) -> float | None:
    return _rounded(part / whole) if whole else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _rounded(median(known)) if known else None


def _rounded(value: float, digits: int = 4) -> float:
    return round(float(value), digits)
