"""The queue, an alert and a subject in the browser: what is shown, what can be done, and hostile text in it."""

from __future__ import annotations

import re

import pytest

from console.store.opening import Store
from console.texts import LANGUAGES, Language
from tests.console.builders import NOW, alert, feed, feed_judged, hold, operation, person, phone
from tests.console.web.clients import Browser, signed_in

ALERT = f"{1:032x}"
HOSTILE = "<script>alert(1)</script>\u202egnp"


def filled(store: Store) -> None:
    moved = [
        operation(f"event-{n}", payer=person(n), payee=person(2), tenge=n * 1_000, at=NOW - n * 60_000)
        for n in range(1, 6)
    ]
    feed_judged(store, moved)
    feed(
        store,
        "suspicious-operations",
        *(alert(n, payer=person(n), payee=person(2), with_phone=phone(1)) for n in range(1, 4)),
    )
    feed(store, "suspicious-operations", alert(9, payer=person(8), payee=person(9), typology="T06", tenge=9_000_000))
    feed(store, "holds", hold(1))


def targets(browser: Browser, path: str = "/queue?view=alerts") -> list[str]:
    return re.findall(r'name="target" value="([0-9a-f]{32}\.[0-9]+)"', browser.get(path).text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_an_alert_is_there_in_every_language(store: Store, language: Language) -> None:
    filled(store)
    browser = signed_in(store, "analyst", language=language, clock=lambda: NOW)
    for path in (
        "/queue", "/queue?view=alerts", "/queue?state=closed", "/queue/campaigns/1", f"/alerts/{ALERT}",
        f"/subjects/{person(2).text}", f"/subjects/{phone(1).text}", f"/subjects/{person(2).text}/network",
        f"/subjects/{person(1).text}/network?other={person(3).text}", "/cases", "/proposals",
    ):  # fmt: skip
        answer = browser.get(path)
        assert answer.status_code == 200, (path, answer.text[-1500:])


def test_the_queue_groups_campaigns_and_opens_them(store: Store) -> None:
    filled(store)
    browser = signed_in(store, "analyst", clock=lambda: NOW)
    page = browser.get("/queue").text
    (address,) = re.findall(r'data-expand="([^"]+)"', page)
    assert page.count("data-row") == 2
    assert browser.get(address.replace("&amp;", "&")).text.count("data-row") == 3


def test_many_are_assigned_at_once_or_none_of_them(store: Store) -> None:
    filled(store)
    mine, other = signed_in(store, "analyst", clock=lambda: NOW), signed_in(store, "senior", clock=lambda: NOW)
    seen = targets(mine)
    assert len(seen) == 4
    assert other.submit("/alerts/actions", action="assign", target=seen[:1], back="/queue").status_code == 303
    refused = mine.submit("/alerts/actions", action="assign", target=seen, back="/queue", note="my own words")
    assert refused.status_code == 409
    assert "my own words" in refused.text
    assert seen[0].split(".")[0] in refused.text
    assert seen[1].split(".")[0] not in refused.text
    assert targets(mine, "/queue?view=alerts&assignee=me") == []
    again = targets(mine)
    assert mine.submit("/alerts/actions", action="assign", target=again, back="/queue").status_code == 303
    assert len(targets(mine, "/queue?view=alerts&assignee=me")) == 4


def test_a_campaign_is_taken_as_a_whole_and_as_it_was_seen(store: Store) -> None:
    filled(store)
    browser = signed_in(store, "analyst", clock=lambda: NOW)
    (campaign,) = re.findall(r'name="target" value="(c[0-9]+\.3)"', browser.get("/queue").text)
    feed(store, "suspicious-operations", alert(4, payer=person(4), payee=person(2)))
    assert browser.submit("/alerts/actions", action="assign", target=campaign).status_code == 409
    assert targets(browser, "/queue?view=alerts&assignee=me") == []
    taken = campaign.replace(".3", ".4")
    assert browser.submit("/alerts/actions", action="assign", target=taken).status_code == 303
    assert len(targets(browser, "/queue?view=alerts&assignee=me")) == 4


@pytest.mark.parametrize(
    ("action", "target", "status"),
    [("assign", "c7.0", 404), ("reopen", "c1.3", 422), ("assign", f"{7:032x}.1", 404), ("close", f"{ALERT}.1", 422)],
)
def test_an_action_on_nothing_is_no_fault_of_the_program(store: Store, action: str, target: str, status: int) -> None:
    filled(store)
    wanted = {"action": action, "target": [target], "note": "why"}
    answer = signed_in(store, "analyst", clock=lambda: NOW).call("POST", "/api/alerts/actions", wanted)
    assert answer.status_code == status


def test_a_verdict_on_nobody_known_is_refused_in_words(store: Store) -> None:
    filled(store)
    browser = signed_in(store, "analyst", clock=lambda: NOW)
    answer = browser.submit(f"/alerts/{ALERT}", action="close", target=f"{ALERT}.1", reason_code="confirmed")
    assert answer.status_code == 409
    assert "No identity is known" in answer.text


def test_a_stale_form_on_the_alerts_page_shows_both(store: Store) -> None:
    filled(store)
    browser = signed_in(store, "analyst", clock=lambda: NOW)
    target = f"{ALERT}.1"
    assert browser.submit(f"/alerts/{ALERT}", action="escalate", target=target).status_code == 303
    again = browser.submit(f"/alerts/{ALERT}", action="close", target=target, reason_code="duplicate", note="typed")
    assert again.status_code == 409
    assert "typed" in again.text
    assert "escalated" in again.text


def test_who_only_reads_is_offered_nothing_and_may_do_nothing(store: Store) -> None:
    filled(store)
    browser = signed_in(store, "auditor", clock=lambda: NOW)
    assert 'name="action"' not in browser.get(f"/alerts/{ALERT}").text
    assert browser.submit(f"/alerts/{ALERT}", action="escalate", target=f"{ALERT}.1").status_code == 403
    assert signed_in(store, "admin").get("/queue").status_code == 403


def test_hostile_text_is_shown_and_does_nothing(store: Store) -> None:
    words = {"kk": HOSTILE, "ru": HOSTILE, "en": HOSTILE}
    feed(store, "suspicious-operations", alert(1, explanation=words, event_id="<b>x</b>"))
    page = signed_in(store, "analyst").get(f"/alerts/{ALERT}").text
    assert "<script>alert" not in page
    assert "<b>x</b>" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_page_says_why_and_what_would_have_kept_it_silent(store: Store) -> None:
    filled(store)
    browser = signed_in(store, "analyst", clock=lambda: NOW)
    found = browser.get(f"/api/alerts/{ALERT}").json()
    assert found["holds"][0]["state"] == "proposed"
    assert {party["role"] for party in found["parties"]} == {"payer", "payee", "phone"}
    assert [row["event_id"] for row in found["siblings"]] == ["event-3", "event-2"]
    assert found["campaign"]["alerts"] == 3
    assert found["history"][-1]["operations"] == 5
    assert found["alert"]["deadline_at"] == found["holds"][0]["deadline_at"]


def test_filters_are_kept_by_name_and_only_for_oneself(store: Store) -> None:
    browser, other = signed_in(store, "analyst"), signed_in(store, "senior")
    browser.submit("/queue/filters", name="mine <b>", query="assignee=me&severity=high")
    page = browser.get("/queue").text
    assert "assignee=me&amp;severity=high" in page
    assert "mine <b>" not in page
    assert other.get("/api/filters").json() == []
    browser.submit("/queue/filters/forget", name="mine <b>")
    assert browser.get("/api/filters").json() == []


@pytest.mark.parametrize("query", ["severity=grave", "after=1.2", "typology=X1", "since=yesterday", "least=-1"])
def test_a_filter_that_is_none_is_refused(store: Store, query: str) -> None:
    assert signed_in(store, "analyst").get(f"/api/alerts?{query}").status_code == 422
