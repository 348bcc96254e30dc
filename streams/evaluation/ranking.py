"""How well the risk ranks events, whatever the alert thresholds are."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

CURVE_POINTS: Final = 60


def average_precision(fraud: NDArray[np.bool_], risk: NDArray[np.float64]) -> float:
    """Area under precision over recall, ties taken together (as scikit-learn defines it); 0 without a fraud.

    >>> average_precision(np.array([False, True, False]), np.array([0.1, 0.9, 0.5]))
    1.0
    """
    recall, precision = _curve(fraud, risk)
    return float(np.sum(np.diff(np.r_[0.0, recall]) * precision))


def at_rate(fraud: NDArray[np.bool_], risk: NDArray[np.float64], share: float = 0.01) -> tuple[float, float]:
    """Recall and precision where the riskiest `share` of events is looked at."""
    count = max(1, int(len(risk) * share))
    hits = int(fraud[np.argsort(-risk, kind="stable")[:count]].sum())
    return hits / max(1, int(fraud.sum())), hits / count


def curve(fraud: NDArray[np.bool_], risk: NDArray[np.float64]) -> list[tuple[float, float]]:
    """At most CURVE_POINTS points (recall, precision), from the riskiest events to all of them."""
    recall, precision = _curve(fraud, risk)
    if not len(recall) or not fraud.any():
        return []
    chosen = np.unique(
        np.searchsorted(recall, np.linspace(recall[0], recall[-1], CURVE_POINTS)).clip(0, len(recall) - 1)
    )
    return [(round(float(recall[i]), 4), round(float(precision[i]), 4)) for i in chosen]


def _curve(fraud: NDArray[np.bool_], risk: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and precision after each group of events of equal risk, from the riskiest on."""
    if not len(risk):
        return np.empty(0), np.empty(0)
    order = np.argsort(-risk, kind="stable")
    ranked, values = fraud[order], risk[order]
    ends = np.flatnonzero(np.r_[values[1:] != values[:-1], True])
    hits = np.cumsum(ranked)[ends]
    return hits / max(1, int(fraud.sum())), hits / (ends + 1)
