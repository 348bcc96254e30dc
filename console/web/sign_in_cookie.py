"""The cookie of a session, only over a safe connection, for no script, for no other site; and what comes in with it."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from console.people import sessions, users
from console.people.sessions import LONGEST_MS
from console.web.house import house_of
from console.web.page import LANGUAGE_COOKIE
from console.web.viewer import COOKIE, language_of


def set_session(answer: Response, secret: str) -> None:
    """Give the browser the session's secret."""
    answer.set_cookie(
        COOKIE, secret, max_age=LONGEST_MS // 1000, path="/", secure=True, httponly=True, samesite="strict"
    )
    # The account has it now; the next one at this door chooses again.
    answer.delete_cookie(LANGUAGE_COOKIE, path="/", secure=True, httponly=True, samesite="strict")


def bring_language(request: Request, secret: str) -> None:
    """Make the language that was chosen at the door that of the account which has just come in, from now on."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen is None:
        return
    house = house_of(request)
    with house.store.writing() as connection:
        session = sessions.find(connection, secret, house.clock())
        if session is not None:
            users.set_language(connection, session.username, language_of(chosen))


def forget_session(answer: Response) -> None:
    """Take it away again."""
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
