"""The state machine of a hold as a picture: the states it went through, and where silence will lead it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from rules.holds import ENDED, OPEN, state_on_silence

BOX: Final = (130, 46)  # width and height of a state
_MIDDLE: Final = {  # of each state's box, in a picture of 640 by 190
    **{state: (75 + 245 * place, 33) for place, state in enumerate(OPEN)},
    **{state: (75 + 163 * place, 155) for place, state in enumerate(ENDED)},
}


class Node(NamedTuple):
    """One state; `number` is its place among those gone through (from 1), 0 where it was not reached."""

    state: str
    x: float  # of the upper left corner
    y: float
    number: int
    present: bool


class Edge(NamedTuple):
    """One step; `kind` is taken, silence (what happens at the deadline) or possible."""

    kind: str
    path: str  # of an SVG path


class Picture(NamedTuple):
    """What is drawn."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def picture(states: Sequence[str], clock: str) -> Picture:
    """The picture of a hold that went through these states, in order, while `clock` runs, or ran last.

    >>> drawn = picture(["proposed", "in_force"], "suspicion_hold")
    >>> [edge.kind for edge in drawn.edges], [node.state for node in drawn.nodes if node.present]
    (['possible', 'taken', 'silence'], ['in_force'])
    """
    present = states[-1]
    steps = list(pairwise(states))
    silence = [(present, state_on_silence(clock))] if present in OPEN else []
    usual = [step for step in pairwise(OPEN) if step not in steps]
    kinds = (("possible", usual), ("taken", steps), ("silence", silence))
    edges = [Edge(kind, _path(*step)) for kind, chosen in kinds for step in chosen]
    numbers = {state: number for number, state in enumerate(states, 1)}
    nodes = [
        Node(state, x - BOX[0] / 2, y - BOX[1] / 2, numbers.get(state, 0), state == present)
        for state, (x, y) in _MIDDLE.items()
    ]
    return Picture(tuple(nodes), tuple(edges))


def _path(start: str, end: str) -> str:
    (x1, y1), (x2, y2) = _MIDDLE[start], _MIDDLE[end]
    if y1 == y2 and abs(x1 - x2) > 250:  # over a box that stands between
        return f"M{x1} {y1 + BOX[1] / 2} C{x1} {y1 + 60} {x2} {y2 + 60} {x2} {y2 + BOX[1] / 2}"
    if y1 == y2:
        return f"M{x1 + BOX[0] / 2} {y1} L{x2 - BOX[0] / 2} {y2}"
    return f"M{x1} {y1 + BOX[1] / 2} C{x1} {y1 + 70} {x2} {y2 - 70} {x2} {y2 - BOX[1] / 2}"
