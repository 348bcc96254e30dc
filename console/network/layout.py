"""Where to draw the nodes of a graph: forces after Fruchterman and Reingold, the same picture for the same graph.

Edges pull and nodes push (T. Fruchterman, E. Reingold, Software: Practice and Experience 21 (1991) 1129-1164). Up to
`EXACT` nodes every pair pushes; beyond that, a node is pushed by the nodes of a cell of a grid as by one of their
number at their middle, which costs nodes times cells. It begins with rings by hop and is cooled in steps, so nothing
is left to chance.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

EXACT: Final = 256
CELLS: Final = 12  # of the grid, in each direction
ROUNDS: Final = 60
_KEPT: Final = 64  # pictures: who goes back to one need not wait for it again
_GOLDEN_ANGLE: Final = np.pi * (3 - np.sqrt(5))

Points = NDArray[np.float64]  # (nodes, 2)


@functools.lru_cache(maxsize=_KEPT)
def layout(hops: tuple[int, ...], edges: tuple[tuple[int, int], ...]) -> Points:
    """Places between -1 and 1 for nodes at these hops from the center; `edges` are pairs of places in `hops`."""
    count = len(hops)
    if count == 0:
        return np.zeros((0, 2))
    points = _rings(np.asarray(hops))
    if count == 1:
        return points
    ends = np.asarray(edges, np.int64).reshape(-1, 2)
    ideal = 2.0 / np.sqrt(count)
    for heat in np.linspace(0.12, 0.004, ROUNDS):
        moved = _push(points, ideal) + _pull(points, ends, ideal) - 0.15 * points
        length = np.linalg.norm(moved, axis=1, keepdims=True)
        points += moved / np.maximum(length, 1e-9) * np.minimum(length, heat)
    points -= points[0]  # the center is in the middle
    return points / max(float(np.abs(points).max()), 1e-9)


def _rings(hops: NDArray[np.int64]) -> Points:
    angles = np.arange(len(hops)) * _GOLDEN_ANGLE
    radii = hops / max(int(hops.max()), 1) * (0.75 + 0.25 * (np.arange(len(hops)) % 7) / 7)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def _pull(points: Points, ends: NDArray[np.int64], ideal: float) -> Points:
    apart = points[ends[:, 0]] - points[ends[:, 1]]
    force = apart * np.linalg.norm(apart, axis=1, keepdims=True) / ideal
    moved = np.zeros_like(points)
    for axis in (0, 1):
        moved[:, axis] -= np.bincount(ends[:, 0], force[:, axis], len(points))
        moved[:, axis] += np.bincount(ends[:, 1], force[:, axis], len(points))
    return moved


def _push(points: Points, ideal: float) -> Points:
    if len(points) <= EXACT:
        return _pushed_by(points, points, np.ones(len(points)), ideal)
    low, high = points.min(axis=0), points.max(axis=0)
    places = ((points - low) / np.maximum(high - low, 1e-9) * (CELLS - 1e-6)).astype(np.int64)
    cell = places[:, 0] * CELLS + places[:, 1]
    used, place = np.unique(cell, return_inverse=True)
    mass = np.bincount(place).astype(np.float64)
    middles = np.stack([np.bincount(place, points[:, axis], len(used)) / mass for axis in (0, 1)], axis=1)
    return _pushed_by(points, middles, mass, ideal)


def _pushed_by(points: Points, others: Points, mass: NDArray[np.float64], ideal: float) -> Points:
    # Half the digits are enough for a push, and half the memory is twice as fast.
    mine, theirs = points.astype(np.float32), others.astype(np.float32)
    across = np.subtract.outer(mine[:, 0], theirs[:, 0])
    down = np.subtract.outer(mine[:, 1], theirs[:, 1])
    apart = across * across
    apart += down * down
    # Never closer than a part of the ideal distance: two nodes in one place would fly apart without end.
    np.maximum(apart, (ideal / 8) ** 2, out=apart)
    strength = np.divide((ideal * ideal * mass).astype(np.float32), apart, out=apart)
    return np.stack([np.einsum("ij,ij->i", across, strength), np.einsum("ij,ij->i", down, strength)], axis=1)
