"""A typology on trial beside active ones: whom both name, whom one alone, and who of them turned out to be a fraud."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from console.store.opening import Store
from console.store.tables import alerts
from rules.events import DAY_MS
from tests.console.builders import NOW, alert, feed, person
from tests.console.web.clients import Browser, signed_in

ONE, TWO, THREE, FOUR = map(person, range(11, 15))


def close(store: Store, number: int, reason: str) -> None:
    with store.writing() as connection:
        changed = {"state": "closed", "reason_code": reason, "closed_at": NOW}
        connection.execute(update(alerts).where(alerts.c.alert_id == f"{number:032x}").values(**changed))


def card(browser: Browser, against: str) -> Any:
    return browser.get("/api/rulebook/typologies/T04", params={"against": against}).json()["trial"]


def test_a_trial_is_told_by_subjects_and_by_what_analysts_found_of_them(store: Store) -> None:
    browser = signed_in(store, "compliance")
    assert card(browser, "") is None
    trial = [(1, ONE, NOW - DAY_MS), (2, TWO, NOW - DAY_MS), (3, TWO, NOW), (4, THREE, NOW)]
    for number, who, at in trial:
        said = alert(number, payee=who, typology="T04", at=at, status="shadow", decision=None)
        feed(store, "suspicious-operations.shadow", said)
    for number, who, typology, at, event in (
        (5, ONE, "T03", NOW, 1),
        (6, FOUR, "T03", NOW, 6),
        (7, TWO, "T01", NOW, 7),
        (8, THREE, "T03", NOW - 2 * DAY_MS, 8),  # before the trial began: no part of the comparison
    ):
        feed(
            store,
            "suspicious-operations",
            alert(number, payee=who, typology=typology, at=at, event_id=f"event-{event}"),
        )
    close(store, 5, "confirmed")
    close(store, 7, "false_positive")
    close(store, 8, "duplicate")  # no verdict

    beside = card(browser, "T03")
    assert beside["on_trial"] == {"alerts": 4, "subjects": 3, "confirmed": 1, "refuted": 1, "precision": 0.5}
    assert beside["live"] == {"alerts": 2, "subjects": 2, "confirmed": 1, "refuted": 0, "precision": 1.0}
    parts = {name: beside[name]["subjects"] for name in ("in_common", "only_on_trial", "only_live")}
    assert parts == {"in_common": 1, "only_on_trial": 2, "only_live": 1}
    few = {one["token"]: (one["alerts"], one["known"]) for one in beside["only_on_trial"]["few"]}
    assert few == {TWO.text: (2, "refuted"), THREE.text: (1, "open")}
    assert [one["token"] for one in beside["only_live"]["few"]] == [FOUR.text]
    assert beside["alone"] == 3  # of the first one's event T03 alerted as well
    assert [(day["shadow"], day["active"]) for day in beside["days"]] == [(2, 0), (2, 2)]

    every = card(browser, "")
    assert (every["live"]["alerts"], every["in_common"]["subjects"], every["only_live"]) == (2, 2, None)
    page = browser.get("/rulebook/T04", params={"against": "T03"}).text
    assert "Named only on trial: 2" in page
    assert TWO.text in page
    assert browser.get("/rulebook/T04", params={"against": "T4; drop"}).status_code == 422
