"""Measures the models alone: time per event for both sides, beside river doing the same one event at a time.

    python load-tests/detectors.py --json

The rows are invented, with the spread that histories give. river's own half-space trees score and learn the same points
as the compiled ones, and the scores are compared. Times are of this thread's CPU, medians over batches, so that a busy
machine does not count.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river.anomaly import HalfSpaceTrees

from models.base import MEASUREMENTS
from models.detectors import Detectors
from models.half_space import Forest
from models.robust import INPUTS, inputs

Columns = dict[str, NDArray[Any]]


def measurements(rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rows of MEASUREMENTS; one in eight is not defined."""
    columns = {
        "events": rng.geometric(0.02, rows) - 1,
        "age_days": rng.exponential(200, rows),
        "amount_deviation": rng.laplace(0, 1, rows),
        "gap_seconds": rng.exponential(40_000, rows),
        "burst": rng.poisson(0.2, rows),
        "hour_share": rng.beta(2, 3, rows),
        "counterparty_seen": rng.poisson(2, rows),
        "counterparty_share": rng.beta(2, 2, rows),
        "amount_over_max": rng.lognormal(-1, 1, rows),
        "region_share": rng.beta(5, 1, rows),
        "amount": rng.lognormal(9, 1.5, rows),
        "hour": rng.normal(15, 4, rows) % 24,
    }
    table = np.column_stack([columns[name] for name in MEASUREMENTS]).astype(np.float64)
    table[:, :10][rng.random((rows, 10)) < 0.125] = np.nan
    return table


def events(rows: int, subjects: int, rng: np.random.Generator) -> Columns:
    """Events of persons and companies, with the statistics of both sides."""
    statistics = np.full((rows, 4, 10), np.nan)
    statistics[:, 0], statistics[:, 1] = measurements(rows, rng)[:, :10], measurements(rows, rng)[:, :10]
    keys = rng.integers(1, 1 << 63, subjects, np.uint64)
    return {
        "subject": keys[rng.integers(0, subjects, (rows, 2))],
        "kind": rng.choice(8, rows, p=[0.3, 0.45, 0.03, 0.08, 0.02, 0.03, 0.06, 0.03]).astype(np.uint8),
        "payer_kind": rng.choice([1, 2, 4], rows, p=[0.8, 0.15, 0.05]).astype(np.uint8),
        "payee_kind": rng.choice([0, 1, 2, 4], rows, p=[0.08, 0.3, 0.57, 0.05]).astype(np.uint8),
        "amount_kzt": rng.lognormal(13.6, 1.5, rows).astype(np.int64),
        "occurred_at": 1_790_000_000_000 + np.arange(rows) * 500,
        "statistics": statistics,
        "present": np.ones((rows, 2), np.bool_),
        "learn": np.ones((rows, 2), np.bool_),
    }


def measure_detectors(rows: int, batch: int, rng: np.random.Generator) -> tuple[float, Detectors]:
    """Microseconds per event, both sides, everything on."""
    columns = events(rows, subjects=20_000, rng=rng)
    detectors = Detectors()
    took = []
    for begin in range(0, rows, batch):
        part = {name: column[begin : begin + batch] for name, column in columns.items()}
        started = time.thread_time()
        detectors.score_and_learn(**part)
        took.append((time.thread_time() - started) / batch)
    return float(np.median(took)) * 1e6, detectors


def measure_forest(trees: int, rows: int, batch: int, rng: np.random.Generator) -> dict[str, float]:
    """Microseconds per row of the compiled trees and of river's, over the same points; and the largest difference."""
    points = inputs(measurements(rows, rng))
    ours = Forest(segments=1, inputs=len(INPUTS), seed=1, trees=trees)
    theirs = HalfSpaceTrees(n_trees=trees, height=8, window_size=ours.window_size, seed=1)
    took, scores = [], []
    for begin in range(0, rows, batch):
        part = points[begin : begin + batch]
        segment, learn = np.zeros(len(part), np.int16), np.ones(len(part), np.bool_)
        started = time.thread_time()
        scores.append(ours.score_and_learn(segment, part, learn))
        took.append((time.thread_time() - started) / len(part))
    expected = []
    as_river_wants_them = [dict(enumerate(point)) for point in points.tolist()]
    started = time.thread_time()
    for point in as_river_wants_them:
        expected.append(theirs.score_one(point))
        theirs.learn_one(point)
    river_us = (time.thread_time() - started) / rows * 1e6
    ours_us = float(np.median(took)) * 1e6
    return {
        "ours_us": round(ours_us, 3),
        "river_us": round(river_us, 1),
        "ratio": round(river_us / ours_us, 1),
        "largest_difference": float(np.abs(np.concatenate(scores) - expected).max()),
    }


def main() -> None:
    """Run the measurements and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    measure_detectors(2_000, 500, rng)  # compile
    measured: dict[str, object] = {
        f"event_us_in_batches_of_{batch}": round(measure_detectors(options.rows * scale, batch, rng)[0], 2)
        for batch, scale in ((1, 1), (50, 3), (500, 10))
    }
    _, detectors = measure_detectors(options.rows * 3, 500, rng)
    started = time.thread_time()
    state = detectors.state()
    measured |= {
        "state_bytes": sum(array.nbytes for array in state.values()),
        "state_ms": round((time.thread_time() - started) * 1e3, 2),
        "half_space_trees": {str(trees): measure_forest(trees, options.rows, 500, rng) for trees in (10, 25)},
    }
    print(json.dumps(measured) if options.json else json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
