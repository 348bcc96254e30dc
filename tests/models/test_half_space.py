"""The compiled forest against river's own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from river.anomaly import HalfSpaceTrees

from models.half_space import Forest

Points = NDArray[np.float64]


def evenly(rng: np.random.Generator, rows: int, columns: int) -> Points:
    return rng.random((rows, columns))


def in_clusters(rng: np.random.Generator, rows: int, columns: int) -> Points:
    return np.clip(rng.normal(rng.choice([0.2, 0.7], (rows, 1)), 0.03, (rows, columns)), 0, 1)


def with_waves_of_anomalies(rng: np.random.Generator, rows: int, columns: int) -> Points:
    points = rng.beta(8, 8, (rows, columns))
    points[rows // 2 : rows // 2 + 60] = rng.beta(1, 9, (60, columns))
    return points


def constant(rng: np.random.Generator, rows: int, columns: int) -> Points:
    return np.tile(rng.random(columns), (rows, 1))


def on_the_edges(rng: np.random.Generator, rows: int, columns: int) -> Points:
    return rng.integers(0, 2, (rows, columns)).astype(np.float64)


@pytest.mark.parametrize("shape", [(1, 1, 3, 3), (3, 10, 6, 50), (12, 25, 8, 250)], ids=str)
@pytest.mark.parametrize("stream", [evenly, in_clusters, with_waves_of_anomalies, constant, on_the_edges])
def test_scores_are_those_of_river(
    stream: Callable[[np.random.Generator, int, int], Points], shape: tuple[int, int, int, int]
) -> None:
    columns, trees, height, window = shape
    points = stream(np.random.default_rng(7), 700, columns)
    theirs = HalfSpaceTrees(n_trees=trees, height=height, window_size=window, seed=11)
    expected = []
    for point in points.tolist():
        row = dict(enumerate(point))
        expected.append(theirs.score_one(row))
        theirs.learn_one(row)
    ours = Forest(segments=2, inputs=columns, seed=11, trees=trees, height=height, window_size=window)
    scores = ours.score_and_learn(np.ones(len(points), np.int16), points, np.ones(len(points), np.bool_))
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-12)
    assert max(expected) > 0 or stream is constant


def test_scores_are_those_of_river_where_not_all_is_learnt() -> None:
    rng = np.random.default_rng(3)
    points = rng.random((900, 4))
    learn = rng.random(900) < 0.6
    theirs = HalfSpaceTrees(n_trees=10, height=8, window_size=100, seed=2)
    theirs.learn_one(dict.fromkeys(range(4), 0.5))  # river builds its trees only now
    ours = Forest(segments=1, inputs=4, seed=2, trees=10, window_size=100)
    one = np.zeros(1, np.int16)
    ours.score_and_learn(one, np.full((1, 4), 0.5), np.ones(1, np.bool_))
    for row, teach in enumerate(learn.tolist()):
        point = dict(enumerate(points[row].tolist()))
        score = ours.score_and_learn(one, points[row : row + 1], learn[row : row + 1])
        assert score[0] == pytest.approx(theirs.score_one(point), abs=1e-12)
        if teach:
            theirs.learn_one(point)


def test_restored_trees_do_not_depend_on_the_river_that_is_installed() -> None:
    forest = Forest(segments=1, inputs=3, seed=1)
    restored = Forest(segments=1, inputs=3, seed=2)
    restored.restore(forest.state())
    np.testing.assert_array_equal(restored.thresholds, forest.thresholds)
    np.testing.assert_array_equal(restored.features, forest.features)
