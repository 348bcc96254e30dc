"""`/`: leads to where the viewer's day begins; `/language` changes the language."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from console.people import users
from console.texts import Language
from console.web.house import TheHouse
from console.web.navigation import home_of
from console.web.page import local_path, see_other
from console.web.viewer import AnyViewer, Viewer, signed_in

router = APIRouter()


@router.get("/")
def home(request: Request, viewer: Annotated[Viewer, Depends(signed_in)]) -> Response:
    """Lead to the first page that the viewer's role works with."""
    path = "/account/first" if viewer.must_enrol else home_of(request.app, viewer)
    return RedirectResponse(path, 303)


@router.post("/language")
def language(
    request: Request,
    viewer: AnyViewer,
    house: TheHouse,
    chosen: Annotated[Language, Form(alias="language")],
    back: Annotated[str, Form()] = "/",
) -> Response:
    """Show everything in another language from now on."""
    with house.store.writing() as connection:
        users.set_language(connection, viewer.username, chosen)
    return see_other(request, local_path(back))
