"""Pages and API of money: in three languages, for those who may, and saying what cannot be done."""

from __future__ import annotations

import re

import pytest

from console.store import cases, proposals
from console.store.money import event_text
from console.store.opening import Store
from console.texts import Language
from rules.events import DAY_MS
from tests.console.builders import NOW
from tests.console.money.stories import CHECKER, CHIEF, MAKER, MULE, VICTIMS, event, fraud
from tests.console.web.clients import Browser, signed_in

PAID = event_text(event("paid-0"))
NOT_FILLED = re.compile(r"\{[a-z_]+\}")


def approve_latest(store: Store) -> None:
    with store.writing() as connection:
        waiting = proposals.waiting(connection, CHECKER)[-1]
        proposals.approve(connection, CHECKER, waiting.proposal_id, waiting.digest, now=NOW)


def assert_said_in_words(store: Store, *words: str) -> None:
    """Whoever checks the latest proposal reads sums and names, and the bare document only below them."""
    with store.reading() as connection:
        number = proposals.waiting(connection, CHECKER)[-1].proposal_id
    said = analyst(store).get(f"/proposals/{number}").text.partition("The whole document")[0]
    assert all(word in said for word in words)


def analyst(store: Store, language: Language = "en") -> Browser:
    return signed_in(store, "analyst", language=language)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_followed_money_is_shown_with_picture_table_and_advice(store: Store, language: Language) -> None:
    fraud(store)
    browser = analyst(store, language)
    for query in ("", "?method=pro_rata&hops=1", "?direction=from&method=poison", "?innocent=&accounts=1&delay=0"):
        answer = browser.get(f"/money/{PAID}{query}")
        assert answer.status_code == 200
        assert "<svg" in answer.text
        assert not NOT_FILLED.search(re.sub(r"hx-headers='[^']*'|<meta[^>]*>", "", answer.text))
    without_alert = event_text(event("onward"))
    assert browser.get(f"/money/{without_alert}").status_code == 200
    shown = browser.get(f"/money/{PAID}").text
    assert MULE.text in shown
    assert CHIEF.text in shown
    without_alert = browser.get(f"/money/{event_text(event('paid-1'))}")
    assert 'name="party"' in without_alert.text, "what no alert is about can be stopped too"


def test_money_is_frozen_recovered_and_divided_over_the_pages(store: Store) -> None:
    case_id = fraud(store)
    days_after = NOW + 4 * DAY_MS
    browser, base = signed_in(store, "analyst", clock=lambda: days_after), f"/cases/{case_id}/money"
    operations = [event_text(event(f"paid-{number}")) for number in range(3)]
    assert browser.submit(f"{base}/claims", operation=operations).status_code == 303
    told = browser.get(f"/api{base}/trace", params={"hops": 2}).json()
    assert told["methods"]["fifo"]["followed"] == 30_000_000
    frozen = {"parties": [MULE.text], "reason": "It is leaving"}
    assert browser.call("POST", f"/api{base}/trace/freeze", frozen).status_code == 201
    answer = browser.submit(
        f"{base}/trace/freeze", case_id=case_id, party=[MULE.text, CHIEF.text], reason="It is leaving"
    )
    assert answer.status_code == 303
    assert "reason" not in answer.headers["location"], "what was typed is in no address"
    assert_said_in_words(store, "200,000.00", CHIEF.text)
    approve_latest(store)
    assert "its time is over" in browser.get(base).text
    assert browser.submit(f"{base}/recovered", party=CHIEF.text, amount="199999.99").status_code == 303
    assert browser.submit(f"{base}/recovered", party=CHIEF.text, amount="0.01").status_code == 303
    shown = browser.get(base).text
    assert "66,666.67" in shown
    assert VICTIMS[2].text in shown
    assert browser.submit(f"{base}/distribution", division="pro_rata", reason="All alike").status_code == 303
    assert_said_in_words(store, "Pro rata", "66,666.67")
    approve_latest(store)
    books = browser.get(f"/api{base}").json()
    assert (books["held"], books["paid"], books["owed"]) == (0, 20_000_000, 10_000_000)
    assert browser.get(base).status_code == browser.get(f"{base}/trace").status_code == 200


def test_what_cannot_be_done_is_said_in_words(store: Store) -> None:
    case_id = fraud(store)
    browser, base = analyst(store, "en"), f"/cases/{case_id}/money"
    refused = browser.submit(f"{base}/recovered", party=CHIEF.text, amount=5)
    assert refused.status_code == 422
    assert "The books do not allow this" in refused.text
    assert browser.submit(f"/money/{PAID}/freeze", case_id=case_id, reason="No account chosen").status_code == 422
    assert browser.get(f"{base}/trace").status_code == browser.get(f"/api{base}/trace").status_code == 404
    assert browser.get("/money/00000000000000ff").status_code == 404
    assert browser.get("/money/nonsense").status_code == 404
    assert browser.get(f"/money/{PAID}?hops=99").status_code == 422


def test_the_api_says_what_the_pages_show(store: Store) -> None:
    case_id = fraud(store)
    browser = analyst(store)
    told = browser.get(f"/api/money/{PAID}").json()
    assert told["methods"]["fifo"]["followed"] == 10_000_000
    assert told["accounts"][0]["token"] == MULE.text
    body = {"case_id": case_id, "parties": [told["accounts"][-1]["token"]], "reason": "It is leaving"}
    assert browser.call("POST", f"/api/money/{PAID}/freeze", body).status_code == 201
    with store.writing() as connection:
        cases.filed(connection, MAKER, case_id)
    assert f'<option value="{case_id}"' in browser.get(f"/money/{PAID}").text, "a reported case gets its money back too"
    asked_back = {"case_id": case_id, "amount": 10_000_000, "reason": "Fraud"}
    assert browser.call("POST", f"/api/money/{PAID}/recall", asked_back).status_code == 201
    assert browser.call("POST", f"/api/money/{PAID}/recall", asked_back).status_code == 422


def test_who_may_not_does_not(store: Store) -> None:
    case_id = fraud(store)
    compliance, admin = signed_in(store, "compliance"), signed_in(store, "admin")
    assert compliance.get(f"/money/{PAID}").status_code == 200
    assert (
        compliance.submit(f"/money/{PAID}/freeze", case_id=case_id, party=[MULE.text], reason="x y").status_code == 403
    )
    assert compliance.submit(f"/cases/{case_id}/money/claims", operation=[PAID]).status_code == 403
    assert admin.get(f"/money/{PAID}").status_code == 403
    assert admin.get(f"/api/cases/{case_id}/money").status_code == 403
