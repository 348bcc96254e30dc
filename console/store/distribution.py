"""How what was recovered in a case is divided among its victims: proposed by one person, paid out by another's word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from sqlalchemy import Connection

from console.money import restitution as books
from console.store import cases, money, proposals, restitution, subjects
from console.store.actor import Actor
from console.store.proposals import Proposal, on_approved
from console.store.refused import MoneyRefused
from console.store.restitution import Books

KIND: Final = "distribution"
Division = Literal["pro_rata", "fifo"]
DIVISIONS: Final[tuple[Division, ...]] = get_args(Division)


def divided(connection: Connection, found: Books, division: Division) -> dict[int, int]:
    """What is held, divided: claimant → tiyn."""
    owed, held = found.standing.owed, found.standing.held
    if division == "pro_rata":
        return books.pro_rata(held, owed)
    if not held or not any(owed.values()):
        return dict.fromkeys(owed, 0)
    came: dict[int, int] = {}
    had: dict[int, int] = {}
    for row in found.postings:
        party = restitution.key_in_account(row["account"])
        if party is not None and row["cause"] == books.RECOVER:
            came[party] = came.get(party, 0) - row["amount"]
        elif party is not None and row["cause"] == books.DISTRIBUTE:
            had[party] = had.get(party, 0) + row["amount"]
    return books.first_in_first_out(held, owed, _whose(connection, found), came, had)


def propose(connection: Connection, maker: Actor, case_id: int, division: Division, reason: str, *, now: int) -> int:
    """Propose to divide what is held; the proposal's number. NotAllowed, NotFound, MoneyRefused."""
    cases.find(connection, maker, case_id)
    found = restitution.books_of(connection, case_id)
    shares = {key: share for key, share in divided(connection, found, division).items() if share}
    if not shares:
        raise MoneyRefused("nothing_to_divide")
    if any(each.kind == KIND and each.state == "proposed" for each in proposals.of_case(connection, case_id)):
        raise MoneyRefused("distribution_waits")
    named = subjects.named(connection, shares)
    document = {
        "case_id": case_id,
        "division": division,
        "amount": sum(shares.values()),
        "shares": [{"claimant": named[key].token, "key": key, "amount": shares[key]} for key in sorted(shares)],
    }
    return proposals.propose(connection, maker, KIND, document, reason, now=now, case_id=case_id)


@on_approved(KIND)
def distribute(connection: Connection, checker: Actor, proposal: Proposal, now: int) -> None:
    """Pay out what was approved; MoneyRefused where the books have changed so that it does not fit any more."""
    assert proposal.case_id is not None
    moves = [
        (books.held(proposal.case_id), books.claimant(int(share["key"])), int(share["amount"]))
        for share in proposal.content["shares"]
    ]
    restitution.post(connection, checker, proposal.case_id, books.DISTRIBUTE, moves, now=now)
    restitution.settle(connection, proposal.case_id)


def _whose(connection: Connection, found: Books) -> dict[int, Mapping[int, int]]:
    """Party → claimant → traced tiyn there, first in, first out, of the money of all claims followed together."""
    events = [row["operation"] for row in found.open_claims]
    followed = money.follow(connection, events, money.Question(hops=money.MOST_HOPS), ["fifo"])
    around, said = followed.around, followed.traces["fifo"]
    claimants = [around.rows[seed].payer for seed in around.seeds]
    whose: dict[int, Mapping[int, int]] = {}
    for account, parts in said.whose.items():
        shares: dict[int, int] = {}
        for number, amount in parts:
            claimant = claimants[number - 1]
            if claimant is not None:
                shares[claimant] = shares.get(claimant, 0) + amount
        whose[around.parties[account]] = shares
    return whose
