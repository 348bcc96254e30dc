"""The Sankey picture: nothing overlaps, widths are in proportion, and what is not shown alone is shown together."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.money.sankey import LEAST, SHOWN, WIDTH, Link, picture

COLUMNS = {node: node // 12 for node in range(48)}
LINKS = st.lists(
    st.tuples(st.integers(0, 47), st.integers(0, 47), st.integers(1, 10**12), st.floats(0, 1)).filter(
        lambda told: told[0] != told[1]
    ),
    max_size=60,
).map(lambda told: [Link(source, target, amount, int(amount * share)) for source, target, amount, share in told])


@given(LINKS)
def test_boxes_do_not_overlap_and_bands_fit_their_boxes(links: list[Link]) -> None:
    drawn = picture(links, COLUMNS)
    for column in range(drawn.columns):
        boxes = sorted((box for box in drawn.boxes if box.column == column), key=lambda box: box.y)
        assert len(boxes) <= SHOWN + 1
        assert all(upper.y + upper.height < lower.y for upper, lower in pairwise(boxes))
    assert all(0 <= box.x < WIDTH and box.y + box.height <= drawn.height for box in drawn.boxes)
    assert sum(band.amount for band in drawn.bands) == sum(link.amount for link in links)
    assert sum(band.traced for band in drawn.bands) == sum(link.traced for link in links)
    for box in drawn.boxes:
        going = [band for band in drawn.bands if band.source is box]
        assert sum(band.width for band in going) <= box.height + LEAST * len(going)
    assert all(0 <= band.traced_width <= band.width + 1e-9 for band in drawn.bands)


def test_widths_are_in_proportion_to_what_was_moved() -> None:
    drawn = picture([Link("a", "b", 300, 300), Link("a", "c", 100, 50)], {"a": 0, "b": 1, "c": 1})
    wide, narrow = drawn.bands
    assert wide.width == pytest.approx(3 * narrow.width)
    assert narrow.traced_width == pytest.approx(narrow.width / 2)
    assert [box.nodes for box in drawn.boxes] == [("a",), ("b",), ("c",)]


def test_the_small_ones_of_a_column_are_one_box() -> None:
    links = [Link("a", number, 1_000 - number, 1_000 - number) for number in range(30)]
    drawn = picture(links, {"a": 0} | dict.fromkeys(range(30), 1))
    assert drawn.boxes[-1].nodes == tuple(range(SHOWN, 30))
    assert drawn.boxes[-1].traced == sum(1_000 - number for number in range(SHOWN, 30))


def test_nothing_is_a_picture_of_nothing() -> None:
    assert picture([], {}).boxes == []
