"""What protects every answer, whoever asks for what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

import pytest
from fastapi import FastAPI

from console.people.roles import GRANTED, ROLES, Permission, Role
from console.store.errors import Stale, StoreAway, StoreFull, StoreLocked
from console.store.opening import Store
from console.web.rendering import FOLDER
from console.web.security import LARGEST_BODY
from tests.console.web.clients import Browser, signed_in, stranger


@pytest.mark.parametrize("path", ["/sign-in", "/api/openapi.json", "/nowhere", "/static/console.css"])
def test_every_answer_has_the_headers(store: Store, path: str) -> None:
    """OWASP ASVS v5.0.0-3.4.1, 3.4.3, 3.4.4, 3.4.5, 3.4.6: HSTS, CSP, nosniff, referrer, frame-ancestors."""
    headers = stranger(store).get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["strict-transport-security"].startswith("max-age=")
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])


def test_pages_are_not_kept_and_static_files_are(store: Store) -> None:
    """OWASP ASVS v5.0.0-14.3.2: sensitive pages are not cached."""
    browser = signed_in(store)
    page = browser.get("/account")
    assert page.headers["cache-control"] == "no-store"
    for address in re.findall(r'"(/static/[^"]+)"', page.text):
        answer = browser.get(address)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")


def test_other_names_large_bodies_and_other_sites_are_refused(store: Store) -> None:
    """OWASP ASVS v5.0.0-4.1.1, 3.5.3."""
    browser = signed_in(store)
    assert browser.get("/sign-in", headers={"host": "evil.example"}).status_code == 400
    assert browser.post("/language", content=b"x" * (LARGEST_BODY + 1)).status_code == 413
    lied = browser.post("/language", content=_pieces(), headers={"content-type": "application/x-www-form-urlencoded"})
    assert lied.status_code == 413
    fields = {"csrf": browser.csrf, "language": "kk"}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site", "origin": "null"}):
        assert browser.post("/language", data=fields, headers=headers).status_code == 403
    ours = {"sec-fetch-site": "same-origin", "origin": "null"}
    assert browser.post("/language", data=fields, headers=ours).status_code == 303


def test_no_template_has_a_script_or_style_of_its_own() -> None:
    """OWASP ASVS v5.0.0-3.2.2: the content security policy would stop them, and pages would break unseen."""
    inline = re.compile(r"<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|hx-on|<script(?![^>]*\ssrc=)|https?://", re.I)
    found = [
        f"{file.name}: {match[0]}"
        for file in sorted((FOLDER / "templates").rglob("*.html"))
        for match in inline.finditer(file.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_call_of_the_api_is_refused_to_strangers_and_without_a_token_changes_nothing(store: Store) -> None:
    """OWASP ASVS v5.0.0-3.5.1, 8.3.1: decided on the server, for every route."""
    nobody, somebody = stranger(store), signed_in(store)
    calls = _calls(somebody)
    assert len(calls) > 10
    for method, path in calls:
        assert nobody.request(method, path).status_code == 401, (method, path)
        if method != "GET":
            assert somebody.request(method, path, json={}).status_code == 403, (method, path)


@pytest.mark.parametrize("role", ROLES)
def test_the_api_of_people_is_open_to_administrators_alone(store: Store, role: Role) -> None:
    """OWASP ASVS v5.0.0-8.2.1."""
    assert signed_in(store, role).get("/api/people").status_code == (200 if role == "admin" else 403)


def test_the_roles_are_those_of_the_plan() -> None:
    every = set().union(*GRANTED.values())
    assert every == set(get_args(Permission))
    assert GRANTED["admin"] == {"people.manage"}
    assert not {"alerts.work", "identities.reveal", "proposals.check", "people.manage"} & GRANTED["auditor"]
    assert not GRANTED["compliance"] & {"identities.reveal", "alerts.work", "people.manage", "audit.read"}


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (StoreFull(), 503, "The disk has no room"),
        (StoreLocked(), 503, "keeps the store locked"),
        (StoreAway("OperationalError"), 503, "does not answer"),
        (Stale("alert"), 409, "Somebody changed this"),
        (ZeroDivisionError("a name: Айгүл"), 500, "a fault of the program"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_failures_are_said_and_tell_nothing_of_the_inside(
    store: Store, error: Exception, status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """OWASP ASVS v5.0.0-16.5.1, 16.5.2: a generic message, and the server goes on."""
    browser = signed_in(store)
    app = browser.app
    assert isinstance(app, FastAPI)

    def fail() -> None:
        raise error

    for path in ("/fails", "/api/fails"):
        app.add_api_route(path, fail)
        app.router.routes.insert(0, app.router.routes.pop())
        answer = browser.get(path)
        assert answer.status_code == status
        assert words in answer.text
        assert "Айгүл" not in answer.text
        assert "Айгүл" not in capsys.readouterr().out
        assert answer.headers["x-request-id"] in answer.text.replace("-", "")
        assert "content-security-policy" in answer.headers
        assert ("retry-after" in answer.headers) is (status == 503)
    assert browser.get("/account").status_code == 200


def _pieces() -> Iterator[bytes]:
    for _ in range(3):
        yield b"x" * (LARGEST_BODY // 2)


def _calls(browser: Browser) -> list[tuple[str, str]]:
    """Every call of the API, with something in the place of each parameter."""
    document = browser.get("/api/openapi.json").json()
    return [
        (method.upper(), re.sub(r"\{[^}]+\}", "1", path))
        for path, methods in document["paths"].items()
        for method in methods
        if (method, path) != ("post", "/api/session")
    ]
