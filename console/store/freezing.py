"""Orders to freeze: proposed from the advice, approved by a second person, then sent to the institutions and posted.

An order names an operation and a side of it, so that no identity travels: the institution knows whose account it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from sqlalchemy import Connection

from console import audit, outbound, texts
from console.money import restitution as books
from console.money.purses import Method
from console.store import cases, proposals, restitution, subjects
from console.store.actor import Actor, need
from console.store.cases import WORK
from console.store.errors import NotFound, Stale
from console.store.money import Followed, event_text
from console.store.operations import Operation
from console.store.proposals import Proposal, on_approved
from console.store.refused import MoneyRefused
from rules.events import DAY_MS
from streams.contracts.fields import from_milliseconds
from streams.contracts.freeze_order import TOPIC, FreezeOrder
from streams.contracts.text import Text
from streams.wording import tenge

KIND: Final = "freeze"
LASTS_MS: Final = 3 * DAY_MS

BASIS: Final = "money.order.legal_basis"


def propose(
    connection: Connection,
    maker: Actor,
    case_id: int,
    followed: Followed,
    method: Method,
    parties: Sequence[int],
    reason: str,
    *,
    now: int,
) -> int:
    """Propose to freeze what a method finds at these parties now; the proposal's number.

    Raises:
        NotAllowed, NotFound: the maker may not, or there is no such case.
        MoneyRefused: the case is closed, or at one of the parties there is nothing to freeze.
    """
    if cases.find(connection, maker, case_id)["state"] == "closed":
        raise MoneyRefused("case_closed")
    orders = [_order(connection, case_id, followed, method, party) for party in dict.fromkeys(parties)]
    if not orders:
        raise MoneyRefused("no_account")
    words = texts.load()
    document = {
        "case_id": case_id,
        "operations": [event_text(row.event) for row in followed.asked],
        "method": method,
        "as_of": followed.until,
        "lasts_ms": LASTS_MS,
        "legal_basis": {language: words(language, BASIS) for language in texts.LANGUAGES},
        "orders": orders,
    }
    return proposals.propose(connection, maker, KIND, document, reason, now=now, case_id=case_id)


@on_approved(KIND)
def order(connection: Connection, checker: Actor, proposal: Proposal, now: int) -> None:
    """Send the orders that were approved, and post what they freeze."""
    assert proposal.case_id is not None
    for one in proposal.content["orders"]:
        _publish(connection, proposal, one, "ordered", ordered_at=now, now=now)
        moves = [(books.OUTSIDE, books.frozen(int(one["key"])), int(one["amount"]))]
        restitution.post(connection, checker, proposal.case_id, books.FREEZE, moves, now=now)


def lift(connection: Connection, actor: Actor, case_id: int, party: int, reason: str, *, now: int) -> None:
    """End every order of a case about a party, and post that what is still frozen there is free again.

    Raises:
        NotAllowed, NotFound: the actor may not, or there is no such case.
        Stale: nothing of this party is frozen any more.
    """
    need(actor, WORK)
    cases.find(connection, actor, case_id)
    left = restitution.books_of(connection, case_id).standing.frozen.get(party, 0)
    if not left:
        raise Stale(f"What is frozen in case {case_id}", ("case", case_id))
    for proposal in approved(connection, case_id):
        for one in proposal.content["orders"]:
            if int(one["key"]) == party:
                assert proposal.checked_at is not None
                _publish(connection, proposal, one, "lifted", ordered_at=proposal.checked_at, now=now)
    moves = [(books.frozen(party), books.OUTSIDE, left)]
    restitution.post(connection, actor, case_id, books.LIFT, moves, now=now)
    audit.write(connection, actor, "freeze.lifted", "case", case_id, reason=reason, amount=left)


def approved(connection: Connection, case_id: int) -> list[Proposal]:
    """The approved orders of a case, the earliest first."""
    found = proposals.of_case(connection, case_id)
    return [each for each in found if each.kind == KIND and each.state == "approved"]


def ends(connection: Connection, case_id: int) -> dict[int, int]:
    """Party → when the last order of a case about it ends by itself, ms UTC."""
    found: dict[int, int] = {}
    for proposal in approved(connection, case_id):
        assert proposal.checked_at is not None
        for one in proposal.content["orders"]:
            found[int(one["key"])] = proposal.checked_at + int(proposal.content["lasts_ms"])
    return found


def _order(connection: Connection, case_id: int, followed: Followed, method: Method, party: int) -> dict[str, Any]:
    """One order: at the institution to which the money came last, by the operation with which it came."""
    around, said = followed.around, followed.traces[method]
    if party not in around.parties:
        raise NotFound("account on the way of this money")
    account = around.parties.index(party)
    there = int(said.present[account])
    amount = there - restitution.books_of(connection, case_id).standing.frozen.get(party, 0)
    came = [
        around.rows[place]
        for place in said.moved.nonzero()[0].tolist()
        if int(around.transfers.target[place]) == account
    ]
    if amount <= 0 or not came:
        raise MoneyRefused("nothing_left")
    latest = came[-1]
    return {
        "order_id": _order_id(case_id, party, latest),
        "institution": latest.payee_institution or latest.institution,
        "publisher": latest.institution,
        "event_id": latest.event_id,
        "role": "payee",
        "party": subjects.named(connection, [party])[party].token,
        "key": party,
        "amount": amount,
    }


def _order_id(case_id: int, party: int, latest: Operation) -> str:
    return hashlib.sha256(f"{case_id}/{party}/{latest.event}".encode()).hexdigest()[:32]


def _publish(
    connection: Connection,
    proposal: Proposal,
    one: Mapping[str, Any],
    state: Literal["ordered", "lifted"],
    *,
    ordered_at: int,
    now: int,
) -> None:
    content = proposal.content
    message = FreezeOrder(
        type="freeze_order",
        order_id=one["order_id"],
        state=state,
        institution=one["institution"],
        publisher=one["publisher"],
        event_id=one["event_id"],
        role=one["role"],
        amount=tenge(one["amount"]),
        legal_basis=Text(**content["legal_basis"]),
        ordered_at=from_milliseconds(ordered_at),
        until=from_milliseconds(ordered_at + content["lasts_ms"]),
        case_id=content["case_id"],
    )
    topic = TOPIC.format(institution=one["institution"])
    value = message.model_dump_json(exclude_none=True).encode()
    outbound.put(connection, topic, value, record_key=f"{message.order_id}-{state}", now=now)
