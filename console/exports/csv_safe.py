"""Writes tables as CSV that no spreadsheet takes for a formula: every CSV of the console goes through here."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

CONTENT_TYPE: Final = "text/csv; charset=utf-8"
Cell = str | int | float | None

# Spreadsheets read a cell as a formula from its first character; a leading blank does not stop all of them.
_FORMULA: Final = re.compile(r"\s*[=+\-@\t\r＝＋－＠]")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def safe(cell: Cell) -> str:
    """The text of a cell; what might be a formula is put behind an apostrophe, a plain number is left a number.

    >>> safe('=HYPERLINK("http://198.51.100.7")'), safe(" @SUM(A1)"), safe("\\t=1")
    ('\\'=HYPERLINK("http://198.51.100.7")', "' @SUM(A1)", "'\\t=1")
    >>> safe(-5), safe("-5.00"), safe("-5+1"), safe(None), safe("Алматы")
    ('-5', '-5.00', "'-5+1", '', 'Алматы')
    """
    if cell is None:
        return ""
    text = str(cell)
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A table by RFC 4180, UTF-8 with a byte order mark, without which Excel takes Cyrillic for another alphabet.

    Raises:
        ValueError: a row is not as long as the head.
    """
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([safe(cell) for cell in head])
    for row in rows:
        if len(row) != len(head):
            raise ValueError("a row is not as long as the head of its table")
        writer.writerow([safe(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")
