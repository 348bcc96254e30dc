"""The frame of every page and call: who is let in, what is refused and how, in three languages."""

from __future__ import annotations

import html
import re

import pytest

from console.store.opening import Store
from console.web.viewer import CSRF_HEADER
from tests.console.web.clients import signed_in, stranger


def test_a_stranger_is_led_to_the_door_and_back_to_where_he_was_going(store: Store) -> None:
    answer = stranger(store).get("/")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2F"


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_errors_are_pages_in_the_viewers_language_and_problems_for_programs(store: Store, language: str) -> None:
    browser = signed_in(store, language=language)  # type: ignore[arg-type]
    page, problem = browser.get("/nowhere"), browser.get("/api/nowhere")
    assert (page.status_code, problem.status_code) == (404, 404)
    assert f'<html lang="{language}">' in page.text
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["detail"] in page.text


@pytest.mark.parametrize(("role", "first"), [("analyst", "/queue"), ("auditor", "/queue"), ("admin", "/people")])
def test_the_day_begins_at_the_first_page_of_the_role_and_its_menu_opens(store: Store, role: str, first: str) -> None:
    browser = signed_in(store, role)  # type: ignore[arg-type]
    assert browser.get("/").headers["location"] == first
    menu = re.findall(r'<a href="(/[a-z]+)" data-go=', browser.get("/account").text)
    assert menu[0] == first
    assert [browser.get(path).status_code for path in menu] == [200] * len(menu)


def test_another_language_shows_the_same_page_with_its_filters(store: Store) -> None:
    browser, address = signed_in(store), "/queue?severity=high&view=alerts"
    [back] = re.findall(r'action="/language".*?name="back" value="([^"]+)"', browser.get(address).text, re.DOTALL)
    answer = browser.submit("/language", language="kk", back=html.unescape(back))
    assert (answer.status_code, answer.headers["location"]) == (303, address)


def test_a_change_wants_the_token_of_the_session(store: Store) -> None:
    """OWASP ASVS v5.0.0-3.5.1: a form of another site changes nothing."""
    browser = signed_in(store)
    assert browser.post("/language", data={"language": "ru"}).status_code == 403
    assert browser.post("/language", data={"language": "ru", "csrf": "x" * 43}).status_code == 403
    assert browser.submit("/language", language="ru").status_code == 303
    assert 'lang="ru"' in browser.get("/nowhere").text
    token = browser.csrf
    assert browser.delete("/api/session").status_code == 403
    assert browser.delete("/api/session", headers={CSRF_HEADER: token}).status_code == 204
    assert browser.get("/api/session").status_code == 401
