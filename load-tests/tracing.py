"""Measures `trace` alone, without judge and Kafka, on a labelled file: python load-tests/tracing.py events labels.

Recall of a shape: its labelled events that an alert names, as its event or in its evidence. Precision of a pattern:
its alerts whose event is labelled, among all of them. Labels are read after everything is traced.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from rules.rulebook import Rulebook
from streams.admission import Admission
from streams.contracts.headers import write_history
from streams.event_files import read_values
from streams.following import FINDING, JudgedBatch, SourceName
from streams.replay import _EPOCH, BATCH_LINES, FileRecord
from streams.tokens import TokenKey, demo_keys
from streams.trace import Trace
from streams.verdicts import NEW


def batches(file: Path, rulebook: Rulebook, key: TokenKey) -> Iterator[JudgedBatch]:
    """The events of a file as `judged` would give them, with nothing judged."""
    admission, lines, offset = Admission(key), read_values(file), 0
    headers, sources = write_history(_EPOCH), [SourceName(file.name, 0)]
    while chunk := list(islice(lines, BATCH_LINES)):
        records = [FileRecord(line, headers, offset + i, 2_000_000_000_000) for i, line in enumerate(chunk)]
        rows = admission.admit(records, source=None, source_index=0, topic=file.name).rows
        offset += len(chunk)
        if not len(rows):
            continue
        rows["amount_kzt"] = rulebook.amounts_in_tenge(rows)
        n = len(rows)
        yield JudgedBatch(
            rows=rows,
            risk=np.zeros(n),
            scores=np.zeros((n, 2)),
            typologies=np.zeros((n, len(rulebook.typologies)), np.float32),
            lists=np.zeros((n, 4), np.uint32),
            state=np.full(n, NEW, np.uint8),
            findings=np.empty(0, FINDING),
            late=np.zeros(n, np.bool_),
            generation=1,
            rulebook=rulebook,
            sources=sources,
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", type=Path)
    parser.add_argument("labels", type=Path)
    said = parser.parse_args()
    rulebook, key = Rulebook.load(), demo_keys()[0]
    assert rulebook.tracing is not None
    trace = Trace(key)
    events: dict[str, str] = {}  # event hash → event id
    alerts: list[dict[str, Any]] = []
    seconds, count = 0.0, 0
    for batch in batches(said.events, rulebook, key):
        hashes = zip(batch.rows["event"].tolist(), batch.rows["event_id"].tolist(), strict=True)
        events.update((f"{event:016x}", name.decode()) for event, name in hashes)
        began = time.perf_counter()
        sent = trace.take(batch)
        if count:
            seconds += time.perf_counter() - began  # the first batch compiles
        count += len(batch)
        alerts += [json.loads(record.value) for record in sent]
    labels, cases = labels_of(said.labels)
    result = figures(alerts, events, labels, count, seconds, pattern_names(rulebook))
    named = {alert["event_id"] for alert in alerts}
    named |= {events[each["event"]] for alert in alerts for each in alert["evidence"]}
    of = {case: labels[event] for event, case in cases.items()}
    found = {cases[event] for event in named if event in cases}
    result["cases_found"] = {
        scenario: [sum(of[case] == scenario for case in found), sum(each == scenario for each in of.values())]
        for scenario in sorted(set(of.values()))
    }
    print(json.dumps(result, indent=2))


def pattern_names(rulebook: Rulebook) -> dict[str, str]:
    """The first signal of each pattern, by which an alert tells its pattern."""
    assert rulebook.tracing is not None
    return {pattern.signals[0].id: pattern.id for pattern in rulebook.tracing.patterns}


def labels_of(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Event id → scenario, and event id → case where the file tells it, of labelled events only."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        rows = [row for row in csv.DictReader(file) if row["label"] == "1"]
    scenarios = {row["event_id"]: row["scenario"] or "?" for row in rows}
    return scenarios, {row["event_id"]: row["case"] for row in rows if row.get("case")}


def figures(
    alerts: list[dict[str, Any]],
    events: dict[str, str],
    labels: dict[str, str],
    count: int,
    seconds: float,
    patterns: dict[str, str],
) -> dict[str, Any]:
    """Recall by shape, precision by pattern."""
    named: set[str] = set()
    by_pattern: dict[str, Counter[str]] = defaultdict(Counter)
    for alert in alerts:
        own = {events[each["event"]] for each in alert["evidence"] if each["event"] in events} | {alert["event_id"]}
        named |= own
        counter = by_pattern[patterns[alert["signals"][0]["id"]]]
        counter["alerts"] += 1
        counter["event_labelled"] += alert["event_id"] in labels
        counter[f"event in {labels.get(alert['event_id'], 'ordinary life')}"] += 1
        counter["evidence"] += len(own)
        counter["evidence_labelled"] += len(own & labels.keys())
    shapes = Counter(labels.values())
    right = sum(alert["event_id"] in labels for alert in alerts)
    return {
        "events": count,
        "traced_per_second": round(count / seconds) if seconds else None,
        "alerts": len(alerts),
        "alerts_per_100000_events": round(len(alerts) / count * 1e5, 2),
        "precision": round(right / len(alerts), 4) if alerts else None,
        "patterns": {name: dict(counter) for name, counter in sorted(by_pattern.items())},
        "recall_of_events": {
            shape: {
                "labelled": total,
                "found": (found := sum(labels.get(name) == shape for name in named)),
                "recall": round(found / total, 4),
            }
            for shape, total in sorted(shapes.items())
        },
    }


if __name__ == "__main__":
    main()
