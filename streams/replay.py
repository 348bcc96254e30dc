"""The same engine without Kafka: events from files, in order of time, judged as the live center would.

The rows go through `streams.screening.Partition` as frames, exactly as from the log, so that order, duplicates, late
events and judgement are the live ones; only the sources are files and their lines.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from rules.events import EVENT, Events
from rules.rulebook import Rulebook
from streams import frames
from streams.admission import Admission
from streams.contracts.headers import write_history
from streams.contracts.rejected import RejectedEvent
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.engine import Judgement, spread
from streams.event_files import read_values
from streams.findings import Findings, SourceName
from streams.screening import Partition, Progress
from streams.tokens import TokenKey
from streams.verdicts import NEW

BATCH_LINES: Final = 2_000
_EPOCH: Final = 1
_END: Final = 2**62
_HISTORY: Final = write_history(_EPOCH)


class FileRecord(NamedTuple):
    """A line of a file in the shape of a Kafka record."""

    value: bytes
    headers: Sequence[tuple[str, bytes]]
    offset: int
    timestamp: int


@dataclass(slots=True)
class Replayed:
    """What a replay came to, in numbers."""

    lines: int = 0
    judged: int = 0
    rejected: int = 0
    repeats: int = 0
    late: int = 0
    alerts: int = 0
    seconds: float = 0.0
    by_typology: dict[str, int] = field(default_factory=dict)


def replay(
    files: Sequence[Path],
    rulebook: Rulebook,
    key: TokenKey,
    *,
    on_alert: Callable[[SuspiciousOperation], None] = lambda _: None,
    on_judgement: Callable[[Judgement], None] = lambda _: None,
    on_rejected: Callable[[RejectedEvent], None] = lambda _: None,
    on_lines: Callable[[int], None] = lambda _: None,
    partition: Partition | None = None,
) -> Replayed:
    """Judge every event of the files, one after the other, by one rulebook; the callbacks get the results in order.

    Lines are expected in order of occurred_at, across files too; one that is not is judged in its place and counted
    as late, as it would be live.
    """
    partition = partition or Partition(0, 1, lambda _: rulebook)
    admission, findings = Admission(key), Findings(key, frozenset())
    sources = [SourceName(path.name, 0) for path in files]
    result = Replayed()
    began = time.perf_counter()
    number, newest = 0, -_END

    def take(value: bytes) -> None:
        nonlocal number
        _report(partition.take_facts([(number, value)]), result)
        number += 1

    def _report(progress: Progress, result: Replayed) -> None:
        result.late += progress.late
        for judgement in progress.judgements:
            result.judged += int((judgement.state == NEW).sum())
            result.repeats += int((judgement.state != NEW).sum())
            on_judgement(judgement)
            _alert(judgement)
        for judgement in progress.again:
            _alert(judgement)

    def _alert(judgement: Judgement) -> None:
        for alert in findings.alerts(judgement, sources, partition.engine):
            result.alerts += 1
            result.by_typology[alert.typology.id] = result.by_typology.get(alert.typology.id, 0) + 1
            on_alert(alert)

    take(frames.encode_control([(path.name, 0) for path in files], []))
    for index, path in enumerate(files):
        lines = read_values(path)
        offset = 0
        while True:
            batch = list(islice(lines, BATCH_LINES))
            if not batch:
                break
            now = int(time.time() * 1000)
            records = [FileRecord(line, _HISTORY, offset + i, now) for i, line in enumerate(batch)]
            admitted = admission.admit(records, source=None, source_index=index, topic=path.name)
            for rejected in admitted.rejected:
                result.rejected += 1
                on_rejected(rejected)
            rows = admitted.rows
            if len(rows):
                rows["generation"] = 0
                newest = max(newest, int(rows["occurred_at"].max()))
                ((_, rows),) = spread(rows, 1)
            if len(admitted.references):
                newest = max(newest, int(admitted.references["order_time"].max()))
            end = offset + len(batch)
            # Every file's mark moves together: they are read one after the other as one history.
            spans = [
                frames.Span(source.topic, 0, *((offset, end) if i == index else (0, 0)), _EPOCH, newest - 1)
                for i, source in enumerate(sources)
            ]
            take(frames.encode_facts(rows, spans, admitted.references))
            result.lines += len(batch)
            offset = end
            on_lines(len(batch))
    take(frames.encode_facts(_no_rows(), [frames.Span(s.topic, 0, 0, 0, _EPOCH, _END) for s in sources]))
    result.seconds = time.perf_counter() - began
    return result


def top_typologies(judgement: Judgement) -> list[str]:
    """The typology nearest to (or furthest above) its alert threshold for each event; empty where none scored."""
    rulebook = judgement.rulebook
    ratio = judgement.judged.score / rulebook.alert_at
    best = ratio.argmax(axis=1)
    ids = [typology.id for typology in rulebook.typologies]
    return [ids[t] if ratio[i, t] > 0 else "" for i, t in enumerate(best.tolist())]


def _no_rows() -> Events:
    return np.empty(0, EVENT)
