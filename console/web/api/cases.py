"""`/api/cases`, `/api/proposals`: cases, and what takes two persons."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from console.store import cases, filing, proposals
from console.web.api.case_models import (
    AlertIdText,
    Answer,
    CaseChange,
    CaseClosing,
    CaseDetail,
    CaseList,
    LongText,
    NewCase,
    Number,
    ProposalView,
    Username,
    case_detail,
    proposal_view,
)
from console.web.house import TheHouse
from console.web.list_queries import AskedCases
from console.web.pages.proposals import Concerned, seen, visible
from console.web.possible import possible
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api", tags=["cases"])
Reader = Annotated[Viewer, Depends(may("cases.read"))]
Worker = Annotated[Viewer, Depends(may("cases.work"))]
Maker = Annotated[Viewer, Depends(may("proposals.make"))]


class Alerts(BaseModel):
    """Alerts to be put into a case."""

    model_config = ConfigDict(extra="forbid")

    alert: list[AlertIdText] = Field(min_length=1, max_length=500)


class Note(BaseModel):
    """A note to be written."""

    model_config = ConfigDict(extra="forbid")

    text: LongText


class Narrative(BaseModel):
    """What the report is to say."""

    model_config = ConfigDict(extra="forbid")

    narrative: LongText


@router.get("/cases", summary="Cases, the latest first")
def listing(viewer: Reader, house: TheHouse, asked: AskedCases) -> CaseList:
    """Those that the viewer may know of."""
    return asked.found(house, viewer)


@router.post("/cases", summary="Open a case", status_code=201)
def open_case(viewer: Worker, house: TheHouse, wanted: NewCase) -> CaseDetail:
    """With alerts, or with all alerts of a campaign."""
    with possible(), house.store.writing() as connection:
        case_id = wanted.opened(connection, viewer, now=house.clock())
        return case_detail(connection, viewer, case_id)


@router.get("/cases/{case_id}", summary="One case with everything in it")
def show(viewer: Reader, house: TheHouse, case_id: Number) -> CaseDetail:
    """Alerts, members, notes, proposals and history."""
    with house.store.reading() as connection:
        return case_detail(connection, viewer, case_id)


@router.put("/cases/{case_id}", summary="Change title, owner and who may know of it")
def change(viewer: Worker, house: TheHouse, case_id: Number, wanted: CaseChange) -> CaseDetail:
    """409 where somebody else changed it after `version`."""
    with possible(), house.store.writing() as connection:
        wanted.apply(connection, viewer, case_id)
        return case_detail(connection, viewer, case_id)


@router.post("/cases/{case_id}/close", summary="Close a case")
def close(viewer: Worker, house: TheHouse, case_id: Number, wanted: CaseClosing) -> CaseDetail:
    """409 where somebody else changed it after `version`."""
    with possible(), house.store.writing() as connection:
        cases.close(connection, viewer, case_id, wanted.version, wanted.outcome, wanted.note, house.clock())
        return case_detail(connection, viewer, case_id)


@router.post("/cases/{case_id}/alerts", summary="Put alerts into a case", status_code=204)
def add_alerts(viewer: Worker, house: TheHouse, case_id: Number, wanted: Alerts) -> Response:
    """All of them or none."""
    with possible(), house.store.writing() as connection:
        cases.add_alerts(connection, viewer, case_id, wanted.alert)
    return Response(status_code=204)


@router.delete("/cases/{case_id}/alerts/{alert_id}", summary="Take an alert out of a case", status_code=204)
def remove_alert(
    viewer: Worker, house: TheHouse, case_id: Number, alert_id: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
) -> Response:
    """404 where it is not in it."""
    with possible(), house.store.writing() as connection:
        cases.remove_alert(connection, viewer, case_id, alert_id)
    return Response(status_code=204)


@router.post("/cases/{case_id}/notes", summary="Write a note", status_code=204)
def add_note(viewer: Worker, house: TheHouse, case_id: Number, wanted: Note) -> Response:
    """Notes stay as they were written."""
    with possible(), house.store.writing() as connection:
        cases.add_note(connection, viewer, case_id, wanted.text, now=house.clock())
    return Response(status_code=204)


@router.put("/cases/{case_id}/members/{username}", summary="Let somebody know of a case", status_code=204)
def add_member(viewer: Worker, house: TheHouse, case_id: Number, username: Annotated[Username, Path()]) -> Response:
    """Somebody who works on cases."""
    with possible(), house.store.writing() as connection:
        cases.add_member(connection, viewer, case_id, username, now=house.clock())
    return Response(status_code=204)


@router.delete("/cases/{case_id}/members/{username}", summary="Take somebody off a case", status_code=204)
def remove_member(viewer: Worker, house: TheHouse, case_id: Number, username: Annotated[Username, Path()]) -> Response:
    """Its owner stays."""
    with possible(), house.store.writing() as connection:
        cases.remove_member(connection, viewer, case_id, username)
    return Response(status_code=204)


@router.post("/cases/{case_id}/filing", summary="Propose to report a case", status_code=201)
def propose_filing(viewer: Maker, house: TheHouse, case_id: Number, wanted: Narrative) -> ProposalView:
    """A second person checks it."""
    with possible(), house.store.writing() as connection:
        number = filing.propose(connection, viewer, case_id, wanted.narrative, now=house.clock())
        return proposal_view(proposals.find(connection, number))


@router.get("/proposals", summary="What waits for one's check")
def waiting(viewer: Concerned, house: TheHouse) -> list[ProposalView]:
    """The oldest first; never one's own."""
    with house.store.reading() as connection:
        found = [each for each in proposals.waiting(connection, viewer) if visible(connection, viewer, each)]
    return [proposal_view(each) for each in found]


@router.get("/proposals/{proposal_id}", summary="One proposal")
def proposal(viewer: Reader, house: TheHouse, proposal_id: Number) -> ProposalView:
    """With the document that would be carried out."""
    with house.store.reading() as connection:
        return proposal_view(seen(connection, viewer, proposal_id))


@router.post("/proposals/{proposal_id}/approve", summary="Approve a proposal")
def approve(viewer: Concerned, house: TheHouse, proposal_id: Number, given: Answer) -> ProposalView:
    """What it proposes is done at once; 403 for its maker, 409 where it was answered, or reads differently."""
    with possible(), house.store.writing() as connection:
        seen(connection, viewer, proposal_id)
        done = proposals.approve(connection, viewer, proposal_id, given.digest, now=house.clock(), answer=given.answer)
    return proposal_view(done)


@router.post("/proposals/{proposal_id}/refuse", summary="Refuse a proposal")
def refuse(viewer: Concerned, house: TheHouse, proposal_id: Number, given: Answer) -> ProposalView:
    """403 for its maker, 409 where it was answered, or reads differently."""
    with possible(), house.store.writing() as connection:
        seen(connection, viewer, proposal_id)
        done = proposals.refuse(connection, viewer, proposal_id, given.digest, now=house.clock(), answer=given.answer)
    return proposal_view(done)


@router.post("/proposals/{proposal_id}/withdraw", summary="Take back one's own proposal", status_code=204)
def withdraw(viewer: Concerned, house: TheHouse, proposal_id: Number) -> Response:
    """409 where it was answered already."""
    with house.store.writing() as connection:
        seen(connection, viewer, proposal_id)
        proposals.withdraw(connection, viewer, proposal_id)
    return Response(status_code=204)
