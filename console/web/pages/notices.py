"""`/notices`: what other bodies were asked to do, and where an analyst writes down what they answered."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from console.store import notices
from console.store.notices import PAGE, Filter
from console.web.house import TheHouse
from console.web.page import page, see_other
from console.web.tokens import Cursor, Hash, Word, cursor_of
from console.web.viewer import Viewer, may

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("holds.read"))]
Worker = Annotated[Viewer, Depends(may("alerts.work"))]
Reason = Annotated[str, Form(min_length=3, max_length=2_000)]
OUTCOMES: Final = ("open", "done", "unanswered", "withdrawn")


@router.get("/notices")
def listed(
    request: Request,
    viewer: Reader,
    house: TheHouse,
    outcome: Word = "open",
    addressee: Word = "",
    after: Cursor = None,
) -> Response:
    """Notices by deadline, those that wait for an answer unless another outcome is chosen; "" is any."""
    chosen = Filter(outcome=outcome or None, addressee=addressee or None)
    with house.store.reading() as connection:
        found = notices.listed(connection, chosen, after=cursor_of(after))
        lines = notices.summary(connection)
    names = {line.addressee: getattr(line.example.addressee_text, viewer.language) for line in lines}
    following = None
    if len(found) == PAGE:
        place = f"{found[-1].deadline_at}.{found[-1].notice_id}"
        following = "/notices?" + urlencode({"outcome": outcome, "addressee": addressee, "after": place})
    texts = house.renderer.texts
    return page(
        request,
        viewer,
        "notices/list.html",
        notices=found,
        lines=lines,
        chosen=chosen,
        outcomes=[(each, texts(viewer.language, f"notices.outcome.{each}")) for each in OUTCOMES],
        addressees=sorted(names.items(), key=lambda item: item[1]),
        following=following,
    )


@router.get("/notices/{notice_id}")
def one(request: Request, viewer: Reader, house: TheHouse, notice_id: Hash) -> Response:
    """One notice."""
    with house.store.reading() as connection:
        found = notices.found(connection, notice_id)
    return page(request, viewer, "notices/one.html", notice=found)


@router.post("/notices/{notice_id}/answer")
def answer(
    request: Request,
    viewer: Worker,
    house: TheHouse,
    notice_id: Hash,
    given: Annotated[notices.Answer, Form(alias="answer")],
    reason: Reason,
    seen: Annotated[str, Form()] = "",
) -> Response:
    """Write down what the body answered; refused where somebody else has written something since it was looked at."""
    with house.store.writing() as connection:
        notices.answer(connection, viewer, notice_id, given, reason, seen=seen or None, now=house.clock())
    return see_other(request, f"/notices/{notice_id}", "notices.answered")
