"""`/warnings`: campaigns of warnings with their measured effect; one of them with its words and whom it reached."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from console.store import warnings
from console.store.errors import NotFound
from console.web.house import TheHouse
from console.web.page import page
from console.web.tokens import Cursor, RuleName, cursor_of, key_in_path
from console.web.viewer import Viewer, may

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("pyramids.read"))]
PAGE = 50


@router.get("/warnings")
def campaigns(request: Request, viewer: Reader, house: TheHouse) -> Response:
    """All campaigns, the largest first."""
    with house.store.reading() as connection:
        found = warnings.campaigns(connection)
        together = warnings.of_all(connection)
    return page(request, viewer, "warnings/list.html", campaigns=found, together=together)


@router.get("/warnings/{token}/{rule}")
def campaign(
    request: Request,
    viewer: Reader,
    house: TheHouse,
    token: str,
    rule: RuleName,
    after: Cursor = None,
) -> Response:
    """One campaign; `after`: where the page before ended."""
    key = key_in_path(token)
    with house.store.reading() as connection:
        found = [one for one in warnings.campaigns(connection, payee=key) if one.rule == rule]
        words = warnings.latest(connection, key, rule)
        if not found or words is None:
            raise NotFound("campaign")
        people = warnings.told(connection, key, rule, before=cursor_of(after), limit=PAGE)
    following = f"?after={people[-1].at}.{people[-1].warning_id}" if len(people) == PAGE else None
    return page(
        request,
        viewer,
        "warnings/one.html",
        campaigns=found,
        payee=found[0].payee,
        words=words.model_dump(),
        people=people,
        following=following,
    )
