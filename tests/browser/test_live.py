"""From a bank's payment to the screen of the analyst who has the queue open."""

from __future__ import annotations

import contextlib
import datetime
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, expect

from streams.client import Client, WhenSilent
from tests.browser.conftest import SCREENSHOTS, Site, Tab, pictured
from tests.browser.consoles import TOPIC, alert_of, empty, served
from tests.console.builders import feed
from tests.streams.events import document, valid_id

BANK: Final = "CASPKZKA"
TIMES: Final = 5
SCREEN_SECONDS: Final = 60.0


@pytest.mark.kafka
def test_an_alert_comes_up_on_the_open_queue(site: Site, somebody: Callable[..., Tab]) -> None:
    tab = somebody("analyst", "ru")
    tab.open("queue")
    tab.page.evaluate("window.stillTheSamePage = true")
    waits = []
    with Client(site.center.kafka.bootstrap_servers, BANK, policy=WhenSilent("hold")) as client:
        for number in range(TIMES):
            said = takeover(number)
            began = time.monotonic()
            client.publish(said)
            row = tab.page.locator(f"tr.arrived:has(input[aria-label*='{said['event_id']}'])").first
            row.wait_for(timeout=SCREEN_SECONDS * 1000)
            waits.append(time.monotonic() - began)
    with pictured(tab, SCREENSHOTS / "live", "arrived"):
        told = f"{statistics.median(waits):.2f} s (median of {TIMES}), {max(waits):.2f} s (the longest)"
        print(f"from publishing to the screen: {told}")
    assert tab.page.evaluate("window.stillTheSamePage"), "the page was loaded anew"


def test_the_first_alert_of_all_comes_up_on_an_empty_queue(chromium: Browser, tmp_path: Path) -> None:
    store, file = empty(tmp_path)
    with contextlib.closing(store), served(store, file, chromium) as own:
        tab = own.somebody("analyst")
        with tab.page.expect_request("**/live?*"):
            tab.open("queue")
        expect(tab.page.locator(".empty")).to_have_text("The queue is empty: everything is worked.")
        expect(tab.page.locator("table")).to_be_hidden()
        feed(store, TOPIC, alert_of(1))
        expect(tab.page.locator("tr.arrived a[href^='/alerts/']")).to_be_visible()
        expect(tab.page.locator(".empty")).to_have_count(0)
        assert not tab.complaints


def takeover(number: int) -> dict[str, Any]:
    """A transfer with every sign that somebody else moves the money."""
    now = datetime.datetime.now(datetime.UTC)
    made = document()
    for name in ("purpose", "device", "end_to_end_id"):
        del made[name]
    signs = dict.fromkeys(("device_new", "remote_access", "own_deposit_broken"), True)
    return made | {
        "event_id": f"live-{number}-{now:%H%M%S}",
        "occurred_at": now.isoformat(),
        "amount": "900000.00",
        "payer": {"id": _person(2 * number), "institution": BANK, "region": "KZ-75"},
        "payee": {"id": _person(2 * number + 1), "institution": "HSBKKZKX", "region": "KZ-75"},
        "context": signs | {"sim_changed_at": (now - datetime.timedelta(hours=2)).isoformat()},
    }


def _person(number: int) -> str:
    """A valid IIN, the same for the same number."""
    return next(found for serial in range(10) if (found := valid_id(f"8503123{number:03}{serial}")))
