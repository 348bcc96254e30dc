"""The picture of money that went from hand to hand: where its boxes and bands are, for a template to draw.

Columns are hops. A band is as wide as the sums that were moved, and the traced part of it is drawn in it; a box is as
high as what came in or went out by the bands shown. Of a column's boxes the largest stand alone, the rest are one.
Bands that do not lead to the right are thin lines: as wide as their sums they would hide the picture.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 1_000
BOX: Final = 14  # width of a box
LABEL: Final = 130  # room for names right of the last column
GAP: Final = 34  # between boxes, with room for a name
TALLEST: Final = 420  # of a column's boxes together, where there are many
TALL: Final = 84  # of a column that is one box: a single flow needs no more
TOP: Final = 26
LEAST: Final = 1.5  # so that nothing is too thin to be seen
SHOWN: Final = 9  # boxes of a column that stand alone
THIN: Final = 3.0  # width of a band that leads back

Node = Hashable


@dataclass(frozen=True, slots=True)
class Link:
    """Sums moved from one node to another, in tiyn; `traced` is the part of them that is followed."""

    source: Node
    target: Node
    amount: int
    traced: int


@dataclass(frozen=True, slots=True)
class Box:
    """A node as it is drawn; `nodes` are those that it stands for."""

    nodes: tuple[Node, ...]
    column: int
    x: float
    y: float
    height: float
    traced: int  # that came, or of a first column that went


@dataclass(frozen=True, slots=True)
class Band:
    """A link as it is drawn: an area for what was moved, and one in it for the traced part of that."""

    source: Box
    target: Box
    amount: int
    traced: int
    path: str
    width: float
    traced_path: str
    traced_width: float


@dataclass(frozen=True, slots=True)
class Picture:
    """All of it; coordinates are those of an SVG of this size."""

    width: int
    height: float
    columns: int
    boxes: list[Box]
    bands: list[Band]


def picture(links: Sequence[Link], columns: Mapping[Node, int]) -> Picture:
    """Lay out the links; `columns` has every node's column, from 0."""
    merged = _merged(links, columns)
    flows: dict[tuple[tuple[Node, ...], tuple[Node, ...]], list[int]] = {}
    for link in links:
        flow = flows.setdefault((merged[link.source], merged[link.target]), [0, 0])
        flow[0] += link.amount
        flow[1] += link.traced
    into: dict[tuple[Node, ...], list[int]] = {}
    out: dict[tuple[Node, ...], list[int]] = {}
    for (source, target), (amount, traced) in flows.items():
        for sums, node in ((out, source), (into, target)):
            total = sums.setdefault(node, [0, 0])
            total[0] += amount
            total[1] += traced
    sizes = {node: max(into.get(node, [0])[0], out.get(node, [0])[0]) for node in {*into, *out}}
    came = {node: into[node][1] if node in into else out[node][1] for node in sizes}
    boxes = _boxes(sizes, came, {node: columns[node[0]] for node in sizes}, flows)
    return _drawn(boxes, flows, sizes)


def _merged(links: Sequence[Link], columns: Mapping[Node, int]) -> dict[Node, tuple[Node, ...]]:
    """Node → the nodes of its box: itself, or all the small ones of its column."""
    weight: dict[Node, int] = {}
    for link in links:
        for node in (link.source, link.target):
            weight[node] = weight.get(node, 0) + link.traced
    found: dict[Node, tuple[Node, ...]] = {}
    for column in sorted(set(columns.values())):
        ordered = sorted((node for node in weight if columns[node] == column), key=lambda node: -weight[node])
        alone = SHOWN if len(ordered) > SHOWN + 1 else len(ordered)
        found |= {node: (node,) for node in ordered[:alone]}
        found |= dict.fromkeys(ordered[alone:], tuple(ordered[alone:]))
    return found


Group = tuple[Node, ...]
Flows = Mapping[tuple[Group, Group], Sequence[int]]


def _boxes(
    sizes: Mapping[Group, int], traced: Mapping[Group, int], columns: Mapping[Group, int], flows: Flows
) -> dict[Group, Box]:
    last = max(columns.values(), default=0)
    step = (WIDTH - LABEL - BOX) / max(1, last)
    fullest = max((sum(sizes[n] for n in sizes if columns[n] == c) for c in range(last + 1)), default=0)
    most = max((sum(columns[n] == c for n in sizes) for c in range(last + 1)), default=0)
    scale = min(TALLEST, TALL * most) / fullest if fullest else 0.0
    placed: dict[Group, Box] = {}
    for column in range(last + 1):
        nodes = [node for node in sizes if columns[node] == column]
        y = float(TOP)
        for node in sorted(
            nodes, key=lambda node: (len(node) > 1, _height_of_sources(node, placed, flows), -traced[node])
        ):
            height = max(LEAST, sizes[node] * scale)
            placed[node] = Box(node, column, column * step, y, height, traced[node])
            y += height + GAP
    return placed


def _height_of_sources(node: Group, placed: Mapping[Group, Box], flows: Flows) -> float:
    """Where on average what comes to a node comes from: boxes in this order have few crossing bands."""
    weighted = [
        (placed[source].y, flow[1]) for (source, target), flow in flows.items() if target == node and source in placed
    ]
    total = sum(weight for _, weight in weighted)
    return sum(y * weight for y, weight in weighted) / total if total else 0.0


def _drawn(boxes: Mapping[Group, Box], flows: Flows, sizes: Mapping[Group, int]) -> Picture:
    used_out: dict[Group, float] = {}
    used_in: dict[Group, float] = {}
    bands = []
    for (source, target), (amount, traced) in sorted(flows.items(), key=lambda f: (boxes[f[0][0]].y, boxes[f[0][1]].y)):
        begin, end = boxes[source], boxes[target]
        room = max(LEAST, amount * (begin.height / sizes[source] if sizes[source] else 0))
        width = room if end.column > begin.column else min(room, THIN)
        inner = min(width, max(LEAST, width * traced / amount)) if amount and traced else 0.0
        from_y = begin.y + used_out.get(source, 0.0)
        to_y = end.y + used_in.get(target, 0.0)
        used_out[source] = used_out.get(source, 0.0) + room
        used_in[target] = used_in.get(target, 0.0) + room
        whole, part = (_area(begin.x + BOX, from_y, end.x, to_y, wide) for wide in (width, inner))
        bands.append(Band(begin, end, amount, traced, whole, width, part, inner))
    height = max((box.y + box.height for box in boxes.values()), default=0.0) + GAP
    columns = 1 + max((box.column for box in boxes.values()), default=0)
    return Picture(WIDTH, height, columns, list(boxes.values()), bands)


def _area(x: float, y: float, to_x: float, to_y: float, width: float) -> str:
    bend = max(40.0, abs(to_x - x) / 2)
    there = f"M{x:.1f},{y:.1f}C{x + bend:.1f},{y:.1f} {to_x - bend:.1f},{to_y:.1f} {to_x:.1f},{to_y:.1f}"
    y, to_y = y + width, to_y + width
    return f"{there}V{to_y:.1f}C{to_x - bend:.1f},{to_y:.1f} {x + bend:.1f},{y:.1f} {x:.1f},{y:.1f}Z"
