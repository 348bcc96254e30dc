"""The neighbourhood of a subject: with whom it exchanged money, and with whom it shares devices and telephones.

It grows hop by hop from the center; of each subject those are followed with whom it moved most money. What was left
out because of the caps is said: `Graph.cut`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from console.store.dealings import Counterparty, counterparties, shared, users_of

MOST_NODES: Final = 2_000
MOST_HOPS: Final = 4
FOLLOWED: Final = 40  # counterparties of one subject, by money
EXPANDED: Final = 300  # subjects whose counterparties are looked up


@dataclass(frozen=True)
class Node:
    """A subject in a graph: `hop` from the center, and the money moved with those it was found from, in tiyn."""

    key: int
    hop: int
    kind: str  # money, device, phone: by what it was found
    money: int


@dataclass(frozen=True)
class Edge:
    """Money from `source` to `target` in tiyn, or the use of a device or telephone (`target`) so many times."""

    source: int
    target: int
    kind: str  # money, device, phone
    times: int
    amount: int


@dataclass
class Graph:
    """Nodes in the order in which they were found, the center first; `cut` says that there is more around it."""

    nodes: dict[int, Node] = field(default_factory=dict)
    edges: dict[tuple[int, int, str], Edge] = field(default_factory=dict)
    cut: bool = False

    def add(self, edge: Edge) -> None:
        """Draw an edge between two nodes that are there."""
        self.edges[edge.source, edge.target, edge.kind] = edge


def neighbourhood(connection: Connection, center: int, *, hops: int = 2, most: int = 200, kind: str = "money") -> Graph:
    """The graph around a subject; `kind` is device or phone where the center is one, else money.

    `hops` and `most` are cut to MOST_HOPS and MOST_NODES.
    """
    hops, most = min(hops, MOST_HOPS), min(most, MOST_NODES)
    graph = Graph({center: Node(center, 0, kind, 0)})
    expanded = 0
    frontier = [center]
    if kind in ("device", "phone"):
        frontier = _users(connection, graph, center, kind, most)
    else:
        _things(connection, graph, center, most)
    for hop in range(1, hops + 1):
        following: list[int] = []
        for key in frontier:
            if expanded >= EXPANDED or len(graph.nodes) >= most:
                graph.cut = True
                break
            expanded += 1
            following += _expand(connection, graph, key, hop, most)
        frontier = sorted(following, key=lambda each: (-graph.nodes[each].money, each))
    return graph


def _expand(connection: Connection, graph: Graph, key: int, hop: int, most: int) -> list[int]:
    """Add the counterparties of a subject, most money first, and return those that are new."""
    found = counterparties(connection, key, limit=FOLLOWED + 1)
    graph.cut |= len(found) > FOLLOWED
    new = []
    for each in found[:FOLLOWED]:
        if each.key not in graph.nodes:
            if len(graph.nodes) >= most:
                graph.cut = True
                continue
            graph.nodes[each.key] = Node(each.key, hop, "money", each.money)
            new.append(each.key)
        for edge in edges_between(key, each):
            graph.add(edge)
    return new


def edges_between(key: int, other: Counterparty) -> list[Edge]:
    """The money between a subject and its counterparty, an edge for each direction that there is."""
    edges = []
    if other.paid_times:
        edges.append(Edge(key, other.key, "money", other.paid_times, other.paid))
    if other.received_times:
        edges.append(Edge(other.key, key, "money", other.received_times, other.received))
    return edges


def _things(connection: Connection, graph: Graph, center: int, most: int) -> None:
    """Add devices and telephones that the center shares with others, and these others."""
    for thing in shared(connection, center):
        if not thing.users:
            continue  # nobody else used it: it connects with nobody
        if len(graph.nodes) + 1 >= most:
            graph.cut = True
            return
        graph.nodes[thing.key] = Node(thing.key, 1, thing.kind, 0)
        graph.add(Edge(center, thing.key, thing.kind, 1, 0))
        for user, times, _ in thing.users:
            if user not in graph.nodes:
                if len(graph.nodes) >= most:
                    graph.cut = True
                    break
                graph.nodes[user] = Node(user, 2, thing.kind, 0)
            graph.add(Edge(user, thing.key, thing.kind, times, 0))


def _users(connection: Connection, graph: Graph, center: int, kind: str, most: int) -> list[int]:
    users = users_of(connection, kind, center)
    graph.cut |= len(users) >= most
    for user, times, _ in users[: most - 1]:
        graph.nodes[user] = Node(user, 1, kind, 0)
        graph.add(Edge(user, center, kind, times, 0))
    return [user for user, _, _ in users[: most - 1]]
