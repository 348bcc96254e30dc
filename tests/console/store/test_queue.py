"""The queue's order, its pages and its filters against a slow sort of everything, and the indexes it is read from."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.dialects import sqlite

from console.store import queue
from console.store.opening import Store
from console.store.queue import Place
from console.store.sieve import NOBODY, Sieve
from console.store.tables import alerts, campaigns
from tests.console.builders import NOW

HOUR_MS = 3_600_000
SIEVES = [
    Sieve(),
    Sieve(state="new"),
    Sieve(state="assigned"),
    Sieve(state="snoozed"),
    Sieve(state="closed"),
    Sieve(status="shadow"),
    Sieve(severities=(3, 1)),
    Sieve(typologies=("T01", "T02"), assignee=NOBODY),
    Sieve(typologies=()),
    Sieve(assignee="aigul", institution="CASPKZKA"),
    Sieve(role="payee", since=NOW - 40 * HOUR_MS, until=NOW - 10 * HOUR_MS),
    Sieve(least=300, most=700),
    Sieve(campaign_id=2),
]


def filled(store: Store, many: int = 240) -> list[RowMapping]:
    chance = random.Random(4)
    rows: list[dict[str, Any]] = []
    for seq in range(1, many + 1):
        state = chance.choice(("new", "new", "assigned", "snoozed", "escalated", "closed"))
        rows.append({
            "alert_id": f"{seq:032x}", "seq": seq, "typology": chance.choice(("T01", "T02", "T03")),
            "typology_version": "1", "status": chance.choice(("active", "active", "active", "shadow")),
            "rulebook_digest": "0" * 64, "institution": chance.choice(("CASPKZKA", "IRTYKZKA")),
            "event_id": f"e-{seq}", "occurred_at": NOW - chance.randrange(50) * HOUR_MS, "appended_at": NOW,
            "stored_at": NOW, "late": False, "amount": chance.randrange(10) * 100, "score": 0.9, "risk": 0.9,
            "severity": chance.randrange(4), "decision": None, "subject_role": chance.choice(("payer", "payee")),
            "subject": 1, "payer": 1, "payee": 2, "device": None, "phone": None,
            "campaign_id": chance.choice((1, 2, 3, None)),
            "deadline_at": NOW + chance.randrange(3) * HOUR_MS if chance.random() < 0.3 else None,
            "document": "{}", "state": state, "snoozed_until": NOW + chance.choice((-1, 0, 1)) * HOUR_MS,
            "assignee": chance.choice(("aigul", "bolat", None)), "version": 1,
        })  # fmt: skip
    groups = [
        {
            "campaign_id": number, "kind": "payee", "key": number, "first_at": NOW, "last_at": NOW, "alerts": 2,
            "open_alerts": 2, "severity": 1, "amount": 1, "victims": 1, "typologies": "T01",
        }
        for number in (1, 2, 3)
    ]  # fmt: skip
    with store.writing() as connection:
        connection.execute(insert(campaigns), groups)
        connection.execute(insert(alerts), rows)
    with store.reading() as connection:
        return list(connection.execute(select(alerts)).mappings())


def passes(row: RowMapping, sieve: Sieve) -> bool:
    asleep = row["state"] == "snoozed" and row["snoozed_until"] > NOW
    woken = row["state"] == "snoozed" and not asleep
    state = {
        "open": row["state"] != "closed" and not asleep,
        "closed": row["state"] == "closed",
        "snoozed": asleep,
        "escalated": row["state"] == "escalated",
        "new": row["state"] == "new" or (woken and row["assignee"] is None),
        "assigned": row["state"] == "assigned" or (woken and row["assignee"] is not None),
    }[sieve.state]
    return (
        state
        and row["status"] == sieve.status
        and row["severity"] in sieve.ranks
        and (sieve.typologies is None or row["typology"] in sieve.typologies)
        and (sieve.institution is None or row["institution"] == sieve.institution)
        and (sieve.assignee is None or (row["assignee"] or NOBODY) == sieve.assignee)
        and (sieve.role is None or row["subject_role"] == sieve.role)
        and (sieve.since is None or row["occurred_at"] >= sieve.since)
        and (sieve.until is None or row["occurred_at"] < sieve.until)
        and (sieve.least is None or row["amount"] >= sieve.least)
        and (sieve.most is None or row["amount"] <= sieve.most)
        and (sieve.campaign_id is None or row["campaign_id"] == sieve.campaign_id)
    )


def in_order(rows: Iterable[RowMapping], sieve: Sieve) -> list[RowMapping]:
    def rank(row: RowMapping) -> tuple[float, ...]:
        if sieve.closed:
            return -row["severity"], -row["seq"]
        deadline = row["deadline_at"] if row["deadline_at"] is not None else float("inf")
        return -row["severity"], deadline, -row["amount"], -row["seq"]

    return sorted((row for row in rows if passes(row, sieve)), key=rank)


@pytest.mark.parametrize("sieve", SIEVES, ids=str)
def test_pages_follow_one_another_in_the_order_of_a_slow_sort(store: Store, sieve: Sieve) -> None:
    expected = [row["seq"] for row in in_order(filled(store), sieve)]
    found: list[int] = []
    after: Place | None = None
    with store.reading() as connection:
        assert sum(queue.by_severity(connection, sieve, now=NOW).values()) == len(expected)
        while True:
            page = queue.page(connection, sieve, now=NOW, after=after, limit=7)
            found += [row["seq"] for row in page.rows]
            if page.next is None:
                break
            after = Place.read(str(page.next))
    assert found == expected


@pytest.mark.parametrize("sieve", [Sieve(), Sieve(state="closed"), Sieve(typologies=("T01",))], ids=str)
def test_every_campaign_stands_once_where_its_foremost_alert_does(store: Store, sieve: Sieve) -> None:
    expected: dict[tuple[int | None, int | None], int] = {}
    for row in in_order(filled(store), sieve):
        alone = row["seq"] if row["campaign_id"] is None else None
        expected.setdefault((row["campaign_id"], alone), row["seq"])
    found: list[int] = []
    after: Place | None = None
    with store.reading() as connection:
        for _ in range(len(expected) + 1):
            page = queue.grouped(connection, sieve, now=NOW, after=after, limit=5)
            found += [group.first["seq"] for group in page.groups]
            after = page.next
            if after is None:
                break
    assert after is None
    assert found == list(expected.values())


def test_a_page_that_was_begun_goes_on_although_alerts_have_come(store: Store) -> None:
    filled(store)
    with store.reading() as connection:
        first = queue.page(connection, Sieve(), now=NOW, limit=5)
        second = queue.page(connection, Sieve(), now=NOW, after=first.next, limit=5)
    with store.writing() as connection:
        connection.execute(update(alerts).where(alerts.c.seq == first.rows[0]["seq"]).values(state="closed"))
    with store.reading() as connection:
        again = queue.page(connection, Sieve(), now=NOW, after=first.next, limit=5)
    assert [row["seq"] for row in again.rows] == [row["seq"] for row in second.rows]


# Asleep is what people put to sleep: few enough to be sorted, as are those of some days.
@pytest.mark.parametrize("sieve", [sieve for sieve in SIEVES if sieve.state != "snoozed"], ids=str)
def test_sqlite_walks_an_index_that_has_all_it_needs(store: Store, sieve: Sieve) -> None:
    if store.engine.dialect.name != "sqlite":
        return
    wanted = replace(sieve, campaign_id=None)
    with store.reading() as connection:
        for after in (None, Place(3, NOW, 5, 5), Place(3, None, 5, 5)):
            for statement in queue.segments(wanted, NOW, after, 51):
                plan = "EXPLAIN QUERY PLAN " + str(
                    statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
                )
                steps = [row[3] for row in connection.exec_driver_sql(plan)]
                assert any("USING COVERING INDEX ix_alerts_" in step for step in steps), steps
                assert wanted.of_days or "USE TEMP B-TREE FOR ORDER BY" not in steps
