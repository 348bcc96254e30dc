"""`/cases`: what belongs together, who works on it, what happened in it, and how it is reported and closed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from console.people import users
from console.store import audit_log, cases, filing
from console.store.cases import OUTCOMES
from console.store.dispositions import PUBLISHED, REASONS
from console.store.errors import Stale
from console.web.alert_actions import workers
from console.web.api.case_models import (
    AlertIdText,
    CaseChange,
    CaseClosing,
    LongText,
    NewCase,
    Number,
    Username,
    case_detail,
)
from console.web.case_telling import course, part, summary
from console.web.house import House, TheHouse
from console.web.list_queries import AskedCases
from console.web.page import page, see_other
from console.web.possible import possible
from console.web.viewer import Viewer, may

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("cases.read"))]
Worker = Annotated[Viewer, Depends(may("cases.work"))]
Maker = Annotated[Viewer, Depends(may("proposals.make"))]


@router.get("/cases")
def listing(request: Request, viewer: Reader, house: TheHouse, asked: AskedCases) -> Response:
    """Cases that the viewer may know of, the latest first."""
    found = asked.found(house, viewer)
    onward = f"/cases?state={asked.state}&mine={int(asked.mine)}&after={found.next}" if found.next else None
    return page(request, viewer, "cases/list.html", rows=found.cases, state=asked.state, mine=asked.mine, onward=onward)


@router.post("/cases")
def open_case(request: Request, viewer: Worker, house: TheHouse, wanted: Annotated[NewCase, Form()]) -> Response:
    """Open a case with alerts, or with a whole campaign."""
    with possible(), house.store.writing() as connection:
        case_id = wanted.opened(connection, viewer, now=house.clock())
    return see_other(request, f"/cases/{case_id}", "cases.said.opened", n=case_id)


@router.post("/cases/add")
def add_alert(
    request: Request,
    viewer: Worker,
    house: TheHouse,
    case_id: Annotated[int, Form(ge=1, le=2**53)],
    alert: Annotated[AlertIdText, Form()],
) -> Response:
    """Put an alert into a case."""
    with possible(), house.store.writing() as connection:
        cases.add_alerts(connection, viewer, case_id, [alert])
    return see_other(request, f"/cases/{case_id}", "cases.said.changed")


@router.get("/cases/{case_id}")
def show(
    request: Request,
    viewer: Reader,
    house: TheHouse,
    case_id: Number,
    number: Annotated[int, Query(alias="page", ge=1, le=cases.MOST_ALERTS)] = 1,
) -> Response:
    """One case, with a page of its alerts."""
    return _page(request, viewer, house, case_id, number=number)


@router.post("/cases/{case_id}")
def change(
    request: Request, viewer: Worker, house: TheHouse, case_id: Number, wanted: Annotated[CaseChange, Form()]
) -> Response:
    """Change title, owner and who may know of it; where somebody was faster, show both."""
    try:
        with possible(), house.store.writing() as connection:
            wanted.apply(connection, viewer, case_id)
    except Stale:
        return _page(request, viewer, house, case_id, stale={"title": wanted.title, "owner": wanted.owner})
    return see_other(request, f"/cases/{case_id}", "cases.said.changed")


@router.post("/cases/{case_id}/notes")
def add_note(
    request: Request, viewer: Worker, house: TheHouse, case_id: Number, text: Annotated[LongText, Form()]
) -> Response:
    """Write a note."""
    with possible(), house.store.writing() as connection:
        cases.add_note(connection, viewer, case_id, text, now=house.clock())
    return see_other(request, f"/cases/{case_id}#notes", "cases.said.noted")


@router.post("/cases/{case_id}/alerts/remove")
def remove_alert(
    request: Request, viewer: Worker, house: TheHouse, case_id: Number, alert: Annotated[AlertIdText, Form()]
) -> Response:
    """Take an alert out of the case."""
    with possible(), house.store.writing() as connection:
        cases.remove_alert(connection, viewer, case_id, alert)
    return see_other(request, f"/cases/{case_id}", "cases.said.changed")


@router.post("/cases/{case_id}/members")
def add_member(
    request: Request, viewer: Worker, house: TheHouse, case_id: Number, username: Annotated[Username, Form()]
) -> Response:
    """Let a colleague know of the case."""
    with possible(), house.store.writing() as connection:
        cases.add_member(connection, viewer, case_id, username, now=house.clock())
    return see_other(request, f"/cases/{case_id}", "cases.said.changed")


@router.post("/cases/{case_id}/members/remove")
def remove_member(
    request: Request, viewer: Worker, house: TheHouse, case_id: Number, username: Annotated[Username, Form()]
) -> Response:
    """Take a colleague off the case; who took himself off is led to the list."""
    with possible(), house.store.writing() as connection:
        cases.remove_member(connection, viewer, case_id, username)
    path = "/cases" if username == viewer.username else f"/cases/{case_id}"
    return see_other(request, path, "cases.said.changed")


@router.post("/cases/{case_id}/filing")
def propose_filing(
    request: Request, viewer: Maker, house: TheHouse, case_id: Number, narrative: Annotated[LongText, Form()]
) -> Response:
    """Propose to report the case; a second person checks it."""
    with possible(), house.store.writing() as connection:
        filing.propose(connection, viewer, case_id, narrative, now=house.clock())
    return see_other(request, f"/cases/{case_id}#filing", "cases.said.proposed")


@router.post("/cases/{case_id}/close")
def close(
    request: Request, viewer: Worker, house: TheHouse, case_id: Number, wanted: Annotated[CaseClosing, Form()]
) -> Response:
    """Close the case with an outcome."""
    try:
        with possible(), house.store.writing() as connection:
            cases.close(connection, viewer, case_id, wanted.version, wanted.outcome, wanted.note, house.clock())
    except Stale:
        return _page(request, viewer, house, case_id, stale={"outcome": wanted.outcome, "note": wanted.note})
    return see_other(request, f"/cases/{case_id}", "cases.said.closed")


def _page(
    request: Request,
    viewer: Viewer,
    house: House,
    case_id: int,
    *,
    stale: dict[str, str] | None = None,
    number: int = 1,
) -> Response:
    with house.store.reading() as connection:
        found = case_detail(connection, viewer, case_id)
        colleagues = users.names_with(connection, ("analyst", "senior", "compliance", "auditor"))
        assignees = workers(connection)
        last = audit_log.last_of(connection, "case", case_id) if stale is not None else None
    return page(
        request,
        viewer,
        "cases/one.html",
        status=200 if stale is None else 409,
        found=found,
        summary=summary(found),
        part=part(found, number),
        course=course(found.history),
        stale=stale,
        last=last,
        colleagues=colleagues,
        assignees=assignees,
        reasons=REASONS,
        published=PUBLISHED,
        outcomes=OUTCOMES,
        works=viewer.can("cases.work") and found.case.state != "closed",
    )
