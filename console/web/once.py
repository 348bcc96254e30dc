"""A form that is sent twice, by a double click or by going back, has one effect: the second time leads where the
first one led, and says so.

Every form of ours holds a value of its own (`once`), so that the same form with the same content is the same wish; what
is filled in anew is a new one. The process remembers its latest forms: after a restart the versions that forms hold
still keep most of them from being done again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from typing import Final

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.page import see_other

FIELD: Final = "once"
_MARK: Final = f"{FIELD}=".encode()
_KEPT: Final = 10_000
_FORM: Final = "application/x-www-form-urlencoded"


class Once:
    """ASGI middleware; requests without the field pass through it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._under_way: dict[bytes, asyncio.Event] = {}
        self._led: OrderedDict[bytes, str] = OrderedDict()  # where a form that was done led to

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless it has been done before."""
        if not _is_form(scope):
            await self.app(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:
            return
        if _MARK not in body:
            await self.app(scope, _given(body, receive), send)
            return
        # The body holds the session's CSRF token: nobody else can send the same.
        form = hashlib.sha256(scope["raw_path"] + b"\n" + body).digest()
        while (first := self._under_way.get(form)) is not None:
            await first.wait()
        if form in self._led:
            await see_other(Request(scope), self._led[form], "errors.sent_before")(scope, receive, send)
            return
        await self._do(form, scope, _given(body, receive), send)

    async def _do(self, form: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        done = self._under_way[form] = asyncio.Event()

        async def send_noting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 303:
                self._remember(form, Headers(raw=message["headers"])["location"])
            await send(message)

        try:
            await self.app(scope, receive, send_noting)
        finally:
            del self._under_way[form]
            done.set()

    def _remember(self, form: bytes, path: str) -> None:
        self._led[form] = path
        if len(self._led) > _KEPT:
            self._led.popitem(last=False)


def _is_form(scope: Scope) -> bool:
    return bool(
        scope["type"] == "http"
        and scope["method"] == "POST"
        and Headers(scope=scope).get("content-type", "").startswith(_FORM)
    )


async def _whole(receive: Receive) -> bytes | None:
    """The body; None where the browser went away in the middle of it."""
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _given(body: bytes, receive: Receive) -> Receive:
    """`receive` for who has not seen the body yet."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def given() -> Message:
        return waiting.pop() if waiting else await receive()

    return given
