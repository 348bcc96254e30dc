"""Drift: has what a model scores changed its mean, so that its view of normal is of another time?

river's ADWIN watches each stream of scores, fed with the means of blocks of 128. Blocks and the means that ADWIN has
seen since its last alarm are the state, so neither the cutting into batches nor a restart changes an alarm.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN

from models.base import State
from models.kernel import kernel

BLOCK: Final = 128
KEPT: Final = 512
"""Means kept for a stream. When there are more, its ADWIN starts again from the latest half."""
ALARMS_KEPT: Final = 1_000

ALARM: Final = np.dtype([("occurred_at", "<i8"), ("stream", "<i8"), ("before", "<f8"), ("after", "<f8")])

__all__ = ["BLOCK", "Alarm", "DriftWatch"]


class Alarm(NamedTuple):
    """The mean of a stream of scores changed."""

    occurred_at: int
    """Event time of the score that completed the block, in milliseconds."""
    stream: int
    before: float
    """Mean of the watched past, blocks of the change included."""
    after: float
    """Mean of the block that gave it away."""


@kernel
def _fill_blocks(
    sums: NDArray[np.float64],
    counts: NDArray[np.int64],
    stream: NDArray[np.int64],
    scores: NDArray[np.float64],
    rows: NDArray[np.int64],
    means: NDArray[np.float64],
) -> int:
    complete = 0
    for row in range(stream.shape[0]):
        place = stream[row]
        if place < 0 or np.isnan(scores[row]):
            continue
        sums[place] += scores[row]
        counts[place] += 1
        if counts[place] == BLOCK:
            rows[complete] = row
            means[complete] = sums[place] / BLOCK
            complete += 1
            sums[place] = 0.0
            counts[place] = 0
    return complete


class DriftWatch:
    """One ADWIN per stream of scores, and the alarms they raised.

    Scores are in nats or the like: ADWIN finds a change of 0.2 after some 8,000 scores, smaller ones later.
    Each ADWIN is always what a fresh one becomes from the kept means, in order; so it is not saved but built again.

    Examples
    --------
    >>> rng = np.random.default_rng(42)
    >>> scores = np.concatenate([rng.normal(0.2, 0.05, 20_000), rng.normal(0.4, 0.05, 20_000)])
    >>> watch = DriftWatch(streams=1)
    >>> watch.observe(np.zeros(len(scores), np.int64), scores, np.arange(len(scores)))
    >>> [(alarm.occurred_at, round(alarm.after, 1)) for alarm in watch.alarms]
    [(27903, 0.4)]
    """

    def __init__(self, streams: int) -> None:
        self._sums = np.zeros(streams, np.float64)
        self._counts = np.zeros(streams, np.int64)
        self._means: list[list[float]] = [[] for _ in range(streams)]
        self._windows = [_fresh_window() for _ in range(streams)]
        self._alarms: list[Alarm] = []
        self.alarms_total = 0

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """The latest alarms, oldest first; `alarms_total` counts also those that are no longer kept."""
        return tuple(self._alarms)

    def observe(self, stream: NDArray[np.int64], scores: NDArray[np.float64], occurred_at: NDArray[np.int64]) -> None:
        """Take the scores in order; a row with stream -1 or a score of NaN is passed over."""
        rows = np.empty(len(stream) // BLOCK + len(self._sums), np.int64)
        means = np.empty(len(rows), np.float64)
        complete = _fill_blocks(self._sums, self._counts, stream, scores, rows, means)
        for row, mean in zip(rows[:complete].tolist(), means[:complete].tolist(), strict=True):
            self._take_block(int(stream[row]), mean, int(occurred_at[row]))

    def _take_block(self, stream: int, mean: float, occurred_at: int) -> None:
        means = self._means[stream]
        means.append(mean)
        window = self._windows[stream]
        window.update(mean)
        if window.drift_detected:
            self._alarms.append(Alarm(occurred_at, stream, sum(means) / len(means), mean))
            del self._alarms[:-ALARMS_KEPT]
            self.alarms_total += 1
            means.clear()  # as river does: after an alarm ADWIN starts from nothing
            self._windows[stream] = _fresh_window()
        elif len(means) > KEPT:
            del means[: -KEPT // 2]
            self._windows[stream] = _window_after(means)

    def state(self) -> State:
        """Open blocks, kept means and alarms."""
        return {
            "sums": self._sums.copy(),
            "counts": self._counts.copy(),
            "lengths": np.array([len(means) for means in self._means], np.int64),
            "means": np.array([mean for means in self._means for mean in means], np.float64),
            "alarms": np.array(self._alarms, ALARM),
            "alarms_total": np.array([self.alarms_total], np.int64),
        }

    def restore(self, state: State) -> None:
        """Go on from a `state()`."""
        self._sums[:] = state["sums"]
        self._counts[:] = state["counts"]
        ends = np.cumsum(state["lengths"])
        self._means = [part.tolist() for part in np.split(state["means"], ends[:-1])]
        self._windows = [_window_after(means) for means in self._means]
        self._alarms = [Alarm(*alarm) for alarm in state["alarms"].tolist()]
        self.alarms_total = int(state["alarms_total"].item())


def _fresh_window() -> ADWIN:
    # A block is already 128 scores, so each is worth a check: the clock of 1 tests after every block.
    return ADWIN(delta=0.002, clock=1)


def _window_after(means: list[float]) -> ADWIN:
    window = _fresh_window()
    for mean in means:
        window.update(mean)
    return window
