"""The contract of a detector: an online score per subject and event, a tail probability, high = anomalous.

A detector sees one row at a time, in order: it scores the row by what it learnt from the rows before, then learns it.
Populations that behave differently are kept apart as segments. A score of 0.999 says that one row in a thousand of its
segment is as odd; 0 also stands for "too early to say", and NaN for "no such subject here".

To add a detector, write one file in this folder with a subclass of `Detector` and a seeded doctest. The checks in
tests/models/test_detectors_keep_the_contract.py find it by themselves and run on it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from models.tail import TailProbability

# The columns of `measurements`, in order. The first ten are the statistics of a subject's history before the event, as
# rules/history.py computes them; NaN where one is not defined, as for a first event.
MEASUREMENTS: Final = (
    "events",
    "age_days",
    "amount_deviation",
    "gap_seconds",
    "burst",
    "hour_share",
    "counterparty_seen",
    "counterparty_share",
    "amount_over_max",
    "region_share",
    "amount",  # tenge
    "hour",  # of the local day, [0, 24)
)
(
    EVENTS,
    AGE_DAYS,
    AMOUNT_DEVIATION,
    GAP_SECONDS,
    BURST,
    HOUR_SHARE,
    COUNTERPARTY_SEEN,
    COUNTERPARTY_SHARE,
    AMOUNT_OVER_MAX,
    REGION_SHARE,
    AMOUNT,
    HOUR,
) = range(len(MEASUREMENTS))
STATISTICS: Final = MEASUREMENTS[:AMOUNT]

State = dict[str, NDArray[np.generic]]

__all__ = ["MEASUREMENTS", "STATISTICS", "Detector", "State"]


class Detector(ABC):
    """One way to see that a subject does what is not usual.

    A subclass gives `raw_and_learn`, and the ends of its scale; the tail probability comes from here.

    Parameters
    ----------
    segments
        How many populations are kept apart.
    seed
        Of everything that is drawn at random: the same seed and rows give the same scores, bit by bit.
    """

    name: ClassVar[str]
    highest: ClassVar[float]
    """Raw scores lie between 0 and this."""
    warm_up: ClassVar[int]
    """How many rows a segment must have taught before its scores mean something."""

    def __init__(self, segments: int, seed: int) -> None:
        self.segments = segments
        self.seed = seed
        self.tail = TailProbability(segments, highest=self.highest)

    @abstractmethod
    def raw_and_learn(
        self, segment: NDArray[np.int16], measurements: NDArray[np.float64], learn: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Score each row in order in [0, highest], then learn it where `learn` says so; NaN before it can judge."""

    def score_and_learn(
        self, segment: NDArray[np.int16], measurements: NDArray[np.float64], learn: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """The tail probability of each row in its segment, score before learn; NaN where the segment is -1."""
        return self.tail.score_and_learn(segment, self.raw_and_learn(segment, measurements, learn), learn)

    def state(self) -> State:
        """All that was learnt, as arrays of its own; their size does not grow with the stream."""
        return {f"tail.{name}": array for name, array in self.tail.state().items()}

    def restore(self, state: State) -> None:
        """Go on from a `state()` as if nothing had happened in between."""
        self.tail.restore({name.removeprefix("tail."): array for name, array in state.items()})
