"""The cookie of a session: only over a safe connection, for no script, for no other site."""

from __future__ import annotations

from fastapi.responses import Response

from console.people.sessions import LONGEST_MS
from console.web.viewer import COOKIE


def set_session(answer: Response, secret: str) -> None:
    """Give the browser the session's secret."""
    answer.set_cookie(
        COOKIE, secret, max_age=LONGEST_MS // 1000, path="/", secure=True, httponly=True, samesite="strict"
    )


def forget_session(answer: Response) -> None:
    """Take it away again."""
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
