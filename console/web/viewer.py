"""Who asks: from the session's cookie to a viewer, and `Depends(may("alerts.read"))` for what a viewer may do."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader

from console.people import sessions
from console.people.roles import Permission, permissions_of
from console.texts import LANGUAGES, Language
from console.web.house import house_of
from console.web.readable import FORMS
from console.web.refusals import FormExpired, MustEnrol, NotSignedIn, Refusal

COOKIE: Final = "__Host-session"
CSRF_HEADER: Final = "X-CSRF-Token"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="The session; POST /api/session begins one.")
_csrf = APIKeyHeader(
    name=CSRF_HEADER, auto_error=False, description="The session's `csrf`; with every request that changes something."
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person, as pages and the store know them."""

    username: str
    full_name: str
    role: str
    language: Language
    permissions: frozenset[Permission]
    csrf: str
    session_hash: str
    must_enrol: bool  # has no one-time code generator yet, and may do nothing before having one

    def can(self, *permissions: Permission) -> bool:
        """Whether the viewer may do one of these."""
        return not self.permissions.isdisjoint(permissions)


Checked = Callable[..., Coroutine[Any, Any, Viewer]]


def signed_in(
    request: Request,
    cookie: Annotated[str | None, Security(_cookie)],
    _header: Annotated[str | None, Security(_csrf)],
) -> Viewer:
    """The viewer whose session the request carries.

    Raises:
        NotSignedIn: it carries none, or one whose time is over.
    """
    viewer = find_viewer(request, cookie)
    if viewer is None:
        raise NotSignedIn(ended=cookie is not None)
    return viewer


def find_viewer(request: Request, cookie: str | None) -> Viewer | None:
    """The viewer of a session's secret; the session is noted as used, unless nobody need be there for the request."""
    if not cookie:
        return None
    house, now = house_of(request), house_of(request).clock()
    with house.store.reading() as connection:
        session = sessions.find(connection, cookie, now)
    if session is None:
        return None
    if now - session.seen_at > sessions.TOUCH_MS and "text/event-stream" not in request.headers.get("accept", ""):
        house.uses.note(session.session_hash, now)
        if now - session.seen_at > sessions.IDLE_MS // 2:
            house.uses.write()  # before the next request might come too late
    viewer = Viewer(
        session.username,
        session.full_name,
        session.role,
        language_of(session.language),
        permissions_of(session.role),
        session.csrf,
        session.session_hash,
        not (session.has_code or session.by_provider or house.keys.demo),
    )
    request.state.viewer = viewer
    return viewer


async def same_form(request: Request, viewer: Annotated[Viewer, Depends(signed_in)]) -> Viewer:
    """The viewer of a request that, where it changes something, comes from a page made for this session."""
    if request.method in SAFE:
        return viewer
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.headers.get("content-type", "").startswith(FORMS):
        field = (await request.form()).get("csrf")
        given = field if isinstance(field, str) else None
    if given is None or not hmac.compare_digest(given.encode(), viewer.csrf.encode()):
        raise FormExpired
    return viewer


AnyViewer = Annotated[Viewer, Depends(same_form)]  # whoever is signed in, also before the one-time code is set up


def may(*permissions: Permission) -> Checked:
    """A dependency: the viewer, if he may do one of these. Others get 403, or are led to where they can sign in."""

    async def allowed(viewer: AnyViewer) -> Viewer:
        if viewer.must_enrol:
            raise MustEnrol
        if not viewer.can(*permissions):
            raise Refusal(403, "errors.not_allowed")
        return viewer

    return allowed


def language_of(name: str | None) -> Language:
    """The language of that name, or Russian.

    >>> language_of("kk"), language_of("de")
    ('kk', 'ru')
    """
    return next((language for language in LANGUAGES if language == name), "ru")
