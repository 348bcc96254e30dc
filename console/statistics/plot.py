"""Where the bars of a plot stand; the template draws them, with the table beside it."""

from __future__ import annotations

from typing import Final, NamedTuple

from console.statistics.figures import Figures

WIDTH: Final = 860
LABEL: Final = 390  # room for the names of rows: the longest of a typology stands whole
ROOM: Final = 120  # room for the value behind a bar
LEAST: Final = 0.01  # shares are drawn on a scale up to this at least: next to nothing shall look like it
MOST: Final = 24  # rows that are plotted; the table has them all
_BAR: Final = 12
_GAP: Final = 9
_TOP: Final = 4


class Bar(NamedTuple):
    """One bar: of which row and which of the plotted columns, and where it stands."""

    row: int
    series: int
    y: int
    width: float


class Plot(NamedTuple):
    """Horizontal bars: a group for each row, a bar for each plotted column."""

    bars: tuple[Bar, ...]
    labels: tuple[tuple[int, float], ...]  # row, y of its name
    left: int  # where all bars begin
    height: int
    rows: int  # that are plotted


def plot(figures: Figures) -> Plot | None:
    """The plot of a table; None where nothing of it is plotted.

    >>> from console.statistics.figures import columns
    >>> table = Figures("t", columns(kind="word", alerts="count"), (("a", 4), ("b", 2)), (1,))
    >>> [(bar.row, bar.y, bar.width) for bar in plot(table).bars]
    [(0, 4, 350.0), (1, 25, 175.0)]
    """
    rows = figures.rows[-MOST:] if figures.columns[0].kind == "period" else figures.rows[:MOST]
    first = figures.rows.index(rows[0]) if rows else 0
    values = [[_length(row[place]) for place in figures.plotted] for row in rows]
    largest = max((value for row in values for value in row), default=0)
    if not largest:
        return None
    if any(figures.columns[place].kind == "share" for place in figures.plotted):
        largest = max(largest, LEAST)
    step = _BAR * len(figures.plotted) + _GAP
    across = WIDTH - LABEL - ROOM
    bars = tuple(
        Bar(first + number, series, _TOP + number * step + series * _BAR, round(value / largest * across, 1))
        for number, row in enumerate(values)
        for series, value in enumerate(row)
    )
    names = tuple((first + number, _TOP + number * step + (step - _GAP) / 2 + 4) for number in range(len(rows)))
    return Plot(bars, names, LABEL, _TOP + len(rows) * step, len(rows))


def _length(value: object) -> float:
    return max(0.0, value) if isinstance(value, int | float) else 0.0
