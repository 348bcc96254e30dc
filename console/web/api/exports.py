"""`/api/cases/{id}/exports`: what can be made of a case, making it, and what was made."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from console.exports import markup, paper
from console.exports.making import FILED, Kind
from console.texts import Language
from console.vault import LONGEST_REASON
from console.web.exporting import MOST_NAMES, CaseNumber, Order, answer, listing, made, made_recall
from console.web.house import TheHouse
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api/cases/{case_id}/exports", tags=["exports"])
Reader = Annotated[Viewer, Depends(may("cases.read"))]
Worker = Annotated[Viewer, Depends(may("cases.work"))]
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_XML: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file.", "content": {markup.CONTENT_TYPE: _BINARY}}
}
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file.",
        "content": {markup.CONTENT_TYPE: _BINARY, paper.CONTENT_TYPE: _BINARY, "application/json": {"schema": {}}},
    }
}


class KindView(BaseModel):
    """One export that can be made."""

    kind: Kind
    needs_filing: bool = Field(description="only once two persons have approved a filing")


class MadeView(BaseModel):
    """One export that was made; the file itself is kept nowhere."""

    at: int = Field(description="ms UTC")
    by: str
    kind: str
    sha256: str
    names: int = Field(description="how many identities were opened for it")


class ExportsView(BaseModel):
    """The exports of a case."""

    filed: bool
    kinds: list[KindView]
    tokens: list[str] = Field(description="of whom a name can be asked for")
    recalls: list[int]
    made: list[MadeView]


class ExportOrder(BaseModel):
    """How an export is to be made."""

    model_config = ConfigDict(extra="forbid")

    language: Language
    tokens: list[Annotated[str, Field(max_length=41)]] = Field(
        default_factory=list, max_length=MOST_NAMES, description="whose names are to be opened for it"
    )
    reason: str = Field(default="", max_length=LONGEST_REASON, description="why; needed where names are opened")


class RecallOrder(BaseModel):
    """How the request of a recall is to be made."""

    model_config = ConfigDict(extra="forbid")

    language: Language


@router.get("", summary="What can be made of a case, and what was made")
def exports(viewer: Reader, house: TheHouse, case_id: CaseNumber) -> ExportsView:
    """The exports of a case."""
    told = listing(house, viewer, case_id)
    return ExportsView(
        filed=told.filed,
        kinds=[KindView(kind=kind, needs_filing=kind in FILED) for kind in told.kinds],
        tokens=[party.token for party in told.parties],
        recalls=[row["recall_id"] for row in told.recalls],
        made=[MadeView.model_validate(one) for one in told.made],
    )


@router.post(
    "/recalls/{recall_id}", summary="Make the request to recall a payment", response_class=Response, responses=_XML
)
def make_recall(
    viewer: Worker, house: TheHouse, case_id: CaseNumber, recall_id: CaseNumber, order: RecallOrder
) -> Response:
    """The message of an approved recall."""
    return answer(made_recall(house, viewer, case_id, recall_id, order.language))


@router.post("/{kind}", summary="Make an export", response_class=Response, responses=_FILE)
def make(viewer: Worker, house: TheHouse, case_id: CaseNumber, kind: Kind, order: ExportOrder) -> Response:
    """An export of the case; each name that is opened for it is written down with the reason."""
    return answer(made(house, viewer, case_id, kind, Order(order.language, tuple(order.tokens), order.reason)))
