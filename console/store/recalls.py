"""Recalls: a payment is asked back from the payee's bank, and the request closes itself when the money comes.

What comes back is an operation from the former payee to the former payer, of at most what is still missing, within
`WITHIN_MS` of the recall; or the word of an analyst that the payee gave the money back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, insert, select, update

from console import audit
from console.audit import System
from console.money import restitution as books
from console.store import cases, money, operations, proposals, restitution
from console.store.actor import Actor, need
from console.store.cases import WORK
from console.store.errors import NotFound, Stale
from console.store.ids import next_id
from console.store.proposals import Proposal, on_approved
from console.store.refused import MoneyRefused
from console.store.tables import operations as operation_rows
from console.store.tables import recalls
from rules.events import DAY_MS, FIRST_FACT, KINDS

KIND: Final = "recall"
WITHIN_MS: Final = 90 * DAY_MS
_OPEN: Final = ("open", "part")
_GAVE_BACK: Final = KINDS.index("marked_returned")


def propose(
    connection: Connection, maker: Actor, case_id: int, event: int, amount: int, reason: str, *, now: int
) -> int:
    """Propose to ask `amount` tiyn of an operation back; the proposal's number.

    Raises:
        NotAllowed, NotFound: the maker may not, or there is no such case or operation.
        MoneyRefused: both sides are at one institution or unknown, it was more than was paid, or is recalled already.
    """
    if cases.find(connection, maker, case_id)["state"] == "closed":
        raise MoneyRefused("case_closed")
    row = operations.find(connection, event)
    if None in (row.payer, row.payee, row.payer_institution, row.payee_institution):
        raise MoneyRefused("not_two_parties")
    if row.payer_institution == row.payee_institution:
        raise MoneyRefused("same_institution")
    if not 0 < amount <= row.amount:
        raise MoneyRefused("too_much")
    _not_yet(connection, event)
    waiting = (each for each in proposals.of_case(connection, case_id) if each.kind == KIND)
    if any(each.state == "proposed" and each.content["operation"] == money.event_text(event) for each in waiting):
        raise MoneyRefused("recall_waits")
    document = {
        "case_id": case_id,
        "operation": money.event_text(event),
        "institution": row.institution,
        "event_id": row.event_id,
        "from": row.payer_institution,
        "to": row.payee_institution,
        "amount": amount,
    }
    return proposals.propose(connection, maker, KIND, document, reason, now=now, case_id=case_id)


@on_approved(KIND)
def make(connection: Connection, _checker: Actor, proposal: Proposal, now: int) -> None:
    """Open the recall that was approved; the request itself is among the case's exports."""
    event = money.event_of(proposal.content["operation"])
    _not_yet(connection, event)
    connection.execute(
        insert(recalls).values(
            recall_id=next_id(connection, recalls),
            case_id=proposal.case_id,
            operation=event,
            amount=proposal.content["amount"],
            returned=0,
            state="open",
            made_at=now,
        )
    )


def of_case(connection: Connection, case_id: int) -> list[RowMapping]:
    """The recalls of a case, the earliest first."""
    chosen = select(recalls).where(recalls.c.case_id == case_id).order_by(recalls.c.recall_id)
    return list(connection.execute(chosen).mappings())


def refused(connection: Connection, actor: Actor, case_id: int, recall_id: int, reason: str) -> None:
    """Write down that the bank will not return the money; NotAllowed, NotFound, Stale."""
    need(actor, WORK)
    cases.find(connection, actor, case_id)
    row = next((row for row in of_case(connection, case_id) if row["recall_id"] == recall_id), None)
    if row is None:
        raise NotFound(f"recall {recall_id} in case {case_id}")
    if row["state"] not in _OPEN:
        raise Stale(f"Recall {recall_id}", ("case", case_id))
    connection.execute(update(recalls).where(recalls.c.recall_id == recall_id).values(state="refused"))
    audit.write(connection, actor, "recall.refused", "case", case_id, reason=reason, recall=recall_id)


def match_returns(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> int:
    """Close recalls by what has just been stored, and return how many changed; the feed calls it with each batch.

    `rows` are rows of `operations` that are new to the store, in order.
    """
    by_parties: dict[tuple[int, int], list[_Waiting]] = defaultdict(list)
    by_payee: dict[int, list[_Waiting]] = defaultdict(list)
    for waiting in _waiting(connection):
        by_parties[waiting.payee, waiting.payer].append(waiting)
        by_payee[waiting.payee].append(waiting)
    if not by_payee:
        return 0
    changed = 0
    for row in rows:
        if row["kind"] == _GAVE_BACK:
            for waiting in by_payee.get(row["payee"], ()):
                changed += waiting.told(connection, row)
        elif row["kind"] < FIRST_FACT and row["payer"] is not None and row["payee"] is not None:
            fitting = (one for one in by_parties.get((row["payer"], row["payee"]), ()) if one.fits(row))
            if (first := next(fitting, None)) is not None:
                changed += first.came(connection, row, row["amount"])
    return changed


class _Waiting:
    """One open recall while a batch is looked at."""

    def __init__(self, row: RowMapping) -> None:
        self.payer, self.payee = int(row["payer"]), int(row["payee"])
        self._row, self._missing = row, int(row["amount"] - row["returned"])

    def fits(self, row: Mapping[str, Any]) -> bool:
        """Whether an operation in the opposite direction is a return of this money."""
        in_time = self._row["occurred_at"] <= row["occurred_at"] <= self._row["made_at"] + WITHIN_MS
        return bool(in_time and 0 < row["amount"] <= self._missing)

    def told(self, connection: Connection, row: Mapping[str, Any]) -> int:
        """An analyst says that the payee gave back this much, or without an amount everything."""
        if not self._missing or row["occurred_at"] < self._row["occurred_at"]:
            return 0
        return self.came(connection, row, min(row["amount"] or self._missing, self._missing))

    def came(self, connection: Connection, row: Mapping[str, Any], amount: int) -> int:
        """Write down that some of the money is back."""
        self._missing -= amount
        state = "part" if self._missing else "closed"
        case_id, recall_id = self._row["case_id"], self._row["recall_id"]
        connection.execute(
            update(recalls)
            .where(recalls.c.recall_id == recall_id)
            .values(state=state, returned=self._row["amount"] - self._missing, closed_by_event=row["event"])
        )
        actor = System()
        audit.write(connection, actor, f"recall.{state}", "case", case_id, recall=recall_id, amount=amount)
        paid = min(amount, _owed(connection, case_id, self.payer))
        if paid:
            moves = [(books.OUTSIDE, books.claimant(self.payer), paid)]
            restitution.post(connection, actor, case_id, books.RETURN, moves, now=row["occurred_at"])
            restitution.settle(connection, case_id)
        return 1


def _owed(connection: Connection, case_id: int, payer: int) -> int:
    """What a payer of a recalled operation is still owed; nothing where there is no claim."""
    try:
        return restitution.books_of(connection, case_id).standing.owed.get(payer, 0)
    except books.Unbalanced:
        return 0  # the case's page says what is wrong with its books; the feed must not stop for it


def _waiting(connection: Connection) -> list[_Waiting]:
    chosen = (
        select(recalls, operation_rows.c.payer, operation_rows.c.payee, operation_rows.c.occurred_at)
        .join(operation_rows, operation_rows.c.event == recalls.c.operation)
        .where(recalls.c.state.in_(_OPEN))
        .order_by(recalls.c.recall_id)
    )
    return [_Waiting(row) for row in connection.execute(chosen).mappings()]


def _not_yet(connection: Connection, event: int) -> None:
    if connection.execute(select(recalls.c.recall_id).where(recalls.c.operation == event)).first() is not None:
        raise MoneyRefused("recalled")
