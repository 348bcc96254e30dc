"""Where the lines and bars of a collector's plots stand; templates draw them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

WIDTH: Final = 640
HEIGHT: Final = 200
LEFT: Final = 84  # room for the values of the axis
RIGHT: Final = 12
TOP: Final = 10
BOTTOM: Final = 26
_ACROSS: Final = WIDTH - LEFT - RIGHT
_UP: Final = HEIGHT - TOP - BOTTOM


class Plot(NamedTuple):
    """Values over time: a path for each series, and ticks with what they stand for."""

    paths: tuple[str, ...]
    ends: tuple[tuple[float, float], ...]  # where each series ends
    across: tuple[tuple[float, int], ...]  # x, moment in ms
    up: tuple[tuple[float, float], ...]  # y, value
    level: float  # y of the `level` that was asked for


class Bar(NamedTuple):
    """One bar."""

    x: float
    y: float
    width: float
    height: float
    value: int


class Bars(NamedTuple):
    """Bars side by side, and the ticks beside them."""

    bars: tuple[Bar, ...]
    up: tuple[tuple[float, float], ...]  # y, value


def plot(moments: Sequence[int], series: Sequence[Sequence[float]], *, most: float = 0, level: float = 0) -> Plot:
    """Each of `series` over `moments` (ms, ascending, at least one), from 0 up to `most` or what is needed.

    >>> drawn = plot([0, 1000], [[0, 50]], most=100, level=50)
    >>> drawn.paths, drawn.level, [value for _, value in drawn.up]
    (('M84.0 174.0 L628.0 92.0',), 92.0, [0.0, 25.0, 50.0, 75.0, 100.0])
    """
    top = most or ceiling(max((value for one in series for value in one), default=0))
    first, span = moments[0], max(moments[-1] - moments[0], 1)

    def x(moment: int) -> float:
        return round(LEFT + (moment - first) / span * _ACROSS, 1)

    def y(value: float) -> float:
        return round(TOP + (1 - value / top) * _UP, 1)

    drawn = [[(x(moment), y(value)) for moment, value in zip(moments, one, strict=True)] for one in series]
    paths = tuple("M" + " L".join(f"{at} {up}" for at, up in points) for points in drawn)
    ticks = sorted({moments[0], moments[-1], moments[0] + span // 2}) if len(moments) > 1 else [moments[0]]
    return Plot(
        paths,
        tuple(points[-1] for points in drawn),
        tuple((x(moment), moment) for moment in ticks),
        tuple((y(top * part / 4), top * part / 4) for part in range(5)),
        y(level),
    )


def bars(values: Sequence[int]) -> Bars:
    """A bar for each value, at least 0.

    >>> [bar.height for bar in bars([0, 6, 12]).bars]
    [0.0, 82.0, 164.0]
    """
    top = ceiling(max(values, default=0))
    step = _ACROSS / max(len(values), 1)
    drawn = []
    for number, value in enumerate(values):
        height = round(value / top * _UP, 1)
        drawn.append(Bar(round(LEFT + number * step, 1), TOP + _UP - height, round(step * 0.8, 1), height, value))
    return Bars(tuple(drawn), tuple((TOP + (1 - part / 4) * _UP, top * part / 4) for part in range(0, 5, 2)))


def ceiling(value: float) -> float:
    """The next round number that four ticks divide well; 4 of nothing.

    >>> ceiling(0), ceiling(9), ceiling(13), ceiling(410)
    (4.0, 12.0, 20.0, 800.0)
    """
    if value <= 4:
        return 4.0
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1.2, 2, 4, 8, 12) if power * step >= value)
