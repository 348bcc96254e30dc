"""Statistics count what the store holds: each alert once in each table, with the filters that a block knows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text, update

from console.statistics.blocks import BLOCKS, Block
from console.statistics.counted import KEPT_MS, Counting
from console.statistics.figures import Figures
from console.statistics.period import day_number, today
from console.store import fraud_counts
from console.store.errors import StoreAway
from console.store.opening import Store
from console.store.statistics import Choice
from console.store.tables import activity, alerts, refusal_counts, rejected_counts
from rules.events import DAY_MS
from tests.console import builders

DAY = day_number(today(builders.NOW))
WEEK = Choice(DAY - 6, DAY + 1)


def counted(store: Store, block: Block, choice: Choice = WEEK, step: Any = "day") -> dict[str, Figures]:
    with store.reading() as connection:
        return {figures.name: figures for figures in BLOCKS[block](connection, choice, step)}


def rows(figures: Figures) -> dict[Any, tuple[Any, ...]]:
    return {row[0]: row[1:] for row in figures.rows}


@pytest.fixture
def frauds(store: Store) -> Store:
    """Three alerts of T03, one of them confirmed and one refuted; one of T01 abroad, a day before; one too old."""
    builders.feed_judged(
        store,
        [
            builders.operation(f"event-{number}", payer=builders.person(1), payee=builders.person(2), **fields)
            for number, fields in enumerate([{"payer_region": 75}, {"payer_region": 75}, {}, {"payer_region": 255}], 1)
        ],
    )
    earlier = builders.NOW - DAY_MS
    builders.feed(
        store,
        "suspicious-operations",
        *(builders.alert(number, tenge=number * 100) for number in (1, 2, 3)),
        builders.alert(4, typology="T01", at=earlier, tenge=1_000, institution="IRTYKZKA"),
        builders.alert(5, at=builders.NOW - 30 * DAY_MS),
    )
    builders.feed(store, "suspicious-operations.shadow", builders.alert(6, status="shadow"))
    with store.writing() as connection:
        for number, reason in ((1, "mule"), (2, "false_positive")):
            changed = {"state": "closed", "reason_code": reason, "closed_at": builders.NOW}
            connection.execute(update(alerts).where(alerts.c.alert_id == f"{number:032x}").values(changed))
    return store


def test_each_alert_counts_once_in_each_table(frauds: Store) -> None:
    found = counted(frauds, "frauds")
    assert rows(found["frauds_by_kind"]) == {
        "T03": (3, 1, 1, 1, 60_000, 10_000),
        "T01": (1, 1, 0, 0, 100_000, 0),
    }
    assert [row[:2] for row in found["frauds_by_period"].rows] == [("2026-11-22", 1), ("2026-11-23", 3)]
    assert {row[0]: row[1] for row in found["frauds_by_region"].rows} == {75: 2, 0: 2}
    assert {row[0]: row[1] for row in found["frauds_by_institution"].rows} == {"CASPKZKA": 3, "IRTYKZKA": 1}
    for figures in found.values():
        assert figures.totals is not None
        assert figures.totals[1:] == (4, 2, 1, 1, 160_000, 10_000)


def test_filters_narrow_and_years_have_what_others_published(frauds: Store) -> None:
    narrowed = counted(frauds, "frauds", Choice(DAY - 6, DAY + 1, "T03", "CASPKZKA", 75), "year")
    assert rows(narrowed["frauds_by_kind"]) == {"T03": (2, 0, 1, 1, 30_000, 10_000)}
    assert narrowed["frauds_by_period"].published[0] == ("2018", 517)
    assert narrowed["frauds_by_period"].rows == (("2026", 2, 0, 1, 1, 30_000, 10_000),)


def test_lost_is_what_frauds_took_and_nobody_holds(frauds: Store) -> None:
    assert rows(counted(frauds, "money")["money"])["lost"] == (None, 10_000)
    builders.feed(frauds, "holds", builders.hold(1, amount="100.00", since=builders.instant(builders.NOW)))
    money = rows(counted(frauds, "money")["money"])
    assert (money["taken"], money["held_of_taken"], money["lost"]) == ((1, 10_000), (None, 10_000), (None, 0))
    assert money["held_now"] == (1, 10_000)


def test_an_answer_is_in_time_when_it_came_before_the_deadline_did(store: Store) -> None:
    since = {"since": builders.instant(builders.NOW)}
    for number, states in enumerate(
        (["proposed"], ["proposed", "proceeded"], ["proposed", "in_force", "expired"], ["proposed", "released"])
    ):
        for place, state in enumerate(states):
            silent = {} if state in ("proposed", "in_force") else {"on_silence": None}
            builders.feed(store, "holds", builders.hold(number, state_number=place, state=state, **since, **silent))
    # What asks nobody is no decision that could be answered, whether it still runs or has ended.
    for number, (state, asks_nobody) in enumerate(
        (
            ("released", {"clock": "cooling_off_bank", "cause": "cooling_off_is_over"}),
            ("proposed", {"clock": "cooling_off_microcredit"}),
            ("released", {"cause": "protected_money"}),
        ),
        start=10,
    ):
        silent = {} if state == "proposed" else {"on_silence": None}
        builders.feed(store, "holds", builders.hold(number, state=state, **since, **silent, **asks_nobody))
    found = rows(counted(store, "participation")["participation"])
    assert found["CASPKZKA"][5:] == (4, 2, 1, 2 / 3)
    outcomes = {row[:2]: row[2] for row in counted(store, "holds")["holds_by_outcome"].rows}
    assert outcomes[("decision_hold", "hold_proceeded")] == 1


def test_participation_is_told_with_its_counts(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(
            insert(activity),
            [
                {"day": day, "institution": "CASPKZKA", "events": 100, "late": 5, "amount": 1}
                for day in (DAY, DAY - 1, DAY + 1)
            ],
        )
        refused = {"day": DAY, "publisher": "CASPKZKA", "reason": "bad_amount", "events": 50}
        connection.execute(insert(rejected_counts).values(refused))
        for action, entries in (("set", 7), ("withdrawn", 2)):
            connection.execute(insert(refusal_counts).values(day=DAY, action=action, entries=entries))
    found = counted(store, "participation")
    assert found["participation"].rows == (("CASPKZKA", 200, 10, 0.05, 50, 0.2, 0, 0, 0, None),)
    assert found["rejections"].rows == (("CASPKZKA", "reason_bad_amount", 50),)
    assert counted(store, "registries", step="month")["refusals"].rows == (("2026-11", 7, 2),)


def test_a_pyramid_counts_once_a_period(store: Store) -> None:
    for hours in (0, 1, 24):
        at = builders.NOW - hours * 3_600_000
        builders.feed(store, "meters", builders.meter(builders.person(9), at))
    builders.feed(store, "meters", builders.meter(builders.person(8), index=10.0))
    days = counted(store, "pyramids")["pyramids_by_period"]
    assert [row[:2] for row in days.rows] == [("2026-11-22", 1), ("2026-11-23", 1)]
    assert days.totals is None
    assert [row[:2] for row in counted(store, "pyramids", step="year")["pyramids_by_period"].rows] == [("2026", 1)]


@pytest.mark.parametrize("block", BLOCKS)
def test_an_empty_store_has_empty_tables(store: Store, block: Block) -> None:
    for figures in counted(store, block).values():
        assert all(cell in (0, None) for row in figures.rows for cell in row[1:])


@pytest.mark.parametrize("narrowed", [WEEK, Choice(0, DAY, "T03", "CASPKZKA", 75), Choice(0, DAY)])
def test_sqlite_counts_alerts_in_indexes_without_their_documents(tmp_path: Path, narrowed: Choice) -> None:
    queries = (fraud_counts.fraud_query, fraud_counts.tally_query, fraud_counts.taken_query)
    with Store.open(f"sqlite:///{tmp_path}/cases.db").reading() as connection:
        for query in queries:
            compiled = query(narrowed).compile(connection, compile_kwargs={"literal_binds": True})
            said = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]
            [searched] = [one for one in said if "alerts" in one]
            assert "COVERING INDEX ix_alerts_" in searched
            assert not any("TEMP B-TREE" in one for one in said if query is not fraud_counts.fraud_query)


def test_a_counting_is_kept_for_a_minute_with_its_time(frauds: Store) -> None:
    now = [builders.NOW]
    counting = Counting(lambda: now[0])

    def told(choice: Choice = WEEK) -> tuple[int, int]:
        with frauds.reading() as connection:
            counted = counting.tables(connection, "frauds", choice, "day")
        return counted.at - builders.NOW, sum(int(row[1] or 0) for row in counted.tables[0].rows)

    assert told() == (0, 4)
    builders.feed(frauds, "suspicious-operations", builders.alert(7))
    now[0] += KEPT_MS - 1
    assert told() == (0, 4)
    assert told(replace(WEEK, first_day=DAY)) == (KEPT_MS - 1, 4)
    now[0] += 1
    assert told() == (KEPT_MS, 5)


def test_a_counting_that_fails_leaves_nobody_waiting_and_nothing_behind(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting, begun, asked = Counting(lambda: builders.NOW), threading.Event(), threading.Event()
    count = BLOCKS["holds"]

    def away_at_first(*said: Any) -> Any:
        if begun.is_set():
            return count(*said)
        begun.set()
        assert asked.wait(10)
        raise StoreAway("OperationalError")

    def told() -> int:
        with store.reading() as connection:
            return counting.tables(connection, "holds", WEEK, "day").at

    monkeypatch.setitem(BLOCKS, "holds", away_at_first)
    with ThreadPoolExecutor(2) as threads:
        failing = threads.submit(told)
        assert begun.wait(10)
        waiting = threads.submit(told)
        asked.set()
        assert isinstance(failing.exception(10), StoreAway)
        assert waiting.result(10) == builders.NOW
    assert counting._turns == {}


def test_long_and_short_periods_count_the_same(frauds: Store) -> None:
    long = counted(frauds, "frauds", Choice(DAY - 20, DAY + 400))
    short = counted(frauds, "frauds", Choice(DAY - 20, DAY + 1))
    assert {name: figures.rows for name, figures in long.items()} == {name: one.rows for name, one in short.items()}
