"""The door, one's own account, and the administrator's page."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from console.keyring import Keyring
from console.people import passwords, users
from console.people.limits import Attempts
from console.people.passwords import DEMO_PASSWORD
from console.people.sessions import IDLE_MS, LONGEST_MS
from console.store.opening import Store
from console.store.tables import audit
from console.web.house import wall_clock
from console.web.viewer import COOKIE
from tests.console.web.clients import KEYS, Browser, door_token, signed_in, stranger

PASSWORD = "a river in the steppe"
HASH = passwords.hash_of(PASSWORD)
REAL = Keyring(KEYS.tokens, KEYS.vault, KEYS.store, KEYS.signing, demo=False)


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = wall_clock()

    def __call__(self) -> int:
        return self.now


def somebody(store: Store, username: str = "aigul", role: str = "analyst") -> None:
    with store.writing() as connection:
        users.insert_user(connection, username, "Айгүл", role, "kk", 0, password_hash=HASH)


def knock(browser: Browser, password: str = PASSWORD, username: str = "aigul", code: str = "", **more: str) -> int:
    fields = {"username": username, "password": password, "code": code, "csrf": door_token(browser.get("/sign-in"))}
    answer = browser.post("/sign-in", data={**fields, **more})
    browser.csrf = browser.get("/api/session").json().get("csrf", "")
    return answer.status_code


def actions(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.scalars(select(audit.c.action).order_by(audit.c.number)))


def test_a_session_begins_with_a_new_cookie_that_no_script_reads_and_ends_with_the_sign_out(store: Store) -> None:
    """OWASP ASVS v5.0.0-3.3.1, 7.2.4: __Host- cookies, Secure, HttpOnly, SameSite; a new token at sign-in."""
    somebody(store)
    browser = stranger(store)
    form = {"username": "Aigul ", "password": PASSWORD, "csrf": door_token(browser.get("/sign-in")), "next": "//evil"}
    answer = browser.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    (cookie,) = [each for each in answer.headers.get_list("set-cookie") if each.startswith(COOKIE)]
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    browser.csrf = browser.get("/api/session").json()["csrf"]
    kept = dict(browser.cookies)
    assert browser.submit("/sign-out").status_code == 303
    browser.cookies.update(kept)
    assert browser.get("/api/session").status_code == 401
    assert actions(store) == ["session.begun", "session.ended"]


def test_wrong_password_unknown_name_and_locked_account_are_one_answer(store: Store) -> None:
    """OWASP ASVS v5.0.0-6.3.8: valid users cannot be deduced from failed authentication."""
    somebody(store)
    clock = Hands()
    browser = stranger(store, clock=clock)
    answers = set()
    for username, password in [("aigul", "wrong"), ("nobody", PASSWORD)]:
        form = {"username": username, "password": password, "csrf": door_token(browser.get("/sign-in"))}
        answer = browser.post("/sign-in", data=form)
        answers.add((answer.status_code, answer.text))
    assert len(answers) == 1
    with store.reading() as connection:
        assert "nobody" not in str(connection.execute(select(audit)).all())


def test_five_failures_make_an_account_rest_and_more_make_it_rest_longer(store: Store) -> None:
    """OWASP ASVS v5.0.0-6.3.1: controls against brute force; the lock ends by itself."""
    somebody(store)
    clock = Hands()
    browser = stranger(store, clock=clock)
    for _ in range(5):
        assert knock(browser, "wrong") == 401
    assert knock(browser) == 401
    clock.now += 60_001
    assert knock(browser, "wrong") == 401
    clock.now += 60_001
    assert knock(browser) == 401
    clock.now += 60_001
    assert knock(browser) == 303


def test_an_address_that_knocks_too_often_is_kept_waiting(store: Store) -> None:
    browser = stranger(store, clock=Hands())
    app = browser.app
    assert isinstance(app, FastAPI)
    app.state.house = replace(app.state.house, attempts=Attempts(most=2))
    assert [knock(browser, username="nobody") for _ in range(3)] == [401, 401, 429]


def test_a_form_of_another_site_signs_nobody_in(store: Store) -> None:
    """OWASP ASVS v5.0.0-3.5.1."""
    somebody(store)
    browser = stranger(store)
    assert browser.post("/sign-in", data={"username": "aigul", "password": PASSWORD, "csrf": "x"}).status_code == 403
    token = door_token(browser.get("/sign-in"))
    form = {"username": "aigul", "password": PASSWORD, "csrf": token}
    assert browser.post("/sign-in", data=form, headers={"origin": "https://evil.example"}).status_code == 403
    assert browser.post("/sign-in", data=form, headers={"origin": "https://testserver"}).status_code == 303


def test_the_door_in_another_language_leads_where_it_led_and_keeps_what_was_typed(store: Store) -> None:
    somebody(store)
    browser = stranger(store)
    page = browser.get("/sign-in?next=/cases%3Fmine%3D1")
    form = {"csrf": door_token(page), "next": "/cases?mine=1", "language": "kk"}
    answer = browser.post("/sign-in/language", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fcases%3Fmine%3D1")
    page = browser.get(answer.headers["location"])
    assert '<html lang="kk"' in page.text
    assert 'name="next" value="/cases?mine=1"' in page.text
    late = browser.submit("/cases/1/notes", text="Written when the session was over")
    (kept,) = map(html.unescape, re.findall('name="kept" value="([^"]+)"', late.text))
    page = browser.post("/sign-in/language", data={**form, "next": "/cases/1", "kept": kept, "language": "ru"})
    assert '<html lang="ru"' in page.text
    assert html.escape(kept) in page.text.replace("&#34;", "&quot;")
    assert 'name="next" value="/cases/1"' in page.text
    assert browser.post("/sign-in/language", data={**form, "csrf": "x"}).status_code == 403


@pytest.mark.parametrize(("rest", "alive"), [(IDLE_MS - 1, True), (IDLE_MS + 1, False)])
def test_a_session_ends_after_a_quarter_of_an_hour_of_rest(store: Store, rest: int, alive: bool) -> None:
    """OWASP ASVS v5.0.0-7.3.1."""
    clock = Hands()
    browser = signed_in(store, clock=clock)
    clock.now += rest
    assert (browser.get("/api/session").status_code == 200) is alive


def test_a_session_ends_after_eight_hours_however_busy(store: Store) -> None:
    """OWASP ASVS v5.0.0-7.3.2."""
    clock = Hands()
    browser = signed_in(store, clock=clock)
    for _ in range(LONGEST_MS // (IDLE_MS - 1)):
        clock.now += IDLE_MS - 1
        assert browser.get("/api/session").status_code == 200
    clock.now += IDLE_MS - 1
    assert browser.get("/api/session").status_code == 401
    assert "ended=1" in browser.get("/account").headers["location"]


def test_what_was_typed_is_shown_when_the_session_is_over(store: Store) -> None:
    clock = Hands()
    browser = signed_in(store, clock=clock)
    clock.now += IDLE_MS + 1
    answer = browser.submit("/people", full_name="Ерлан Серікұлы", password="secret of mine")
    assert answer.status_code == 401
    assert "Ерлан Серікұлы" in answer.text
    assert "secret of mine" not in answer.text


def test_outside_the_demo_a_new_account_first_sets_password_and_code(store: Store) -> None:
    """OWASP ASVS v5.0.0-6.3.3: multi-factor authentication is required; 6.5.1: a code works once."""
    clock = Hands()
    admin = signed_in(store, "admin", keys=KEYS, clock=clock)
    page = admin.submit("/people", username="dana", full_name="Дана", role="senior", language="en")
    first = re.search(r"<dd>([a-z2-9]{5}(?:-[a-z2-9]{5}){3})</dd>", page.text)
    assert first is not None

    browser = stranger(store, keys=REAL, clock=clock)
    assert knock(browser, first[1], "dana") == 303
    assert browser.get("/").headers["location"] == "/account/first"
    assert browser.get("/identities").headers["location"] == "/account/first"
    assert browser.call("POST", "/api/identities/find", {"kind": "phone", "value": "+77011234567"}).status_code == 403

    form = browser.get("/account/first").text
    offer = re.search(r'name="offer" value="([0-9a-f]+)"', form)
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", form)
    assert offer is not None
    assert secret is not None
    generator = pyotp.TOTP(secret[1])
    chosen = {"new_password": PASSWORD, "again": PASSWORD, "offer": offer[1]}
    assert browser.submit("/account/first", code="000000", **chosen).status_code == 422
    code = str(generator.at(clock.now // 1000))
    assert browser.submit("/account/first", code=code, **chosen).headers["location"] == "/"
    assert browser.get("/identities").status_code == 200

    again = stranger(store, keys=REAL, clock=clock)
    assert knock(again, PASSWORD, "dana") == 401
    assert knock(again, PASSWORD, "dana", code) == 401
    clock.now += 30_000
    assert knock(again, PASSWORD, "dana", str(generator.at(clock.now // 1000))) == 303


def test_the_password_of_the_demo_opens_nothing_outside_it(store: Store) -> None:
    """OWASP ASVS v5.0.0-6.3.2: default accounts do not exist or are disabled."""
    with store.writing() as connection:
        users.insert_user(
            connection, "analyst", "Demo", "analyst", "en", 0, password_hash=passwords.hash_of(DEMO_PASSWORD)
        )
    assert knock(stranger(store, keys=REAL), DEMO_PASSWORD, "analyst") == 401
    assert knock(stranger(store), DEMO_PASSWORD, "analyst") == 303


def test_a_new_password_ends_the_other_sessions(store: Store) -> None:
    """OWASP ASVS v5.0.0-7.4.3, 6.2.3: the present password is asked for."""
    somebody(store)
    here, elsewhere = signed_in(store, username="aigul"), signed_in(store, username="aigul")
    new = "forty camels and a dog"
    assert here.submit("/account/password", password="wrong", new_password=new, again=new).status_code == 422
    assert here.submit("/account/password", password=PASSWORD, new_password="short", again="short").status_code == 422
    assert here.submit("/account/password", password=PASSWORD, new_password=new, again=new).status_code == 303
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/api/session").status_code == 401
    assert knock(stranger(store), new) == 303


def test_nobody_changes_the_own_rights_and_changes_end_sessions(store: Store) -> None:
    """OWASP ASVS v5.0.0-8.3.2: changes of rights take effect at once."""
    admin, analyst = signed_in(store, "admin"), signed_in(store, "analyst")
    assert admin.submit("/people/admin/role", role="senior").status_code == 403
    assert admin.submit("/people/admin/enabled", enabled="false").status_code == 403
    assert admin.submit("/people/analyst/role", role="compliance").status_code == 303
    assert analyst.get("/api/session").status_code == 401
    assert admin.call("PATCH", "/api/people/analyst", {"enabled": False}).json()["enabled"] is False
    assert admin.call("PATCH", "/api/people/ghost", {"enabled": False}).status_code == 404
    assert actions(store) == ["people.role_changed", "people.disabled"]
    assert admin.get("/people").status_code == 200


@pytest.mark.parametrize(("role", "open_pages"), [("admin", {"/people"}), ("auditor", {"/audit"}), ("analyst", set())])
def test_pages_open_for_their_roles_alone(store: Store, role: str, open_pages: set[str]) -> None:
    """OWASP ASVS v5.0.0-8.2.1."""
    browser = signed_in(store, role)  # type: ignore[arg-type]
    found = {path for path in ("/people", "/audit") if browser.get(path).status_code == 200}
    assert found == open_pages


def test_the_language_of_the_door_comes_in_with_whoever_chose_it_and_with_nobody_after(store: Store) -> None:
    somebody(store)
    somebody(store, "bolat")
    browser = stranger(store)
    browser.post("/sign-in/language", data={"csrf": door_token(browser.get("/sign-in")), "language": "en"})
    assert knock(browser) == 303
    assert '<html lang="en">' in browser.get("/account").text
    browser.submit("/sign-out")
    assert knock(browser, username="bolat") == 303
    assert '<html lang="kk">' in browser.get("/account").text
    assert '<html lang="en">' in signed_in(store, username="aigul").get("/account").text
