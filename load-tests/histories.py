"""Measures histories alone: resident memory and time per row with a long-tailed country of subjects.

    python load-tests/histories.py --subjects 1000000

Every subject draws its number of events from a power law with the given mean and maximum; the events of all subjects
come in one random order, two subjects to a row, as they would from a country's banks. Then subjects of one size are
measured by themselves, with and without their features. Times are of this thread's CPU, so that a busy machine does not
count.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rules.events import DAY_MS, EVENT
from rules.feature_reading import load_features
from rules.feature_table import FeatureTable
from rules.history import Histories

TEXT = {"kk": "-", "ru": "-", "en": "-"}
START = 1_790_000_000_000
BATCH = 2_000


def typical_features() -> FeatureTable:
    """Twenty features such as a rulebook has: ten of the payee, seven of the payer, three of the device."""
    declared = []
    for name, aggregate, where, within, more in (
        ("payee.payers_30d", "distinct", {"direction": "in"}, "P30D", {"of": "counterparty"}),
        ("payee.payers_1d", "distinct", {"direction": "in"}, "P1D", {"of": "counterparty"}),
        ("payee.regions_30d", "distinct", {"direction": "in"}, "P30D", {"of": "region"}),
        ("payee.in_30d", "count", {"direction": "in"}, "P30D", {}),
        ("payee.in_sum_1d", "sum", {"direction": "in"}, "P1D", {"unit": "tenge"}),
        ("payee.out_sum_1d", "sum", {"direction": "out"}, "P1D", {"unit": "tenge"}),
        ("payee.round_share_30d", "share", {"direction": "in", "round": 5000}, "P30D", {}),
        ("payee.new_7d", "count", {"direction": "in", "counterparty": "new"}, "P7D", {}),
        ("payee.pyramid_30d", "count", {"direction": "in", "words": "pyramid"}, "P30D", {}),
        ("payee.both_30d", "reciprocal", {}, "P30D", {}),
        ("payer.out_1h", "count", {"direction": "out"}, "PT1H", {}),
        ("payer.out_sum_1d", "sum", {"direction": "out"}, "P1D", {"unit": "tenge"}),
        ("payer.in_sum_1h", "sum", {"direction": "in"}, "PT1H", {"unit": "tenge"}),
        ("payer.payees_1d", "distinct", {"direction": "out"}, "P1D", {"of": "counterparty"}),
        ("payer.cash_1d", "sum", {"direction": "out", "kind": "cash_withdrawal"}, "P1D", {"unit": "tenge"}),
        ("payer.large_7d", "count", {"direction": "out", "amount": {"at_least": 900_000}}, "P7D", {}),
        ("payer.last_in", "last_seen", {"direction": "in"}, "P1D", {"unit": "minutes"}),
        ("device.people_7d", "distinct", {}, "P7D", {"of": "counterparty"}),
        ("device.accounts_7d", "distinct", {}, "P7D", {"of": "account"}),
        ("device.uses_1d", "count", {}, "P1D", {}),
    ):  # fmt: skip
        declared.append(
            {"name": name, "aggregate": aggregate, "where": where, "within": within, "unit": "things", "text": TEXT}
            | more
        )
    return FeatureTable.from_declarations(load_features({"features": declared}), {"pyramid": ("взнос", "пай")})


def long_tail(subjects: int, mean: float, busiest: int) -> NDArray[np.int64]:
    """Events of each subject: busiest / rank ** s, with s such that the mean is as asked."""
    ranks = np.arange(1, subjects + 1, dtype=np.float64)
    low, high = 0.0, 3.0
    for _ in range(60):
        middle = (low + high) / 2
        if np.maximum(np.rint(busiest / ranks**middle), 1).mean() > mean:
            low = middle
        else:
            high = middle
    return np.maximum(np.rint(busiest / ranks**high), 1).astype(np.int64)


def resident_bytes() -> int:
    """Resident memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def fill(rows: NDArray[np.void], begin: int, span_ms: int, total: int, random: np.random.Generator) -> None:
    """Everything but the parties of a batch of rows."""
    count = len(rows)
    rows["event"] = np.arange(begin, begin + count) + 1
    rows["content"] = rows["event"]
    rows["offset"] = rows["event"]
    rows["occurred_at"] = START + (np.arange(begin, begin + count) * (span_ms / total)).astype(np.int64)
    rows["amount_kzt"] = random.integers(100_000, 100_000_000, count)
    rows["kind"] = random.integers(0, 8, count)
    rows["payer_region"] = rows["payee_region"] = random.integers(1, 20, count)
    rows["payer_institution"] = b"CASPKZKA"
    rows["words"] = random.integers(0, 1 << 16, (count, 4))
    rows["roles"] = 15


def batches(subjects: int, mean: float, busiest: int, days: int, seed: int) -> Iterator[tuple[NDArray[np.void], float]]:
    """Every event of a long-tailed population, two facts to a row, and how far along it is in [0, 1]."""
    random = np.random.default_rng(seed)
    counts = long_tail(subjects, mean, busiest)
    parties = np.repeat(np.arange(1, subjects + 1, dtype=np.uint32), counts)
    random.shuffle(parties)
    total = len(parties) // 2
    rows = np.zeros(BATCH, dtype=EVENT)
    for begin in range(0, total, BATCH):
        batch = rows[: min(BATCH, total - begin)]
        count = len(batch)
        fill(batch, begin, days * DAY_MS, total, random)
        # Keys spread over 64 bits, as tokens are.
        batch["payer"] = parties[2 * begin : 2 * (begin + count) : 2] * np.uint64(0x9E3779B97F4A7C15)
        batch["payee"] = parties[2 * begin + 1 : 2 * (begin + count) : 2] * np.uint64(0x9E3779B97F4A7C15)
        yield batch, begin / total


def populate(subjects: int, mean: float, busiest: int, days: int = 30, seed: int = 1) -> Histories:
    """Histories that hold such a population."""
    table = FeatureTable.from_declarations([])
    histories = Histories()
    for batch, _ in batches(subjects, mean, busiest, days, seed):
        histories.apply(batch, table, np.zeros(len(batch), np.uint64))
    return histories


def measure_population(subjects: int, mean: float, busiest: int, days: int, seed: int) -> dict[str, float]:
    """Apply every event of a long-tailed population."""
    table = typical_features()
    needed = np.ones(BATCH, dtype=np.uint64)
    Histories(subjects=8, entries=1).apply(
        np.zeros(1, EVENT), table, needed[:1]
    )  # compiles, or reads what was compiled
    histories = Histories()
    before = resident_bytes()
    spent, total = 0.0, 0
    last_tenth: list[float] = []
    for batch, along in batches(subjects, mean, busiest, days, seed):
        started = time.thread_time()
        histories.apply(batch, table, needed[: len(batch)])
        took = time.thread_time() - started
        spent += took
        total += len(batch)
        if along >= 0.9:
            last_tenth.append(took / len(batch))
    counts = long_tail(subjects, mean, busiest)
    return {
        "subjects": len(histories),
        "facts": 2 * total,
        "mean_events": float(counts.mean()),
        "busiest_events": int(counts.max()),
        "resident_bytes": resident_bytes() - before,
        "used_bytes": histories.memory_bytes,
        "us_per_row": spent / total * 1e6,
        "us_per_fact": spent / total * 1e6 / 2,
        "us_per_fact_at_the_end": float(np.median(last_tenth)) * 1e6 / 2,
    }


def measure_size(size: int, table: FeatureTable, days: int) -> dict[str, float]:
    """Time per fact of payees that already hold `size` entries; the payers live in another partition."""
    random = np.random.default_rng(3)
    payees = max(100, min(2_000, 400_000 // size))
    took = []
    for mask in (0, 1):
        histories = Histories()
        rows = np.zeros(payees, dtype=EVENT)
        for entry in range(size + 1):
            fill(rows, entry * payees, days * DAY_MS, payees * (size + 1), random)
            rows["payer"] = random.integers(1, 1 << 40, payees)
            rows["payee"], rows["roles"] = np.arange(1, payees + 1), 2
            needed = np.full(payees, mask if entry == size else 0, dtype=np.uint64)
            latest = []
            for begin in range(0, payees, 50):
                started = time.thread_time()
                applied = histories.apply(rows[begin : begin + 50], table, needed[begin : begin + 50])
                latest.append((time.thread_time() - started) / len(applied.verdict))
        took.append(float(np.median(latest)) * 1e6)
    return {"statistics_us": took[0], "with_10_features_us": took[1]}


def main() -> None:
    """Run both measurements and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=1_000_000)
    parser.add_argument("--mean", type=float, default=12.0)
    parser.add_argument("--busiest", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    table = typical_features()
    measured: dict[str, object] = {
        "population": measure_population(options.subjects, options.mean, options.busiest, options.days, options.seed),
        "payees_of_size": {
            str(size): measure_size(size, table, options.days) for size in (1, 6, 10, 20, 40, 100, 300, 1000, 4000)
        },
    }
    print(json.dumps(measured) if options.json else json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
