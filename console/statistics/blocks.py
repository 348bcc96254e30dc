"""The blocks of the statistics: which tables each has, by one name for page, print, CSV and API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from sqlalchemy import Connection

from console.statistics import frauds, measures
from console.statistics.figures import Figures
from console.statistics.period import Step
from console.store.statistics import Choice

Block = Literal["frauds", "laundering", "money", "holds", "warnings", "pyramids", "registries", "participation"]
Made = Callable[[Connection, Choice, Step], list[Figures]]

BLOCKS: Final[dict[Block, Made]] = {
    "frauds": frauds.frauds,
    "laundering": lambda connection, choice, _: frauds.laundering(connection, choice),
    "money": lambda connection, choice, _: measures.money(connection, choice),
    "holds": lambda connection, choice, _: measures.holds(connection, choice),
    "warnings": lambda connection, choice, _: measures.warnings(connection, choice),
    "pyramids": measures.pyramids,
    "registries": measures.registries,
    "participation": lambda connection, choice, _: [
        *measures.participation(connection, choice),
        *measures.rejections(connection, choice),
    ],
}
# What each block can be narrowed to; what it cannot, its page says.
FILTERS: Final[dict[Block, tuple[str, ...]]] = {
    "frauds": ("typology", "institution", "region"),
    "laundering": ("typology", "institution", "region"),
    "money": ("institution",),
    "holds": ("institution",),
    "warnings": ("institution",),
    "pyramids": (),
    "registries": (),
    "participation": ("institution",),
}
