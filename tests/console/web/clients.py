"""Browsers for tests: the whole application over a store, with somebody of a role signed in."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response
from starlette.routing import BaseRoute

from console.keyring import Keyring
from console.people import sessions, users
from console.people.roles import Role
from console.settings import ConsoleSettings
from console.store.opening import Store
from console.texts import Language, load
from console.web.app import create_app
from console.web.house import Clock, wall_clock
from console.web.rendering import Renderer
from console.web.viewer import COOKIE, CSRF_HEADER

KEYS = Keyring.load({"ANTIFRAUD_DEMO": "1"})
# Heads of another store, where somebody has run a console in this folder, would belie every log.
SETTINGS = ConsoleSettings(hosts=("testserver",), audit_heads=Path("no-such-folder/audit-heads.jsonl"))
# Routes are worked out and templates compiled when they are first asked for: once for the applications of all tests.
_RENDERER = Renderer(load())
_ROUTES: list[BaseRoute] = []


class Browser(TestClient):
    """A client that follows no redirects, remembers cookies and sends the CSRF token with every form."""

    csrf = ""

    def submit(self, path: str, **fields: Any) -> Response:
        """Post a form of a page of ours."""
        return self.post(path, data={"csrf": self.csrf, **fields})

    def call(self, method: str, path: str, body: Any = None) -> Response:
        """Call the API as a program does."""
        return self.request(method, path, json=body, headers={CSRF_HEADER: self.csrf})


def stranger(store: Store, *, keys: Keyring = KEYS, clock: Clock = wall_clock) -> Browser:
    """A browser in which nobody is signed in."""
    app = create_app(SETTINGS, store, keys, clock=clock)
    app.state.house = replace(app.state.house, renderer=_RENDERER)
    _ROUTES.extend(() if _ROUTES else app.router.routes)
    app.router.routes = _ROUTES
    return Browser(app, base_url="https://testserver", follow_redirects=False, raise_server_exceptions=False)


def signed_in(
    store: Store,
    role: Role = "analyst",
    *,
    username: str = "",
    language: Language = "en",
    keys: Keyring = KEYS,
    clock: Clock = wall_clock,
) -> Browser:
    """A browser with somebody of a role signed in, by default named as the role; the account is made where need be."""
    browser, name, now = stranger(store, keys=keys, clock=clock), username or role, clock()
    with store.writing() as connection:
        if name not in {user.username for user in users.everybody(connection)}:
            users.insert_user(connection, name, name.title(), role, language, now)
        secret = sessions.begin(connection, name, now)
        session = sessions.find(connection, secret, now)
    assert session is not None
    browser.cookies.set(COOKIE, secret)
    browser.csrf = session.csrf
    return browser


def door_token(page: Response) -> str:
    """The CSRF token of the sign-in form."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]
