"""What every detector promises; detectors are found by themselves, and there is no list of exceptions."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

import models
from models.base import STATISTICS, Detector
from rules import history
from tests.models.measurements import measurements

ROWS = 12_000
SEGMENTS = 3


def detectors() -> list[type[Detector]]:
    for module in pkgutil.iter_modules(models.__path__):
        importlib.import_module(f"models.{module.name}")

    children = {child for child in Detector.__subclasses__() if child.__module__.startswith("models.")}
    return sorted(children, key=lambda child: child.name)


def segments(rows: int = ROWS) -> NDArray[np.int16]:
    return np.random.default_rng(9).integers(-1, SEGMENTS, rows).astype(np.int16)


def run(detector: Detector, start: int = 0, stop: int = ROWS, learn: bool = True) -> NDArray[np.float64]:
    part = slice(start, stop)
    rows = measurements(ROWS)[part]
    return detector.score_and_learn(segments()[part], rows, np.full(len(rows), learn, np.bool_))


def scores_before_learning(kind: type[Detector]) -> None:
    """The same row scores the same whether or not it is about to be learnt."""
    one, other = kind(SEGMENTS, 5), kind(SEGMENTS, 5)
    run(one, stop=ROWS - 1)
    run(other, stop=ROWS - 1)
    np.testing.assert_array_equal(run(one, start=ROWS - 1, learn=True), run(other, start=ROWS - 1, learn=False))


def does_not_learn_what_it_is_told_not_to(kind: type[Detector]) -> None:
    detector = kind(SEGMENTS, 5)
    run(detector)
    before = detector.state()
    run(detector, learn=False)
    assert_same_state(before, detector.state())


def is_a_tail_probability(kind: type[Detector]) -> None:
    """In [0, 1], NaN exactly where there is no subject, and as rare as it says."""
    anomaly = run(kind(SEGMENTS, 5))
    np.testing.assert_array_equal(np.isnan(anomaly), segments() < 0)
    judged = anomaly[ROWS * 2 // 3 :]
    judged = judged[~np.isnan(judged)]
    assert judged.min() >= 0.0
    assert judged.max() < 1.0
    assert np.mean(judged > 0.9) == pytest.approx(0.1, abs=0.04)


def is_silent_while_it_knows_nothing(kind: type[Detector]) -> None:
    anomaly = run(kind(SEGMENTS, 5), stop=kind.warm_up)
    assert set(anomaly[~np.isnan(anomaly)].tolist()) <= {0.0}


def is_finite(kind: type[Detector]) -> None:
    """Whatever the history gives: nothing, infinities, the largest and smallest numbers, negative ones."""
    detector = kind(1, 5)
    rows = measurements(4_000)
    rng = np.random.default_rng(3)
    odd = np.array([np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, -1.0, 0.0])
    strange = rng.random(rows.shape) < 0.2
    rows[strange] = rng.choice(odd, strange.sum())
    place = np.zeros(len(rows), np.int16)
    learn = np.ones(len(rows), np.bool_)
    raw = detector.raw_and_learn(place, rows, learn)
    assert not np.isinf(raw).any()
    assert np.nanmin(raw) >= 0.0
    assert np.nanmax(raw) <= kind.highest
    assert np.isfinite(kind(1, 5).score_and_learn(place, rows, learn)).all()


def has_bounded_memory(kind: type[Detector]) -> None:
    detector = kind(SEGMENTS, 5)
    run(detector, stop=1_000)
    before = sum(array.nbytes for array in detector.state().values())
    run(detector, start=1_000)
    assert sum(array.nbytes for array in detector.state().values()) == before


def scores_the_same_with_the_same_seed(kind: type[Detector]) -> None:
    one, other = kind(SEGMENTS, 5), kind(SEGMENTS, 5)
    np.testing.assert_array_equal(run(one), run(other))
    assert_same_state(one.state(), other.state())


def goes_on_from_its_state(kind: type[Detector]) -> None:
    detector = kind(SEGMENTS, 5)
    run(detector, stop=3_333)
    state = detector.state()
    kept = {name: array.copy() for name, array in state.items()}
    expected = run(detector, start=3_333)
    assert_same_state(state, kept)  # a state is not touched any more by what comes after it
    restored = kind(SEGMENTS, 6)
    restored.restore(state)
    np.testing.assert_array_equal(run(restored, start=3_333), expected)
    assert_same_state(restored.state(), detector.state())


def does_not_see_batches(kind: type[Detector]) -> None:
    whole, cut = kind(SEGMENTS, 5), kind(SEGMENTS, 5)
    borders = [0, 0, 1, 2, 130, 131, 900, 4_999, ROWS]
    parts = [run(cut, start, stop) for start, stop in pairwise(borders)]
    np.testing.assert_array_equal(np.concatenate(parts), run(whole))
    assert_same_state(whole.state(), cut.state())


def keeps_segments_apart(kind: type[Detector]) -> None:
    """What happens in one segment does not move the scores of another."""
    alone, together = kind(SEGMENTS, 5), kind(SEGMENTS, 5)
    first = segments() == 0
    rows = measurements(ROWS)[first]
    learn = np.ones(len(rows), np.bool_)
    np.testing.assert_array_equal(
        run(together)[first], alone.score_and_learn(np.zeros(len(rows), np.int16), rows, learn)
    )


def assert_same_state(one: dict[str, NDArray[np.generic]], other: dict[str, NDArray[np.generic]]) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.tobytes() == other[name].tobytes(), name


CHECKS: list[Callable[[type[Detector]], None]] = [
    scores_before_learning,
    does_not_learn_what_it_is_told_not_to,
    is_a_tail_probability,
    is_silent_while_it_knows_nothing,
    is_finite,
    has_bounded_memory,
    scores_the_same_with_the_same_seed,
    goes_on_from_its_state,
    does_not_see_batches,
    keeps_segments_apart,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", detectors(), ids=lambda kind: kind.name)
def test_detector(kind: type[Detector], check: Callable[[type[Detector]], None]) -> None:
    check(kind)


def test_detectors_are_found() -> None:
    assert {kind.name for kind in detectors()} >= {"half_space", "robust"}


def test_the_measurements_begin_with_the_statistics_of_histories() -> None:
    assert STATISTICS == history.STATISTICS
