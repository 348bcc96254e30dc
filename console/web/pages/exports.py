"""`/cases/{id}/exports`: what can be made of a case, making it, and what was made."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from console.exports.making import FILED, Kind, text_of
from console.store.money import event_text
from console.texts import Language
from console.vault import LONGEST_REASON
from console.web.exporting import RECALL, CaseNumber, Order, answer, listing, made, made_recall
from console.web.house import TheHouse
from console.web.page import page
from console.web.viewer import Viewer, may

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("cases.read"))]
Worker = Annotated[Viewer, Depends(may("cases.work"))]


@router.get("/cases/{case_id}/exports")
def exports(request: Request, viewer: Reader, house: TheHouse, case_id: CaseNumber) -> Response:
    """The exports of a case."""
    return page(
        request,
        viewer,
        "exports/list.html",
        case_id=case_id,
        listing=listing(house, viewer, case_id),
        needs_filing=FILED,
        text_of=text_of,
        event_text=event_text,
        recall_kind=RECALL,
    )


@router.post("/cases/{case_id}/exports/recalls/{recall_id}")
def make_recall(
    viewer: Worker, house: TheHouse, case_id: CaseNumber, recall_id: CaseNumber, language: Annotated[Language, Form()]
) -> Response:
    """The request to recall one payment, as a download."""
    return answer(made_recall(house, viewer, case_id, recall_id, language))


@router.post("/cases/{case_id}/exports/{kind}")
def make(
    viewer: Worker,
    house: TheHouse,
    case_id: CaseNumber,
    kind: Kind,
    language: Annotated[Language, Form()],
    reason: Annotated[str, Form(max_length=LONGEST_REASON)] = "",
    token: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """An export of the case as a download; `token`: whose names are to be opened for it."""
    return answer(made(house, viewer, case_id, kind, Order(language, tuple(token or ()), reason)))
