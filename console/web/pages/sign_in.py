"""`/sign-in` and `/sign-out`: the door."""

from __future__ import annotations

import hmac
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from console import audit
from console.people import sessions
from console.people.signing_in import Attempt, sign_in
from console.texts import Language
from console.web.again import LONGEST_KEPT, Again, from_kept
from console.web.door import DOOR_COOKIE, door
from console.web.house import TheHouse, house_of
from console.web.page import LANGUAGE_COOKIE, local_path, page
from console.web.refusals import FormExpired, Refusal
from console.web.sign_in_cookie import bring_language, forget_session, set_session
from console.web.viewer import AnyViewer, find_viewer

router = APIRouter()
Csrf = Annotated[str, Form(max_length=100)]
Next = Annotated[str, Form(max_length=2_000)]
Kept = Annotated[str, Form(max_length=LONGEST_KEPT)]


@router.get("/sign-in")
def outside(request: Request, next: str = "/", ended: bool = False) -> Response:
    """The form."""
    return door(request, local_path(next), "sign_in.ended" if ended else None)


@router.post("/sign-in/language")
def change_language(
    request: Request,
    language: Annotated[Language, Form()],
    csrf: Csrf,
    next: Next = "/",
    kept: Kept = "",
) -> Response:
    """Show the door in another language; where it leads and the form that is `kept` stay as they are."""
    _check_token(request, csrf)
    again = from_kept(kept) if kept else None
    if again is None:
        answer: Response = RedirectResponse(f"/sign-in?next={quote(local_path(next), safe='')}", 303)
    else:
        answer = door(request, local_path(next), None, again=again, language=language)
    answer.set_cookie(LANGUAGE_COOKIE, language, path="/", secure=True, httponly=True, samesite="strict")
    return answer


@router.post("/sign-in")
def enter(
    request: Request,
    house: TheHouse,
    username: Annotated[str, Form(max_length=64)],
    password: Annotated[str, Form(max_length=1_000)],
    csrf: Csrf,
    code: Annotated[str, Form(max_length=16)] = "",
    next: Next = "/",
    kept: Kept = "",
) -> Response:
    """Begin a session, or say that something is wrong; a form `kept` from an ended one is given back, to be sent."""
    _check_token(request, csrf)
    check_address(request)
    attempt = Attempt(username.strip().lower(), password, code)
    secret = sign_in(house.store, house.keys.store, attempt, house.clock(), demo=house.keys.demo)
    again = from_kept(kept) if kept else None
    if secret is None:
        return door(request, local_path(next), "sign_in.wrong", status=401, again=again)
    bring_language(request, secret)
    answer = _onward(request, secret, local_path(next), again)
    set_session(answer, secret)
    answer.delete_cookie(DOOR_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


@router.post("/sign-out")
def leave(viewer: AnyViewer, house: TheHouse) -> Response:
    """End the session."""
    with house.store.writing() as connection:
        sessions.end(connection, viewer.session_hash)
        audit.write(connection, viewer, "session.ended", "user", viewer.username)
    answer = RedirectResponse("/sign-in", 303)
    forget_session(answer)
    return answer


def check_address(request: Request) -> None:
    """Refuse an address that knocks too often."""
    house = house_of(request)
    address = request.client.host if request.client else "unknown"
    if not house.attempts.allowed(address, house.clock()):
        raise Refusal(429, "errors.too_often")


def _check_token(request: Request, csrf: str) -> None:
    if not hmac.compare_digest(csrf.encode(), request.cookies.get(DOOR_COOKIE, "").encode()) or not csrf:
        raise FormExpired


def _onward(request: Request, secret: str, path: str, again: Again | None) -> Response:
    viewer = find_viewer(request, secret) if again is not None else None
    if viewer is None or viewer.must_enrol:
        return RedirectResponse(path, 303)
    return page(request, viewer, "again.html", again=again, back=path)
