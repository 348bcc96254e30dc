"""Robust statistics of one subject: how improbable the event is for this person, by this person's own past.

`inputs` squashes measurements into [0, 1] for models that need it; `surprises` says, part by part and in nats,
how improbable each of them is: minus the logarithm of the probability that this subject goes that far.
"""

from __future__ import annotations

import math
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from models.base import (
    AGE_DAYS,
    AMOUNT,
    AMOUNT_DEVIATION,
    AMOUNT_OVER_MAX,
    BURST,
    COUNTERPARTY_SEEN,
    COUNTERPARTY_SHARE,
    EVENTS,
    GAP_SECONDS,
    HOUR,
    HOUR_SHARE,
    REGION_SHARE,
    Detector,
)
from models.kernel import kernel

INPUTS: Final = ("amount_deviation", "gap_seconds", "hour_share", "amount_over_max", "amount", "hour")
PARTS: Final = ("amount", "hour", "counterparty", "region", "burst", "silence")
(AMOUNT_PART, HOUR_PART, COUNTERPARTY_PART, REGION_PART, BURST_PART, SILENCE_PART) = range(len(PARTS))
PART_LIMIT: Final = 8.0
"""No part alone says more than 1 in 3,000: the histories are short, and one strange number may be an error."""

__all__ = ["INPUTS", "PARTS", "PART_LIMIT", "RobustDetector", "inputs", "surprises"]


@kernel
def _logarithmic(value: float, smallest: float, largest: float) -> float:
    """Where the value stands between two others, by its logarithm; 0.5 where it is not known."""
    if not value >= 0.0:
        return 0.5
    at = math.log((value + smallest) / smallest) / math.log((largest + smallest) / smallest)
    return min(at, 1.0)


@kernel
def inputs(measurements: NDArray[np.float64]) -> NDArray[np.float64]:
    """INPUTS in [0, 1]: logarithms of what has a long tail, and a neutral value for what is not known.

    They tell what the subject does now, not who it is: age and number of events would make every event of a rare kind
    of subject odd, and each more input makes the thin places of the others harder to see.

    >>> from models.base import MEASUREMENTS
    >>> row = np.full((1, len(MEASUREMENTS)), np.nan)
    >>> row[0, [AMOUNT, HOUR]] = 150_000, 4.0
    >>> dict(zip(INPUTS, inputs(row)[0].round(2).tolist()))["amount"]
    0.55
    """
    points = np.empty((measurements.shape[0], len(INPUTS)))
    for row in range(measurements.shape[0]):
        given = measurements[row]
        point = points[row]
        deviation = min(max(given[AMOUNT_DEVIATION], -1e6), 1e6)
        point[0] = 0.5 if np.isnan(given[AMOUNT_DEVIATION]) else 0.5 + 0.5 * deviation / (abs(deviation) + 2.0)
        point[1] = _logarithmic(given[GAP_SECONDS], 10.0, 90 * 86_400.0)
        share = given[HOUR_SHARE]
        point[2] = 0.5 if np.isnan(share) else min(max(share, 0.0), 1.0)
        ratio = min(given[AMOUNT_OVER_MAX], 1e6)
        point[3] = ratio / (ratio + 1.0) if given[AMOUNT_OVER_MAX] >= 0.0 else 0.5
        point[4] = _logarithmic(given[AMOUNT], 50.0, 1e8)
        # A day is a circle: how far the hour is from the middle of the night, when the fewest people pay.
        from_night = abs((given[HOUR] - 4.0 + 12.0) % 24.0 - 12.0) / 12.0
        point[5] = min(max(from_night, 0.0), 1.0) if from_night >= 0.0 else 0.5
    return points


@kernel
def surprises(measurements: NDArray[np.float64]) -> NDArray[np.float64]:
    """How improbable each of PARTS is for this subject, in nats from 0 to PART_LIMIT; 0 where the past is too short.

    - amount: robust z-score of the logarithm, as a Laplace tail, since tails of amounts are heavy; a small amount says
      a quarter of it (card testing, but also coffee). A new maximum adds its logarithm.
    - hour: how rarely the subject acts at this time of day, against the 4 hours in 24 of somebody without habits.
    - counterparty: a new one, against the share of new ones among the recent.
    - region: how rarely the other side is in this region.
    - burst: Poisson tail of as many events within the hour, or exponential tail of as short a gap, whichever is rarer,
      against the subject's rate over its life. (A nat less for the gap, as the mean gap says nothing.)
    - silence: exponential tail of as long a gap: an account that slept and wakes up.

    >>> usual = np.array([[40, 200, 0.2, 86_400, 0, 0.3, 5, 0.3, 0.4, 0.9, 9_000, 14.0]])
    >>> stolen = np.array([[40, 200, 4.5, 600, 4, 0.0, 0, 0.3, 2.5, 0.9, 310_000, 3.5]])
    >>> dict(zip(PARTS, surprises(usual)[0].round(1).tolist()))
    {'amount': 0.2, 'hour': 0.0, 'counterparty': 0.0, 'region': 0.1, 'burst': 0.7, 'silence': 0.1}
    >>> dict(zip(PARTS, surprises(stolen)[0].round(1).tolist()))
    {'amount': 5.4, 'hour': 2.1, 'counterparty': 1.1, 'region': 0.1, 'burst': 8.0, 'silence': 0.0}
    """
    parts = np.zeros((measurements.shape[0], len(PARTS)))
    for row in range(measurements.shape[0]):
        given = measurements[row]
        part = parts[row]
        deviation = given[AMOUNT_DEVIATION]
        if deviation > 0.0:
            part[AMOUNT_PART] = deviation
        elif deviation < 0.0:
            part[AMOUNT_PART] = -0.25 * deviation
        if given[AMOUNT_OVER_MAX] > 1.0 and deviation > 0.0:
            part[AMOUNT_PART] += math.log(given[AMOUNT_OVER_MAX])
        if given[HOUR_SHARE] >= 0.0:
            part[HOUR_PART] = -math.log((given[HOUR_SHARE] + 0.02) / (4.0 / 24.0))
        if given[COUNTERPARTY_SEEN] == 0.0 and given[COUNTERPARTY_SHARE] >= 0.0:
            part[COUNTERPARTY_PART] = -math.log(min(given[COUNTERPARTY_SHARE] + 0.02, 1.0))
        if given[REGION_SHARE] >= 0.0:
            part[REGION_PART] = -math.log(min(given[REGION_SHARE] + 0.02, 1.0))
        if given[EVENTS] >= 1.0 and given[AGE_DAYS] >= 0.0:
            per_hour = (given[EVENTS] + 1.0) / (24.0 * (given[AGE_DAYS] + 1.0))
            burst = given[BURST]
            if burst > per_hour:
                part[BURST_PART] = burst * math.log(burst / per_hour) - (burst - per_hour)
            # A subject of two events has no rate to speak of, so gaps need a past.
            if given[EVENTS] >= 5.0 and given[GAP_SECONDS] >= 0.0:
                gaps = per_hour * given[GAP_SECONDS] / 3_600.0
                part[SILENCE_PART] = 0.5 * gaps
                part[BURST_PART] = max(part[BURST_PART], -math.log(1.0 - math.exp(-gaps) + 1e-4) - 1.0)
        for number in range(part.shape[0]):
            part[number] = min(max(part[number], 0.0), PART_LIMIT)
    return parts


@kernel
def _total(parts: NDArray[np.float64], segment: NDArray[np.int16]) -> NDArray[np.float64]:
    total = np.zeros(parts.shape[0])
    for row in range(parts.shape[0]):
        for number in range(parts.shape[1]):
            total[row] += parts[row, number]
        if segment[row] < 0:
            total[row] = np.nan
    return total


class RobustDetector(Detector):
    """Rows that are improbable for their subject: the sum of its surprises, as if they were independent.

    A subject's own past is the yardstick, so a wave of similar frauds against many people hides none of them.

    Examples
    --------
    >>> from models.base import MEASUREMENTS
    >>> rng = np.random.default_rng(42)
    >>> rows = np.full((2_000, len(MEASUREMENTS)), np.nan)
    >>> rows[:, AMOUNT_DEVIATION] = rng.laplace(size=len(rows))
    >>> rows[-3:, AMOUNT_DEVIATION] = 5.5
    >>> rows[-3:, HOUR_SHARE] = 0
    >>> detector = RobustDetector(segments=1, seed=7)
    >>> anomaly = detector.score_and_learn(np.zeros(len(rows), np.int16), rows, np.ones(len(rows), np.bool_))
    >>> anomaly[-3:].round(4).tolist()
    [0.9997, 0.9997, 0.9997]
    """

    name: ClassVar[str] = "robust"
    highest: ClassVar[float] = PART_LIMIT * len(PARTS)
    warm_up: ClassVar[int] = 250

    def raw_and_learn(
        self, segment: NDArray[np.int16], measurements: NDArray[np.float64], learn: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """The sum of the surprises in nats; there is nothing to learn but the tail."""
        del learn
        return _total(surprises(measurements), segment)
