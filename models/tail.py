"""Streaming quantiles: how rare a score is among the recent scores of its segment.

A raw score means something only beside others of its kind. Its tail probability means the same everywhere: 0.999 says
that one score in a thousand is as high, in this segment, lately. Thresholds are written on that scale.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.kernel import kernel

BINS: Final = 512
BINS_PER_BLOCK: Final = 32
FITTED_EVERY: Final = 128  # scores of a segment between two looks at the shape of its tail
SHARE_OF_TAIL: Final = 50  # the tail is the highest 1 in 50,
FEWEST_IN_TAIL: Final = 20  # but no fewer than 20 scores
SMALLEST: Final = 1e-7  # of the curve: nothing is rarer than 1 in 50 x 10 million
ONE: Final = 1 << 24  # counts are fixed-point integers, so that forgetting is exact on every machine

__all__ = ["TailProbability"]


@kernel
def _score_and_learn(
    counts: NDArray[np.int64],
    blocks: NDArray[np.int64],
    seen: NDArray[np.int64],
    start: NDArray[np.int64],
    slope: NDArray[np.float64],
    grace_period: int,
    memory: int,
    highest: float,
    segment: NDArray[np.int16],
    raw: NDArray[np.float64],
    learn: NDArray[np.bool_],
    anomaly: NDArray[np.float64],
) -> None:
    for row in range(segment.shape[0]):
        place = segment[row]
        if place < 0:
            anomaly[row] = np.nan
            continue
        anomaly[row] = 0.0
        value = raw[row]
        if np.isnan(value):
            continue
        position = min(max(value / highest, 0.0), 1.0) * BINS
        at = min(int(position), BINS - 1)
        if seen[place] >= grace_period:
            # Above its start the tail is a curve, up to there it is counted.
            counted = min(at, start[place])
            below = 0
            for block in range(counted // BINS_PER_BLOCK):
                below += blocks[place, block]
            total = below
            for block in range(counted // BINS_PER_BLOCK, blocks.shape[1]):
                total += blocks[place, block]
            for earlier in range(counted // BINS_PER_BLOCK * BINS_PER_BLOCK, counted):
                below += counts[place, earlier]
            if at < start[place]:
                anomaly[row] = (below + (position - at) * counts[place, at]) / (total + ONE)
            else:
                share = 1.0 - below / (total + ONE)
                anomaly[row] = 1.0 - share * max(math.exp(-(position - counted) * slope[place]), SMALLEST)
        if learn[row]:
            counts[place, at] += ONE
            blocks[place, at // BINS_PER_BLOCK] += ONE
            seen[place] += 1
            if seen[place] % memory == 0:
                for block in range(blocks.shape[1]):
                    blocks[place, block] = 0
                for bin in range(BINS):
                    counts[place, bin] >>= 1
                    blocks[place, bin // BINS_PER_BLOCK] += counts[place, bin]
            if seen[place] % FITTED_EVERY == 0:
                total = 0
                for block in range(blocks.shape[1]):
                    total += blocks[place, block]
                enough = max(total // SHARE_OF_TAIL, FEWEST_IN_TAIL * ONE)
                above = 0
                excess = 0.0
                bin = BINS
                while bin > 0 and above + counts[place, bin - 1] <= enough:
                    bin -= 1
                    excess += above + 0.5 * counts[place, bin]
                    above += counts[place, bin]
                start[place] = bin
                slope[place] = (above + ONE) / (excess + ONE)


class TailProbability:
    """The share of recent scores of the segment that lie below a score: in [0, 1), high = rare.

    Scores fall into fixed bins from 0 to `highest`; inside a bin they are taken as spread evenly, which keeps the
    order of scores. After every `memory` scores all counts are halved, so that the old is forgotten.

    Counting cannot tell apart what lies beyond nearly all scores, and that is where fraud is. There the tail is taken
    as exponential, with the mean excess of the scores above the start of the tail (peaks over threshold): the highest
    1 in 50. Raw scores in nats have such tails.

    Parameters
    ----------
    segments
        How many populations are kept apart. A row with segment -1 is not there: its score is NaN.
    highest
        The upper end of the scale; anything above counts as `highest`.
    memory
        Scores after which the past weighs half.
    grace_period
        Scores of a segment before which its tail probability is 0: the first few scores are all extreme.

    Examples
    --------
    >>> tail = TailProbability(segments=1, highest=16.0)
    >>> rng = np.random.default_rng(42)
    >>> def score(values):
    ...     values = np.asarray(values)
    ...     rows = len(values)
    ...     return tail.score_and_learn(np.zeros(rows, np.int16), values, np.ones(rows, np.bool_))
    >>> _ = score(rng.exponential(size=10_000))
    >>> score([0.0, math.log(2), math.log(100), math.log(100_000)]).round(5).tolist()
    [0.0, 0.50351, 0.99022, 0.99999]
    """

    def __init__(self, segments: int, *, highest: float, memory: int = 16_384, grace_period: int = 256) -> None:
        self.highest = highest
        self.memory = memory
        self.grace_period = grace_period
        self.counts = np.zeros((segments, BINS), np.int64)
        self.blocks = np.zeros((segments, BINS // BINS_PER_BLOCK), np.int64)
        self.seen = np.zeros(segments, np.int64)
        self.start = np.full(segments, BINS, np.int64)
        self.slope = np.zeros(segments, np.float64)

    def score_and_learn(
        self, segment: NDArray[np.int16], raw: NDArray[np.float64], learn: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Each row's tail probability among the rows before it; NaN in `raw` gives 0 and teaches nothing."""
        anomaly = np.empty(len(segment), np.float64)
        _score_and_learn(
            self.counts,
            self.blocks,
            self.seen,
            self.start,
            self.slope,
            self.grace_period,
            self.memory,
            self.highest,
            segment,
            raw,
            learn,
            anomaly,
        )
        return anomaly

    def state(self) -> dict[str, NDArray[np.generic]]:
        """What has been seen, as arrays of its own."""
        return {
            "counts": self.counts.copy(),
            "seen": self.seen.copy(),
            "start": self.start.copy(),
            "slope": self.slope.copy(),
        }

    def restore(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from a `state()`."""
        self.counts[:] = state["counts"]
        self.blocks[:] = self.counts.reshape(*self.blocks.shape, BINS_PER_BLOCK).sum(axis=2)
        self.seen[:] = state["seen"]
        self.start[:] = state["start"]
        self.slope[:] = state["slope"]
