"""Judges the same events by two rulebooks with the live engine, and tells what differs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from console.rulebooks.difference import Run, compare
from console.rulebooks.judged_log import Log, judge_again
from console.rulebooks.reports import AlertLine, DifferenceReport, RulebookName
from console.rulebooks.sources import FileEvents, JudgedEvents, SimulatedEvents, files_of
from rules.events import DAY_MS
from rules.rulebook import Rulebook
from streams.contracts.fields import milliseconds
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.engine import Judgement
from streams.evaluation.labels import read_labels
from streams.event_files import read_values
from streams.replay import replay
from streams.tokens import TokenKey
from streams.verdicts import NEW

Progress = Callable[[int, int], None]  # what is done, of how much


class NothingJudged(Exception):
    """There was no event, or none that the contract takes; the message names where it was looked for."""


def difference(
    old: Rulebook,
    new: Rulebook,
    events: FileEvents | SimulatedEvents | JudgedEvents,
    key: TokenKey,
    *,
    progress: Progress = lambda _done, _of: None,
    log: Log | None = None,
) -> DifferenceReport:
    """Judge all events by one rulebook and by the other, and compare the alerts; `log` where they were judged before.

    Raises:
        NothingJudged: there is no event in them, or none that the contract takes.
        streams.evaluation.labels.LabelsInvalid: labels that stand beside a file cannot be used.
        OSError, EOFError: a file cannot be read.
        kafka.errors.KafkaError: the log cannot be read.
    """
    began = time.perf_counter()
    runs = Run(_name(old)), Run(_name(new))
    if isinstance(events, JudgedEvents):
        if log is None:
            raise NothingJudged("without Kafka there is nothing that was judged")
        since = time.time_ns() // 1_000_000 - events.days * DAY_MS
        judge_again(log.since(since, new, progress), ((old, runs[0]), (new, runs[1])), key)
    else:
        _replay_files(events, ((old, runs[0]), (new, runs[1])), key, progress)
    if not runs[1].judged:
        raise NothingJudged(f"no event could be judged: {events.name}")
    report = compare(*runs, events=events.name, seconds=time.perf_counter() - began)
    return report if isinstance(events, FileEvents) else report.model_copy(update={"source": events})


def _name(rulebook: Rulebook) -> RulebookName:
    return RulebookName(version=rulebook.version, digest=rulebook.digest)


def _replay_files(
    events: FileEvents | SimulatedEvents, pairs: Sequence[tuple[Rulebook, Run]], key: TokenKey, progress: Progress
) -> None:
    with files_of(events) as (paths, beside):
        labels = read_labels(beside) if beside else None
        frauds = {event.decode(): labels.known[n].fraud for event, n in labels.numbers.items()} if labels else None
        lines = sum(1 for path in paths for _ in read_values(path))
        done = 0

        def on_lines(more: int) -> None:
            nonlocal done
            done += more
            progress(done, lines * len(pairs))

        for rulebook, run in pairs:
            _replay(paths, rulebook, run, key, frauds, on_lines)


def _replay(
    paths: Sequence[Path],
    rulebook: Rulebook,
    run: Run,
    key: TokenKey,
    frauds: Mapping[str, bool] | None,
    on_lines: Callable[[int], None],
) -> None:
    def on_judgement(judgement: Judgement) -> None:
        times = judgement.rows["occurred_at"][judgement.state == NEW]
        if len(times):
            run.saw(int(times.min()), int(times.max()))

    def on_alert(alert: SuspiciousOperation) -> None:
        fraud = frauds.get(alert.event_id, False) if frauds is not None else None
        run.alerts.setdefault(alert.alert_id, _line(alert, fraud))

    replayed = replay(paths, rulebook, key, on_alert=on_alert, on_judgement=on_judgement, on_lines=on_lines)
    run.judged, run.rejected = replayed.judged, replayed.rejected


def _line(alert: SuspiciousOperation, fraud: bool | None) -> AlertLine:
    return AlertLine(
        alert_id=alert.alert_id,
        typology=alert.typology.id,
        status=alert.status,
        institution=alert.institution,
        event_id=alert.event_id,
        occurred_at=milliseconds(alert.occurred_at),
        score=alert.score,
        decision=alert.decision,
        fraud=fraud,
    )
