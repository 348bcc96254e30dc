"""The pieces that a report page is built of: tables, figures with their tables, and the one stylesheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from rules.events import DAY_MS

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1a1f24; --faint: #5b6670; --paper: #fff; --rule: #d5dbe0; --s0: #2660a4;
  --s1: #c8702a; --good: #1f7a3d; --bad: #b3261e; --soft: #f3f5f7; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --faint: #9aa5af; --paper: #14181c; --rule: #39424a;
  --s0: #6ea8e8; --s1: #e9a25c; --good: #6fcf8b; --bad: #ff8a80; --soft: #1d2328; } }
@media print { :root { color-scheme: light; --ink: #000; --faint: #444; --paper: #fff; --rule: #bbb; --s0: #2660a4;
  --s1: #c8702a; --good: #1f7a3d; --bad: #b3261e; --soft: #fff; }
  section, tr, svg { break-inside: avoid; } body { max-width: none; font-size: 10pt; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 76rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid var(--rule); }
p.note, caption, .faint { color: var(--faint); } p.warning { color: var(--bad); }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .2rem 0; } th, td { padding: .18rem .55rem; text-align: right; }
th { border-bottom: 1px solid var(--rule); vertical-align: bottom; } th[scope=row] { border: 0; font-weight: 600; }
th:first-child, td.text { text-align: left; } tbody tr:nth-child(even) { background: var(--soft); }
.side { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
.side > * { flex: 1 1 26rem; min-width: 0; }
.wide { overflow-x: auto; } .good { color: var(--good); } .bad { color: var(--bad); }
svg { width: 100%; height: auto; max-width: 46rem; font-size: 12px; } svg text { fill: var(--ink); }
svg text.faint { fill: var(--faint); } .s0 { fill: var(--s0); } .s1 { fill: var(--s1); }
.axis { stroke: var(--rule); } .limit { stroke: var(--bad); stroke-dasharray: 3 3; }
.line { fill: none; stroke: var(--s0); stroke-width: 2; } code { overflow-wrap: anywhere; }
"""


class Html(str):
    """Text that is markup already and must not be escaped again."""

    __slots__ = ()


Cell = str | int | float | None


def page(title: str, sections: Iterable[str]) -> str:
    """One whole document, which asks the network for nothing."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(sections)
        + "\n</body>\n</html>\n"
    )


def section(title: str, *pieces: str) -> str:
    """A part of the page under its heading."""
    return f"<section>\n<h2>{escape(title)}</h2>\n" + "\n".join(pieces) + "\n</section>"


def note(text: str, kind: str = "note") -> str:
    """A paragraph that says how to read what stands beside it, or warns."""
    return f'<p class="{kind}">{escape(text)}</p>'


def beside(plot: str, table: str) -> str:
    """A plot and its table, next to each other where there is room."""
    return f'<div class="side"><div>{plot}</div><div class="wide">{table}</div></div>'


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], caption: str = "", text_columns: int = 1) -> str:
    """A table whose first cell names its row; the first `text_columns` columns are text, the others numbers."""
    pieces = ['<div class="wide"><table>']
    if caption:
        pieces.append(f"<caption>{escape(caption)}</caption>")
    pieces.append("<thead><tr>" + "".join(f'<th scope="col">{escape(name)}</th>' for name in head) + "</tr></thead>")
    pieces.append("<tbody>")
    for row in rows:
        cells = [f'<th scope="row">{cell(row[0])}</th>']
        for number, value in enumerate(row[1:], start=1):
            kind = ' class="text"' if number < text_columns else ""
            cells.append(f"<td{kind}>{cell(value)}</td>")
        pieces.append(f"<tr>{''.join(cells)}</tr>")
    pieces.append("</tbody></table></div>")
    return "".join(pieces)


def cell(value: Cell) -> str:
    """A value as markup: a dash where there is none."""
    if value is None:
        return "–"
    if isinstance(value, Html):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return escape(value)


def percent(share: float | None, digits: int = 0) -> str:
    """A share as a percentage, or a dash."""
    return "–" if share is None else f"{share:.{digits}%}"


def tenge(tiyn: int) -> str:
    """Whole tenge, rounded down."""
    return f"{tiyn // 100:,}"


def lasting(days: float | None) -> str:
    """A time as minutes, hours or days, whichever reads best.

    >>> lasting(0.01), lasting(0.5), lasting(3.25)
    ('14 min', '12.0 h', '3.2 d')
    """
    if days is None:
        return "–"
    minutes = days * DAY_MS / 60_000
    if minutes < 60:
        return f"{minutes:.0f} min"
    return f"{days * 24:.1f} h" if days < 2 else f"{days:.1f} d"
