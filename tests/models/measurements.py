"""Measurements as histories give them, for tests of detectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.base import MEASUREMENTS


def measurements(rows: int, seed: int = 1) -> NDArray[np.float64]:
    """Plausible rows; one in eight values is not defined, as for young subjects."""
    rng = np.random.default_rng(seed)
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
