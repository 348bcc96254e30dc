"""`/cases/{id}/money`: the books of a case: claims, what is frozen and recovered, how it is divided, recalls."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from console.money.restitution import Unbalanced
from console.store import cases, distribution, freezing, recalls, restitution
from console.store.distribution import Division
from console.store.money import event_of
from console.web.books_reading import books_read
from console.web.house import TheHouse
from console.web.money_reading import CaseId, Reason, TengeAndTiyn, refusing, tiyn_of
from console.web.page import page, see_other
from console.web.refusals import Refusal
from console.web.tokens import key_in_path
from console.web.viewer import Viewer, may

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("cases.read"))]
Worker = Annotated[Viewer, Depends(may("cases.work"))]
Maker = Annotated[Viewer, Depends(may("proposals.make"))]
Token = Annotated[str, Form(max_length=64)]


@router.get("/cases/{case_id}/money")
def show(request: Request, viewer: Reader, house: TheHouse, case_id: CaseId) -> Response:
    """The books."""
    with house.store.reading() as connection:
        case = cases.find(connection, viewer, case_id)
        try:
            reading = books_read(connection, case_id)
        except Unbalanced:
            raise Refusal(500, "restitution.unbalanced") from None
    return page(request, viewer, "restitution/case.html", case=case, books=reading)


@router.post("/cases/{case_id}/money/claims")
def claim(
    request: Request,
    viewer: Worker,
    house: TheHouse,
    case_id: CaseId,
    operation: Annotated[list[str], Form(max_length=200)],
) -> Response:
    """Write operations down as claims of who paid."""
    events = [event_of(text) for text in operation]
    with refusing(), house.store.writing() as connection:
        number = restitution.add_claims(connection, viewer, case_id, events, now=house.clock())
    return see_other(request, f"/cases/{case_id}/money", "restitution.said.claims", n=number)


@router.post("/cases/{case_id}/money/claims/{claim_id}/withdraw")
def withdraw(request: Request, viewer: Worker, house: TheHouse, case_id: CaseId, claim_id: CaseId) -> Response:
    """Take a claim back."""
    with refusing(), house.store.writing() as connection:
        restitution.withdraw_claim(connection, viewer, case_id, claim_id)
    return see_other(request, f"/cases/{case_id}/money", "restitution.said.withdrawn")


@router.post("/cases/{case_id}/money/recovered")
def recovered(
    request: Request,
    viewer: Worker,
    house: TheHouse,
    case_id: CaseId,
    party: Token,
    amount: Annotated[TengeAndTiyn, Form()],
) -> Response:
    """Write down that a bank has handed over frozen money."""
    with refusing(), house.store.writing() as connection:
        restitution.recovered(connection, viewer, case_id, key_in_path(party), tiyn_of(amount), now=house.clock())
    return see_other(request, f"/cases/{case_id}/money", "restitution.said.recovered")


@router.post("/cases/{case_id}/money/lift")
def lift(
    request: Request,
    viewer: Worker,
    house: TheHouse,
    case_id: CaseId,
    party: Token,
    reason: Annotated[Reason, Form()],
) -> Response:
    """End an order to freeze."""
    with house.store.writing() as connection:
        freezing.lift(connection, viewer, case_id, key_in_path(party), reason, now=house.clock())
    return see_other(request, f"/cases/{case_id}/money", "restitution.said.lifted")


@router.post("/cases/{case_id}/money/distribution")
def distribute(
    request: Request,
    viewer: Maker,
    house: TheHouse,
    case_id: CaseId,
    division: Annotated[Division, Form()],
    reason: Annotated[Reason, Form()],
) -> Response:
    """Propose to divide what was recovered."""
    with refusing(), house.store.writing() as connection:
        number = distribution.propose(connection, viewer, case_id, division, reason, now=house.clock())
    return see_other(request, f"/cases/{case_id}/money", "money.said.proposed", number=number)


@router.post("/cases/{case_id}/money/recalls/{recall_id}/refused")
def recall_refused(
    request: Request,
    viewer: Worker,
    house: TheHouse,
    case_id: CaseId,
    recall_id: CaseId,
    reason: Annotated[Reason, Form()],
) -> Response:
    """Write down that the bank will not return the money."""
    with house.store.writing() as connection:
        recalls.refused(connection, viewer, case_id, recall_id, reason)
    return see_other(request, f"/cases/{case_id}/money", "restitution.said.recall_refused")
