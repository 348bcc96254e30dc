"""Evaluates the center on labelled events that nobody here wrote: by replay, and the same through a real Kafka.

    python load-tests/evaluate.py ../shared/data/sparkov.jsonl.gz ../shared/data/sparkov.labels.csv.gz

Prints average precision of the risk, and recall and precision among the riskiest 1 % of events. Labels are read for
this and for nothing else.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from bench import center
from load import load
from numpy.typing import NDArray

from rules.rulebook import Rulebook
from streams import frames
from streams.engine import NEW, Judgement
from streams.outcomes import Outcomes, records_of
from streams.replay import replay
from streams.tokens import demo_keys


def labels_of(path: Path) -> dict[str, bool]:
    """event_id → whether it is labelled."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return {row["event_id"]: row["label"] == "1" for row in csv.DictReader(file)}


def average_precision(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Area under precision over recall, ties taken together (as scikit-learn defines it)."""
    order = np.argsort(-scores, kind="stable")
    ranked, values = labels[order], scores[order]
    ends = np.flatnonzero(np.r_[values[1:] != values[:-1], True])
    hits = np.cumsum(ranked)[ends]
    precision, recall = hits / (ends + 1), hits / max(1, labels.sum())
    return float(np.sum(np.diff(np.r_[0.0, recall]) * precision))


def at_rate(labels: NDArray[np.bool_], scores: NDArray[np.float64], share: float = 0.01) -> dict[str, float]:
    """Recall and precision among the riskiest `share` of events."""
    count = max(1, int(len(scores) * share))
    chosen = np.argsort(-scores, kind="stable")[:count]
    hits = int(labels[chosen].sum())
    return {"recall": hits / max(1, int(labels.sum())), "precision": hits / count}


def measured(risks: dict[str, float], labels: dict[str, bool], alerts: Iterable[str]) -> dict[str, Any]:
    """All figures of one run."""
    names = sorted(labels)
    truth = np.array([labels[name] for name in names])
    scores = np.array([risks.get(name, 0.0) for name in names])
    found = {name for name in alerts if labels.get(name)}
    return {
        "events": len(names),
        "judged": len(risks),
        "labelled": int(truth.sum()),
        "average_precision": round(average_precision(truth, scores), 4),
        "at_1_percent": {name: round(value, 4) for name, value in at_rate(truth, scores).items()},
        "labelled_events_with_an_alert": len(found),
    }


def by_replay(file: Path, labels: dict[str, bool]) -> tuple[dict[str, Any], dict[str, float]]:
    """Without Kafka."""
    risks: dict[str, float] = {}
    alerts: list[str] = []

    def note(judgement: Judgement) -> None:
        _note(risks, judgement.rows, judgement.state, judgement.risk)

    replay([file], Rulebook.load(), demo_keys()[0], on_judgement=note, on_alert=lambda a: alerts.append(a.event_id))
    return measured(risks, labels, alerts), risks


def by_kafka(file: Path, labels: dict[str, bool]) -> tuple[dict[str, Any], dict[str, float]]:
    """Published as history, judged by one worker."""
    with center() as started, tempfile.TemporaryDirectory() as name:
        plain = Path(name) / "events.jsonl"
        plain.write_bytes(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes())
        load([plain], started.kafka.bootstrap_servers)
        started.start_workers()
        started.wait_ready()
        with Outcomes(started.kafka.bootstrap_servers) as seen:
            seen.wait_for(len(labels), 900, started.supervisor.check)
            alerts = [alert.event_id for alert in seen.alerts.values()]
        risks: dict[str, float] = {}
        for record in records_of(started.kafka.bootstrap_servers, "judged"):
            _, arrays = frames.decode_arrays(record.value)
            if len(arrays["rows"]):  # else it tells only how far is judged
                _note(risks, arrays["rows"], arrays["state"], arrays["risk"])
    return measured(risks, labels, alerts), risks


def _note(risks: dict[str, float], rows: Any, state: Any, risk: Any) -> None:
    for event_id, new, value in zip(rows["event_id"].tolist(), (state == NEW).tolist(), risk.tolist(), strict=True):
        if new:
            risks[event_id.decode()] = value


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("events", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--no-kafka", action="store_true")
    said = parser.parse_args()
    labels = labels_of(said.labels)
    result, risks = by_replay(said.events, labels)
    print(json.dumps({"replay": result}), flush=True)
    if not said.no_kafka:
        through, also = by_kafka(said.events, labels)
        print(json.dumps({"kafka": through, "risks_equal": risks == also}), flush=True)


if __name__ == "__main__":
    main()
