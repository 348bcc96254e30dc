"""The other streams of the country: who publishes, what is told of whom, and what is told of nobody who did wrong."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.country import Settings
from simulator.people import INSTITUTIONS
from streams import decode
from streams.contracts.fields import BULK_BYTES
from streams.topic_declarations import OPERATORS
from tests.simulator.written import SETTINGS, Written, country


def entries(written: Written) -> list[dict[str, Any]]:
    return [entry for record in written.records("list_entries") for entry in record["entries"]]


def test_everybody_publishes_on_the_own_behalf(written: Written) -> None:
    assert {call["operator"] for call in written.records("call")} <= set(OPERATORS)
    assert {loan["institution"] for loan in written.records("loan")} <= set(INSTITUTIONS)
    for kind, publisher in (
        ("credit_refusals", "EGOV"),
        ("list_entries", "AFM"),
        ("blocked_resource", "KIBERNADZOR"),
        ("disposition", "AFM"),
    ):
        assert {record["publisher"] for record in written.records(kind)} == {publisher}


def test_no_record_is_larger_than_it_may_be(tmp_path: Path) -> None:
    # Enough people that the standing refusals and lists need several records.
    large = country(tmp_path, Settings(days=1, people=36_000, seed=5))
    assert len([record for record in large.records("credit_refusals") if len(record["entries"]) == 1_000]) >= 2
    assert len([record for record in large.records("list_entries") if len(record["entries"]) > 100]) >= 1
    for line, event in zip(large.lines, large.events, strict=True):
        if event["type"] != "transaction":
            decode.read(line, BULK_BYTES)


def test_most_marked_calls_belong_to_no_fraud(written: Written) -> None:
    labels = Counter(
        label["label"]
        for event, label in zip(written.events, written.labels, strict=True)
        if event["type"] == "call" and event["sign"] in ("spoofed", "scam")
    )
    assert labels["0"] > labels["1"] > 0
    assert {call["sign"] for call in written.records("call")} == {"spoofed", "scam", "sim_box", "sim_swap"}


def test_who_refuses_loans_gets_none_but_by_fraud(written: Written) -> None:
    standing: dict[str, list[tuple[str, int, str]]] = {}
    for record in written.records("credit_refusals"):
        for entry in record["entries"]:
            standing.setdefault(entry["id"], []).append((entry["valid_from"], entry["sequence"], entry["action"]))
    assert {action for told in standing.values() for *_, action in told} == {"set", "withdrawn"}
    lent = 0
    for event, label in zip(written.events, written.labels, strict=True):
        if event["type"] == "loan" and event["stage"] != "application":
            told = [one for one in standing.get(event["borrower"]["id"], []) if one[0] <= event["occurred_at"]]
            if told and max(told)[2] == "set":
                lent += 1
                assert label["scenario"] == "T08"
    assert lent


def test_refused_people_apply_and_are_turned_down(tmp_path: Path) -> None:
    large = country(tmp_path, Settings(days=2, people=5_000, seed=5, fraud_rate=0))
    refused = {entry["id"] for record in large.records("credit_refusals") for entry in record["entries"]}
    asked = [loan for loan in large.records("loan") if loan["borrower"]["id"] in refused]
    assert asked


def test_some_refusals_are_told_late_or_out_of_order(tmp_path: Path) -> None:
    large = country(tmp_path, Settings(days=2, people=15_000, seed=5, fraud_rate=0))
    later = [record for record in large.records("credit_refusals") if len(record["entries"]) == 1]
    late = [record for record in later if record["entries"][0]["valid_from"] < record["occurred_at"]]
    ahead = [record for record in later if record["entries"][0]["valid_from"] > record["occurred_at"]]
    assert late
    assert ahead
    assert len(late) + len(ahead) < len(later)


def test_lists_name_honest_people_too(written: Written) -> None:
    people = {
        party["id"]
        for event, label in zip(written.events, written.labels, strict=True)
        if label["label"] == "1" and event["type"] == "transaction"
        for party in (event.get("payer"), event.get("payee"))
        if party and "id" in party
    }
    honest = Counter(entry["list"] for entry in entries(written) if entry["subject"].get("id", "") not in people)
    for name in ("convicted", "dropper_suspected", "licensed", "protected", "grey", "black"):
        assert honest[name], name


def test_an_appeal_that_is_upheld_comes_after_its_entry(written: Written) -> None:
    first: dict[str, str] = {}
    upheld = 0
    for entry in entries(written):
        if entry["appeal"] == "upheld":
            assert first[entry["entry_id"]] < entry["valid_from"]
            upheld += 1
        first.setdefault(entry["entry_id"], entry["valid_from"])
    assert upheld


def test_work_is_late_and_sometimes_wrong(tmp_path: Path) -> None:
    seen = country(tmp_path, Settings(days=6, people=2_000, seed=5, fraud_rate=6))
    outcomes = Counter(record["outcome"] for record in seen.records("disposition"))
    assert {"confirmed", "false_positive", "victim", "mule"} <= set(outcomes)
    for events in seen.cases.values():
        done = [event["occurred_at"] for event in events if event["type"] == "transaction"]
        worked = [event["occurred_at"] for event in events if event["type"] == "disposition"]
        assert not worked or not done or min(worked) > min(done)
    wrong = [
        event
        for event, label in zip(seen.events, seen.labels, strict=True)
        if event["type"] == "disposition" and (event["outcome"] == "false_positive") == (label["label"] == "1")
    ]
    assert 0 < len(wrong) < len(seen.records("disposition")) / 2


def test_a_center_of_six_institutions_hears_of_six(tmp_path: Path) -> None:
    small = country(tmp_path, Settings(days=2, people=500, seed=5, institutions=6, transactions_only=True))
    assert {event["type"] for event in small.events} == {"transaction"}
    assert {event["institution"] for event in small.events} <= set(list(INSTITUTIONS)[:6])


def test_many_institutions_and_regions_take_part(tmp_path: Path) -> None:
    seen = country(tmp_path, Settings(days=2, people=6_000, seed=5))
    moved = [event for event in seen.events if event["type"] != "call" and "institution" in event]
    assert len({event["institution"] for event in moved}) >= 20
    assert len({event["payer"]["region"] for event in seen.events if "payer" in event}) == 20


def test_late_events_stand_where_they_are_published(tmp_path: Path, written: Written) -> None:
    late = country(tmp_path, Settings(days=SETTINGS.days, people=SETTINGS.people, seed=SETTINGS.seed, late=0.01))
    times = [event["occurred_at"] for event in late.events]
    assert sorted(times) == [event["occurred_at"] for event in written.events]
    behind = sum(1 for before, after in pairwise(times) if after < before)
    assert 0.004 < behind / len(times) < 0.011


@pytest.mark.parametrize("rate", [0.0, 5.0])
def test_the_rate_of_frauds_is_a_knob(tmp_path: Path, written: Written, rate: float) -> None:
    other = country(tmp_path, Settings(days=SETTINGS.days, people=SETTINGS.people, seed=SETTINGS.seed, fraud_rate=rate))
    played, usual = sum(other.summary.instances.values()), sum(written.summary.instances.values())
    assert played == 0 if rate == 0 else played > 2 * usual
