"""Cases and proposals in the browser: two analysts, two persons, and those who are not to know."""

from __future__ import annotations

import re

from console.store.opening import Store
from tests.console.builders import NOW, alert, feed, person
from tests.console.web.clients import Browser, signed_in

ALERT = f"{1:032x}"
LIGHT = 220_000  # bytes: with its scripts and styles a page stays below 300 KB


def opened(store: Store, **said: str) -> Browser:
    feed(store, "suspicious-operations", *(alert(n, payer=person(n), payee=person(9)) for n in (1, 2)))
    browser = signed_in(store, "analyst", clock=lambda: NOW)
    assert browser.submit("/cases", title="<i>Loans</i>", alert=ALERT, **said).headers["location"] == "/cases/1"
    return browser


def test_a_case_is_shown_with_its_alerts_and_what_happened(store: Store) -> None:
    browser = opened(store, campaign="1")
    page = browser.get("/cases/1").text
    assert "<i>Loans" not in page
    assert page.count('href="/alerts/') >= 4
    assert browser.submit("/cases/1/notes", text="called the bank").status_code == 303
    assert "called the bank" in browser.get("/cases/1").text
    assert browser.get(f"/alerts/{ALERT}").text.count("/cases/1") >= 1


def test_a_case_with_many_alerts_is_shown_by_pages_that_stay_light(store: Store) -> None:
    feed(store, "suspicious-operations", *(alert(n, payer=person(n), payee=person(900)) for n in range(1, 241)))
    browser = signed_in(store, "analyst", clock=lambda: NOW)
    browser.submit("/cases", title="Loans", campaign="1")
    pages = [browser.get(f"/cases/1?page={number}") for number in (1, 2, 3)]
    rows = [re.findall('<tr data-row data-seq="([0-9]+)"', page.text) for page in pages]
    assert [len(each) for each in rows] == [100, 100, 40]
    assert len({seq for each in rows for seq in each}) == 240
    for page, told in zip(pages, ("1–100", "101–200", "201–240"), strict=True):
        assert f"Alerts {told} of 240 are shown." in page.text
        assert "/cases/1?page=4" not in page.text
        assert len(page.content) < LIGHT
    assert 'rel="next" href="/cases/1?page=2#alerts"' in pages[0].text
    assert 'rel="prev"' not in pages[0].text
    assert 'rel="prev" href="/cases/1?page=2#alerts"' in pages[2].text
    assert browser.get("/cases/1?page=4").status_code == 404


def test_another_language_shows_the_same_page_of_a_case(store: Store) -> None:
    page = opened(store, campaign="1").get("/cases/1?page=1").text
    assert re.findall(r'action="/language".*?name="back" value="([^"]+)"', page, re.DOTALL) == ["/cases/1?page=1"]


def test_alerts_are_worked_many_at_once_from_their_case(store: Store) -> None:
    browser = opened(store, campaign="1")
    page = browser.get("/cases/1").text
    targets = re.findall(r'name="target" value="([0-9a-f]{32}\.[0-9]+)"', page)
    assert len(targets) == 2
    [back] = re.findall(r'action="/alerts/actions".*?name="back" value="([^"]+)"', page, re.DOTALL)
    closed = browser.submit("/alerts/actions", target=targets, action="close", reason_code="duplicate", back=back)
    assert (closed.status_code, closed.headers["location"]) == (303, "/cases/1?page=1")
    page = browser.get(back).text
    assert "2 alerts closed" in page
    assert 'name="target"' not in page
    assert "/alerts/actions" not in page


def test_who_was_slower_sees_both_texts(store: Store) -> None:
    mine = opened(store)
    other = signed_in(store, "senior", clock=lambda: NOW)
    change = {"version": "1", "owner": "analyst"}
    assert other.submit("/cases/1", title="Theirs", **change).status_code == 303
    answer = mine.submit("/cases/1", title="Mine, typed at length", **change)
    assert answer.status_code == 409
    assert "Mine, typed at length" in answer.text
    assert "Theirs" in answer.text


def test_a_program_that_was_slower_is_told_who_was_faster_and_what_is_there_now(store: Store) -> None:
    mine = opened(store, restricted="1")
    other = signed_in(store, "senior", clock=lambda: NOW)
    # What it does not know of the case, it is not told by the way either.
    acts = {"action": "escalate", "target": [f"{ALERT}.1"]}
    now = {"kind": "alert", "id": ALERT, "state": "new", "version": 2, "owner": None}
    for browser, last in ((other, (None, None)), (mine, ("analyst", "case.alerts_added"))):
        (told,) = browser.call("POST", "/api/alerts/actions", acts).json()["changes"]
        assert now.items() <= told.items()
        assert (told["actor"], told["action"]) == last
    mine.submit("/cases/1/members", username="senior")
    change = {"version": 1, "title": "Айгүл's loans", "owner": "senior", "restricted": True}
    assert other.call("PUT", "/api/cases/1", change).status_code == 200
    late = mine.call("PUT", "/api/cases/1", change)
    assert late.status_code == 409
    (told,) = late.json()["changes"]
    assert told.pop("at") > 0
    theirs = {"kind": "case", "id": "1", "actor": "senior", "action": "case.changed"}
    assert told == {**theirs, "state": "open", "version": 2, "owner": "senior"}
    assert "Айгүл" not in late.text


def test_a_restricted_case_is_not_there_for_others(store: Store) -> None:
    mine = opened(store, restricted="1")
    other = signed_in(store, "senior", clock=lambda: NOW)
    assert other.get("/cases/1").status_code == 404
    assert other.get("/api/cases/1").status_code == 404
    assert "/cases/1" not in other.get(f"/alerts/{ALERT}").text
    assert other.get(f"/api/alerts/{ALERT}").json()["alert"]["case_id"] is None
    mine.submit("/cases/1/filing", narrative="They were called.")
    assert other.get("/proposals/1").status_code == 404
    assert "/proposals/1" not in other.get("/proposals").text
    mine.submit("/cases/1/members", username="senior")
    assert other.get("/cases/1").status_code == 200
    assert "/proposals/1" in other.get("/proposals").text


def test_who_sees_a_case_reads_its_proposals_and_answers_none(store: Store) -> None:
    opened(store).submit("/cases/1/filing", narrative="They were called.")
    digest = signed_in(store, "senior", clock=lambda: NOW).get("/api/proposals").json()[0]["digest"]
    for role in ("auditor", "compliance"):
        reader = signed_in(store, role, clock=lambda: NOW)
        page = reader.get("/proposals/1")
        assert page.status_code == 200
        assert "They were called." in page.text
        assert "/proposals/1/approve" not in page.text
        assert reader.submit("/proposals/1/approve", digest=digest).status_code == 403


def test_one_proposes_and_another_approves(store: Store) -> None:
    mine = opened(store)
    mine.submit("/cases/1/filing", narrative="They were called.")
    checker = signed_in(store, "senior", clock=lambda: NOW)
    proposal = checker.get("/api/proposals").json()[0]
    assert mine.submit("/proposals/1/approve", digest=proposal["digest"]).status_code == 403
    assert "They were called." in checker.get("/proposals/1").text
    assert checker.submit("/proposals/1/approve", digest="0" * 64, answer="all right").status_code == 409
    assert checker.submit("/proposals/1/approve", digest=proposal["digest"], answer="all right").status_code == 303
    assert mine.get("/api/cases/1").json()["case"]["state"] == "filed"
    assert checker.call("POST", "/api/proposals/1/refuse", {"digest": proposal["digest"]}).status_code == 409


def test_what_a_case_does_not_allow_is_said_in_words(store: Store) -> None:
    mine = opened(store)
    closed = mine.submit("/cases/1/close", version="1", outcome="not_proven")
    assert closed.status_code == 303
    answer = mine.submit("/cases/add", case_id="1", alert=f"{2:032x}")
    assert answer.status_code == 409
    assert "Open a new case" in answer.text


def test_the_api_does_what_the_pages_do(store: Store) -> None:
    feed(store, "suspicious-operations", alert(1), alert(2))
    browser = signed_in(store, "analyst", clock=lambda: NOW)
    made = browser.call("POST", "/api/cases", {"title": "By a program", "alert": [ALERT]})
    assert made.status_code == 201
    assert [row["alert_id"] for row in made.json()["alerts"]] == [ALERT]
    assert browser.call("POST", "/api/cases/1/alerts", {"alert": [f"{2:032x}"]}).status_code == 204
    assert browser.call("DELETE", f"/api/cases/1/alerts/{ALERT}").status_code == 204
    assert browser.call("PUT", "/api/cases/1/members/nobody").status_code == 404
    changed = browser.call("PUT", "/api/cases/1", {"version": 1, "title": "New", "owner": "analyst"})
    assert changed.json()["case"]["title"] == "New"
    closed = browser.call(
        "POST", "/api/alerts/actions", {"action": "close", "target": [f"{ALERT}.3"], "reason_code": "duplicate"}
    )
    assert [row["state"] for row in closed.json()] == ["closed"]
    listed = browser.get("/api/cases?state=open").json()["cases"]
    assert [row["title"] for row in listed] == ["New"]
