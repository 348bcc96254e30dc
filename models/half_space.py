"""Half-space trees: how thinly populated the part of the input space is where a row falls.

The trees are river's own, built by `river.anomaly.HalfSpaceTrees` from the seed; only the walk through them is ours,
compiled, for many segments at once. Its scores are equal to those of river (tests/models/test_half_space.py).
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from river.anomaly import HalfSpaceTrees

from models.base import Detector, State
from models.kernel import kernel
from models.robust import INPUTS, inputs

__all__ = ["Forest", "HalfSpaceDetector"]


@kernel
def _score_and_learn(
    features: NDArray[np.uint8],
    thresholds: NDArray[np.float64],
    masses: NDArray[np.int32],
    learnt: NDArray[np.int64],
    window_size: int,
    early: float,
    segment: NDArray[np.int16],
    points: NDArray[np.float64],
    learn: NDArray[np.bool_],
    scores: NDArray[np.float64],
) -> None:
    trees, branches = features.shape
    nodes = 2 * branches + 1
    limit = 0.1 * window_size  # river's size_limit, the constant of the paper
    highest = trees * window_size * nodes
    for row in range(segment.shape[0]):
        place = segment[row]
        if place < 0:
            scores[row] = np.nan
            continue
        teach = 1 if learn[row] else 0
        mass = 0
        for tree in range(trees):
            node = 0
            weight = 1
            while True:
                known = masses[place, tree, node, 0]
                masses[place, tree, node, 1] += teach
                mass += known * weight
                weight = 0 if known < limit else 2 * weight
                if node >= branches:
                    break
                # In heap order the children of node are 2 node + 1 and 2 node + 2.
                node = 2 * node + (2 if points[row, features[tree, node]] >= thresholds[tree, node] else 1)
        scores[row] = early if learnt[place] < window_size else 1.0 - mass / highest
        learnt[place] += teach
        if teach and learnt[place] % window_size == 0:
            for tree in range(trees):
                for node in range(nodes):
                    masses[place, tree, node, 0] = masses[place, tree, node, 1]
                    masses[place, tree, node, 1] = 0


class Forest:
    """river's HalfSpaceTrees in arrays: one forest, its masses kept apart for each segment.

    Every row has all its inputs; river's rule for missing ones is not needed.

    Parameters
    ----------
    segments
        How many populations are kept apart. A row with segment -1 is not there: its score is NaN.
    inputs
        How many columns a point has, each in [0, 1].
    seed, trees, height, window_size
        As in river, which builds the trees over the features 0 … inputs - 1.

    Examples
    --------
    The example of river's own documentation:

    >>> forest = Forest(segments=1, inputs=1, seed=42, trees=5, height=3, window_size=3)
    >>> points = np.array([[0.5, 0.45, 0.43, 0.5, 0.45, 0.43, 0.44, 0.445, 0.45, 0.0]]).T
    >>> rows = len(points)
    >>> _ = forest.score_and_learn(np.zeros(rows, np.int16), points, np.ones(rows, np.bool_))
    >>> forest.score_and_learn(np.zeros(1, np.int16), points[-1:], np.zeros(1, np.bool_)).round(3).tolist()
    [0.853]
    """

    def __init__(
        self, *, segments: int, inputs: int, seed: int, trees: int = 25, height: int = 8, window_size: int = 1_000
    ) -> None:
        self.window_size = window_size
        self.features = np.zeros((trees, 2**height - 1), np.uint8)
        self.thresholds = np.zeros((trees, 2**height - 1), np.float64)
        built = HalfSpaceTrees(n_trees=trees, height=height, window_size=window_size, seed=seed)
        built.learn_one(dict.fromkeys(range(inputs), 0.5))  # river builds the trees at the first row
        for number, tree in enumerate(built.trees):
            self._flatten(tree, number, 0)
        self.masses = np.zeros((segments, trees, 2 ** (height + 1) - 1, 2), np.int32)
        self.learnt = np.zeros(segments, np.int64)

    @property
    def largest_mass(self) -> int:
        """The mass that stands for a score of 0."""
        _, trees, nodes, _ = self.masses.shape
        return int(trees * nodes * self.window_size)

    def score_and_learn(
        self, segment: NDArray[np.int16], points: NDArray[np.float64], learn: NDArray[np.bool_], early: float = 0.0
    ) -> NDArray[np.float64]:
        """river's score_one of each row and, where `learn` says so, its learn_one; `early` in the first window."""
        scores = np.empty(len(segment), np.float64)
        _score_and_learn(
            self.features,
            self.thresholds,
            self.masses,
            self.learnt,
            self.window_size,
            early,
            segment,
            points,
            learn,
            scores,
        )
        return scores

    def state(self) -> State:
        """The trees and their masses: a newer river that builds other trees does not change a restored forest."""
        return {
            "features": self.features.copy(),
            "thresholds": self.thresholds.copy(),
            "masses": self.masses.copy(),
            "learnt": self.learnt.copy(),
        }

    def restore(self, state: State) -> None:
        """Go on from a `state()`."""
        self.features[:] = state["features"]
        self.thresholds[:] = state["thresholds"]
        self.masses[:] = state["masses"]
        self.learnt[:] = state["learnt"]

    def _flatten(self, node: Any, tree: int, at: int) -> None:
        if at >= self.features.shape[1]:
            return
        self.features[tree, at] = node.feature
        self.thresholds[tree, at] = node.threshold
        self._flatten(node.left, tree, 2 * at + 1)
        self._flatten(node.right, tree, 2 * at + 2)


class HalfSpaceDetector(Detector):
    """Rows in thin places of their segment's recent behaviour, by the Forest over the squashed measurements.

    It sees odd combinations that nobody described, and is weak where oddities come packed together in time: they
    become the place's mass. `models.robust` is strong there, because it compares a subject with itself.

    Examples
    --------
    >>> from models.base import AMOUNT, HOUR, HOUR_SHARE, MEASUREMENTS
    >>> rng = np.random.default_rng(42)
    >>> rows = np.full((4_000, len(MEASUREMENTS)), np.nan)
    >>> rows[:, AMOUNT] = rng.lognormal(9, 0.5, len(rows))
    >>> rows[:, HOUR] = rng.normal(14, 3, len(rows)) % 24
    >>> rows[:, HOUR_SHARE] = rng.beta(4, 4, len(rows))
    >>> rows[-1, [AMOUNT, HOUR]] = 1_000_000, 3.0
    >>> detector = HalfSpaceDetector(segments=1, seed=7)
    >>> anomaly = detector.score_and_learn(np.zeros(len(rows), np.int16), rows, np.ones(len(rows), np.bool_))
    >>> float(anomaly[-1].round(3)), float(np.mean(anomaly[2_000:] > 0.9).round(2))
    (1.0, 0.1)
    """

    name: ClassVar[str] = "half_space"
    highest: ClassVar[float] = 18.0  # > ln(largest mass + 1)
    warm_up: ClassVar[int] = 1_256  # the first window, and the grace period of the tail

    def __init__(self, segments: int, seed: int) -> None:
        super().__init__(segments, seed)
        self.forest = Forest(segments=segments, inputs=len(INPUTS), seed=seed)

    def raw_and_learn(
        self, segment: NDArray[np.int16], measurements: NDArray[np.float64], learn: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Minus the logarithm of the mass: river's scores crowd below 1, and the tail needs them apart."""
        scores = self.forest.score_and_learn(segment, inputs(measurements), learn, early=np.nan)
        return _surprise(scores, self.forest.largest_mass)

    def state(self) -> State:
        """The forest and the tail."""
        return super().state() | {f"forest.{name}": array for name, array in self.forest.state().items()}

    def restore(self, state: State) -> None:
        """Go on from a `state()`."""
        super().restore(state)
        self.forest.restore({name.removeprefix("forest."): array for name, array in state.items()})


@kernel
def _surprise(scores: NDArray[np.float64], largest_mass: int) -> NDArray[np.float64]:
    raw = np.empty_like(scores)
    for row in range(scores.shape[0]):
        raw[row] = math.log((largest_mass + 1.0) / ((1.0 - scores[row]) * largest_mass + 1.0))
    return raw
