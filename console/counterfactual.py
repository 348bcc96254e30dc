"""What would have kept an alert silent: the score without each of its signals, and the smallest change that suffices.

The score of an alert is the sum of the weights of the signals that held, at most 1. Weights are compared in
thousandths, as the engine compares them, so that 0.3 + 0.5 is 0.8 and not a little less.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from streams.contracts.suspicious_operation import Signal

_WHOLE = 1_000


@dataclass(frozen=True)
class Without:
    """The score had one signal not held; `silent` where that is below the threshold."""

    signal_id: str
    score: float
    silent: bool


@dataclass(frozen=True)
class Counterfactual:
    """For each signal that held, the score without it; and the fewest that would all have to go.

    `fewest` is empty where no such change exists: nothing held, or the threshold is 0.
    """

    threshold: float
    without: tuple[Without, ...]
    fewest: tuple[str, ...]
    left: float  # the score without `fewest`


def counterfactual(signals: Iterable[Signal], threshold: float) -> Counterfactual:
    """The counterfactual of an alert whose typology alerts from `threshold` on.

    Of equally few signals those are named that leave the highest score: the change is then the smallest.
    """
    weights = {signal.id: _thousandths(signal.weight) for signal in signals if signal.state == "yes"}
    needed, total = _thousandths(threshold), sum(weights.values())
    without = tuple(
        Without(name, _score(total - weight), min(total - weight, _WHOLE) < needed) for name, weight in weights.items()
    )
    for many in range(1, len(weights) + 1):
        sufficient = [
            (total - sum(weights[name] for name in names), names)
            for names in combinations(weights, many)
            if total - sum(weights[name] for name in names) < needed
        ]
        if sufficient:
            left, fewest = max(sufficient, key=lambda each: each[0])
            return Counterfactual(threshold, without, fewest, _score(left))
    return Counterfactual(threshold, without, (), _score(total))


def _thousandths(number: float) -> int:
    return round(number * _WHOLE)


def _score(thousandths: int) -> float:
    return min(thousandths, _WHOLE) / _WHOLE
