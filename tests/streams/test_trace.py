"""The follower `trace`: what it finds, whatever the batches and restarts, and what its alerts tell an analyst."""

from __future__ import annotations

import dataclasses
import random
from functools import cache

import numpy as np
import pytest

from rules.rulebook import Rulebook
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.following import JudgedBatch, Outgoing
from streams.trace import Trace
from streams.verdicts import REPEAT
from tests.streams.flows_of_money import BANK, KEY, a_country, chain, judged, person, transfer


@cache
def rulebook() -> Rulebook:
    return Rulebook.load()


@pytest.fixture(scope="module")
def country() -> JudgedBatch:
    return judged(a_country(days=3), rulebook())


def part(batch: JudgedBatch, start: int, stop: int) -> JudgedBatch:
    names = ("rows", "risk", "scores", "typologies", "lists", "state", "late")
    return dataclasses.replace(batch, **{name: getattr(batch, name)[start:stop] for name in names})


def alerts(sent: list[Outgoing]) -> list[SuspiciousOperation]:
    return [SuspiciousOperation.model_validate_json(record.value) for record in sent]


def pattern(alert: SuspiciousOperation) -> str:
    first = {
        "long": "chain",
        "closed": "cycle",
        "relays": "fan_in",
        "paths": "scatter_gather",
        "gathered": "gather_scatter",
    }
    return first[alert.signals[0].id]


def test_a_chain_a_ring_mules_and_victims_are_found_and_ordinary_life_is_not(country: JudgedBatch) -> None:
    found = alerts(Trace(KEY).take(country))
    stories = {(pattern(alert), alert.event_id.rpartition("-")[0].split("-")[0]) for alert in found}
    assert {("chain", "chain"), ("cycle", "ring"), ("scatter_gather", "mules"), ("fan_in", "fan")} <= stories
    assert not [alert.event_id for alert in found if alert.event_id.startswith("life")]


def test_an_alert_tells_the_whole_chain_with_the_places_of_its_records(country: JudgedBatch) -> None:
    alert = next(a for a in alerts(Trace(KEY).take(country)) if a.event_id == "chain-0-3")
    assert alert.typology.id == "T15"
    assert alert.subject == "payer"
    assert [each.amount for each in alert.evidence] == ["900000.00", "855000.00", "812250.00", "771637.00"]
    hashes = [f"{KEY.event_hash(BANK, f'chain-0-{hop}'):016x}" for hop in range(4)]
    assert [each.event for each in alert.evidence] == hashes
    assert [each.direction for each in alert.evidence] == ["out", "out", "in", "out"]
    assert alert.evidence[0].subject == f"{KEY.key_id}:{KEY.token('person', person(0))[0]:016x}"
    assert alert.evidence[3].subject is None
    assert all(each.source and each.source.topic == f"tx.{BANK}" for each in alert.evidence)
    assert "4" in alert.explanation.en
    assert 0.6 <= alert.risk.value <= 1
    assert person(0) not in alert.model_dump_json()


@pytest.mark.parametrize("seed", range(3))
def test_batches_and_snapshots_change_nothing(country: JudgedBatch, seed: int) -> None:
    expected = Trace(KEY).take(country)
    assert len(expected) > 10
    chance, at = random.Random(seed), 0
    trace, sent = Trace(KEY), []
    while at < len(country):
        end = min(at + chance.randint(1, 60), len(country))
        sent += trace.take(part(country, at, end))
        at = end
        if chance.random() < 0.3:
            document, arrays = trace.state()
            trace = Trace(KEY)
            trace.restore(document, {name: array.copy() for name, array in arrays.items()})
    assert sent == expected


def test_a_repeat_adds_nothing(country: JudgedBatch) -> None:
    trace = Trace(KEY)
    trace.take(country)
    before = len(trace.flows)
    again = dataclasses.replace(country, state=np.full(len(country), REPEAT, np.uint8))
    assert trace.take(again) == []
    assert len(trace.flows) == before


def test_one_case_is_not_told_at_every_step_of_it() -> None:
    told = chain("chain", [0, 1, 2, 3, 4], 900_000, 0)
    told += [transfer(f"more-{i}", 300 + i, 3, 4, 60_000) for i in range(3)]
    found = [a for a in alerts(Trace(KEY).take(judged(told, rulebook()))) if pattern(a) == "chain"]
    assert [alert.event_id for alert in found] == ["chain-3"]


def test_a_rulebook_without_a_tracing_section_traces_nothing(country: JudgedBatch) -> None:
    bare = dataclasses.replace(rulebook(), tracing=None)
    assert Trace(KEY).take(dataclasses.replace(country, rulebook=bare)) == []
