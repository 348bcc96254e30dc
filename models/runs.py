"""Runs: odd events of one subject that come one after another, where none alone is odd enough.

A stolen card gives ten payments in two days, each a little strange. The evidence of a subject's events is summed as in
a CUSUM chart: what exceeds `expected` is added, what stays below is taken away, and time lets it fade.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from models.base import State
from models.kernel import kernel

__all__ = ["Runs"]


@kernel
def _add_up(
    subjects: NDArray[np.uint64],
    times: NDArray[np.int64],
    sums: NDArray[np.float64],
    fading_ms: float,
    expected: float,
    largest: float,
    subject: NDArray[np.uint64],
    occurred_at: NDArray[np.int64],
    evidence: NDArray[np.float64],
    learn: NDArray[np.bool_],
) -> NDArray[np.float64]:
    total = np.empty_like(evidence)
    mask = np.uint64(subjects.shape[0] - 1)
    for row in range(evidence.shape[0]):
        total[row] = evidence[row]
        if np.isnan(evidence[row]):
            continue
        slot = subject[row] & mask
        held = 0.0
        if sums[slot] > 0.0:
            # A late event is older than what is known of the subject: nothing has faded for it.
            held = sums[slot] * math.exp(-max(occurred_at[row] - times[slot], 0) / fading_ms)
        own = subjects[slot] == subject[row]
        if own:
            # A usual event stays usual, also of a subject that lately did odd things.
            total[row] += held * min(evidence[row] / expected, 1.0)
        if not learn[row]:
            continue
        grown = (held if own else 0.0) + evidence[row] - expected
        if own or grown > held:
            subjects[slot] = subject[row]
            sums[slot] = min(max(grown, 0.0), largest)
            times[slot] = max(times[slot], occurred_at[row]) if own else occurred_at[row]
    return total


class Runs:
    """The evidence of an event, raised by what its subject has gathered lately.

    A subject has one slot in a table of fixed size, by its key; where two meet, the more suspicious one stays. Most
    subjects gather nothing, so few meet.

    Parameters
    ----------
    slots
        Of the table, a power of two.
    expected
        Nats of evidence that an event may have without adding to the run. It must lie above the mean of usual events,
        or a busy shop would become suspicious by being busy.
    fading_ms
        Time in which the gathered evidence falls to 1/e.
    largest
        Nats that a subject can gather at most, so that it comes back to normal after a known number of normal events.

    Examples
    --------
    >>> runs = Runs()
    >>> hour = 3_600_000
    >>> one, learn = np.ones(5, np.uint64), np.ones(5, np.bool_)
    >>> runs.add_up(one, np.arange(5) * hour, np.array([6.0, 6.0, 6.0, 1.0, 1.0]), learn).round(1).tolist()
    [6.0, 8.0, 9.9, 2.4, 1.7]
    """

    def __init__(
        self, slots: int = 1 << 17, *, expected: float = 4.0, fading_ms: float = 2 * 86_400_000, largest: float = 25.0
    ) -> None:
        self.expected = expected
        self.fading_ms = fading_ms
        self.largest = largest
        self._subjects = np.zeros(slots, np.uint64)
        self._times = np.zeros(slots, np.int64)
        self._sums = np.zeros(slots, np.float64)

    def add_up(
        self,
        subject: NDArray[np.uint64],
        occurred_at: NDArray[np.int64],
        evidence: NDArray[np.float64],
        learn: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Each row's evidence raised by its subject's, in nats, then gather it where `learn` says so; NaN stays NaN."""
        return _add_up(
            self._subjects,
            self._times,
            self._sums,
            self.fading_ms,
            self.expected,
            self.largest,
            subject,
            occurred_at,
            evidence,
            learn,
        )

    def state(self) -> State:
        """The slots that hold something."""
        used = np.flatnonzero(self._sums)
        return {"subjects": self._subjects[used], "times": self._times[used], "sums": self._sums[used]}

    def restore(self, state: State) -> None:
        """Go on from a `state()`."""
        used = np.asarray(state["subjects"], np.uint64) & np.uint64(len(self._sums) - 1)
        self._subjects[used], self._times[used], self._sums[used] = state["subjects"], state["times"], state["sums"]
