"""What people of the unit do in a day, each step on the page where they do it, found by what its forms send."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Tab

CALL: Final = "People were called: they paid for shares that do not exist."
_LEAST: Final = re.compile(r"(name: least, value: )([0-9]+)")
_EXAMPLES_SECONDS: Final = 90.0
_COMPARISON_SECONDS: Final = 150.0


def number_in(page: Page, kind: str) -> int:
    """The number in the address of a page like `/cases/12`."""
    found = re.search(rf"/{kind}/([0-9]+)", page.url)
    assert found is not None, page.url
    return int(found[1])


def press(within: Page | Locator, selector: str, seconds: float = 30.0) -> None:
    """Click what leads to another page, and wait until that is there."""
    button = within.locator(selector).first
    with button.page.expect_navigation(timeout=seconds * 1000):
        button.click()


# -- the analyst ------------------------------------------------------------------------------------------------------


def find_campaign(tab: Tab) -> tuple[str, str]:
    """A campaign nobody works on, whose money can still be stopped: the id of its row, and the path of an alert."""
    for row, alert in list(_new_campaigns(tab)):
        tab.open(alert)
        if tab.page.locator("form[action='/cases']").count() and _can_be_stopped(tab):
            return row, alert
    raise AssertionError("no new campaign has money left that could be stopped")


def open_new_alert(tab: Tab) -> None:
    """The first alert about a payer that nobody works on and no case holds."""
    tab.open("queue?view=alerts&state=new&role=payer")
    rows = tab.page.locator("tbody [data-row]").filter(has_not=tab.page.locator("a[href^='/cases/']"))
    press(rows, "a[href^='/alerts/']")


def take_campaign(tab: Tab, row: str) -> None:
    """Assign all alerts of a campaign to oneself, from the queue."""
    tab.open("queue?state=new")
    tab.page.locator(f"#{row} input[name=target]").check()
    press(tab.page, "form[action='/alerts/actions'] button[value=assign]")
    expect(tab.page.locator("main > .notice.good")).to_be_visible()
    expect(tab.page.locator(f"#{row}")).to_have_count(0)


def reveal(tab: Tab) -> None:
    """Open who is behind a token of the alert that is shown, in its place."""
    closed = tab.page.locator("details.reveal").first
    closed.locator("summary").click()
    closed.locator("[name=reason]").fill("The bank asks whom it should call back")
    closed.locator("button").click()
    expect(tab.page.locator(".identity")).to_be_visible()


def open_case(tab: Tab, title: str) -> int:
    """A case of the alert that is shown and of its campaign; its number."""
    form = tab.page.locator("form[action='/cases']")
    form.locator("[name=title]").fill(title)
    press(form, "button")
    return number_in(tab.page, "cases")


def trace(tab: Tab, alert: str) -> None:
    """Follow the money of an alert's payment."""
    tab.open(alert)
    press(tab.page, "a[href^='/money/']")
    expect(tab.page.locator("svg.sankey")).to_be_visible()


def propose_freeze(tab: Tab, case_id: int) -> None:
    """Ask to freeze what is left in the accounts that the page of followed money advises."""
    form = tab.page.locator("form[action$='/freeze']")
    form.locator("[name=case_id]").select_option(str(case_id))
    form.locator("[name=reason]").fill("The money is still there and leaves within the hour")
    press(form, "button.primary")
    expect(tab.page.locator("main > .notice.good")).to_be_visible()


def propose_filing(tab: Tab, case_id: int) -> list[str]:
    """Ask to report a case; the paths of all that is proposed in it."""
    tab.open(f"cases/{case_id}")
    form = tab.page.locator("form[action$='/filing']")
    form.locator("[name=narrative]").fill(CALL)
    press(form, "button")
    expect(tab.page.locator("main > .notice.good")).to_be_visible()
    return _paths(tab.page.locator("section[aria-labelledby=filing] a[href^='/proposals/']"))


def download(tab: Tab, case_id: int, kind: str) -> bytes:
    """An export of a case, as the browser keeps it."""
    tab.open(f"cases/{case_id}/exports")
    with tab.page.expect_download() as started:
        tab.page.locator(f"button[formaction$='{kind}']").click()
    return Path(started.value.path()).read_bytes()


def release(tab: Tab) -> str:
    """Close a new alert as false alarm: whose payment was stopped, gets through; the alert's id."""
    open_new_alert(tab)
    alert = urlsplit(tab.page.url).path
    tab.page.locator("[name=reason_code]").select_option("false_positive")
    tab.page.locator("[name=note]").fill("The customer came to the bank himself")
    press(tab.page, "button[value=close]")
    tab.open(alert)
    expect(tab.page.locator("button[value=reopen]")).to_be_visible()
    return alert.rpartition("/")[2]


def _new_campaigns(tab: Tab) -> Iterator[tuple[str, str]]:
    tab.open("queue?state=new")
    for row in tab.page.locator("tr.campaign").all():
        yield row.get_attribute("id") or "", _paths(row.locator("a[href^='/alerts/']"))[0]


def _can_be_stopped(tab: Tab) -> bool:
    money = _paths(tab.page.locator("a[href^='/money/']"))
    if not money:
        return False
    tab.open(money[0])
    return tab.page.locator("form[action$='/freeze'] [name=party]").count() > 0


# -- the second person ------------------------------------------------------------------------------------------------


def approve(tab: Tab, proposal: str) -> None:
    """Approve exactly what the page of a proposal shows."""
    tab.open(proposal)
    tab.page.locator("form[action$='/approve'] [name=answer]").fill("Agreed")
    press(tab.page, "form[action$='/approve'] button.primary")
    expect(tab.page.locator("form[action$='/approve']")).to_have_count(0)


# -- the officers of the rulebook -------------------------------------------------------------------------------------


def is_something_planned(tab: Tab) -> bool:
    """Whether an approved rulebook is still to come into force."""
    tab.open("rulebook/history")
    return tab.page.locator("main tbody .badge.wait").count() > 0


def is_published(tab: Tab, proposal: str) -> bool:
    """Whether the page of an approved rulebook says which generation of the topic it became."""
    tab.open(proposal)
    return tab.page.locator("main > .notice.good").count() > 0


def draft_change(tab: Tab, title: str, path: str) -> None:
    """Begin a draft, ask for a larger sum in one file, let it be checked as it is typed, keep it."""
    tab.open("rulebook/drafts")
    form = tab.page.locator("form[action='/rulebook/drafts']")
    form.locator("[name=title]").fill(title)
    press(form, "button")
    tab.open(f"{urlsplit(tab.page.url).path}/edit?path={path}")
    editor = tab.page.locator("[name=text]")
    before = editor.input_value()
    after = _LEAST.sub(lambda found: f"{found[1]}{int(found[2]) + 1_000}", before)
    assert after != before
    editor.fill(after)
    expect(tab.page.locator("#checked .notice.good")).to_be_visible(timeout=_EXAMPLES_SECONDS * 1000)
    press(tab.page, "form.editor button.primary")


def run_examples(tab: Tab) -> None:
    """Run all examples of the draft that is shown."""
    press(tab.page, "form[action$='/examples'] button", _EXAMPLES_SECONDS)
    expect(tab.page.locator("#examples .badge.good")).to_be_visible()


def compare(tab: Tab) -> None:
    """Judge a small invented country by the draft and by the rulebook in force, and wait for the difference."""
    form = tab.page.locator("form[action$='/compare']")
    form.locator("[name=days]").fill("1")
    form.locator("[name=people]").fill("1000")
    press(form, "button")
    tab.page.locator("#comparing .notice.good a").wait_for(timeout=_COMPARISON_SECONDS * 1000)
    press(tab.page, "#comparing .notice.good a")


def propose_rulebook(tab: Tab) -> str:
    """Propose the draft that is shown to another officer; the proposal's path."""
    form = tab.page.locator("form[action$='/propose']")
    form.locator("[name=reason]").fill("Fewer alerts about sums that nobody would steal")
    press(form, "button")
    return urlsplit(tab.page.url).path


def _paths(links: Locator) -> list[str]:
    return [urlsplit(str(link.get_attribute("href"))).path for link in links.all()]
