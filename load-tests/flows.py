"""Measures the flow graph alone: transfers a second on one core, median of several runs; python load-tests/flows.py."""

from __future__ import annotations

import json
import statistics
import time

import numpy as np

from rules.events import EVENT, KINDS, Events
from rules.flows import CHUNK, FlowParameters, Flows
from rules.rulebook import Rulebook

RUNS = 5
TRANSFERS = 200_000


def transfers(subjects: int, seed: int) -> Events:
    """Random transfers among some subjects over 30 days, every fourth passing on most of what its payer got last."""
    chance = np.random.default_rng(seed)
    rows = np.zeros(TRANSFERS, EVENT)
    rows["kind"] = KINDS.index("transfer")
    rows["event"] = np.arange(1, TRANSFERS + 1)
    rows["payer"] = chance.integers(1, subjects, TRANSFERS)
    rows["payee"] = (rows["payer"] + chance.integers(1, subjects - 1, TRANSFERS).astype(np.uint64)) % subjects + 1
    rows["payer_kind"] = rows["payee_kind"] = 1
    rows["amount_kzt"] = chance.lognormal(16.5, 1.0, TRANSFERS).astype(np.int64) + 5_000_000
    rows["occurred_at"] = np.sort(chance.integers(0, 30 * 86_400_000, TRANSFERS)) + 1_767_225_600_000
    onward = np.flatnonzero(chance.random(TRANSFERS - 1) < 0.25) + 1
    rows["payer"][onward] = rows["payee"][onward - 1]
    rows["amount_kzt"][onward] = rows["amount_kzt"][onward - 1] * 95 // 100
    return rows


def rate(rows: Events, parameters: FlowParameters) -> tuple[float, Flows]:
    """Transfers a second, and the graph."""
    flows, sources = Flows(), np.zeros(len(rows), np.uint16)
    began = time.perf_counter()
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        flows.add(rows[part], sources[part], parameters)
    return len(rows) / (time.perf_counter() - began), flows


def main() -> None:
    """Print the figures as JSON."""
    tracing = Rulebook.load().tracing
    assert tracing is not None
    parameters = tracing.parameters
    rate(transfers(1_000, 0)[:CHUNK], parameters)  # compiles
    result = {}
    for subjects in (1_000, 20_000, 200_000):
        runs = [rate(transfers(subjects, seed), parameters) for seed in range(RUNS)]
        result[f"{subjects} subjects"] = {
            "transfers_per_second": round(statistics.median(r for r, _ in runs)),
            "lowest": round(min(r for r, _ in runs)),
            "memory_mb": round(runs[-1][1].memory_bytes / 1e6),
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
