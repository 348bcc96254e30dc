"""The door: the form by which people sign in, and what a form that came too late is carried through it with."""

from __future__ import annotations

import secrets
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from console.texts import Language
from console.web.again import Again
from console.web.house import house_of
from console.web.page import page

DOOR_COOKIE: Final = "__Host-door"  # the CSRF token of those who have no session yet


def door(
    request: Request,
    onward: str,
    said: str | None,
    *,
    status: int = 200,
    again: Again | None = None,
    language: Language | None = None,
) -> Response:
    """The form that leads to the path `onward`; `said`: the text above it, `again`: what is to be sent after it.

    `language`: what has just been chosen, where it is another than the browser asks for.
    """
    token = request.cookies.get(DOOR_COOKIE) or secrets.token_urlsafe(32)
    provider = house_of(request).provider is not None
    values = {"onward": onward, "said": said, "csrf": token, "provider": provider, "again": again}
    answer = page(request, None, "sign_in.html", status=status, language=language, **values)
    answer.set_cookie(DOOR_COOKIE, token, path="/", secure=True, httponly=True, samesite="strict")
    return answer
