"""What analysts type and meet that is not as it should be: hostile text, values that cannot be, forms that come twice.

The page says what is wrong, keeps what was typed, and nothing is half done.
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
from tests.browser.conftest import SCREENSHOTS, Tab, pictured
from tests.browser.consoles import IIN, Own, own_console, path_of

FOLDER: Final = SCREENSHOTS / "bad-input"
FORMULA: Final = '=HYPERLINK("http://198.51.100.7")'
MARKUP: Final = '<script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
HOSTILE: Final = f"{FORMULA} {MARKUP} \u202egpj.exe\u200b"
LONG: Final = f"{HOSTILE} {'ы' * 9_000}{'z' * 800} the end"
NOTE: Final = "Called the bank twice:\nnobody answers <b>yet</b>"


@pytest.fixture(scope="module")
def own(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """One console for this file: each test works on alerts of its own."""
    with own_console(chromium, tmp_path_factory.mktemp("own"), name=HOSTILE, explanation=LONG) as running:
        yield running


@pytest.fixture(scope="module")
def analyst(own: Own) -> Tab:
    """Somebody who stays signed in."""
    return own.somebody("analyst")


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
