"""The books of a case in the store: what victims claim, and every posting of its ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, insert, or_, select, update

from console import audit
from console.money import restitution as books
from console.money.restitution import Claim, Posting, Standing, Unbalanced
from console.store import cases, money, operations
from console.store.actor import Actor, need
from console.store.cases import WORK
from console.store.errors import NotFound
from console.store.ids import next_id, next_of
from console.store.refused import MoneyRefused
from console.store.tables import alerts, claims, ledger
from console.store.tables import operations as operation_rows
from rules.events import DAY_MS, FIRST_FACT

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
    claimed, posted = _rows(connection, case_id)
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
    rest, posted = _rows(connection, case_id)
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
    claimed, posted = _rows(connection, case_id)
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


def key_in_account(account: str) -> int | None:
    """The party that an account of the ledger belongs to; None of `outside` and `held:CASE`.

    >>> key_in_account("frozen:-5"), key_in_account("held:7"), key_in_account("outside")
    (-5, None, None)
    """
    kind, _, key = account.partition(":")
    return int(key) if kind in ("frozen", "claimant") else None


def _open_case(connection: Connection, actor: Actor, case_id: int) -> None:
    need(actor, WORK)
    if cases.find(connection, actor, case_id)["state"] == "closed":
        raise MoneyRefused("case_closed")


def _rows(connection: Connection, case_id: int) -> tuple[list[RowMapping], list[RowMapping]]:
    """The rows of `claims` and of `ledger` of a case, in the order in which they were written."""
    claimed = select(claims).where(claims.c.case_id == case_id).order_by(claims.c.claim_id)
    posted = select(ledger).where(ledger.c.case_id == case_id).order_by(ledger.c.posting_id)
    return list(connection.execute(claimed).mappings()), list(connection.execute(posted).mappings())


def _postings(rows: Iterable[RowMapping]) -> list[Posting]:
    return [Posting(row["transfer_id"], row["account"], row["amount"]) for row in rows]


def _claims(rows: Iterable[RowMapping]) -> list[Claim]:
    return [Claim(row["claim_id"], row["claimant"], row["amount"]) for row in rows if row["state"] != "withdrawn"]
