"""CSV: read back it is what was written, and no cell is a formula to a spreadsheet."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.exports.csv_safe import safe, table


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_no_cell_begins_like_a_formula_and_nothing_is_lost(cells: list[str]) -> None:
    head = [f"c{number}" for number in range(len(cells) or 1)]
    written = table(head, [cells] if cells else [])
    assert written.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(StringIO(written.decode("utf-8-sig"), newline="")))
    for cell, read in zip(cells, rows[1] if cells else [], strict=True):
        assert read in (cell, f"'{cell}")
        assert not read.lstrip().startswith(("=", "+", "@"))


def test_rows_end_as_rfc_4180_says() -> None:
    assert table(["a", "b"], [[1, 'say "x",\n']]).decode("utf-8-sig") == 'a,b\r\n1,"say ""x"",\n"\r\n'
    assert (safe("+7 701"), safe("-"), safe("-12.50")) == ("'+7 701", "'-", "-12.50")
    with pytest.raises(ValueError, match="not as long"):
        table(["a"], [[1, 2]])
