"""Streaming quantiles: how rare a score is among the recent scores of its segment.

A raw score means something only beside others of its kind. Its tail probability means the same everywhere: 0.999 says
that one score in a thousand is as high, in this segment, lately. Thresholds are written on that scale.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.kernel import kernel

BINS: Final = 512
BINS_PER_BLOCK: Final = 32
ONE: Final = 1 << 24  # counts are fixed-point integers, so that forgetting is exact on every machine

__all__ = ["TailProbability"]


@kernel
def _score_and_learn(
    counts: NDArray[np.int64],
    blocks: NDArray[np.int64],
    seen: NDArray[np.int64],
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
        block = at // BINS_PER_BLOCK
        if seen[place] >= grace_period:
            below = 0
            for earlier in range(block):
                below += blocks[place, earlier]
            total = below
            for later in range(block, blocks.shape[1]):
                total += blocks[place, later]
            for earlier in range(block * BINS_PER_BLOCK, at):
                below += counts[place, earlier]
            anomaly[row] = (below + (position - at) * counts[place, at]) / (total + ONE)
        if learn[row]:
            counts[place, at] += ONE
            blocks[place, block] += ONE
            seen[place] += 1
            if seen[place] % memory == 0:
                for block in range(blocks.shape[1]):
                    blocks[place, block] = 0
                for at in range(BINS):
                    counts[place, at] >>= 1
                    blocks[place, at // BINS_PER_BLOCK] += counts[place, at]


class TailProbability:
    """The share of recent scores of the segment that lie below a score: in [0, 1), high = rare.

    Scores fall into fixed bins from 0 to `highest`; inside a bin they are taken as spread evenly, which keeps the
    order of scores. After every `memory` scores all counts are halved, so that the old is forgotten.

    Parameters
    ----------
    segments
        How many populations are kept apart. A row with segment -1 is not there: its score is NaN.
    highest
        The upper end of the scale; anything above counts as `highest`.
    memory
        Scores after which the past weighs half. It also bounds what can be told apart: a score beyond all others has
        the tail probability n / (n + 1), where n is between `memory` and twice that.
    grace_period
        Scores of a segment before which its tail probability is 0: the first few scores are all extreme.

    Examples
    --------
    >>> tail = TailProbability(segments=1, highest=1.0, grace_period=100)
    >>> rng = np.random.default_rng(42)
    >>> def score(values):
    ...     values = np.asarray(values)
    ...     rows = len(values)
    ...     return tail.score_and_learn(np.zeros(rows, np.int16), values, np.ones(rows, np.bool_))
    >>> _ = score(rng.random(10_000))
    >>> score([0.0, 0.5, 0.99, 2.0]).round(3).tolist()
    [0.0, 0.501, 0.989, 1.0]
    """

    def __init__(self, segments: int, *, highest: float, memory: int = 16_384, grace_period: int = 250) -> None:
        self.highest = highest
        self.memory = memory
        self.grace_period = grace_period
        self.counts = np.zeros((segments, BINS), np.int64)
        self.blocks = np.zeros((segments, BINS // BINS_PER_BLOCK), np.int64)
        self.seen = np.zeros(segments, np.int64)

    def score_and_learn(
        self, segment: NDArray[np.int16], raw: NDArray[np.float64], learn: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Each row's tail probability among the rows before it; NaN in `raw` gives 0 and teaches nothing."""
        anomaly = np.empty(len(segment), np.float64)
        _score_and_learn(
            self.counts,
            self.blocks,
            self.seen,
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
        return {"counts": self.counts.copy(), "seen": self.seen.copy()}

    def restore(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from a `state()`."""
        self.counts[:] = state["counts"]
        self.blocks[:] = self.counts.reshape(*self.blocks.shape, BINS_PER_BLOCK).sum(axis=2)
        self.seen[:] = state["seen"]
