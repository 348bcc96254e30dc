"""Renders a page for a viewer, and leads on after a form with a word about what was done."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import SplitResult

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import URL

from console.texts import LANGUAGES, Language
from console.web.connections import troubles
from console.web.house import House, house_of
from console.web.navigation import entries_for
from console.web.viewer import Viewer, language_of
from streams.tokens import SealBroken

FLASH_COOKIE: Final = "__Host-said"
LANGUAGE_COOKIE: Final = "__Host-language"
_FLASH_SECONDS: Final = 60
_LONGEST_FLASH: Final = 2_000


def page(
    request: Request,
    viewer: Viewer | None,
    template: str,
    *,
    status: int = 200,
    language: Language | None = None,
    **values: Any,
) -> HTMLResponse:
    """A template in this language, else the viewer's; a partial is a template that does not extend base.html."""
    house = house_of(request)
    said = _flash(request, house)
    html = house.renderer.render(
        language or language_for(request, viewer),
        template,
        {
            "viewer": viewer,
            "status": status,
            "path": request.url.path,
            "shown_at": with_query(request.url),
            "navigation": entries_for(request.app, viewer),
            "flash": said,
            "now": house.clock(),
            "demo": house.keys.demo,
            "troubles": troubles(request.app),
            **values,
        },
    )
    answer = HTMLResponse(html, status)
    if said is not None:
        answer.delete_cookie(FLASH_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


def see_other(request: Request, path: str, key: str | None = None, **values: str | int) -> Response:
    """After a POST: lead to `path` of this server, where the text `key` is said once."""
    assert path.startswith("/")
    answer = RedirectResponse(path, 303)
    if key is not None:
        message = json.dumps({"key": key, "values": values}, ensure_ascii=False)[:_LONGEST_FLASH].encode()
        sealed = house_of(request).keys.store.seal(FLASH_COOKIE.encode(), message).hex()
        answer.set_cookie(
            FLASH_COOKIE, sealed, max_age=_FLASH_SECONDS, path="/", secure=True, httponly=True, samesite="strict"
        )
    return answer


def is_partial(request: Request) -> bool:
    """Whether htmx asks for a piece of a page, rather than a browser for the whole."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def language_for(request: Request, viewer: Viewer | None) -> Language:
    """The viewer's language; before signing in what was chosen at the door, what the browser prefers, the setting."""
    if viewer is not None:
        return viewer.language
    if chosen := request.cookies.get(LANGUAGE_COOKIE):
        return language_of(chosen)
    for part in request.headers.get("accept-language", "").split(","):
        preferred = part.split(";")[0].strip().lower()[:2]
        if preferred in LANGUAGES:
            return language_of(preferred)
    return house_of(request).settings.language


def with_query(url: URL | SplitResult) -> str:
    """The path of an address with its query, if there is one.

    >>> with_query(URL("http://localhost/queue?severity=high")), with_query(URL("http://localhost/queue"))
    ('/queue?severity=high', '/queue')
    """
    return f"{url.path}?{url.query}" if url.query else url.path


def local_path(path: str | None, otherwise: str = "/") -> str:
    """A path of this server that somebody was on the way to; anything else could lead elsewhere.

    >>> local_path("/queue?severity=3"), local_path("//evil.example"), local_path("https://evil.example")
    ('/queue?severity=3', '/', '/')
    """
    safe = path and path[0] == "/" and path[1:2] not in ("/", "\\") and path.isprintable() and "\\" not in path
    return path if path and safe else otherwise


def _flash(request: Request, house: House) -> str | None:
    sealed = request.cookies.get(FLASH_COOKIE)
    if not sealed or is_partial(request):
        return None
    try:
        message = json.loads(house.keys.store.open(FLASH_COOKIE.encode(), bytes.fromhex(sealed)))
        viewer = getattr(request.state, "viewer", None)
        return house.renderer.texts(language_for(request, viewer), message["key"], **message["values"])
    except (SealBroken, ValueError, KeyError):
        return None
