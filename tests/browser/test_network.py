"""The picture of a subject's network: what the mouse does, shown in the list beside it; all of it at a click."""

from __future__ import annotations

import contextlib
from pathlib import Path

from playwright.sync_api import Browser, expect

from console.network.neighbourhood import FOLLOWED
from tests.browser.conftest import SCREENSHOTS, pictured
from tests.browser.consoles import empty, served
from tests.console.builders import feed_judged, operation, person

AROUND = FOLLOWED + 10  # more than are followed from one subject: something is left out


def test_a_network_is_expanded_crossed_and_shown_whole(chromium: Browser, tmp_path: Path) -> None:
    store, file = empty(tmp_path)
    paid = [operation(f"paid-{n}", payer=person(1), payee=person(100 + n), tenge=1_000 + n) for n in range(AROUND)]
    passed = operation("passed", payer=person(100 + AROUND - 1), payee=person(2))
    feed_judged(store, [*paid, passed])
    with (
        contextlib.closing(store),
        served(store, file, chromium) as own,
        pictured(tab := own.somebody("analyst"), SCREENSHOTS, "network"),
    ):
        tab.open(f"subjects/{person(1).text}")
        lines, more = tab.page.locator(".network-list li"), tab.page.locator("[data-do=more]")
        expect(lines).to_have_count(1 + FOLLOWED + 1)
        more.click()
        expect(more).to_be_hidden()
        expect(lines).to_have_count(1 + FOLLOWED + 1)

        expand, way = tab.page.locator("[data-do=expand]"), tab.page.locator("[data-do=way]")
        tab.page.locator(f".network-list button[title='{person(1).text}']").click()
        with tab.page.expect_response("**/network?hops=1*"):
            expand.click()
        expect(way).to_be_disabled()
        tab.page.locator(f".network-list button[title='{person(2).text}']").click()
        with tab.page.expect_response("**/api/paths?*"):
            way.click()
        tab.page.locator("[data-network] canvas").hover()
        expect(tab.page.locator("[data-said]")).to_have_text("")
        assert not tab.complaints
