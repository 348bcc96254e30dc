"""Tail probabilities are as rare as they say, keep the order of scores, and forget."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.tail import TailProbability

Floats = NDArray[np.float64]


def score(tail: TailProbability, values: Floats, learn: bool = True) -> Floats:
    rows = len(values)
    return tail.score_and_learn(np.zeros(rows, np.int16), values, np.full(rows, learn, np.bool_))


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001, 0.0001])
def test_a_share_of_scores_is_that_rare(share: float) -> None:
    values = np.random.default_rng(1).gamma(2.0, 1.5, 400_000)
    anomaly = score(TailProbability(1, highest=40.0), values)[20_000:]
    assert np.mean(anomaly > 1 - share) == pytest.approx(share, rel=0.25)


def test_a_higher_score_is_never_less_rare() -> None:
    tail = TailProbability(1, highest=10.0)
    score(tail, np.random.default_rng(1).gamma(2.0, 0.5, 5_000))
    ladder = score(tail, np.linspace(-1, 12, 5_001), learn=False)
    assert (np.diff(ladder) >= 0).all()
    assert ladder[0] == 0
    assert 0.999 < ladder[-1] < 1


def test_what_was_normal_is_forgotten() -> None:
    tail = TailProbability(1, highest=10.0, memory=1_000)
    rng = np.random.default_rng(1)
    score(tail, rng.normal(2, 0.2, 5_000))
    before = score(tail, np.array([5.0]), learn=False)[0]
    score(tail, rng.normal(5, 0.2, 5_000))
    after = score(tail, np.array([5.0]), learn=False)[0]
    assert before > 0.999
    assert after == pytest.approx(0.5, abs=0.1)


def test_equal_scores_are_not_rare() -> None:
    anomaly = score(TailProbability(1, highest=10.0), np.zeros(5_000))
    assert anomaly.max() == 0


def test_too_early_to_say() -> None:
    values = np.random.default_rng(1).random(300)
    anomaly = score(TailProbability(1, highest=1.0, grace_period=256), values)
    assert (anomaly[:256] == 0).all()
    assert anomaly[256:].max() > 0


def test_nothing_to_judge_is_nan_and_teaches_nothing() -> None:
    tail = TailProbability(2, highest=1.0)
    anomaly = tail.score_and_learn(np.array([-1, 0], np.int16), np.array([0.5, np.nan]), np.ones(2, np.bool_))
    assert np.isnan(anomaly[0])
    assert anomaly[1] == 0
    assert tail.seen.sum() == 0
