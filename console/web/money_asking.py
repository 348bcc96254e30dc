"""What pages and the API of followed money ask for alike: the claims of a case, and an order to freeze."""

from __future__ import annotations

from collections.abc import Sequence

from console.store import cases, freezing, money, restitution
from console.store.errors import NotFound
from console.web.house import House
from console.web.money_reading import MoneyQuery, refusing
from console.web.tokens import key_in_path
from console.web.viewer import Viewer


def claimed(house: House, viewer: Viewer, case_id: int) -> list[int]:
    """The operations of a case's open claims; NotFound where there are none, or the viewer may not see the case."""
    with house.store.reading() as connection:
        cases.find(connection, viewer, case_id)
        events = [row["operation"] for row in restitution.books_of(connection, case_id).open_claims]
    if not events:
        raise NotFound("claim in this case")
    return events


def propose_freeze(
    house: House,
    viewer: Viewer,
    case_id: int,
    events: Sequence[int],
    asked: MoneyQuery,
    tokens: Sequence[str],
    reason: str,
) -> int:
    """Propose to freeze what is left of these operations' money at these parties; the proposal's number."""
    parties = [key_in_path(token) for token in tokens]
    with house.store.reading() as connection:  # takes a while: nobody should wait for it who writes
        followed = money.follow(connection, events, asked.question, [asked.method])
    with refusing(), house.store.writing() as connection:
        return freezing.propose(connection, viewer, case_id, followed, asked.method, parties, reason, now=house.clock())
