"""The map of Kazakhstan's twenty regions in force since June 2022: their outlines, coloured by a value of each.

The three cities of national significance are too small to be seen: a dot stands on each, with its name beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel

NOT_GIVEN: Final = 0
ABROAD: Final = 255
STEPS: Final = 5  # of colour, beside "nothing"
OUTLINE: Final = Path(__file__).parent / "outline" / "kazakhstan.json"  # its licence lies beside it

Point = tuple[int, int]
Anchor = Literal["start", "middle", "end"]


class Area(NamedTuple):
    """One region of the map; coordinates are those of the picture, `step` is its colour from 0 (nothing) on."""

    region: int  # number of ISO 3166-2:KZ
    path: str  # an SVG path's `d`
    dot: Point | None  # the middle of a region that is too small to be seen
    label: Point
    anchor: Anchor  # an SVG text's `text-anchor`
    value: int
    step: int


class RegionMap(NamedTuple):
    """The picture: its size, its regions, and for each colour the least and the greatest value it stands for."""

    width: int
    height: int
    areas: tuple[Area, ...]  # cities last, so that they lie on top of what surrounds them
    legend: tuple[tuple[int, int, int], ...]  # step, least, greatest


def region_map(values: Mapping[int, int]) -> RegionMap:
    """The map coloured by a value of each region, at least 0; regions that are not named have none.

    >>> drawn = region_map({75: 40, 71: 3})
    >>> len(drawn.areas), [area.step for area in drawn.areas if area.region in (71, 75, 79)], drawn.legend
    (20, [1, 5, 0], ((1, 3, 3), (5, 40, 40)))
    """
    outline = _outline()
    shown = {region: values.get(region, 0) for region in outline.regions}
    steps = _steps(shown)
    areas = [
        Area(region, one.path, one.dot, one.label, one.anchor, shown[region], steps[region])
        for region, one in outline.regions.items()
    ]
    legend = []
    for step in range(1, STEPS + 1):
        of_step = [area.value for area in areas if area.step == step]
        if of_step:
            legend.append((step, min(of_step), max(of_step)))
    areas.sort(key=lambda area: (area.dot is not None, area.region))
    return RegionMap(outline.width, outline.height, tuple(areas), tuple(legend))


def _steps(values: Mapping[int, int]) -> dict[int, int]:
    """Colours by equal ratios: where one region has a hundred times another's, equal differences hide the rest."""
    positive = [value for value in values.values() if value > 0]
    if not positive:
        return dict.fromkeys(values, 0)
    low, high = math.log(min(positive)), math.log(max(positive))
    if high == low:
        return {region: STEPS if value else 0 for region, value in values.items()}
    return {
        region: 1 + min(STEPS - 1, int((math.log(value) - low) / (high - low) * STEPS)) if value > 0 else 0
        for region, value in values.items()
    }


class _Region(BaseModel):
    path: str
    dot: Point | None = None
    label: Point
    anchor: Anchor


class _Outline(BaseModel):
    source: str
    width: int
    height: int
    regions: dict[int, _Region]


@cache
def _outline() -> _Outline:
    return _Outline.model_validate_json(OUTLINE.read_text(encoding="utf-8"))
