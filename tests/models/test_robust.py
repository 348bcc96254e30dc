"""Which part of what a stolen card or a taken-over account does is improbable."""

from __future__ import annotations

import numpy as np
import pytest

from models.base import MEASUREMENTS
from models.robust import INPUTS, PART_LIMIT, PARTS, inputs, surprises

USUAL = {
    "events": 60,
    "age_days": 200,
    "amount_deviation": 0.0,
    "gap_seconds": 200_000,
    "burst": 0,
    "hour_share": 0.3,
    "counterparty_seen": 4,
    "counterparty_share": 0.4,
    "amount_over_max": 0.3,
    "region_share": 0.95,
    "amount": 9_000,
    "hour": 15.0,
}


def surprise(**measured: float) -> dict[str, float]:
    row = np.array([[(USUAL | measured)[name] for name in MEASUREMENTS]], np.float64)
    return dict(zip(PARTS, surprises(row)[0].tolist(), strict=True))


def test_a_usual_event_surprises_in_nothing() -> None:
    assert sum(surprise().values()) < 1.0


@pytest.mark.parametrize(
    ("part", "measured"),
    [
        ("amount", {"amount_deviation": 5.0}),
        ("amount", {"amount_deviation": 3.0, "amount_over_max": 8.0}),
        ("hour", {"hour_share": 0.0}),
        ("counterparty", {"counterparty_seen": 0, "counterparty_share": 0.05}),
        ("region", {"region_share": 0.0}),
        ("burst", {"burst": 3}),
        ("burst", {"gap_seconds": 60}),
        ("silence", {"gap_seconds": 90 * 86_400}),
    ],
    ids=lambda value: str(value),
)
def test_the_part_that_is_odd_stands_out(part: str, measured: dict[str, float]) -> None:
    parts = surprise(**measured)
    assert max(parts, key=lambda name: parts[name]) == part
    assert 1.5 < parts[part] <= PART_LIMIT


def test_an_undefined_past_is_no_surprise_and_neutral() -> None:
    unknown = np.full((1, len(MEASUREMENTS)), np.nan)
    assert surprises(unknown).tolist() == [[0.0] * len(PARTS)]
    assert set(inputs(unknown)[0].tolist()) == {0.5}


def test_inputs_stay_in_the_unit_interval_and_keep_the_order() -> None:
    rows = np.tile(np.array([[USUAL[name] for name in MEASUREMENTS]], np.float64), (7, 1))
    rows[:, MEASUREMENTS.index("amount")] = [0, 1, 1_000, 100_000, 1e7, 1e9, np.inf]
    points = inputs(rows)
    assert points.min() >= 0.0
    assert points.max() <= 1.0
    assert (np.diff(points[:, INPUTS.index("amount")]) >= 0).all()


def test_a_shop_is_not_surprised_by_being_busy() -> None:
    parts = surprise(events=4_000, age_days=40, burst=6, gap_seconds=500, counterparty_seen=0, counterparty_share=1.0)
    assert parts["burst"] < 1.0
    assert parts["counterparty"] < 0.1
