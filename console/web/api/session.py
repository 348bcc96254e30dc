"""`/api/session`: sign in, see who one is, sign out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from console import audit
from console.people import sessions
from console.people.signing_in import Attempt, sign_in
from console.web.house import TheHouse
from console.web.pages.sign_in import check_address
from console.web.refusals import Refusal
from console.web.sign_in_cookie import forget_session, set_session
from console.web.viewer import AnyViewer, Viewer, find_viewer, signed_in

router = APIRouter(prefix="/api/session", tags=["session"])


class SignIn(BaseModel):
    """What somebody signs in with."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(max_length=64)
    password: str = Field(max_length=1_000)
    code: str = Field(default="", max_length=16, description="one-time code, where the account has a generator")


class SessionView(BaseModel):
    """Who is signed in."""

    username: str
    full_name: str
    role: str
    language: str
    permissions: list[str]
    csrf: str = Field(description="for the header X-CSRF-Token")
    must_enrol: bool = Field(description="nothing is allowed before a one-time code generator is set up")


@router.post("", summary="Sign in", openapi_extra={"security": []})
def begin(request: Request, answer: Response, house: TheHouse, given: SignIn) -> SessionView:
    """Begin a session; its cookie is in the answer."""
    check_address(request)
    attempt = Attempt(given.username, given.password, given.code)
    secret = sign_in(house.store, house.keys.store, attempt, house.clock(), demo=house.keys.demo)
    viewer = find_viewer(request, secret)
    if secret is None or viewer is None:
        raise Refusal(401, "sign_in.wrong")
    set_session(answer, secret)
    return _view(viewer)


@router.get("", summary="Who is signed in")
def show(viewer: Annotated[Viewer, Depends(signed_in)]) -> SessionView:
    """The session of the request's cookie."""
    return _view(viewer)


@router.delete("", summary="Sign out", status_code=204)
def end(viewer: AnyViewer, house: TheHouse) -> Response:
    """End the session."""
    with house.store.writing() as connection:
        sessions.end(connection, viewer.session_hash)
        audit.write(connection, viewer, "session.ended", "user", viewer.username)
    answer = Response(status_code=204)
    forget_session(answer)
    return answer


def _view(viewer: Viewer) -> SessionView:
    return SessionView(
        username=viewer.username,
        full_name=viewer.full_name,
        role=viewer.role,
        language=viewer.language,
        permissions=sorted(viewer.permissions),
        csrf=viewer.csrf,
        must_enrol=viewer.must_enrol,
    )
