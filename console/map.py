"""A tile map of Kazakhstan: one hexagon a region, where it lies, by the regions in force since June 2022.

No outline with today's twenty regions was found under a licence that lets it be shipped; a tile map also shows Shymkent
as large as Karaganda, which for counts of people is the truer picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

RADIUS: Final = 44  # of a hexagon, in units of the picture
NOT_GIVEN: Final = 0
ABROAD: Final = 255
STEPS: Final = 5  # of colour, beside "nothing"

# ISO 3166-2:KZ number → (column, row); odd rows stand half a hexagon to the right.
_PLACES: Final[Mapping[int, tuple[int, int]]] = {
    59: (4, 0),
    39: (3, 1),
    11: (4, 1),
    55: (5, 1),
    27: (1, 2),
    15: (2, 2),
    62: (3, 2),
    71: (4, 2),
    35: (5, 2),
    10: (6, 2),
    63: (7, 2),
    23: (1, 3),
    43: (2, 3),
    61: (3, 3),
    31: (4, 3),
    19: (5, 3),
    33: (6, 3),
    47: (1, 4),
    79: (4, 4),
    75: (6, 4),
}
REGIONS: Final = tuple(sorted(_PLACES))
_WIDE: Final = math.sqrt(3) * RADIUS
_LEFT: Final = min(column + row % 2 / 2 for column, row in _PLACES.values())


class Tile(NamedTuple):
    """One region of the map; coordinates are those of the picture, `step` is its colour from 0 (nothing) on."""

    region: int
    x: float  # of the middle
    y: float
    corners: str  # as a polygon's `points`
    value: int
    step: int


class TileMap(NamedTuple):
    """The picture: its size, its tiles, and for each colour the least and the greatest value it stands for."""

    width: int
    height: int
    tiles: tuple[Tile, ...]
    legend: tuple[tuple[int, int, int], ...]  # step, least, greatest


def tile_map(values: Mapping[int, int]) -> TileMap:
    """The map coloured by a value of each region, at least 0; regions that are not named have none.

    >>> drawn = tile_map({75: 40, 71: 3})
    >>> len(drawn.tiles), [tile.step for tile in drawn.tiles if tile.region in (71, 75, 79)], drawn.legend
    (20, [1, 5, 0], ((1, 3, 3), (5, 40, 40)))
    """
    shown = {region: values.get(region, 0) for region in REGIONS}
    steps = _steps(shown)
    tiles = tuple(_tile(region, shown[region], steps[region]) for region in REGIONS)
    legend = []
    for step in range(1, STEPS + 1):
        of_step = [tile.value for tile in tiles if tile.step == step]
        if of_step:
            legend.append((step, min(of_step), max(of_step)))
    last_column = max(column + row % 2 / 2 for column, row in _PLACES.values())
    rows = 1 + max(row for _, row in _PLACES.values())
    width = math.ceil((last_column - _LEFT + 1) * _WIDE)
    return TileMap(width, math.ceil((1.5 * (rows - 1) + 2) * RADIUS), tiles, tuple(legend))


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


def _tile(region: int, value: int, step: int) -> Tile:
    column, row = _PLACES[region]
    x = (column + row % 2 / 2 - _LEFT + 0.5) * _WIDE
    y = (1.5 * row + 1) * RADIUS
    corners = []
    for corner in range(6):
        angle = math.pi / 180 * (60 * corner - 30)
        # A little smaller than its place, so that neighbours are told apart without an outline.
        corners.append(f"{x + 0.96 * RADIUS * math.cos(angle):.1f},{y + 0.96 * RADIUS * math.sin(angle):.1f}")
    return Tile(region, round(x, 1), round(y, 1), " ".join(corners), value, step)
