"""How grave an alert is, by which the queue is ordered: 0 low, 1 medium, 2 high, 3 critical.

Points, of which no more than three count:

- two where the center holds or blocks the operation, since a legal clock runs; one for a warning or a step-up,
- one where the score says that hardly anything speaks against it (`SURE` and more),
- one where much money is at stake (`LARGE` and more).
"""

from __future__ import annotations

from typing import Final

LEVELS: Final = ("low", "medium", "high", "critical")
SURE: Final = 0.9
LARGE: Final = 500_000_000  # tiyn: 5 million tenge
_POINTS: Final = {"warn": 1, "step_up": 1, "hold": 2, "block": 2}


def severity_of(decision: str | None, score: float, amount: int) -> int:
    """The severity of an alert whose event moves `amount` tiyn.

    >>> severity_of("hold", 0.95, 1_000), severity_of("warn", 0.8, 1_000), severity_of(None, 0.5, 0)
    (3, 1, 0)
    """
    points = _POINTS.get(decision or "", 0) + (score >= SURE) + (amount >= LARGE)
    return min(points, len(LEVELS) - 1)
