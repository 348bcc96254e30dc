"""`/registries`: lists, blocked resources and refusals; one entry with its re-screening."""

from __future__ import annotations

import re
from typing import Annotated, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from console.listing.drafts import LISTS
from console.store import registries
from console.store.errors import NotFound
from console.store.registries import BLOCKED, PAGE, Entry, Filter
from console.web.house import TheHouse
from console.web.page import page
from console.web.tokens import Word, key_in_path
from console.web.viewer import Viewer, may
from rules.references import APPEALS

router = APIRouter()
Reader = Annotated[Viewer, Depends(may("registries.read"))]
Place = Annotated[str | None, Query(max_length=120)]
MOST_SCREENED: Final = 10  # subjects of a blocked resource that its page looks after
_PLACE: Final = re.compile(r"([0-9]{1,18})\.(-?[0-9]{1,20})\.(.{1,64})")


@router.get("/registries")
def lists(
    request: Request,
    viewer: Reader,
    house: TheHouse,
    which: Annotated[Word, Query(alias="list")] = "",
    appeal: Word = "",
    standing: Word = "in_force",
    token: Annotated[str, Query(max_length=41)] = "",
    after: Place = None,
) -> Response:
    """Entries of lists; those in force unless `standing` is empty, of one subject where `token` is given."""
    now = house.clock()
    chosen = Filter(
        which=which or None,
        appeal=appeal or None,
        subject=key_in_path(token.strip()) if token.strip() else None,
        in_force_at=now if standing == "in_force" else None,
    )
    with house.store.reading() as connection:
        found = registries.listed(connection, chosen, after=place_of(after))
        counts = registries.counted(connection, registries.LISTS, now=now)
    asked = {"list": which, "appeal": appeal, "standing": standing, "token": token}
    return page(
        request,
        viewer,
        "registries/lists.html",
        entries=found,
        counts=counts,
        asked=asked,
        lists=LISTS,
        appeals=APPEALS,
        address=address,
        following=_following("/registries", found, asked),
    )


@router.get("/registries/blocked")
def blocked(request: Request, viewer: Reader, house: TheHouse, after: Place = None) -> Response:
    """Blocked sites and accounts, by whom they asked to pay; their addresses are not kept."""
    with house.store.reading() as connection:
        found = registries.listed(connection, Filter(registry=BLOCKED), after=place_of(after))
    following = _following("/registries/blocked", found, {})
    return page(request, viewer, "registries/blocked.html", entries=found, address=address, following=following)


@router.get("/registries/refusals")
def refusals(request: Request, viewer: Reader, house: TheHouse) -> Response:
    """How many credit refusals were set and withdrawn each day."""
    with house.store.reading() as connection:
        days = registries.refusals(connection)
    return page(request, viewer, "registries/refusals.html", days=days)


@router.get("/registries/{registry}/entry/{entry_id:path}")
def entry(request: Request, viewer: Reader, house: TheHouse, registry: str, entry_id: str) -> Response:
    """One entry: what it says of each of its subjects, and who had dealt with them."""
    if registry not in (registries.LISTS, BLOCKED) or not entry_id.isprintable():
        raise NotFound("entry")
    with house.store.reading() as connection:
        found = registries.found(connection, registry, entry_id)
        named = [one for one in found if one.subject is not None][:MOST_SCREENED]
        subjects = [(one, registries.screened(connection, one)) for one in named]
    return page(request, viewer, "registries/entry.html", entry=found[0], subjects=subjects)


def address(one: Entry) -> str:
    """Where an entry's page is."""
    return f"/registries/{one.registry}/entry/{quote(one.entry_id, safe='')}"


def place_of(text: str | None) -> tuple[int, str, int] | None:
    """Where a page of entries ended: (recorded_at, entry_id, key); NotFound where the text is no such place.

    >>> place_of("1700000000000.-5.fiu-1")
    (1700000000000, 'fiu-1', -5)
    """
    if text is None:
        return None
    found = _PLACE.fullmatch(text)
    if found is None or not text.isprintable() or abs(int(found[2])) >= 2**63:
        raise NotFound("page")
    return int(found[1]), found[3], int(found[2])


def _following(path: str, found: list[Entry], asked: dict[str, str]) -> str | None:
    if len(found) < PAGE:
        return None
    last = found[-1]
    return f"{path}?{urlencode({**asked, 'after': f'{last.recorded_at}.{last.key}.{last.entry_id}'})}"
