"""`/api/notices`: what other bodies were asked to do, by whom it was answered, and the answer written down."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from console.store import notices
from console.store.notices import Answer, Filter, Line, Notice
from console.web.house import TheHouse
from console.web.tokens import Cursor, Hash, OptionalWord, cursor_of
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api/notices", tags=["notices"], dependencies=[Depends(may("holds.read"))])
Worker = Annotated[Viewer, Depends(may("alerts.work"))]


class GivenAnswer(BaseModel):
    """What a body answered."""

    answer: Answer
    reason: str = Field(min_length=3, max_length=2_000, description="Number and substance of the letter")
    seen: Answer | None = Field(default=None, description="The answer that was written there when it was looked at")


@router.get("")
def listed(
    house: TheHouse,
    outcome: OptionalWord = None,
    addressee: OptionalWord = None,
    measure: OptionalWord = None,
    answered: bool | None = None,
    after: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=500)] = notices.PAGE,
) -> list[Notice]:
    """Notices by deadline; `after`: `<deadline_at>.<notice_id>` of the last one known."""
    chosen = Filter(outcome, addressee, measure, answered)
    with house.store.reading() as connection:
        return notices.listed(connection, chosen, after=cursor_of(after), limit=limit)


@router.get("/summary")
def summary(house: TheHouse) -> list[Line]:
    """What became of all notices, by addressee and measure."""
    with house.store.reading() as connection:
        return notices.summary(connection)


@router.get("/{notice_id}")
def one(house: TheHouse, notice_id: Hash) -> Notice:
    """One notice."""
    with house.store.reading() as connection:
        return notices.found(connection, notice_id)


@router.post("/{notice_id}/answer")
def answer(viewer: Worker, house: TheHouse, notice_id: Hash, given: GivenAnswer) -> Notice:
    """Write down what the body answered; 409 where somebody else has written something else since."""
    with house.store.writing() as connection:
        notices.answer(connection, viewer, notice_id, given.answer, given.reason, seen=given.seen, now=house.clock())
        return notices.found(connection, notice_id)
