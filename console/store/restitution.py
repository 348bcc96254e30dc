"""The books of a case in the store: claims of victims, postings, and how what was recovered is to be divided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from sqlalchemy import Connection, RowMapping, Select, insert, or_, select, update

from console import audit
from console.money import restitution as books
from console.money.restitution import Claim, Posting, Standing, Unbalanced
from console.store import cases, money, operations, proposals, subjects
from console.store.actor import Actor, need
from console.store.cases import WORK
from console.store.errors import NotFound
from console.store.ids import next_id, next_of
from console.store.proposals import Proposal, on_approved
from console.store.refused import MoneyRefused
from console.store.tables import alerts, claims, ledger
from console.store.tables import operations as operation_rows
from rules.events import DAY_MS, FIRST_FACT

KIND: Final = "distribution"
Division = Literal["pro_rata", "fifo"]
DIVISIONS: Final[tuple[Division, ...]] = get_args(Division)
MOST_CLAIMS: Final = 500
SUGGESTED: Final = 200
LOOKED_BACK_MS: Final = 30 * DAY_MS  # before the first alert of a case: victims who never raised one


@dataclass(frozen=True, slots=True)
class Books:
    """A case's claims (rows of `claims`), postings (rows of `ledger`) and standing."""

    claims: list[RowMapping]
    postings: list[RowMapping]
    standing: Standing

    @property
    def open_claims(self) -> list[RowMapping]:
        """Those that were not withdrawn."""
        return [row for row in self.claims if row["state"] != "withdrawn"]


def books_of(connection: Connection, case_id: int) -> Books:
    """The books of a case, checked; Unbalanced where somebody changed them behind the console's back."""
    claimed = list(
        connection.execute(select(claims).where(claims.c.case_id == case_id).order_by(claims.c.claim_id)).mappings()
    )
    posted = list(
        connection.execute(select(ledger).where(ledger.c.case_id == case_id).order_by(ledger.c.posting_id)).mappings()
    )
    return Books(claimed, posted, books.standing(_postings(posted), _claims(claimed)))


def suggested(connection: Connection, case_id: int) -> list[RowMapping]:
    """Operations that may be claims, the largest first: those of the case's alerts, and others to the same payees."""
    span = cases.alerts_of(connection, case_id)
    if not span:
        return []
    payees = {row["subject"] for row in span if row["subject_role"] == "payee"}
    since = min(row["occurred_at"] for row in span) - LOOKED_BACK_MS
    until = max(row["occurred_at"] for row in span)
    of_alerts = operation_rows.c.event.in_(
        select(operation_rows.c.event)
        .join(
            alerts,
            (alerts.c.institution == operation_rows.c.institution) & (alerts.c.event_id == operation_rows.c.event_id),
        )
        .where(alerts.c.case_id == case_id)
    )
    to_suspects = operation_rows.c.payee.in_(sorted(payees)[:MOST_CLAIMS]) & operation_rows.c.occurred_at.between(
        since, until
    )
    claimed = select(claims.c.operation).where(claims.c.case_id == case_id)
    chosen: Select[Any] = (
        select(operation_rows)
        .where(
            or_(of_alerts, to_suspects),
            operation_rows.c.kind < FIRST_FACT,
            operation_rows.c.amount > 0,
            operation_rows.c.payer.is_not(None),
            operation_rows.c.payer.not_in(sorted(payees)),  # a suspect passes money on and has lost none
            operation_rows.c.event.not_in(claimed),
        )
        .order_by(operation_rows.c.amount.desc(), operation_rows.c.event)
        .limit(SUGGESTED)
    )
    return list(connection.execute(chosen).mappings())


def add_claims(connection: Connection, actor: Actor, case_id: int, events: Sequence[int], *, now: int) -> int:
    """Write down that the payers of these operations claim what they paid; how many are new.

    Raises:
        NotAllowed, NotFound: also where an operation is not there or has no payer.
        MoneyRefused: the case is closed or has too many claims.
    """
    _open_case(connection, actor, case_id)
    known = set(connection.execute(select(claims.c.operation).where(claims.c.case_id == case_id)).scalars())
    new = [event for event in dict.fromkeys(events) if event not in known]
    if len(known) + len(new) > MOST_CLAIMS:
        raise MoneyRefused("too_many_claims")
    first = next_id(connection, claims)
    for number, event in enumerate(new):
        row = operations.find(connection, event)
        if row.payer is None:
            raise NotFound("payer of this operation")
        connection.execute(
            insert(claims).values(
                claim_id=first + number,
                case_id=case_id,
                claimant=row.payer,
                operation=event,
                amount=row.amount,
                state="open",
                made_by=actor.username,
                made_at=now,
            )
        )
    if new:
        named = [money.event_text(event) for event in new]
        audit.write(connection, actor, "claims.added", "case", case_id, operations=named)
    return len(new)


def withdraw_claim(connection: Connection, actor: Actor, case_id: int, claim_id: int) -> None:
    """Take a claim back of which nothing was paid; NotAllowed, NotFound, MoneyRefused."""
    _open_case(connection, actor, case_id)
    mine = (claims.c.claim_id == claim_id) & (claims.c.case_id == case_id) & (claims.c.state == "open")
    if connection.execute(update(claims).where(mine).values(state="withdrawn")).rowcount != 1:
        raise NotFound(f"open claim {claim_id} in case {case_id}")
    rest = connection.execute(select(claims).where(claims.c.case_id == case_id)).mappings()
    posted = connection.execute(select(ledger).where(ledger.c.case_id == case_id)).mappings()
    try:
        books.check(_postings(posted), _claims(rest))
    except Unbalanced:
        raise MoneyRefused("paid_claim") from None
    audit.write(connection, actor, "claim.withdrawn", "case", case_id, claim=claim_id)


def recovered(connection: Connection, actor: Actor, case_id: int, party: int, amount: int, *, now: int) -> None:
    """Write down that frozen money of a party has been handed over; NotAllowed, NotFound, MoneyRefused."""
    _open_case(connection, actor, case_id)
    post(connection, actor, case_id, books.RECOVER, [(books.frozen(party), books.held(case_id), amount)], now=now)
    audit.write(connection, actor, "money.recovered", "case", case_id, amount=amount)


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
        party = key_in_account(row["account"])
        if party is not None and row["cause"] == books.RECOVER:
            came[party] = came.get(party, 0) - row["amount"]
        elif party is not None and row["cause"] == books.DISTRIBUTE:
            had[party] = had.get(party, 0) + row["amount"]
    return books.first_in_first_out(held, owed, _whose(connection, found), came, had)


def propose_distribution(
    connection: Connection, maker: Actor, case_id: int, division: Division, reason: str, *, now: int
) -> int:
    """Propose to divide what is held; the proposal's number. NotAllowed, NotFound, MoneyRefused."""
    cases.find(connection, maker, case_id)
    found = books_of(connection, case_id)
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
    post(connection, checker, proposal.case_id, books.DISTRIBUTE, moves, now=now)
    settle(connection, proposal.case_id)


def settle(connection: Connection, case_id: int) -> None:
    """Mark the claims of those who have everything back."""
    standing = books_of(connection, case_id).standing
    whole = sorted(key for key, owed in standing.owed.items() if not owed)
    mine = (claims.c.case_id == case_id) & claims.c.claimant.in_(whole) & (claims.c.state == "open")
    connection.execute(update(claims).where(mine).values(state="settled"))


def post(
    connection: Connection,
    actor: Actor,
    case_id: int,
    cause: str,
    moves: Iterable[tuple[str, str, int]],
    *,
    now: int,
) -> int:
    """Write one transfer of moves (from, to, tiyn) into the books and return its number.

    Raises:
        MoneyRefused: a law of the ledger would be broken; nothing is written.
    """
    transfer_id = next_of(connection, ledger.c.transfer_id)
    posted = connection.execute(select(ledger).where(ledger.c.case_id == case_id)).mappings()
    claimed = connection.execute(select(claims).where(claims.c.case_id == case_id)).mappings()
    try:
        new = books.transfer(transfer_id, moves)
        books.check([*_postings(posted), *new], _claims(claimed))
    except Unbalanced:
        raise MoneyRefused("books") from None
    first = next_id(connection, ledger)
    for number, posting in enumerate(new):
        connection.execute(
            insert(ledger).values(
                posting_id=first + number,
                transfer_id=transfer_id,
                case_id=case_id,
                account=posting.account,
                amount=posting.amount,
                cause=cause,
                at=now,
                by=actor.username,
            )
        )
    return transfer_id


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


def _open_case(connection: Connection, actor: Actor, case_id: int) -> None:
    need(actor, WORK)
    if cases.find(connection, actor, case_id)["state"] == "closed":
        raise MoneyRefused("case_closed")


def _postings(rows: Iterable[RowMapping]) -> list[Posting]:
    return [Posting(row["transfer_id"], row["account"], row["amount"]) for row in rows]


def _claims(rows: Iterable[RowMapping]) -> list[Claim]:
    return [Claim(row["claim_id"], row["claimant"], row["amount"]) for row in rows if row["state"] != "withdrawn"]


def key_in_account(account: str) -> int | None:
    """The party that an account of the ledger belongs to; None of `outside` and `held:CASE`.

    >>> key_in_account("frozen:-5"), key_in_account("held:7"), key_in_account("outside")
    (-5, None, None)
    """
    kind, _, key = account.partition(":")
    return int(key) if kind in ("frozen", "claimant") else None
