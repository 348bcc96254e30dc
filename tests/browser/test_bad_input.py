"""What analysts type and meet that is not as it should be: hostile text, values that cannot be, forms that come twice,
too late or after somebody else's. The page says what is wrong, keeps what was typed, and nothing is half done.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import insert

from console.feed.records import local_day
from console.statistics.period import date_of
from console.store.tables import audit, case_notes, rejected_counts
from console.web.house import wall_clock
from tests.browser import steps
from tests.browser.conftest import SCREENSHOTS, Tab, fill_door, pictured
from tests.browser.consoles import IIN, Own, filled, path_of, served

FOLDER: Final = SCREENSHOTS / "bad-input"
FORMULA: Final = '=HYPERLINK("http://198.51.100.7")'
MARKUP: Final = '<script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
HOSTILE: Final = f"{FORMULA} {MARKUP} \u202egpj.exe\u200b"
LONG: Final = f"{HOSTILE} {'ы' * 9_000}{'z' * 800} the end"
NOTE: Final = "Called the bank twice:\nnobody answers <b>yet</b>"


@pytest.fixture(scope="module")
def own(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """One console for this file: each test works on alerts of its own."""
    store, file = filled(tmp_path_factory.mktemp("own"), name=HOSTILE, explanation=LONG)
    with served(store, file, chromium) as running:
        yield running
    store.close()


@pytest.fixture(scope="module")
def analyst(own: Own) -> Tab:
    """Somebody who stays signed in."""
    return own.somebody("analyst")


@pytest.fixture(scope="module")
def second(own: Own) -> Tab:
    """A colleague of the analyst's."""
    return own.somebody("second")


def test_hostile_text_stays_text(analyst: Tab) -> None:
    with pictured(analyst, FOLDER, "hostile-alert"):
        analyst.open(path_of(1))
        shown = analyst.page.locator(".outside", has_text=FORMULA).first
        expect(shown.locator(".hidden-letter").first).to_have_text("U+202E")
        expect(shown.locator(".rest")).to_be_hidden()
        shown.locator(".cut").click()
        expect(shown.locator(".rest")).to_contain_text("the end")
        steps.reveal(analyst)
        expect(analyst.page.locator(".identity")).to_contain_text(MARKUP)
        expect(analyst.page.locator(".identity")).to_contain_text(IIN)
        _is_sound(analyst)
    with pictured(analyst, FOLDER, "hostile-case"):
        number = steps.open_case(analyst, HOSTILE)
        analyst.page.locator("[name=text]").fill(LONG)
        steps.press(analyst.page, "form[action$='/notes'] button")
        expect(analyst.page.locator("section[aria-labelledby=notes] article")).to_contain_text(
            f"{MARKUP} U+202Egpj.exeU+200B"
        )
        expect(analyst.page.locator("section[aria-labelledby=notes] article")).to_contain_text("the end")
        _is_sound(analyst)
    paths = [
        urls(analyst, "a[href^='/subjects/']")[0],
        "/cases",
        "/queue",
        "/queue?view=alerts",
        f"/cases/{number}/exports",
    ]
    for path in paths:
        assert analyst.open(path) == 200
        _is_sound(analyst)
    assert steps.download(analyst, number, "casefile.pdf").startswith(b"%PDF-")
    assert FORMULA.replace('"', '\\"').encode() in steps.download(analyst, number, "casefile.json")


def test_a_table_is_no_formula_in_a_spreadsheet(own: Own, analyst: Tab) -> None:
    day = local_day(wall_clock())
    with own.store.writing() as connection:
        row = {"day": day, "publisher": "AFM", "reason": FORMULA, "events": 3}
        connection.execute(insert(rejected_counts).values(row))
    analyst.open(f"statistics/participation?from={date_of(day)}&to={date_of(day)}")
    with analyst.page.expect_download() as started:
        analyst.page.locator("a[href*='/rejections.csv']").click()
    assert f'"\'{FORMULA.replace(chr(34), chr(34) * 2)}"' in Path(started.value.path()).read_text("utf-8-sig")


@pytest.mark.parametrize(
    ("path", "field", "says"),
    [
        ("queue?least=-5&most=7000000", "Least amount", "is too small"),
        ("queue?since=99999-01-01", "From", "is not a date"),
        (f"queue?text={'x' * 10_000}", "Text", "is too long"),
        ("queue?text=a%00b&state=new", "Text", "holds a character that cannot be kept"),
    ],
    ids=["negative", "day", "long", "nul"],
)
def test_an_impossible_filter_is_named_and_can_be_corrected(analyst: Tab, path: str, field: str, says: str) -> None:
    assert analyst.open(path) == 422
    expect(analyst.page.locator(".problem li")).to_have_text([f"{field}: {says}"])
    wrong = analyst.page.get_by_label(field)
    expect(wrong).to_be_visible()
    wrong.fill("")
    steps.press(analyst.page, ".problem button.primary")
    expect(analyst.page.locator("table[data-list]")).to_be_visible()


def test_values_typed_by_hand_are_refused_with_what_was_typed(own: Own, analyst: Tab) -> None:
    for path in ("cases?after=-1", f"alerts/{'0' * 31}", "cases/0", "subjects/%00"):
        assert 400 <= analyst.open(path) < 500
    analyst.open(path_of(2))
    before = own.count(audit)
    _set(analyst.page, "[name=note]", "x" * 2_001)
    analyst.page.locator("[name=reason_code]").evaluate("select => { select.options[1].value = 'no_such'; }")
    analyst.page.locator("[name=reason_code]").select_option("no_such")
    with pictured(analyst, FOLDER, "impossible"):
        steps.press(analyst.page, "button[value=close]")
        expect(analyst.page.locator(".problem li")).to_have_text(
            ["Reason of the closing: is not one of the choices", "Note: is too long"]
        )
    expect(analyst.page.locator(".problem [name=note]")).to_have_value("x" * 2_001)
    assert (own.count(audit), own.state_of(2)) == (before, "new")
    analyst.page.locator(".problem [name=note]").fill("short enough")
    analyst.page.locator(".problem [name=reason_code]").fill("duplicate")
    steps.press(analyst.page, ".problem button.primary")
    assert own.state_of(2) == "closed"


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


def test_a_form_that_is_sent_twice_is_done_once(own: Own, analyst: Tab) -> None:
    analyst.open(path_of(10))
    steps.open_case(analyst, "Sent twice")
    before = own.count(case_notes)
    analyst.page.locator("[name=text]").fill(NOTE)
    with analyst.page.expect_request(lambda request: request.method == "POST") as sent:
        analyst.page.locator("form[action$='/notes'] button").dblclick()
    expect(analyst.page.locator("section[aria-labelledby=notes] article")).to_have_count(1)
    resent = (
        "([url, body]) => fetch(url, { method: 'POST', body: new URLSearchParams(body) }).then((said) => said.text())"
    )
    again = analyst.page.evaluate(resent, [sent.value.url, sent.value.post_data])
    assert "This form had been sent before: it was done once." in again
    assert own.count(case_notes) == before + 1


def urls(tab: Tab, selector: str) -> list[str]:
    """Where links lead."""
    return [str(link.get_attribute("href")) for link in tab.page.locator(selector).all()]


def _set(page: Page, selector: str, value: str) -> None:
    """Fill in more than the page itself would let through."""
    page.locator(selector).evaluate(
        "(field, value) => { field.removeAttribute('maxlength'); field.value = value; }", value
    )


def _is_sound(tab: Tab) -> None:
    """No script of somebody else's ran, nothing was asked for elsewhere, and the page is no wider than the window."""
    assert tab.page.evaluate("window.hacked") is None
    assert not tab.complaints
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert tab.page.evaluate(wide) <= 0, tab.page.url
