"""What each part of an event's way costs on one core: the table of ../shared/design.md, section 6, measured."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np

from models.detectors import Detectors
from rules.history import Histories
from rules.rulebook import Rulebook
from streams import decode, frames
from streams.admission import Admission
from streams.contracts.headers import write_history
from streams.engine import Engine, Parts, in_order, spread
from streams.event_files import read_values
from streams.findings import Findings
from streams.replay import FileRecord
from streams.screening import Partition
from streams.tokens import demo_keys
from streams.verdicts import NEW

BATCH = 500


def measure(file: Path, events: int = 60_000, runs: int = 3) -> dict[str, float]:
    """Microseconds an event for each part, medians of `runs` passes over the first `events` of a file."""
    results: dict[str, list[float]] = {}
    for _ in range(runs):
        for part, cost in _pass(file, events).items():
            results.setdefault(part, []).append(cost)
    return {part: round(statistics.median(costs), 2) for part, costs in results.items()}


class _Stopwatch:
    """CPU seconds of this thread by part: what other processes do does not count."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        began = time.thread_time()
        yield
        self.spent[part] = self.spent.get(part, 0.0) + time.thread_time() - began


def _pass(file: Path, events: int) -> dict[str, float]:
    key, vault = demo_keys()
    headers = write_history(1)
    records = [FileRecord(line, headers, i, 2 * 10**12) for i, line in enumerate(islice(read_values(file), events))]
    clock = _Stopwatch()
    with clock("decode and validate"):
        for record in records:
            transaction, _ = decode.read(record.value)
            decode.check_transaction(transaction)  # type: ignore[arg-type]
    admission, rulebook, findings = Admission(key, vault), Rulebook.load(), Findings(key, frozenset())
    histories, detectors = Histories(), Detectors()
    engine = Engine(histories, detectors)
    partition = Partition(0, 1, lambda _: rulebook, engine)
    partition.take_facts([(0, frames.encode_control([("tx.A", 0)], []))])
    for start in range(0, len(records), BATCH):
        with clock("admission"):
            rows = admission.admit(records[start : start + BATCH], source=None, source_index=0).rows
        with clock("frames"):
            ((_, rows),) = spread(rows, 1)
            value = frames.encode_facts(rows, [frames.Span("tx.A", 0, start, start + len(rows), 1, 0)])
            _, read = frames.decode_facts(value)
        with clock("order"):
            rows = read[in_order(read)].copy()
        with clock("typologies"):
            rows["amount_kzt"] = rulebook.amounts_in_tenge(rows)
            needed = rulebook.applicable(rows)
        with clock("history and features"):
            applied = histories.apply(rows, rulebook.features, needed)
        new = applied.verdict[:, :2] == NEW
        with clock("models"):
            scores = detectors.score_and_learn(
                subject=np.stack([rows["payer"], rows["payee"]], axis=1),
                kind=rows["kind"],
                payer_kind=rows["payer_kind"],
                payee_kind=rows["payee_kind"],
                amount_kzt=rows["amount_kzt"],
                occurred_at=rows["occurred_at"],
                statistics=applied.statistics,
                present=new,
                learn=new,
            )
        with clock("typologies"):
            parts = Parts(needed, applied.values, applied.statistics, applied.verdict, scores)
            judgement = engine.judge(rows, parts, rulebook)
        with clock("alerts and decisions"):
            list(findings.records(judgement, partition))
        with clock("judged frames"):
            judgement.frame(0, partition.low, [(source.topic, source.partition) for source in partition.sources])
    costs = {part: seconds / len(records) * 1e6 for part, seconds in clock.spent.items()}
    costs["tokens and rows"] = costs.pop("admission") - costs["decode and validate"]
    costs["together, without Kafka"] = sum(costs.values())
    return costs
