"""`/money/{operation}`: where an operation's money went by four methods, whom to freeze, and asking it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response
from pydantic import Field

from console.money.purses import METHODS, Method
from console.store import alerts, cases, meters, recalls, subjects
from console.store.money import Followed, Stop, event_of
from console.store.operations import Operation
from console.web.house import House, TheHouse
from console.web.money_asking import claimed, propose_freeze
from console.web.money_picture import picture_of
from console.web.money_reading import CaseId, MoneyQuery, Reason, TengeAndTiyn, read, refusing, tiyn_of
from console.web.page import page, see_other
from console.web.viewer import Viewer, may
from rules.events import KINDS

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("money.read"))]
CaseReader = Annotated[Viewer, Depends(may("cases.read"))]
Maker = Annotated[Viewer, Depends(may("proposals.make"))]
Asked = Annotated[MoneyQuery, Query()]
_OWN_CASES: Final = 100  # offered to put a proposal into
_WORKED: Final = ("open", "filed")  # states of those cases: money is got back after the report too
_ROWS: Final = 60  # of a table: the largest sums


class FreezeForm(MoneyQuery):
    """Whom to freeze, by what was seen."""

    case_id: int = Field(ge=1, le=2**53)
    party: list[Annotated[str, Field(max_length=64)]] = Field(default_factory=list, max_length=50)
    reason: Reason


@router.get("/money/{operation}")
def show(request: Request, viewer: Reader, house: TheHouse, operation: str, asked: Asked) -> Response:
    """Where the money of one operation went, or came from."""
    return _show(request, viewer, house, [event_of(operation)], f"/money/{operation}", asked)


@router.get("/cases/{case_id}/money/trace")
def show_claims(request: Request, viewer: CaseReader, house: TheHouse, case_id: CaseId, asked: Asked) -> Response:
    """Where the money of all claims of a case went."""
    events = claimed(house, viewer, case_id)
    return _show(request, viewer, house, events, f"/cases/{case_id}/money/trace", asked, case_id=case_id)


@router.post("/money/{operation}/freeze")
def freeze(
    request: Request, viewer: Maker, house: TheHouse, operation: str, wanted: Annotated[FreezeForm, Form()]
) -> Response:
    """Propose to freeze what is left of this money in some accounts."""
    return _freeze(request, viewer, house, [event_of(operation)], f"/money/{operation}", wanted)


@router.post("/cases/{case_id}/money/trace/freeze")
def freeze_claims(
    request: Request, viewer: Maker, house: TheHouse, case_id: CaseId, wanted: Annotated[FreezeForm, Form()]
) -> Response:
    """Propose to freeze what is left of the money of all claims of a case in some accounts."""
    events = claimed(house, viewer, case_id)
    return _freeze(request, viewer, house, events, f"/cases/{case_id}/money/trace", wanted)


@router.post("/money/{operation}/recall")
def recall(
    request: Request,
    viewer: Maker,
    house: TheHouse,
    operation: str,
    case_id: Annotated[int, Form(ge=1, le=2**53)],
    amount: Annotated[TengeAndTiyn, Form()],
    reason: Annotated[Reason, Form()],
) -> Response:
    """Propose to ask this money back from the payee's institution."""
    with refusing(), house.store.writing() as connection:
        number = recalls.propose(
            connection, viewer, case_id, event_of(operation), tiyn_of(amount), reason, now=house.clock()
        )
    return see_other(request, f"/money/{operation}", "money.said.proposed", number=number)


def _freeze(
    request: Request, viewer: Viewer, house: House, events: Sequence[int], base: str, wanted: FreezeForm
) -> Response:
    number = propose_freeze(house, viewer, wanted.case_id, events, wanted, wanted.party, wanted.reason)
    return see_other(request, f"{base}?{MoneyQuery.address(wanted)}", "money.said.proposed", number=number)


def _show(
    request: Request,
    viewer: Viewer,
    house: House,
    events: Sequence[int],
    base: str,
    asked: MoneyQuery,
    *,
    case_id: int | None = None,
) -> Response:
    with house.store.reading() as connection:
        reading = read(connection, events, asked)
        collectors = meters.suspected(connection, [party.key for party in reading.followed.named.values()])
        visible = viewer.can("cases.read")
        own = cases.listing(connection, viewer, states=_WORKED, limit=_OWN_CASES).rows if visible else []
        first = reading.followed.asked[0]
        sides = subjects.named(connection, (first.payer, first.payee))
        found = alerts.of_event(connection, first.institution, first.event_id) if case_id is None else []
    followed = reading.followed
    picture, left_out = picture_of(followed, asked.method)
    listed, unlisted = _stops(followed, asked.method)
    return page(
        request,
        viewer,
        "money/follow.html",
        followed=followed,
        said=followed.traces[asked.method],
        advice=reading.advice,
        asked=asked,
        base=base,
        case_id=case_id,
        sides=sides,
        alerts=[row for row in found if row["status"] == "active"],
        methods=METHODS,
        kinds=KINDS,
        collectors=sorted({party.token for party in followed.named.values() if party.key in collectors}),
        picture=picture,
        left_out=left_out,
        listed=listed,
        unlisted=unlisted,
        moves=_moves(followed, asked.method),
        own_cases=own,
    )


def _stops(followed: Followed, method: Method) -> tuple[list[Stop], int]:
    """Where most of the money came to, the nearest first, and how many other accounts it came to."""
    came = [stop for stop in followed.stops if stop.received[method]]
    largest = sorted(came, key=lambda stop: -stop.received[method])[:_ROWS]
    return sorted(largest, key=lambda stop: (stop.hop, -stop.received[method])), len(came) - len(largest)


def _moves(followed: Followed, method: Method) -> list[tuple[Operation, int, int]]:
    """The operations that moved most of it: each with its place, in order of time, and the tiyn of it that it moved."""
    moved = followed.traces[method].moved
    largest = sorted(moved.nonzero()[0].tolist(), key=lambda place: (-int(moved[place]), place))[:_ROWS]
    return [(followed.around.rows[place], place, int(moved[place])) for place in sorted(largest)]
