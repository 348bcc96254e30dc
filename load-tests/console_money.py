"""Measures the console's tracing, and what freeze advice finds on simulated frauds; python load-tests/console_money.py.

The countries are of seeds on which nothing was tuned. An order is made an hour after the first victim paid, takes
effect half an hour later, and what it found is counted in what happens then.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from console.money.freezing import Limits
from console.money.purses import METHODS, Method
from console.money.tracing import trace
from console.money.transfers import Transfers

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.console.money.frauds import HOPS, recovered

TRANSFERS = 200_000
RUNS = 5
SEEDS = (104, 105, 106)


def passing_on(accounts: int, seed: int) -> Transfers:
    """Random transfers, every fourth passing on most of what its payer got last."""
    chance = np.random.default_rng(seed)
    source = chance.integers(0, accounts, TRANSFERS)
    target = (source + chance.integers(1, accounts, TRANSFERS)) % accounts
    amount = chance.lognormal(16.5, 1.0, TRANSFERS).astype(np.int64) + 5_000_000
    for place in (np.flatnonzero(chance.random(TRANSFERS - 1) < 0.25) + 1).tolist():
        source[place], amount[place] = target[place - 1], amount[place - 1] * 95 // 100
    return Transfers(source, target, amount, np.arange(TRANSFERS), accounts)


def seconds(transfers: Transfers, method: Method) -> float:
    """The median time of following one transfer over six hops."""
    taken = []
    for run in range(RUNS):
        began = time.perf_counter()
        trace(transfers, [1_000 + run], method, HOPS)
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken), 2)


def recovery(seed: int, limits: Limits) -> dict[str, float]:
    """Which shares of what was lost the advice and the naive order find."""
    found = recovered(seed, limits)
    shares = {"advice": found.advised / found.lost, "naive": found.naive / found.lost}
    return {"frauds": found.frauds, **{name: round(share, 3) for name, share in shares.items()}}


def main() -> None:
    """Print the figures as JSON."""
    told = {
        f"seconds for {TRANSFERS:,} transfers, {accounts:,} accounts": {
            method: seconds(passing_on(accounts, 1), method) for method in METHODS
        }
        for accounts in (500, 20_000)
    }
    found = {f"recovery, seed {seed}": recovery(seed, Limits(accounts=3)) for seed in SEEDS}
    print(json.dumps(told | found, indent=2))


if __name__ == "__main__":
    main()
