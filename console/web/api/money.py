"""`/api/money` and `/api/cases/{id}/money`: followed money, orders to freeze, recalls, and the books of a case."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from console.money.restitution import Unbalanced
from console.store import cases, distribution, freezing, recalls, restitution
from console.store.distribution import Division
from console.store.money import event_of
from console.web.books_reading import BooksView, books_read
from console.web.house import TheHouse
from console.web.money_asking import claimed, propose_freeze
from console.web.money_reading import MoneyQuery, MoneyView, Reason, read, refusing, view
from console.web.refusals import Refusal
from console.web.tokens import key_in_path
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api", tags=["money"])
Asked = Annotated[MoneyQuery, Query()]
Tiyn = Annotated[int, Field(ge=1, le=10**15)]
CaseId = Annotated[int, Field(ge=1, le=2**53)]
Token = Annotated[str, Field(max_length=64)]
Reader = Annotated[Viewer, Depends(may("cases.read"))]
Worker = Annotated[Viewer, Depends(may("cases.work"))]
Maker = Annotated[Viewer, Depends(may("proposals.make"))]


class Strict(BaseModel):
    """A body without fields that nobody reads."""

    model_config = ConfigDict(extra="forbid")


class FreezeClaimsBody(Strict):
    """Whom to freeze; `asked` as in the question that was answered with the advice."""

    parties: list[Token] = Field(min_length=1, max_length=50)
    asked: MoneyQuery = Field(default_factory=MoneyQuery)
    reason: Reason


class FreezeBody(FreezeClaimsBody):
    """The same, and in which case."""

    case_id: CaseId


class RecallBody(Strict):
    """How much to ask back."""

    case_id: CaseId
    amount: Tiyn
    reason: Reason


class ClaimsBody(Strict):
    """Operations whose payers claim what they paid."""

    operations: list[Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]] = Field(min_length=1, max_length=200)


class RecoveredBody(Strict):
    """What a bank has handed over."""

    party: Token
    amount: Tiyn


class LiftBody(Strict):
    """Whose freeze is to end."""

    party: Token
    reason: Reason


class DistributionBody(Strict):
    """How to divide what was recovered."""

    division: Division
    reason: Reason


class ReasonBody(Strict):
    """Why."""

    reason: Reason


class Proposed(BaseModel):
    """A proposal that waits for a second person."""

    proposal_id: int


class Added(BaseModel):
    """How many are new."""

    added: int


@router.get("/money/{operation}", summary="Where an operation's money went", dependencies=[Depends(may("money.read"))])
def show(house: TheHouse, operation: str, asked: Asked) -> MoneyView:
    """By four methods side by side, with the accounts on the way and whom to freeze."""
    with house.store.reading() as connection:
        return view(read(connection, [event_of(operation)], asked))


@router.post("/money/{operation}/freeze", summary="Propose to freeze", status_code=201)
def freeze(viewer: Maker, house: TheHouse, operation: str, body: FreezeBody) -> Proposed:
    """Propose to freeze what the method finds at these parties."""
    events = [event_of(operation)]
    number = propose_freeze(house, viewer, body.case_id, events, body.asked, body.parties, body.reason)
    return Proposed(proposal_id=number)


@router.post("/money/{operation}/recall", summary="Propose a recall", status_code=201)
def recall(viewer: Maker, house: TheHouse, operation: str, body: RecallBody) -> Proposed:
    """Propose to ask the money back from the payee's institution."""
    with refusing(), house.store.writing() as connection:
        number = recalls.propose(
            connection, viewer, body.case_id, event_of(operation), body.amount, body.reason, now=house.clock()
        )
    return Proposed(proposal_id=number)


@router.get("/cases/{case_id}/money", summary="The books of a case")
def books(viewer: Reader, house: TheHouse, case_id: CaseId) -> BooksView:
    """Claims, what is frozen, recovered, paid back, and how what is held would be divided."""
    with house.store.reading() as connection:
        cases.find(connection, viewer, case_id)
        try:
            return books_read(connection, case_id)
        except Unbalanced:
            raise Refusal(500, "restitution.unbalanced") from None


@router.get("/cases/{case_id}/money/trace", summary="Where the claimed money went")
def trace(viewer: Reader, house: TheHouse, case_id: CaseId, asked: Asked) -> MoneyView:
    """Of all open claims of a case together, as `/money/{operation}` says it of one operation."""
    events = claimed(house, viewer, case_id)
    with house.store.reading() as connection:
        return view(read(connection, events, asked))


@router.post("/cases/{case_id}/money/trace/freeze", summary="Propose to freeze claimed money", status_code=201)
def freeze_claims(viewer: Maker, house: TheHouse, case_id: CaseId, body: FreezeClaimsBody) -> Proposed:
    """Propose to freeze what the method finds of all open claims of a case at these parties."""
    events = claimed(house, viewer, case_id)
    number = propose_freeze(house, viewer, case_id, events, body.asked, body.parties, body.reason)
    return Proposed(proposal_id=number)


@router.post("/cases/{case_id}/money/claims", summary="Write claims down", status_code=201)
def claim(viewer: Worker, house: TheHouse, case_id: CaseId, body: ClaimsBody) -> Added:
    """Write operations down as claims of who paid."""
    events = [event_of(text) for text in body.operations]
    with refusing(), house.store.writing() as connection:
        return Added(added=restitution.add_claims(connection, viewer, case_id, events, now=house.clock()))


@router.delete("/cases/{case_id}/money/claims/{claim_id}", summary="Withdraw a claim", status_code=204)
def withdraw(viewer: Worker, house: TheHouse, case_id: CaseId, claim_id: CaseId) -> Response:
    """Take a claim back of which nothing was paid."""
    with refusing(), house.store.writing() as connection:
        restitution.withdraw_claim(connection, viewer, case_id, claim_id)
    return Response(status_code=204)


@router.post("/cases/{case_id}/money/recovered", summary="Money was handed over", status_code=204)
def recovered(viewer: Worker, house: TheHouse, case_id: CaseId, body: RecoveredBody) -> Response:
    """Write down that a bank has handed over frozen money."""
    with refusing(), house.store.writing() as connection:
        restitution.recovered(connection, viewer, case_id, key_in_path(body.party), body.amount, now=house.clock())
    return Response(status_code=204)


@router.post("/cases/{case_id}/money/lift", summary="Lift a freeze", status_code=204)
def lift(viewer: Worker, house: TheHouse, case_id: CaseId, body: LiftBody) -> Response:
    """End an order to freeze, and tell the institution."""
    with refusing(), house.store.writing() as connection:
        freezing.lift(connection, viewer, case_id, key_in_path(body.party), body.reason, now=house.clock())
    return Response(status_code=204)


@router.post("/cases/{case_id}/money/distribution", summary="Propose a distribution", status_code=201)
def distribute(viewer: Maker, house: TheHouse, case_id: CaseId, body: DistributionBody) -> Proposed:
    """Propose to divide what was recovered."""
    with refusing(), house.store.writing() as connection:
        number = distribution.propose(connection, viewer, case_id, body.division, body.reason, now=house.clock())
    return Proposed(proposal_id=number)


@router.post("/cases/{case_id}/money/recalls/{recall_id}/refused", summary="A bank refused a recall", status_code=204)
def recall_refused(viewer: Worker, house: TheHouse, case_id: CaseId, recall_id: CaseId, body: ReasonBody) -> Response:
    """Write down that the bank will not return the money."""
    with house.store.writing() as connection:
        recalls.refused(connection, viewer, case_id, recall_id, body.reason)
    return Response(status_code=204)
