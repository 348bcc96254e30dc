"""Signing in at the organisation's provider, against a real one on this machine; every proof that lacks is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from console.people import users
from console.people.oidc import OidcSettings, Provider
from console.store.opening import Store
from console.store.tables import audit
from console.web.app import create_app
from tests.console.people.provider import CLIENT, SECRET, SmallProvider, running
from tests.console.web.clients import KEYS, SETTINGS, Browser

AIGUL = {"sub": "7f3a", "preferred_username": "Aigul", "name": "Айгүл С.", "roles": ["staff", "fiu-senior"]}


@pytest.fixture(scope="module")
def listening() -> Iterator[SmallProvider]:
    with running() as provider:
        yield provider


@pytest.fixture
def provider(listening: SmallProvider) -> SmallProvider:
    listening.person, listening.wrong, listening.other_key = dict(AIGUL), {}, False
    return listening


def browser_at(store: Store, provider: SmallProvider) -> Browser:
    settings = OidcSettings(
        issuer=provider.address,
        client_id=CLIENT,
        client_secret=SecretStr(SECRET),
        roles={"fiu-senior": "senior", "fiu-admin": "admin"},
    )
    app = create_app(SETTINGS, store, KEYS, provider=Provider.configured(settings))
    return Browser(app, base_url="https://testserver", follow_redirects=False, raise_server_exceptions=False)


def back_from(browser: Browser, onward: str = "/account") -> str:
    """Go to the provider and as far back as the address with which the browser is sent to us."""
    leaving = browser.get("/sign-in/provider", params={"next": onward})
    assert leaving.status_code == 303
    return httpx.get(leaving.headers["location"]).headers["location"]


def test_somebody_with_a_role_gets_an_account_and_a_session(store: Store, provider: SmallProvider) -> None:
    """OWASP ASVS v5.0.0-10.2.1, 10.4.6: state and PKCE; 10.5.1: the nonce is checked."""
    browser = browser_at(store, provider)
    assert "/sign-in/provider" in browser.get("/sign-in").text
    answer = browser.get(back_from(browser))
    assert answer.status_code == 200
    assert 'content="0;url=/account"' in answer.text
    assert browser.get("/api/session").json() | {"csrf": ""} == {
        "username": "aigul",
        "full_name": "Айгүл С.",
        "role": "senior",
        "language": "ru",
        "permissions": browser.get("/api/session").json()["permissions"],
        "csrf": "",
        "must_enrol": False,
    }
    assert browser.get("/account").status_code == 200


def test_the_role_follows_the_provider_and_a_shut_account_stays_shut(store: Store, provider: SmallProvider) -> None:
    browser = browser_at(store, provider)
    browser.get(back_from(browser))
    provider.person["roles"] = "fiu-admin"
    browser.get(back_from(browser))
    assert browser.get("/api/session").json()["role"] == "admin"
    with store.writing() as connection:
        users.set_enabled(connection, _Administrator(), "aigul", False)
    assert browser.get(back_from(browser)).status_code == 403
    with store.reading() as connection:
        actions = list(connection.scalars(select(audit.c.action).order_by(audit.c.number)))
    assert actions == [
        "people.added",
        "session.begun",
        "people.role_changed",
        "session.begun",
        "people.disabled",
        "session.refused",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"wrong": {"nonce": "of another flow"}},
        {"wrong": {"iss": "https://evil.example"}},
        {"wrong": {"aud": "another client"}},
        {"wrong": {"exp": 1_000_000_000}},
        {"other_key": True},
        {"person": AIGUL | {"roles": ["staff"]}},
        {"person": AIGUL | {"preferred_username": "../../etc"}},
    ],
    ids=["nonce", "issuer", "audience", "expired", "signature", "no role", "name"],
)
def test_without_every_proof_nobody_is_let_in(store: Store, provider: SmallProvider, wrong: dict[str, Any]) -> None:
    """OWASP ASVS v5.0.0-9.1.1, 9.2.1, 9.2.3, 10.5.3."""
    browser = browser_at(store, provider)
    for name, value in wrong.items():
        setattr(provider, name, value)
    assert browser.get(back_from(browser)).status_code == 403
    assert browser.get("/api/session").status_code == 401


def test_an_answer_to_another_flow_or_to_none_is_refused(store: Store, provider: SmallProvider) -> None:
    victim, attacker = browser_at(store, provider), browser_at(store, provider)
    stolen = back_from(attacker)
    assert victim.get(stolen).status_code == 403
    back_from(victim)
    assert victim.get(stolen).status_code == 403
    used = back_from(victim)
    assert victim.get(used).status_code == 200
    assert victim.get(used).status_code == 403
    assert set(parse_qs(urlsplit(used).query)) == {"code", "state"}


def test_a_local_account_is_not_handed_to_whom_the_provider_calls_so(store: Store, provider: SmallProvider) -> None:
    with store.writing() as connection:
        users.insert_user(connection, "aigul", "Somebody else", "admin", "ru", 0)
    browser = browser_at(store, provider)
    assert browser.get(back_from(browser)).status_code == 403


@pytest.mark.parametrize(
    "settings",
    [
        {"issuer": "http://provider.example", "client_id": CLIENT, "roles": {"a": "admin"}},
        {"issuer": "https://provider.example", "client_id": CLIENT},
        {"issuer": "https://provider.example", "roles": {"a": "admin"}},
    ],
)
def test_a_provider_that_proves_nothing_is_not_started_with(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Provider.configured(OidcSettings(**settings))


def test_a_provider_that_is_away_is_a_clear_page(store: Store) -> None:
    settings = OidcSettings(issuer="http://127.0.0.1:9", client_id=CLIENT, roles={"a": "admin"})
    app = create_app(SETTINGS, store, KEYS, provider=Provider.configured(settings))
    browser = Browser(app, base_url="https://testserver", follow_redirects=False, raise_server_exceptions=False)
    assert browser.get("/sign-in/provider").status_code == 403


class _Administrator:
    username, role = "ruler", "admin"
    permissions = frozenset({"people.manage"})
