"""Small plots as SVG text, drawn by hand so that a report needs no script, no font and no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

WIDTH: Final = 720
LABEL: Final = 210  # room for the names of rows
ROOM: Final = 60  # room for the value behind a bar
BAR: Final = 11
GAP: Final = 9
PLOT: Final = WIDTH - LABEL - ROOM


def bars(
    title: str, series: Sequence[str], rows: Sequence[tuple[str, Sequence[float | None]]], most: float | None = None
) -> str:
    """Horizontal bars: a group for each row, a bar for each series; shares (most=1) are written as percentages."""
    top = 24 if len(series) > 1 else 4
    step = BAR * len(series) + GAP
    largest = most or max((value for _, values in rows for value in values if value is not None), default=0) or 1
    pieces = [_legend(series)] if len(series) > 1 else []
    for number, (name, values) in enumerate(rows):
        y = top + number * step
        pieces.append(_text(LABEL - 8, y + step / 2 - GAP / 2 + 4, name, "end"))
        for place, value in enumerate(values):
            at = y + place * BAR
            if value is None:
                pieces.append(_text(LABEL + 3, at + BAR - 2, "no cases", "start", "faint"))
                continue
            width = max(0.0, min(1.0, value / largest)) * PLOT
            pieces.append(f'<rect class="s{place}" x="{LABEL}" y="{at}" width="{width:.1f}" height="{BAR - 2}"/>')
            pieces.append(_text(LABEL + width + 4, at + BAR - 2, _value(value, most), "start", "faint"))
    bottom = top + len(rows) * step
    pieces.append(f'<line class="axis" x1="{LABEL}" y1="{top - 2}" x2="{LABEL}" y2="{bottom}"/>')
    return _svg(title, bottom + 2, pieces)


def strips(title: str, rows: Sequence[tuple[str, Sequence[tuple[str, float]]]], mark: float) -> str:
    """A line from 0 to 100 % for each row with a dot for each of its named shares; `mark` is drawn as a limit."""
    step, top, plot = 22, 22, WIDTH - LABEL - 230
    bottom = top + len(rows) * step
    limit = LABEL + mark * plot
    pieces = [
        f'<line class="limit" x1="{limit:.1f}" y1="{top - 4}" x2="{limit:.1f}" y2="{bottom}"/>',
        _text(limit, 14, f"{mark:.0%} of the money", "start", "faint"),
    ]
    for number, (name, dots) in enumerate(rows):
        y = top + number * step + step / 2
        pieces.append(_text(LABEL - 8, y + 4, name, "end"))
        pieces.append(f'<line class="axis" x1="{LABEL}" y1="{y}" x2="{LABEL + plot}" y2="{y}"/>')
        for text, share in dots:
            told = f"<title>{escape(text)}: {share:.0%}</title>"
            pieces.append(f'<circle class="s0" cx="{LABEL + share * plot:.1f}" cy="{y}" r="4">{told}</circle>')
        told = ", ".join(f"{text} {share:.0%}" for text, share in dots[:4]) + (" …" if len(dots) > 4 else "")
        pieces.append(_text(LABEL + plot + 10, y + 4, told, "start", "faint"))
    return _svg(title, bottom + 2, pieces)


def curve(title: str, points: Sequence[tuple[float, float]], x_name: str, y_name: str) -> str:
    """A line through points whose both coordinates are shares in [0, 1]."""
    side, left, top = 240, 60, 10
    told = " ".join(f"{left + x * 2 * side:.1f},{top + (1 - y) * side:.1f}" for x, y in points)
    right, bottom = left + 2 * side, top + side
    pieces = [
        f'<line class="axis" x1="{left}" y1="{bottom}" x2="{right}" y2="{bottom}"/>',
        f'<line class="axis" x1="{left}" y1="{top}" x2="{left}" y2="{bottom}"/>',
        *(_text(left - 6, top + (1 - tick) * side + 4, f"{tick:.0%}", "end", "faint") for tick in (0, 0.5, 1)),
        *(_text(left + tick * 2 * side, bottom + 16, f"{tick:.0%}", "middle", "faint") for tick in (0, 0.5, 1)),
        _text(left + side, bottom + 32, x_name, "middle"),
        _text(left + 8, top + 10, y_name, "start"),
        f'<polyline class="line" points="{told}"/>',
    ]
    return _svg(title, bottom + 38, pieces)


def _legend(series: Sequence[str]) -> str:
    pieces, x = [], LABEL
    for number, name in enumerate(series):
        pieces.append(f'<rect class="s{number}" x="{x}" y="4" width="10" height="10"/>')
        pieces.append(_text(x + 14, 13, name, "start"))
        x += 30 + 7 * len(name)
    return "".join(pieces)


def _value(value: float, most: float | None) -> str:
    return f"{value:.0%}" if most == 1 else f"{value:,.1f}".removesuffix(".0")


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(title: str, height: float, pieces: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title, quote=True)}">'
        f"<title>{escape(title)}</title>{''.join(pieces)}</svg>"
    )
