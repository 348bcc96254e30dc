"""A subject's history as a picture: money in above the axis, money out below it, alerts marked, all in SVG.

Heights grow with the square root of the amount, so that everyday payments stay visible beside a large one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from babel.dates import format_date
from markupsafe import Markup

from console.store.subjects import Move
from console.web.formats import KAZAKHSTAN, Formats
from rules.events import DAY_MS, FIRST_FACT, LOCAL_OFFSET_MS

WIDTH, HEIGHT, MARGIN = 900, 220, 84
_MOST_BARS: Final = 90
_SIZES: Final = (1, 2, 7, 14, 28, 91)  # days in one bar


@dataclass(frozen=True)
class Bar:
    """What moved in `days` days from `begin` (ms UTC) on; amounts in tiyn."""

    begin: int
    days: int
    received: int
    paid: int
    operations: int
    alerts: int


def bars_of(moves: Sequence[Move], alerts: Iterable[int]) -> list[Bar]:
    """Moves of a subject in bars of equal length, without gaps; `alerts`: when its alerted operations happened."""
    moved = [move for move in moves if move.kind < FIRST_FACT]
    marks = list(alerts)
    days = [_day(move.occurred_at) for move in moved] + [_day(mark) for mark in marks]
    if not days:
        return []
    first, last = min(days), max(days)
    size = next((size for size in _SIZES if (last - first) // size < _MOST_BARS), _SIZES[-1])
    first = max(first, last - size * _MOST_BARS + 1)
    count = (last - first) // size + 1
    received, paid, operations, alerted = ([0] * count for _ in range(4))
    for move in moved:
        place = (_day(move.occurred_at) - first) // size
        if place < 0:
            continue
        operations[place] += 1
        (paid if move.paid else received)[place] += move.amount
    for mark in marks:
        place = (_day(mark) - first) // size
        if place >= 0:
            alerted[place] += 1
    begins = [(first + place * size) * DAY_MS - LOCAL_OFFSET_MS for place in range(count)]
    return [Bar(*each) for each in zip(begins, [size] * count, received, paid, operations, alerted, strict=True)]


def draw(bars: Sequence[Bar], form: Formats, name: str) -> Markup:
    """The picture; `name` says what it shows to those who do not see it."""
    if not bars:
        return Markup("")
    largest = max(max(bar.received, bar.paid) for bar in bars) or 1
    middle, height = HEIGHT / 2, HEIGHT / 2 - 28
    step = (WIDTH - MARGIN - 8) / len(bars)
    wide = max(1.0, step * 0.8)
    parts = [
        Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, name),
        Markup('<line class="axis" x1="{}" y1="{y}" x2="{}" y2="{y}"/>').format(MARGIN, WIDTH - 8, y=_number(middle)),
        _label(MARGIN - 6, middle - height + 4, form.money_in_short(largest), "end"),
        _label(MARGIN - 6, middle + height + 4, form.money_in_short(largest), "end"),
    ]
    for number, bar in enumerate(bars):
        left = MARGIN + number * step
        for amount, series, up in ((bar.received, "series-1", True), (bar.paid, "series-2", False)):
            if amount:
                tall = max(1.0, math.sqrt(amount / largest) * height)
                parts.append(_rectangle(series, left, middle - tall if up else middle, wide, tall))
        if bar.alerts:
            parts.append(_mark(left + wide / 2))
    named = range(0, len(bars), max(1, math.ceil(len(bars) / 6)))
    parts += [_label(MARGIN + at * step, HEIGHT - 4, day_of(bars[at].begin, form), "start") for at in named]
    return Markup("").join([*parts, Markup("</svg>")])


def day_of(moment: int, form: Formats) -> str:
    """The day in Kazakhstan of an instant, as plain text."""
    return format_date(datetime.fromtimestamp(moment / 1_000, KAZAKHSTAN).date(), "d MMM yy", locale=form.locale)


def _day(moment: int) -> int:
    return (moment + LOCAL_OFFSET_MS) // DAY_MS


def _rectangle(series: str, left: float, top: float, wide: float, tall: float) -> Markup:
    return Markup('<rect class="{} filled" x="{}" y="{}" width="{}" height="{}"/>').format(
        series, _number(left), _number(top), _number(wide), _number(tall)
    )


def _mark(x: float) -> Markup:
    return Markup('<path class="series-5 filled" d="M{} 4l6 10h-12z"/>').format(_number(x))


def _label(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(_number(x), _number(y), anchor, text)


def _number(value: float) -> str:
    return f"{value:.1f}"
