"""The map has the twenty regions of today, each where it lies, and nothing outside its picture."""

from __future__ import annotations

import re

from console.map import ABROAD, NOT_GIVEN, region_map
from console.texts import load

CITIES = {71, 75, 79}  # Astana, Almaty, Shymkent
SINCE_2022 = {10, 33, 62}  # Abai, Zhetisu, Ulytau


def box(path: str) -> tuple[int, int, int, int]:
    """The least and the greatest x and y of an outline."""
    points = []
    for ring in re.findall(r"M[^z]+z", path):
        (x, y), *steps = [(int(x), int(y)) for x, y in re.findall(r"(-?\d+)[ ]?(-?\d+)", ring)]
        points.append((x, y))
        for right, down in steps:
            x, y = x + right, y + down
            points.append((x, y))
    across, down_to = [point[0] for point in points], [point[1] for point in points]
    return min(across), min(down_to), max(across), max(down_to)


def test_every_region_that_has_a_name_has_an_outline_within_the_picture() -> None:
    drawn = region_map({75: 3})
    areas = {area.region: area for area in drawn.areas}
    named = {int(key.removeprefix("regions.kz_")) for key in load() if key.startswith("regions.kz_")}
    assert areas.keys() == named - {NOT_GIVEN, ABROAD} >= SINCE_2022
    assert {area.region for area in drawn.areas[-3:]} == CITIES == {one for one, area in areas.items() if area.dot}
    boxes = {region: box(area.path) for region, area in areas.items()}
    for left, top, right, bottom in boxes.values():
        assert 0 <= left < right <= drawn.width
        assert 0 <= top < bottom <= drawn.height
    for region, area in areas.items():
        left, top, right, bottom = boxes[region]
        x, y = area.dot or area.label
        assert left <= x <= right, region
        assert top <= y <= bottom, region
    # Abai lies east of Ulytau, Mangystau in the south-west, and Astana within Aqmola's outline.
    assert boxes[10][0] > boxes[62][2]
    assert boxes[47][0] < boxes[43][0]
    assert boxes[11][0] < areas[71].dot[0] < boxes[11][2]  # type: ignore[index]
