"""Neighbourhoods, shortest ways and pictures of networks, small enough to be known by heart or tried out slowly."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from console.network.drawing import draw
from console.network.layout import layout
from console.network.neighbourhood import neighbourhood
from console.network.paths import path, shortest
from console.store.opening import Store
from tests.console.builders import Named, device, feed_judged, operation, person

A, B, C, D, E = (person(number) for number in range(1, 6))


def paid(store: Store, *transfers: tuple[Named, Named, int], used: Named | None = None) -> None:
    feed_judged(
        store,
        [
            operation(
                f"{one.text[-6:]}-{other.text[-6:]}-{tenge}", payer=one, payee=other, tenge=tenge, with_device=used
            )
            for one, other, tenge in transfers
        ],
    )


def test_a_neighbourhood_grows_by_money_and_says_what_it_left_out(store: Store) -> None:
    paid(store, (A, B, 10), (A, C, 900), (C, D, 5), (D, E, 1))
    with store.reading() as connection:
        near = neighbourhood(connection, A.key, hops=1)
        assert {key: node.hop for key, node in near.nodes.items()} == {A.key: 0, B.key: 1, C.key: 1}
        assert not near.cut
        small = neighbourhood(connection, A.key, hops=3, most=2)
        assert set(small.nodes) == {A.key, C.key}
        assert small.cut
        assert set(neighbourhood(connection, A.key, hops=2).nodes) == {A.key, B.key, C.key, D.key}


def test_those_who_share_a_device_are_connected_by_it(store: Store) -> None:
    paid(store, (A, C, 10), (B, D, 10), used=device(1))
    with store.reading() as connection:
        graph = neighbourhood(connection, A.key, hops=1)
        users = neighbourhood(connection, device(1).key, hops=1, kind="device")
    assert {(edge.source, edge.target) for edge in graph.edges.values() if edge.kind == "device"} == {
        (A.key, device(1).key),
        (B.key, device(1).key),
    }
    assert {A.key, B.key} <= set(users.nodes)


def test_money_finds_its_way_whichever_way_it_flowed(store: Store) -> None:
    paid(store, (A, B, 10), (C, B, 10), (C, D, 10))
    with store.reading() as connection:
        found = path(connection, A.key, D.key)
        none = path(connection, A.key, E.key)
    assert found.keys == (A.key, B.key, C.key, D.key)
    assert [(edge.source, edge.target) for edge in found.edges] == [(A.key, B.key), (C.key, B.key), (C.key, D.key)]
    assert (none.keys, none.exhausted) == ((), True)


EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25)


@given(EDGES)
def test_the_way_is_as_short_as_a_plain_search_finds(edges: list[tuple[int, int]]) -> None:
    near: dict[int, list[int]] = {number: [] for number in range(10)}
    for one, other in edges:
        near[one].append(other)
        near[other].append(one)
    distance = {0: 0}
    waiting = deque([0])
    while waiting:
        here = waiting.popleft()
        for each in near[here]:
            if each not in distance:
                distance[each] = distance[here] + 1
                waiting.append(each)
    found, _ = shortest(0, 9, lambda key: near[key])
    if distance.get(9, 99) > 6:
        assert found == []
        return
    assert len(found) - 1 == distance[9]
    assert (found[0], found[-1]) == (0, 9)
    assert all(right in near[left] for left, right in pairwise(found))


def test_a_picture_is_always_the_same_and_keeps_nodes_apart(store: Store) -> None:
    paid(store, *((A, person(number), number) for number in range(10, 40)))
    with store.reading() as connection:
        graph = neighbourhood(connection, A.key, hops=1)
        one, again = draw(connection, graph), draw(connection, graph)
    assert one == again
    places = np.array([(node.x, node.y) for node in one.nodes])
    apart = np.linalg.norm(places[:, None] - places[None, :], axis=2) + np.eye(len(places))
    assert apart.min() > 0.02
    assert np.abs(places).max() <= 1


def test_what_hangs_together_is_drawn_together() -> None:
    # Two stars of 200, their middles joined: grid and all.
    edges = [(0, 1), *((0, leaf) for leaf in range(2, 202)), *((1, leaf) for leaf in range(202, 402))]
    points = layout((0, 1, *[1] * 200, *[2] * 200), tuple(edges))
    lengths = [np.linalg.norm(points[one] - points[other]) for one, other in edges[1:]]
    strangers = [np.linalg.norm(points[leaf] - points[leaf + 200]) for leaf in range(2, 202)]
    assert np.median(lengths) < 0.7 * np.median(strangers)
