"""Whether the center ranks labelled events the same through a real Kafka as by replay, and how well.

    python load-tests/evaluate.py ../shared/data/sparkov.jsonl.gz ../shared/data/sparkov.labels.csv.gz

`antifraud evaluate` gives all figures of a replay; this compares it with what one worker judged from Kafka.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from bench import center
from load import load

from rules.rulebook import Rulebook
from streams import frames
from streams.engine import Judgement
from streams.evaluation.labels import Labels, read_labels
from streams.evaluation.ranking import at_rate, average_precision
from streams.outcomes import Outcomes, records_of
from streams.replay import replay
from streams.tokens import demo_keys
from streams.verdicts import NEW


def measured(risks: dict[bytes, float], labels: Labels) -> dict[str, Any]:
    """Figures of the ranking over all labelled events; one that was not judged has no risk."""
    fraud = np.array([labels.known[number].fraud for number in labels.numbers.values()])
    risk = np.array([risks.get(event_id, 0.0) for event_id in labels.numbers])
    recall, precision = at_rate(fraud, risk)
    return {
        "events": len(labels),
        "judged": len(risks),
        "labelled": int(fraud.sum()),
        "average_precision": round(average_precision(fraud, risk), 4),
        "at_1_percent": {"recall": round(recall, 4), "precision": round(precision, 4)},
    }


def by_replay(file: Path) -> dict[bytes, float]:
    """The risk of each event, without Kafka."""
    risks: dict[bytes, float] = {}

    def note(judgement: Judgement) -> None:
        _note(risks, judgement.rows, judgement.state, judgement.risk)

    replay([file], Rulebook.load(), demo_keys()[0], on_judgement=note)
    return risks


def by_kafka(file: Path, events: int) -> dict[bytes, float]:
    """The risk of each event, published as history and judged by one worker."""
    risks: dict[bytes, float] = {}
    with center() as started, tempfile.TemporaryDirectory() as name:
        plain = Path(name) / "events.jsonl"
        plain.write_bytes(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes())
        load([plain], started.kafka.bootstrap_servers)
        started.start_workers()
        started.wait_ready()
        with Outcomes(started.kafka.bootstrap_servers) as seen:
            seen.wait_for(events, 900, started.supervisor.check)
        for record in records_of(started.kafka.bootstrap_servers, "judged"):
            _, arrays = frames.decode_arrays(record.value)
            if "rows" in arrays:
                _note(risks, arrays["rows"], arrays["state"], arrays["risk"])
    return risks


def _note(risks: dict[bytes, float], rows: Any, state: Any, risk: Any) -> None:
    new = state == NEW
    risks.update(zip(rows["event_id"][new].tolist(), risk[new].tolist(), strict=True))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("events", type=Path)
    parser.add_argument("labels", type=Path)
    said = parser.parse_args()
    labels = read_labels([said.labels])
    replayed = by_replay(said.events)
    print(json.dumps({"replay": measured(replayed, labels)}), flush=True)
    through = by_kafka(said.events, len(labels))
    print(json.dumps({"kafka": measured(through, labels), "risks_equal": replayed == through}), flush=True)


if __name__ == "__main__":
    main()
