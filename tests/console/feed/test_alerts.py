"""Alerts as the feed stores them: once each, in their campaigns, with what operations and holds say of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from console.store.campaigns import WINDOW_MS
from console.store.opening import Store
from console.store.tables import alert_parties, alerts, campaigns, feed_offsets, tokens
from streams.alerts import ALERTS, SHADOW_ALERTS
from tests.console.builders import (
    CLUSTER,
    NOW,
    alert,
    company,
    device,
    feed,
    feed_judged,
    hold,
    operation,
    person,
    phone,
)

DAY = 86_400_000


def rows(store: Store, table: Any, *order: Any) -> list[dict[str, Any]]:
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(select(table).order_by(*order)).mappings()]


def grouped(store: Store) -> list[list[int]]:
    """The numbers of the alerts of each campaign, campaigns by their first alert."""
    found: dict[int, list[int]] = {}
    for row in rows(store, alerts, alerts.c.seq):
        found.setdefault(row["campaign_id"], []).append(int(row["alert_id"], 16))
    return list(found.values())


def test_an_alert_becomes_one_row_with_its_parties_tokens_and_place(store: Store) -> None:
    said = alert(1, payer=person(1), payee=company(2), with_device=device(3), tenge=6_000_000)
    feed(store, ALERTS, said, now=NOW + 5)
    (row,) = rows(store, alerts)
    assert json.loads(row["document"]) == said
    assert (row["seq"], row["state"], row["version"], row["status"]) == (1, "new", 1, "active")
    assert (row["amount"], row["severity"], row["stored_at"]) == (600_000_000, 3, NOW + 5)
    assert (row["payer"], row["payee"], row["device"]) == (person(1).key, company(2).key, device(3).key)
    assert (row["subject"], row["phone"], row["deadline_at"]) == (company(2).key, None, None)
    parties = {(party["role"], party["key"]) for party in rows(store, alert_parties)}
    assert parties == {("payer", person(1).key), ("payee", company(2).key), ("device", device(3).key)}
    assert {token["token"] for token in rows(store, tokens)} == {person(1).text, company(2).text, device(3).text}
    (place,) = rows(store, feed_offsets)
    assert (place["topic"], place["next_offset"], place["cluster"]) == (ALERTS, 1, CLUSTER)


def test_a_repeated_alert_changes_nothing_not_even_what_was_done_with_it(store: Store) -> None:
    feed(store, ALERTS, alert(1), alert(1))
    with store.writing() as connection:
        connection.execute(alerts.update().values(state="assigned", assignee="aigul", version=2))
    before = rows(store, alerts), rows(store, campaigns)
    feed(store, ALERTS, alert(1, tenge=1))
    assert (rows(store, alerts), rows(store, campaigns)) == before


def test_what_is_no_alert_is_passed_over_and_the_rest_is_kept(store: Store) -> None:
    feed(store, ALERTS, b"{}", None, b"\xff", alert(1))
    assert grouped(store) == [[1]]
    assert rows(store, feed_offsets)[0]["next_offset"] == 4


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"payer": person(1), "payee": person(9)}, {"payer": person(2), "payee": person(9)}),
        (
            {"payer": person(1), "payee": person(8), "with_device": device(1)},
            {"payer": person(2), "payee": person(9), "with_device": device(1)},
        ),
        (
            {"payer": person(1), "payee": person(8), "with_phone": phone(1)},
            {"payer": person(2), "payee": person(9), "with_phone": phone(1)},
        ),
        ({"payer": person(1)}, {"payer": person(1)}),
    ],
    ids=["payee", "device", "phone", "payer without payee"],
)
def test_alerts_that_share_somebody_are_one_campaign(store: Store, first: Any, second: Any) -> None:
    feed(store, ALERTS, alert(1, **first))
    feed(store, ALERTS, alert(2, **second), alert(3, payer=person(5), payee=person(6)))
    assert grouped(store) == [[1, 2], [3]]


def test_a_payee_counts_more_than_a_device(store: Store) -> None:
    feed(store, ALERTS, alert(1, payer=person(1), payee=person(8), with_device=device(1)))
    feed(store, ALERTS, alert(2, payer=person(2), payee=person(9)))
    feed(store, ALERTS, alert(3, payer=person(3), payee=person(9), with_device=device(1)))
    assert grouped(store) == [[1], [2, 3]]


def test_thirty_days_later_begins_another_campaign(store: Store) -> None:
    feed(store, ALERTS, alert(1), alert(2, at=NOW + WINDOW_MS), alert(3, at=NOW + 2 * WINDOW_MS + 1))
    assert grouped(store) == [[1, 2], [3]]


def test_the_figures_of_a_campaign_count_events_and_payers_once(store: Store) -> None:
    one = {"payer": person(1), "payee": person(9)}
    feed(store, ALERTS, alert(1, **one, typology="T10", decision="warn", score=0.5))
    feed(store, ALERTS, alert(2, **one, typology="T01", event_id="event-1", decision="hold", score=0.5))
    feed(store, ALERTS, alert(3, payer=person(2), payee=person(9), tenge=50_000, decision=None, at=NOW - DAY))
    (row,) = rows(store, campaigns)
    assert (row["kind"], row["key"], row["alerts"], row["open_alerts"]) == ("payee", person(9).key, 3, 3)
    assert (row["amount"], row["victims"], row["severity"]) == (20_000_000, 2, 2)
    assert (row["typologies"], row["first_at"], row["last_at"]) == ("T01 T03 T10", NOW - DAY, NOW)


def test_a_campaign_whose_alerts_were_all_closed_opens_again_with_the_new_severity(store: Store) -> None:
    feed(store, ALERTS, alert(1))
    with store.writing() as connection:
        connection.execute(alerts.update().values(state="closed", reason_code="innocent", closed_at=NOW))
        connection.execute(campaigns.update().values(open_alerts=0, severity=0))
    feed(store, ALERTS, alert(2, decision="warn", score=0.5))
    (row,) = rows(store, campaigns)
    assert (row["alerts"], row["open_alerts"], row["severity"]) == (2, 1, 1)


def test_what_a_typology_on_trial_finds_joins_no_campaign(store: Store) -> None:
    feed(store, SHADOW_ALERTS, alert(1, status="shadow", decision=None))
    assert rows(store, campaigns) == []
    assert rows(store, alerts)[0]["status"] == "shadow"


WORDS = "взнос участника программы доходов"


@pytest.mark.parametrize("judged_first", [True, False])
def test_one_text_makes_one_campaign_whichever_comes_first(store: Store, judged_first: bool) -> None:
    """Alerts and operations come on two topics, and neither waits for the other."""
    pairs = [(person(1), person(8)), (person(2), person(9)), (person(3), person(7))]
    operations = [
        operation(f"event-{number}", payer=payer, payee=payee, purpose=WORDS if number < 3 else "долг", found=True)
        for number, (payer, payee) in enumerate(pairs, start=1)
    ]
    found = [alert(number, payer=payer, payee=payee) for number, (payer, payee) in enumerate(pairs, start=1)]
    if judged_first:
        feed_judged(store, operations)
        feed(store, ALERTS, *found)
    else:
        feed(store, ALERTS, *found)
        feed_judged(store, operations)
    assert grouped(store) == [[1, 2], [3]]
    first, second = rows(store, campaigns, campaigns.c.campaign_id)
    assert (first["alerts"], first["open_alerts"], first["victims"], first["amount"]) == (2, 2, 2, 30_000_000)
    assert second["alerts"] == 1
    # Whoever pays the second collector later is led to where that one's alert went.
    feed(store, ALERTS, alert(4, payer=person(4), payee=person(9)))
    assert grouped(store) == [[1, 2, 4], [3]]


@pytest.mark.parametrize("judged_first", [True, False])
def test_an_alert_has_the_region_of_its_operation(store: Store, judged_first: bool) -> None:
    steps = [
        lambda: feed_judged(
            store,
            [
                operation("event-1", payer=person(1), payee=person(2), payer_region=75, payee_region=10, found=True),
                operation("event-2", payee=person(2), payee_region=10, found=True),
            ],
        ),
        lambda: feed(store, ALERTS, alert(1), alert(2), alert(3)),
    ]
    for step in steps if judged_first else reversed(steps):
        step()
    assert [row["region"] for row in rows(store, alerts, alerts.c.seq)] == [75, 10, None]


def test_the_clock_of_an_alert_is_that_of_the_hold_that_runs(store: Store) -> None:
    """Set by a hold that was there before, moved by its extension, and gone with its end."""
    deadline = NOW + DAY
    feed(store, "holds", hold(1, deadline="2026-11-24T05:00:00.000Z"))
    feed(store, ALERTS, alert(1), alert(2))
    assert [row["deadline_at"] for row in rows(store, alerts, alerts.c.seq)] == [deadline, None]
    feed(store, "holds", hold(1, state_number=1, state="extended", deadline="2026-11-25T05:00:00.000Z"))
    feed(store, "holds", hold(2, deadline="2026-11-24T05:00:00.000Z"))
    assert [row["deadline_at"] for row in rows(store, alerts, alerts.c.seq)] == [deadline + DAY, deadline]
    feed(store, "holds", hold(1, state_number=2, state="released", cause="found_innocent"))
    assert [row["deadline_at"] for row in rows(store, alerts, alerts.c.seq)] == [None, deadline]
