"""`/account`: one's own password, one-time codes and sessions; `/account/first` before anything else is allowed."""

from __future__ import annotations

from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from console import audit
from console.people import own, passwords, sessions, totp
from console.people import users as accounts
from console.people.own import Wrong
from console.web.house import House, TheHouse
from console.web.page import page, see_other
from console.web.refusals import Refusal
from console.web.viewer import AnyViewer, Viewer, signed_in

router = APIRouter()
Password = Annotated[str, Form(max_length=1_000)]
Code = Annotated[str, Form(max_length=16)]
Offer = Annotated[str, Form(max_length=512)]


@router.get("/account")
def show(request: Request, viewer: Annotated[Viewer, Depends(signed_in)], house: TheHouse) -> Response:
    """The account, its sessions and what can be changed."""
    if viewer.must_enrol:
        return RedirectResponse("/account/first", 303)
    return _account(request, house, viewer)


@router.get("/account/first")
def first(request: Request, viewer: Annotated[Viewer, Depends(signed_in)], house: TheHouse) -> Response:
    """Choose a password and set up one-time codes."""
    if not viewer.must_enrol:
        return RedirectResponse("/account", 303)
    return _first(request, house, viewer)


@router.post("/account/first")
def enrol(
    request: Request,
    viewer: AnyViewer,
    house: TheHouse,
    new_password: Password,
    again: Password,
    code: Code,
    offer: Offer,
) -> Response:
    """Both at once: an account that has one without the other may not work."""
    if not viewer.must_enrol:
        return RedirectResponse("/account", 303)
    try:
        own.check_new(viewer.username, new_password, again)
        secret, hashed = own.offered(house.keys.store, viewer.username, offer), passwords.hash_of(new_password)
        with house.store.writing() as connection:
            own.set_code(connection, viewer, house.keys.store, secret, code, house.clock())
            own.set_password(connection, viewer, hashed, viewer.session_hash)
    except Wrong as wrong:
        return _first(request, house, viewer, wrong, offer)
    return see_other(request, "/", "account.enrolled")


@router.post("/account/password")
def change_password(
    request: Request, viewer: AnyViewer, house: TheHouse, password: Password, new_password: Password, again: Password
) -> Response:
    """Another password; whoever sits at a forgotten screen does not know the present one."""
    _not_too_often(house, viewer)
    try:
        own.check_password(house.store, viewer.username, password)
        own.check_new(viewer.username, new_password, again)
    except Wrong as wrong:
        return _account(request, house, viewer, wrong)
    hashed = passwords.hash_of(new_password)
    with house.store.writing() as connection:
        own.set_password(connection, viewer, hashed, viewer.session_hash)
    return see_other(request, "/account", "account.password_changed")


@router.post("/account/code")
def change_code(
    request: Request, viewer: AnyViewer, house: TheHouse, password: Password, code: Code, offer: Offer
) -> Response:
    """Another telephone."""
    _not_too_often(house, viewer)
    try:
        own.check_password(house.store, viewer.username, password)
        secret = own.offered(house.keys.store, viewer.username, offer)
        with house.store.writing() as connection:
            own.set_code(connection, viewer, house.keys.store, secret, code, house.clock())
    except Wrong as wrong:
        return _account(request, house, viewer, Wrong(f"code_{wrong.field}", wrong.key), offer)
    return see_other(request, "/account", "account.code_changed")


@router.post("/account/sessions/end")
def end_others(request: Request, viewer: AnyViewer, house: TheHouse) -> Response:
    """Sign out everywhere else."""
    with house.store.writing() as connection:
        ended = sessions.end_all(connection, viewer.username, but=viewer.session_hash)
        audit.write(connection, viewer, "session.others_ended", "user", viewer.username, ended=ended)
    return see_other(request, "/account", "account.sessions_ended", n=ended)


def _account(
    request: Request, house: House, viewer: Viewer, wrong: Wrong | None = None, offer: str | None = None
) -> Response:
    with house.store.reading() as connection:
        user = accounts.find(connection, viewer.username)
        running = sessions.running(connection, viewer.username, house.clock())
    values = _offer(house, viewer, offer) | _wrong(wrong)
    status = 422 if wrong else 200
    return page(request, viewer, "account.html", status=status, user=user, sessions=running, **values)


def _first(
    request: Request, house: House, viewer: Viewer, wrong: Wrong | None = None, offer: str | None = None
) -> Response:
    values = _offer(house, viewer, offer) | _wrong(wrong)
    return page(request, viewer, "account_first.html", status=422 if wrong else 200, **values)


def _offer(house: House, viewer: Viewer, offer: str | None) -> dict[str, Any]:
    """A secret and its picture: the one that the form came with, which a telephone may have taken already."""
    try:
        secret = own.offered(house.keys.store, viewer.username, offer or "")
    except Wrong:
        secret, offer = own.offer(house.keys.store, viewer.username)
    picture = segno.make(totp.address(secret, viewer.username), error="m").svg_inline(scale=4, border=2)
    return {"offer": offer, "secret": secret, "picture": Markup(picture)}  # noqa: S704 - made of squares only


def _wrong(wrong: Wrong | None) -> dict[str, Any]:
    return {"wrong": {wrong.field: wrong.key} if wrong else {}}


def _not_too_often(house: House, viewer: Viewer) -> None:
    if not house.attempts.allowed(f"account {viewer.username}", house.clock()):
        raise Refusal(429, "errors.too_often")
