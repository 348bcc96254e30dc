"""What protects every answer: known hosts only, small requests, requests of our own pages, and headers that say so."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.audit import request_id
from console.web.viewer import SAFE

LARGEST_BODY: Final = 1_048_576
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        """`hosts`: the names by which the server may be asked for, without ports."""
        self.app = app
        self.hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it before anything has looked at it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number = uuid.uuid4().hex
        token = request_id.set(number)

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                _protect(MutableHeaders(scope=message), scope, number)
            await send(message)

        try:
            headers = Headers(scope=scope)
            refused = self._refused(scope, headers)
            if refused is not None:
                await refused(scope, receive, send_protected)
                return
            await self.app(scope, _limited(receive), send_protected)
        finally:
            request_id.reset(token)

    def _refused(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        if _name(headers.get("host", "")) not in self.hosts:
            return PlainTextResponse("This server does not answer to that name.", 400)
        if scope["method"] not in SAFE and not _from_here(headers):
            return PlainTextResponse("The request comes from another site.", 403)
        return None


def is_too_large(scope: Scope) -> bool:
    """Whether a request says that its body is larger than any form of ours."""
    length = Headers(scope=scope).get("content-length", "0")
    return not length.isdecimal() or int(length) > LARGEST_BODY


def _from_here(headers: Headers) -> bool:
    """Whether a request that changes something comes from this site; programs that are no browser say nothing.

    Browsers say it in Sec-Fetch-Site. Where one does not know that yet, its Origin does, which our referrer policy
    turns into `null` in the others.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _name(host: str) -> str:
    """The host without its port.

    >>> _name("localhost:8400"), _name("[::1]:8400")
    ('localhost', '[::1]')
    """
    return host[: host.rindex(":")] if host.rpartition(":")[2].isdecimal() and ":" in host else host


def _limited(receive: Receive) -> Receive:
    """`receive` that stops a body which grows beyond the limit without having said so."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST_BODY:
            raise HTTPException(413)
        return message

    return limited


def _protect(headers: MutableHeaders, scope: Scope, number: str) -> None:
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Request-ID"] = number
    if scope.get("scheme") == "https":
        headers["Strict-Transport-Security"] = "max-age=63072000"
