"""Turns everything that can go wrong with a request into a page in the viewer's language, or a problem of RFC 9457."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.audit import request_id
from console.store.errors import NotAllowed, NotFound, Stale, StoreAway, StoreError, StoreFull, StoreLocked
from console.vault import NoIdentifier, ReasonMissing, Unopenable
from console.web.again import page_behind, sent
from console.web.door import door
from console.web.faster import Change, changes
from console.web.house import house_of
from console.web.once import Once
from console.web.page import is_partial, language_for, local_path, page, with_query
from console.web.problems import ChangedProblem, FieldError, Problem
from console.web.refusals import MustEnrol, NotSignedIn, Refusal
from console.web.security import is_too_large
from console.web.viewer import COOKIE, SAFE, Viewer, find_viewer

_log = structlog.get_logger(__name__)
_RETRY_SECONDS: Final = "5"
_AGAIN: Final = frozenset({"errors.invalid", "errors.form_expired"})  # and 503: the same form may do, sent once more
_IN_PLACE: Final = frozenset({409, 422})  # what htmx puts where the answer was to go, as base.html has it
_STORE: Final[dict[type[StoreError], tuple[int, str]]] = {
    NotFound: (404, "errors.not_found"),
    NotAllowed: (403, "errors.not_allowed"),
    Stale: (409, "errors.stale"),
    StoreFull: (503, "errors.store_full"),
    StoreLocked: (503, "errors.store_locked"),
    StoreAway: (503, "errors.store_away"),
    ReasonMissing: (422, "reveal.reason_short"),
    NoIdentifier: (422, "reveal.no_identifier"),
    Unopenable: (503, "reveal.unopenable"),
}
_STATUS: Final = {
    400: "errors.bad_request",
    404: "errors.not_found",
    405: "errors.not_found",
    413: "errors.too_large",
    429: "errors.too_often",
}


@dataclass(frozen=True, slots=True)
class _Told:
    """An error as it is shown: `key` has a `_title` beside it."""

    status: int
    key: str
    values: Mapping[str, object] = field(default_factory=dict)
    fields: Sequence[FieldError] = ()
    changes: Sequence[Change] = ()  # by which others were faster


def install(app: FastAPI) -> None:
    """Handle every error of the application here; call it before other middleware is added around."""
    for kind in (NotSignedIn, MustEnrol, Refusal, StoreError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _answer)
    app.add_middleware(Once)
    app.add_middleware(_Caught)


class _Caught:
    """ASGI middleware that answers what nobody foresaw, inside of what protects every answer.

    The log says what kind of error it was and where, never its message, which may name a person.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            if is_too_large(scope):
                raise HTTPException(413)
            await self.app(scope, receive, send_noting)
        except Exception as error:
            if not isinstance(error, HTTPException):
                places = [f"{place.filename}:{place.lineno}" for place in traceback.extract_tb(error.__traceback__)]
                _log.error("request_failed", error=type(error).__name__, where=places[-5:], request=request_id.get())
            if begun:
                raise RequestBrokenOff from None
            answer = await run_in_threadpool(_answer, Request(scope, receive), error)
            await answer(scope, receive, send)


class RequestBrokenOff(Exception):
    """An answer that had begun could not be brought to its end; why is in the log."""


def _answer(request: Request, error: Exception) -> Response:
    """A handler for all of them: plain, so that it runs in a thread and may look at the store."""
    if isinstance(error, NotSignedIn):
        return _to_the_door(request, error)
    if isinstance(error, MustEnrol) and not _is_api(request):
        return _led(request, "/account/first")
    told = _told(request, error)
    answer = _problem(request, told) if _is_api(request) else _page(request, told)
    if told.status == 503:
        answer.headers["Retry-After"] = _RETRY_SECONDS
    if isinstance(error, HTTPException) and error.headers:
        answer.headers.update(error.headers)
    return answer


def _told(request: Request, error: Exception) -> _Told:
    if isinstance(error, Refusal):
        return _Told(error.status, error.key, error.values)
    if isinstance(error, MustEnrol):
        return _Told(403, "errors.must_enrol")
    if isinstance(error, StoreError):
        known = next((_STORE[kind] for kind in type(error).mro() if kind in _STORE), (422, "errors.invalid"))
        return _Told(*known, changes=changes(request, _viewer(request), error) if isinstance(error, Stale) else ())
    if isinstance(error, RequestValidationError):
        return _Told(422, "errors.invalid", fields=_fields(request, error))
    if isinstance(error, HTTPException):
        return _Told(error.status_code, _STATUS.get(error.status_code, "errors.bad_request"))
    return _Told(500, "errors.unexpected")


def _fields(request: Request, error: RequestValidationError) -> list[FieldError]:
    """Field and reason in the reader's language; never the value, which may name a person."""
    texts, language = house_of(request).renderer.texts, language_for(request, _viewer(request))
    found = []
    for each in error.errors():
        kind = f"errors.field.{each['type']}"
        said = texts(language, kind if kind in texts else "errors.field.other")
        found.append(FieldError(field=".".join(str(part) for part in each["loc"][1:]), message=said))
    return found


def _to_the_door(request: Request, error: NotSignedIn) -> Response:
    key = "errors.session_ended" if error.ended else "errors.not_signed_in"
    if _is_api(request):
        return _problem(request, _Told(401, key))
    if is_partial(request) and request.method not in SAFE:
        return _page(request, _Told(401, key))  # what was typed still stands on the page that asks
    if request.method not in SAFE:
        again = sent(request)
        return door(request, page_behind(request), key, status=401, again=again)
    ended = "&ended=1" if error.ended else ""
    return _led(request, f"/sign-in?next={quote(_where(request), safe='')}{ended}")


def _where(request: Request) -> str:
    """The page that the viewer looks at: of a piece that htmx asks for, the one that it goes into."""
    shown = urlsplit(request.headers.get("HX-Current-URL", "")) if is_partial(request) else request.url
    return local_path(with_query(shown))


def _led(request: Request, path: str) -> Response:
    if is_partial(request):
        return Response(status_code=401, headers={"HX-Redirect": path})
    return RedirectResponse(path, 303)


def _page(request: Request, told: _Told) -> Response:
    viewer, partial = _viewer(request), is_partial(request)
    again = sent(request, {each.field for each in told.fields})
    may_do = told.status == 503 or told.key in _AGAIN
    answer = page(
        request,
        viewer,
        "error_partial.html" if partial else "error.html",
        status=told.status,
        key=told.key,
        values=dict(told.values),
        fields=told.fields,
        last=next((change for change in told.changes if change.at is not None), None),
        again=None if partial else again,
        resend=viewer is not None and may_do and not again.secret,
        onward=_where(request) if partial else page_behind(request),
        request_number=request_id.get() or "",
    )
    if partial and told.status not in _IN_PLACE:
        answer.headers["HX-Retarget"] = "#trouble"
        answer.headers["HX-Reswap"] = "innerHTML"
    return answer


def _problem(request: Request, told: _Told) -> Response:
    texts, language = house_of(request).renderer.texts, language_for(request, _viewer(request))
    said: dict[str, Any] = {
        "title": texts(language, _title(texts, told.key)),
        "status": told.status,
        "detail": texts(language, told.key, **told.values),
        "instance": f"urn:uuid:{request_id.get()}",
        "errors": list(told.fields),
    }
    problem = ChangedProblem(**said, changes=list(told.changes)) if told.status == 409 else Problem(**said)
    return JSONResponse(problem.model_dump(), told.status, media_type="application/problem+json")


def _title(texts: Any, key: str) -> str:
    return f"{key}_title" if f"{key}_title" in texts else "errors.refused_title"


def _viewer(request: Request) -> Viewer | None:
    found = getattr(request.state, "viewer", None)
    if found is None:
        with contextlib.suppress(StoreError):
            found = find_viewer(request, request.cookies.get(COOKIE))
    return found if isinstance(found, Viewer) else None


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")
