"""A graph made ready to be drawn: tokens for keys, places for nodes, and which nodes have alerts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from console.network.layout import layout
from console.network.neighbourhood import Edge, Graph, Node
from console.network.paths import Path
from console.store.subjects import Subject, named
from console.store.tables import alert_parties
from console.store.upserts import chunks


@dataclass(frozen=True)
class Drawn:
    """A node with its place between -1 and 1 and the number of alerts that concern it."""

    node: Node
    subject: Subject
    alerts: int
    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """Nodes, and edges as (source, target, edge) by places in `nodes`."""

    nodes: tuple[Drawn, ...]
    edges: tuple[tuple[int, int, Edge], ...]
    cut: bool


def draw(connection: Connection, graph: Graph) -> Drawing:
    """Lay a graph out."""
    keys = list(graph.nodes)
    place = {key: number for number, key in enumerate(keys)}
    edges = [(place[edge.source], place[edge.target], edge) for edge in graph.edges.values()]
    points = layout(tuple(graph.nodes[key].hop for key in keys), tuple((source, target) for source, target, _ in edges))
    subjects, alerted = named(connection, keys), _alerted(connection, keys)
    nodes = tuple(
        Drawn(graph.nodes[key], subjects[key], alerted.get(key, 0), round(float(x), 4), round(float(y), 4))
        for key, (x, y) in zip(keys, points, strict=True)
    )
    return Drawing(nodes, tuple(edges), graph.cut)


def draw_path(connection: Connection, path: Path) -> Drawing:
    """Lay a path out, from left to right."""
    place = {key: number for number, key in enumerate(path.keys)}
    subjects, alerted = named(connection, path.keys), _alerted(connection, path.keys)
    last = max(len(path.keys) - 1, 1)
    nodes = tuple(
        Drawn(Node(key, hop, "money", 0), subjects[key], alerted.get(key, 0), round(2 * hop / last - 1, 4), 0.0)
        for hop, key in enumerate(path.keys)
    )
    return Drawing(nodes, tuple((place[edge.source], place[edge.target], edge) for edge in path.edges), False)


def _alerted(connection: Connection, keys: Collection[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for some in chunks(keys):
        chosen = select(alert_parties.c.key, func.count()).where(alert_parties.c.key.in_(some))
        found |= {row[0]: row[1] for row in connection.execute(chosen.group_by(alert_parties.c.key))}
    return found
