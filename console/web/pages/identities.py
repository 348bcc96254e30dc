"""`/identities`: finds the subject behind an identifier that somebody typed, and reveals who is behind a token."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from console import audit
from console.vault import LONGEST_REASON, NoIdentifier, find_token, is_met, reveal
from console.web.house import House, TheHouse
from console.web.page import is_partial, page
from console.web.viewer import Viewer, may

router = APIRouter()
Revealer = Annotated[Viewer, Depends(may("identities.reveal"))]


@router.get("/identities")
def search(request: Request, viewer: Revealer) -> Response:
    """The form."""
    return page(request, viewer, "identities.html", wrong=None, kind="person")


@router.post("/identities/find")
def find(
    request: Request,
    viewer: Revealer,
    house: TheHouse,
    kind: Annotated[str, Form(max_length=10)],
    value: Annotated[str, Form(max_length=128)],
) -> Response:
    """Lead to the subject's page. The identifier is in no address and no log: only its token is."""
    try:
        token, met = look_up(house, viewer, kind, value)
    except NoIdentifier:
        return page(request, viewer, "identities.html", status=422, wrong="reveal.no_identifier", kind=kind)
    if not met:
        return page(request, viewer, "identities.html", status=404, wrong="reveal.not_met", kind=kind)
    return RedirectResponse(f"/subjects/{token}", 303)


@router.post("/identities/reveal")
def show(
    request: Request,
    viewer: Revealer,
    house: TheHouse,
    token: Annotated[str, Form(max_length=41)],
    reason: Annotated[str, Form(max_length=LONGEST_REASON)],
    case_id: Annotated[int | None, Form()] = None,
) -> Response:
    """Show one person, once: as a piece of the page that asked, or as a page of its own without script."""
    identity = reveal(house.store, house.keys.vault, viewer, token, reason, case_id)
    template = "identity_partial.html" if is_partial(request) else "identity.html"
    return page(request, viewer, template, identity=identity, reason=reason)


def look_up(house: House, viewer: Viewer, kind: str, value: str) -> tuple[str, bool]:
    """The token of an identifier, and whether the store has met it; written down, as every search of a person is.

    Raises:
        NoIdentifier: the value is none of that kind.
    """
    token = find_token(house.keys.tokens, kind, value)
    with house.store.writing() as connection:
        met = is_met(connection, token)
        audit.write(connection, viewer, "identity.searched", "subject", token, kind=kind, met=met)
    return token, met
