"""The core of an analyst's work in a browser that runs no script: forms post, links lead."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import SCREENSHOTS, Tab, pictured

pytestmark = pytest.mark.kafka

FOLDER = SCREENSHOTS / "without-javascript"


def test_an_analyst_works_without_scripts(somebody: Callable[..., Tab]) -> None:
    tab = somebody("second", "en", scripts=False)
    with pictured(tab, FOLDER, "filtered"):
        tab.open("queue")
        tab.page.locator("form[role=search] [name=state]").select_option("new")
        tab.page.locator("form[role=search] [name=severity]").select_option("high")
        steps.press(tab.page, "form[role=search] button.primary")
        assert parse_qs(urlsplit(tab.page.url).query)["severity"] == ["high"]
    with pictured(tab, FOLDER, "assigned"):
        steps.open_new_alert(tab)
        steps.press(tab.page, "button[value=assign]")
        expect(tab.page.locator("main > .notice.good")).to_be_visible()
    with pictured(tab, FOLDER, "revealed"):
        steps.reveal(tab)
    with pictured(tab, FOLDER, "closed"):
        steps.release(tab)
    with pictured(tab, FOLDER, "case"):
        steps.open_new_alert(tab)
        case_id = steps.open_case(tab, "Opened without a script")
    assert f"/cases/{case_id}" in tab.page.url
    assert not tab.complaints
