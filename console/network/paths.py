"""The shortest way of money between two subjects, whichever way it flowed, searched from both ends at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sqlalchemy import Connection

from console.network.neighbourhood import Edge, edges_between
from console.store.dealings import counterparties

LONGEST: Final = 6  # steps
LOOKED_UP: Final = 600  # subjects whose counterparties are read
NEIGHBOURS: Final = 200  # of one subject, by money


@dataclass(frozen=True)
class Path:
    """Subjects from one end to the other with the edges between them.

    Without one, `exhausted` says whether everything within the caps was searched.
    """

    keys: tuple[int, ...]
    edges: tuple[Edge, ...]
    exhausted: bool


def path(connection: Connection, one: int, other: int) -> Path:
    """A shortest path of at most LONGEST steps, as far as the caps let it be found."""
    keys, exhausted = shortest(
        one, other, lambda key: [each.key for each in counterparties(connection, key, limit=NEIGHBOURS)]
    )
    edges: list[Edge] = []
    for left, right in pairwise(keys):
        between = [each for each in counterparties(connection, left, limit=NEIGHBOURS) if each.key == right]
        if not between:  # found from the other side, among whose counterparties it stands
            edges += [
                edge
                for each in counterparties(connection, right, limit=NEIGHBOURS)
                if each.key == left
                for edge in edges_between(right, each)
            ]
        for each in between:
            edges += edges_between(left, each)
    return Path(tuple(keys), tuple(edges), exhausted)


def shortest(
    one: int, other: int, neighbours: Callable[[int], Iterable[int]], *, looked_up: int = LOOKED_UP
) -> tuple[list[int], bool]:
    """A shortest path in a graph without directions, and whether the search was complete.

    Whole layers are searched, always that of the smaller side, so that what is found is no longer than it must be.

    >>> ring = {1: [2, 5], 2: [1, 3], 3: [2, 4], 4: [3, 5], 5: [4, 1]}
    >>> shortest(1, 4, lambda key: ring[key]), shortest(1, 9, lambda key: ring.get(key, []))
    (([1, 5, 4], True), ([], True))
    """
    if one == other:
        return [one], True
    sides: tuple[dict[int, int | None], dict[int, int | None]] = ({one: None}, {other: None})
    layers = [[one], [other]]
    steps = asked = 0
    while layers[0] and layers[1] and steps < LONGEST:
        side = 0 if len(layers[0]) <= len(layers[1]) else 1
        mine, theirs = sides[side], sides[1 - side]
        following: list[int] = []
        met: list[int] = []
        for key in layers[side]:
            if asked >= looked_up:
                break
            asked += 1
            for each in neighbours(key):
                if each in mine:
                    continue
                mine[each] = key
                following.append(each)
                if each in theirs:
                    met.append(each)
        if met:
            return _joined(sides, _nearest(met, theirs)), True
        if asked >= looked_up:
            return [], False
        layers[side] = following
        steps += 1
    return [], steps < LONGEST


def _nearest(met: list[int], theirs: dict[int, int | None]) -> int:
    return min(met, key=lambda key: (len(_back(key, theirs)), key))


def _joined(sides: tuple[dict[int, int | None], dict[int, int | None]], middle: int) -> list[int]:
    return [*reversed(_back(middle, sides[0])), *_back(middle, sides[1])[1:]]


def _back(key: int, side: dict[int, int | None]) -> list[int]:
    """From a key to the end where its side began."""
    found = [key]
    while (before := side[found[-1]]) is not None:
        found.append(before)
    return found
