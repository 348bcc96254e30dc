"""Old operations go from the store once nobody has a reason to look at them, and what anything refers to stays."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlalchemy import insert, select

from console.feed.pruning import PAUSE_MS, Pruner
from console.money.restitution import frozen
from console.store import cases, retention
from console.store.errors import StoreFull
from console.store.opening import Store
from console.store.tables import claims, ledger, meter_readings, operations
from rules.events import DAY_MS
from tests.console.builders import (
    NOW,
    add_user,
    alert,
    device,
    document,
    feed,
    feed_judged,
    hold,
    meter,
    operation,
    person,
)
from tests.console.people_of_tests import AIGUL

DAYS = 365
OLD = NOW - 400 * DAY_MS
_strangers = itertools.count(1_000)


def stranger(name: str, *, at: int = OLD, **said: Any) -> dict[str, Any]:
    """An operation between two of whom nothing else is known."""
    return operation(name, **({"payer": person(next(_strangers)), "payee": person(next(_strangers))} | said), at=at)


def left(store: Store) -> set[str]:
    with store.reading() as connection:
        return set(connection.scalars(select(operations.c.event_id)))


def prune(store: Store) -> None:
    with store.writing() as connection:
        before = retention.horizon(connection, DAYS, NOW)
        _, place = retention.prune(connection, before)
        while place is not None:
            _, place = retention.prune(connection, before, place)


def opened(store: Store, at: int) -> int:
    """A case of one alert on an event of that time."""
    add_user(store, AIGUL.username, AIGUL.role)
    feed(store, "suspicious-operations", alert(1, payer=person(1), payee=person(2), at=at))
    with store.writing() as connection:
        return cases.open_case(connection, AIGUL, "Loans", now=NOW, alert_ids=[f"{1:032x}"])


def test_only_old_operations_of_nobody_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "LOT", 3)
    hop = stranger("a hop of a chain")
    account = 2**40
    feed_judged(
        store,
        [
            *(stranger(f"nobody {number}") for number in range(4)),
            stranger("not old yet", at=NOW - 300 * DAY_MS),
            stranger("the payee has an alert", payee=person(2)),
            stranger("the telephone's device has one", with_device=device(1)),
            stranger("event-7"),  # held
            stranger("into a listed account", payee_account=account),
            stranger("claimed"),
            stranger("of somebody with frozen money", payer=person(8)),
            hop,
        ],
    )
    evidence = document("suspicious_operation")["evidence"]
    chained = [evidence[0] | {"event": f"{hop['event']:016x}", "subject": person(99).text[:-16]}]
    found = alert(1, payer=person(1), payee=person(2), with_device=device(1), at=NOW, evidence=chained)
    feed(store, "suspicious-operations", found)
    feed(store, "holds", hold(7))
    case_id = opened(store, NOW)
    with store.writing() as connection:
        event = connection.scalar(select(operations.c.event).where(operations.c.event_id == "claimed"))
        claim = {"claim_id": 1, "claimant": 1, "operation": event, "amount": 1, "state": "open", "made_by": "aigul"}
        connection.execute(insert(claims).values(**claim, case_id=case_id, made_at=NOW))
        posting = {"posting_id": 1, "transfer_id": 1, "account": frozen(person(8).key), "amount": 1, "cause": "freeze"}
        connection.execute(insert(ledger).values(**posting, case_id=case_id, at=NOW, by="aigul"))
        listed = document("list_entries")
    feed(store, "registry.lists", listed)
    with store.writing() as connection:
        connection.execute(retention.registry_entries.update().values(subject=account))
    before = left(store)
    prune(store)
    assert before - left(store) == {f"nobody {number}" for number in range(4)}


def test_while_a_case_is_open_its_money_can_be_followed(store: Store) -> None:
    case_id = opened(store, OLD)
    feed_judged(store, [stranger("before the case", at=OLD - 91 * DAY_MS), stranger("in its time", at=OLD + DAY_MS)])
    prune(store)
    assert left(store) == {"in its time"}
    with store.writing() as connection:
        version = cases.find(connection, AIGUL, case_id)["version"]
        cases.close(connection, AIGUL, case_id, version, "not_proven", "Nothing came of it", NOW)
    prune(store)
    assert left(store) == set()


def test_old_readings_stay_of_those_alone_who_were_above_the_limit(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LOT", 2)
    shop, pyramid = person(1), person(2)
    readings = [meter(shop, OLD + number, 10.0) for number in range(3)]
    feed(store, "meters", *readings, meter(shop, NOW, 10.0), meter(pyramid, OLD, 10.0), meter(pyramid, OLD + 1, 90.0))
    feed_judged(store, [stranger("to the shop", payee=shop), stranger("to the pyramid", payee=pyramid)])
    pruner = Pruner(store, DAYS)
    for _ in range(4):
        pruner.step(NOW)
    with store.reading() as connection:
        left_of = connection.execute(select(meter_readings.c.collector, meter_readings.c.at)).all()
    assert {tuple(row) for row in left_of} == {(shop.key, NOW), (pyramid.key, OLD), (pyramid.key, OLD + 1)}
    assert left(store) == {"to the pyramid"}


def test_the_pruner_walks_lot_by_lot_and_then_rests(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "LOT", 2)
    feed_judged(store, [stranger(f"nobody {number}") for number in range(5)])
    Pruner(store, 0).step(NOW)
    assert len(left(store)) == 5
    pruner = Pruner(store, DAYS)
    pruner.step(NOW)  # readings, of which there are none
    pruner.step(NOW)
    assert len(left(store)) == 3
    with monkeypatch.context() as full:
        full.setattr(store, "writing", refused)
        pruner.step(NOW)
    later = NOW + 60_000
    pruner.step(later - 1)
    assert len(left(store)) == 3
    pruner.step(later)
    pruner.step(later)
    assert left(store) == set()
    feed_judged(store, [stranger("came late")])
    pruner.step(later + PAUSE_MS - 1)
    assert left(store) == {"came late"}
    pruner.step(later + PAUSE_MS)
    pruner.step(later + PAUSE_MS)
    assert left(store) == set()


def refused() -> Any:
    """A store whose disk is full."""
    raise StoreFull
