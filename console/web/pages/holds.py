"""`/holds`: what is held and until when; one hold with every state that it went through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from console.machine import picture
from console.store import holds
from console.store.holds import PAGE, Filter, Hold
from console.web.house import House, TheHouse
from console.web.page import page
from console.web.tokens import Cursor, Hash, Word, cursor_of
from console.web.viewer import Viewer, may
from rules.events import DAY_MS
from rules.holds import GRAVITY

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("holds.read"))]
WITHIN: Final = {"hour": DAY_MS // 24, "day": DAY_MS, "week": 7 * DAY_MS}


@router.get("/holds")
def listed(
    request: Request,
    viewer: Reader,
    house: TheHouse,
    show: Literal["open", "ended"] = "open",
    decision: Word = "",
    institution: Word = "",
    within: Literal["", "hour", "day", "week"] = "",
    cause: Word = "",
    after: Cursor = None,
) -> Response:
    """Open holds by deadline, or those that have ended; "" is any."""
    now = house.clock()
    due_before = now + WITHIN[within] if within else None
    chosen = Filter(show == "open", decision or None, institution or None, due_before, cause or None)
    with house.store.reading() as connection:
        found = holds.listed(connection, chosen, after=cursor_of(after))
        counts = holds.counted(connection, now=now)
        institutions = holds.institutions(connection)
        causes = holds.causes(connection)
    asked = {"show": show, "decision": decision, "institution": institution, "within": within, "cause": cause}
    return page(
        request,
        viewer,
        "holds/list.html",
        holds=found,
        counts=counts,
        show=show,
        chosen=chosen,
        within=within,
        decisions=_named(house, viewer, "holds.decision.", GRAVITY),
        institutions=[(name, name) for name in institutions],
        withins=_named(house, viewer, "holds.within.", WITHIN),
        causes=_named(house, viewer, "holds.cause.", causes),
        following=_following(found, asked),
    )


@router.get("/holds/{hold_id}")
def one(request: Request, viewer: Reader, house: TheHouse, hold_id: Hash) -> Response:
    """One hold."""
    with house.store.reading() as connection:
        found = holds.found(connection, hold_id)
        states = holds.states(connection, hold_id)
        alerts = holds.alerts_behind(connection, found)
    drawn = picture([state.state for state in states], found.event.clock)
    return page(request, viewer, "holds/one.html", hold=found, states=states, alerts=alerts, drawn=drawn)


def _named(house: House, viewer: Viewer, prefix: str, names: Iterable[str]) -> list[tuple[str, str]]:
    """Each with its text; what has none, being newer than this console, stays as it is."""
    texts = house.renderer.texts
    keys = [(name, prefix + name) for name in names]
    return [(name, texts(viewer.language, key) if key in texts else name) for name, key in keys]


def _following(found: list[Hold], asked: dict[str, str]) -> str | None:
    if len(found) < PAGE:
        return None
    return "/holds?" + urlencode({**asked, "after": f"{found[-1].deadline_at}.{found[-1].hold_id}"})
