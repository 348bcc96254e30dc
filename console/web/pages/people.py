"""`/people`: an administrator adds accounts, changes their roles, shuts them and resets them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from console.people import users
from console.people.roles import ROLES, Role
from console.texts import Language
from console.web.house import House, TheHouse
from console.web.page import page, see_other
from console.web.viewer import Viewer, may

router = APIRouter()
Administrator = Annotated[Viewer, Depends(may("people.manage"))]
FullName = Annotated[str, Form(min_length=2, max_length=256)]


@router.get("/people")
def listing(request: Request, viewer: Administrator, house: TheHouse) -> Response:
    """Everybody, and a form for one more."""
    return _people(request, house, viewer)


@router.post("/people")
def add(
    request: Request,
    viewer: Administrator,
    house: TheHouse,
    username: Annotated[str, Form(max_length=64)],
    full_name: FullName,
    role: Annotated[Role, Form()],
    language: Annotated[Language, Form()],
) -> Response:
    """Make an account; the password for its first sign-in is shown on this page alone."""
    name = username.strip().lower()
    try:
        with house.store.writing() as connection:
            password = users.add(connection, viewer, name, full_name.strip(), role, language, house.clock())
    except users.Taken:
        return _people(request, house, viewer, wrong="people.taken")
    except ValueError:
        return _people(request, house, viewer, wrong="people.no_username")
    return page(request, viewer, "people_password.html", username=name, password=password)


@router.post("/people/{username}/role")
def change_role(
    request: Request, viewer: Administrator, house: TheHouse, username: str, role: Annotated[Role, Form()]
) -> Response:
    """Give somebody else another role."""
    with house.store.writing() as connection:
        users.change_role(connection, viewer, username, role)
    return see_other(request, "/people", "people.role_changed", username=username)


@router.post("/people/{username}/enabled")
def set_enabled(
    request: Request, viewer: Administrator, house: TheHouse, username: str, enabled: Annotated[bool, Form()]
) -> Response:
    """Shut or open somebody else's account."""
    with house.store.writing() as connection:
        users.set_enabled(connection, viewer, username, enabled)
    return see_other(request, "/people", "people.enabled" if enabled else "people.disabled", username=username)


@router.post("/people/{username}/reset")
def reset(request: Request, viewer: Administrator, house: TheHouse, username: str) -> Response:
    """Take away password and code of somebody who lost them; the new password is shown on this page alone."""
    with house.store.writing() as connection:
        password = users.reset(connection, viewer, username)
    return page(request, viewer, "people_password.html", username=username, password=password)


def _people(request: Request, house: House, viewer: Viewer, wrong: str | None = None) -> Response:
    with house.store.reading() as connection:
        everybody = users.everybody(connection)
    status = 422 if wrong else 200
    return page(request, viewer, "people.html", status=status, people=everybody, roles=ROLES, wrong=wrong)
