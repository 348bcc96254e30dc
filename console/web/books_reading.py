"""The books of a case as pages and the API show them: with tokens in place of keys."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import Connection, RowMapping

from console.store import distribution, freezing, recalls, restitution, subjects
from console.store.distribution import DIVISIONS, Division
from console.store.money import event_text
from console.store.restitution import key_in_account


class ClaimView(BaseModel):
    """What a victim says was lost; tiyn."""

    claim_id: int
    claimant: str
    operation: str
    amount: int
    state: str


class SuggestionView(BaseModel):
    """An operation that may be a claim."""

    operation: str
    payer: str
    payee: str | None
    amount: int
    occurred_at: int


class FrozenView(BaseModel):
    """What is kept at a party; tiyn."""

    party: str
    amount: int
    until: int | None = Field(
        description="ms UTC: when the order ends by itself; what is over has to be lifted or paid"
    )


class ShareView(BaseModel):
    """What a victim is owed, and would get by each division; tiyn."""

    claimant: str
    owed: int
    shares: dict[Division, int]


class RecallView(BaseModel):
    """A payment that is asked back; tiyn."""

    recall_id: int
    operation: str
    amount: int
    returned: int
    state: str
    made_at: int


class PostingView(BaseModel):
    """A line of the ledger; tiyn, positive into the account."""

    transfer_id: int
    account: str = Field(description="outside, held, frozen or claimant")
    party: str | None
    amount: int
    cause: str
    at: int
    by: str


class BooksView(BaseModel):
    """The books of a case, checked: postings add up to zero, nobody gets more than was claimed; tiyn."""

    claimed: int
    frozen: int
    held: int
    paid: int
    owed: int
    claims: list[ClaimView]
    suggested: list[SuggestionView]
    frozen_at: list[FrozenView]
    division: list[ShareView]
    recalls: list[RecallView]
    postings: list[PostingView]


def books_read(connection: Connection, case_id: int) -> BooksView:
    """The books of a case; console.money.restitution.Unbalanced where they do not balance."""
    found = restitution.books_of(connection, case_id)
    standing = found.standing
    suggested = restitution.suggested(connection, case_id)
    divided = {division: distribution.divided(connection, found, division) for division in DIVISIONS}
    ends = freezing.ends(connection, case_id)
    keys = [row["claimant"] for row in found.claims]
    keys += [key for row in suggested for key in (row["payer"], row["payee"])]
    keys += [key_in_account(row["account"]) for row in found.postings]
    names = {key: subject.token for key, subject in subjects.named(connection, keys).items()}
    return BooksView(
        claimed=sum(standing.claimed.values()),
        frozen=sum(standing.frozen.values()),
        held=standing.held,
        paid=sum(standing.paid.values()),
        owed=sum(standing.owed.values()),
        claims=[_claim(row, names) for row in found.claims],
        suggested=[_suggestion(row, names) for row in suggested],
        frozen_at=[
            FrozenView(party=names[key], amount=amount, until=ends.get(key))
            for key, amount in standing.frozen.items()
            if amount
        ],
        division=[
            ShareView(
                claimant=names[key],
                owed=owed,
                shares={division: shares.get(key, 0) for division, shares in divided.items()},
            )
            for key, owed in sorted(standing.owed.items(), key=lambda one: -one[1])
        ],
        recalls=[_recall(row) for row in recalls.of_case(connection, case_id)],
        postings=[_posting(row, names) for row in found.postings],
    )


def _claim(row: RowMapping, names: dict[int, str]) -> ClaimView:
    return ClaimView(
        claim_id=row["claim_id"],
        claimant=names[row["claimant"]],
        operation=event_text(row["operation"]),
        amount=row["amount"],
        state=row["state"],
    )


def _suggestion(row: RowMapping, names: dict[int, str]) -> SuggestionView:
    return SuggestionView(
        operation=event_text(row["event"]),
        payer=names[row["payer"]],
        payee=names.get(row["payee"]),
        amount=row["amount"],
        occurred_at=row["occurred_at"],
    )


def _recall(row: RowMapping) -> RecallView:
    told = {name: row[name] for name in ("recall_id", "amount", "returned", "state", "made_at")}
    return RecallView(operation=event_text(row["operation"]), **told)


def _posting(row: RowMapping, names: dict[int, str]) -> PostingView:
    told: dict[str, Any] = {name: row[name] for name in ("transfer_id", "amount", "cause", "at", "by")}
    key = key_in_account(row["account"])
    kind = row["account"].partition(":")[0]
    return PostingView(account=kind, party=None if key is None else names[key], **told)
