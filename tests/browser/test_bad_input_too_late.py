"""Forms that come too late: after a colleague's, or after the session. The page says so and keeps what was typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from console.store.tables import audit, case_notes
from tests.browser import steps
from tests.browser.conftest import SCREENSHOTS, Tab, pictured
from tests.browser.consoles import Own, own_console, path_of
from tests.tools.chromium import fill_door

FOLDER: Final = SCREENSHOTS / "too-late"
NOTE: Final = "Called the bank twice:\nnobody answers <b>yet</b>"


@pytest.fixture(scope="module")
def own(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """One console for this file: each test works on alerts of its own."""
    with own_console(chromium, tmp_path_factory.mktemp("late")) as running:
        yield running


@pytest.fixture(scope="module")
def analyst(own: Own) -> Tab:
    """Somebody who stays signed in."""
    return own.somebody("analyst")


@pytest.fixture(scope="module")
def second(own: Own) -> Tab:
    """A colleague of the analyst's."""
    return own.somebody("second")


def test_the_second_of_two_analysts_is_told_who_was_faster(own: Own, analyst: Tab, second: Tab) -> None:
    for tab in (analyst, second):
        tab.open(path_of(3))
    steps.press(analyst.page, "button[value=escalate]")
    second.page.locator("[name=note]").fill(NOTE.replace("\n", " "))
    second.page.locator("[name=reason_code]").select_option("duplicate")
    with pictured(second, FOLDER, "stale-alert"):
        steps.press(second.page, "button[value=close]")
        expect(second.page.locator("section.notice.bad")).to_contain_text("analyst: alert escalated")
    expect(second.page.locator("#f-note")).to_have_value(NOTE.replace("\n", " "))
    expect(second.page.locator("[name=reason_code]")).to_have_value("duplicate")
    assert own.state_of(3) == "escalated"
    steps.press(second.page, "button[value=close]")
    assert own.state_of(3) == "closed"


def test_two_analysts_on_one_case(analyst: Tab, second: Tab) -> None:
    analyst.open(path_of(4))
    path = f"cases/{steps.open_case(analyst, 'Shared')}"
    for tab in (analyst, second):
        tab.open(path)
        tab.page.locator("details:has([name=title]) summary").click()
        tab.page.locator("[name=title]").fill(f"Named by {'one' if tab is analyst else 'another'}")
    steps.press(analyst.page, "form:has([name=title]) button")
    with pictured(second, FOLDER, "stale-case"):
        steps.press(second.page, "form:has([name=title]) button")
        expect(second.page.locator("section.notice.bad")).to_contain_text("analyst: case changed")
    expect(second.page.locator("h1")).to_contain_text("Named by one")
    expect(second.page.locator("[name=title]")).to_have_value("Named by another")
    steps.press(second.page, "form:has([name=title]) button")
    expect(second.page.locator("h1")).to_contain_text("Named by another")


def test_of_a_selection_with_one_that_was_closed_nothing_is_done(own: Own, analyst: Tab, second: Tab) -> None:
    second.open("queue?view=alerts&state=new")
    for number in (5, 6):
        second.page.locator(f"#a-{number:032x} input[name=target]").check()
    analyst.open(path_of(5))
    analyst.page.locator("[name=reason_code]").select_option("duplicate")
    steps.press(analyst.page, "button[value=close]")
    before = own.count(audit)
    second.page.locator("#f-note").fill(NOTE.replace("\n", " "))
    with pictured(second, FOLDER, "stale-selection"):
        steps.press(second.page, "button[value=escalate]")
        expect(second.page.locator("section.notice.bad")).to_contain_text("analyst: alert closed")
    expect(second.page.locator("section.notice.bad textarea")).to_have_value(NOTE.replace("\n", " "))
    assert (own.state_of(5), own.state_of(6), own.count(audit)) == ("closed", "new", before)


def test_what_is_written_when_the_session_ends_comes_back_through_the_door(own: Own) -> None:
    tab = own.somebody("senior", "kk")
    tab.open(path_of(7))
    case = f"cases/{steps.open_case(tab, 'Ұзақ жазба')}"
    tab.page.locator("[name=text]").fill(NOTE)
    own.end_sessions("senior")
    before = own.count(case_notes)
    with pictured(tab, FOLDER, "session-ended"):
        steps.press(tab.page, "form[action$='/notes'] button")
        expect(tab.page.locator("textarea")).to_have_value(NOTE)
    tab.page.locator("[name=username]").fill("senior")
    tab.page.locator("[name=password]").fill("wrong")
    steps.press(tab.page, "button.primary")
    fill_door(tab.page, "senior")
    with pictured(tab, FOLDER, "session-again"):
        expect(tab.page.locator(".problem [name=text]")).to_have_value(NOTE)
    assert own.count(case_notes) == before
    steps.press(tab.page, ".problem button.primary")
    assert tab.page.url.startswith(f"{own.address}{case}")
    expect(tab.page.locator("section[aria-labelledby=notes] article")).to_contain_text("nobody answers <b>yet</b>")
    assert own.count(case_notes) == before + 1


def test_a_piece_of_a_page_never_holds_the_door(own: Own) -> None:
    tab = own.somebody("senior")
    tab.open(path_of(8))
    closed = tab.page.locator("details.reveal").first
    closed.locator("summary").click()
    closed.locator("[name=reason]").fill("The bank asks whom to call")
    own.end_sessions("senior")
    with pictured(tab, FOLDER, "session-piece"):
        closed.locator("button").click()
        expect(tab.page.locator("#trouble")).to_contain_text("Your session is over")
    expect(closed.locator("[name=reason]")).to_have_value("The bank asks whom to call")
    assert tab.page.locator("[name=password]").count() == 0
    tab.page.locator("#trouble a.primary").click()
    fill_door(tab.page, "senior")
    tab.page.wait_for_url(own.address + path_of(8))


def test_a_form_of_an_older_session_is_sent_with_a_click(own: Own) -> None:
    tab = own.somebody("senior")
    tab.open(path_of(9))
    older = tab.page
    own.end_sessions("senior")
    tab.page = older.context.new_page()
    tab.open("sign-in")
    fill_door(tab.page, "senior")
    tab.page.wait_for_url("**/queue")
    older.locator("[name=note]").fill("Written before")
    with pictured(Tab(older, own.address), FOLDER, "older-session"):
        steps.press(older, "button[value=escalate]")
        expect(older.locator(".problem h1")).to_have_text("The form is out of date")
    assert own.state_of(9) == "new"
    expect(older.locator(".problem [name=note]")).to_have_value("Written before")
    steps.press(older, ".problem button.primary")
    assert own.state_of(9) == "escalated"
