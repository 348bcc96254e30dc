"""Followed money as a Sankey picture: which boxes and bands there are, and what is written beside each box."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Literal, NamedTuple

from console.money.purses import Method
from console.money.sankey import Link, Picture, picture
from console.money.transfers import OUTSIDE
from console.store.money import Followed
from rules.events import KINDS

Place = Literal["party", "kind", "returned"]


class Node(NamedTuple):
    """A box before it is drawn: an account, a kind of operation by which money left, or where it began."""

    place: Place
    value: int | str  # the account; the kind of operation
    column: int  # as far as one account may stand in several: 0 for a party


LEAST_SHARE: Final = 0.001  # of what is followed: smaller sums are not drawn


def picture_of(followed: Followed, method: Method) -> tuple[Picture, int]:
    """The picture of what one method finds, and how many transfers are too small for it."""
    around, said, backwards = followed.around, followed.traces[method], followed.question.backwards
    moved = said.moved.nonzero()[0].tolist()
    drawn = [place for place in moved if said.moved[place] >= LEAST_SHARE * said.seeded]
    links: list[Link] = []
    columns: dict[Hashable, int] = {}
    for place in drawn:
        near, far = int(around.transfers.source[place]), int(around.transfers.target[place])
        if backwards:
            near, far = far, near
        kind = KINDS[around.rows[place].kind]
        begin = 0 if near == OUTSIDE else int(said.hop[near])
        source: Node = Node("kind", kind, 0) if near == OUTSIDE else Node("party", near, 0)
        if far == OUTSIDE:
            target, end = Node("kind", kind, begin + 1), begin + 1
        elif not said.hop[far]:
            target, end = Node("returned", far, begin + 1), begin + 1
        else:
            target, end = Node("party", far, 0), int(said.hop[far])
        columns[source], columns[target] = begin, end
        nodes = (target, source) if backwards else (source, target)
        links.append(Link(*nodes, int(around.transfers.amount[place]), int(said.moved[place])))
    if backwards:
        last = max(columns.values(), default=0)
        columns = {node: last - column for node, column in columns.items()}
    return picture(links, columns), len(moved) - len(drawn)
