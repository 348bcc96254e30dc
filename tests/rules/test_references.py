"""Reference sets answer by two times, whatever order the entries came in, and as a slow oracle does."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rules import references
from rules.events import EVENT, NO_TIME
from rules.references import APPEALS, ENTRY, LISTS, SET, UPHELD, WITHDRAWN, ReferenceSets

KEYS = [1, 2, 3 << 60, (1 << 64) - 1]
REFUSAL = LISTS.index("refusal")


@st.composite
def _entries(draw: st.DrawFn) -> NDArray[np.void]:
    """Entries that share few keys, lists, times and sequences; recorded in the order of their places in the log."""
    count = draw(st.integers(0, 30))
    entries = np.zeros(count, ENTRY)
    small = st.integers(0, 3)
    sequences = draw(st.sampled_from([small, st.sampled_from([0, 1, (1 << 32) - 1, 1 << 32])]))
    for place, entry in enumerate(entries):
        entry["key"] = draw(st.sampled_from(KEYS))
        entry["list"] = draw(st.sampled_from([0, 1, len(LISTS) - 1]))
        entry["action"] = draw(st.sampled_from([SET, SET, WITHDRAWN]))
        entry["appeal"] = draw(st.sampled_from([0, 0, 1, 2, 3]))
        entry["valid_from"] = draw(small)
        entry["valid_to"] = draw(st.sampled_from([NO_TIME, NO_TIME, 2, 4]))
        entry["sequence"] = draw(sequences)
        entry["epoch"], entry["order_time"] = draw(st.integers(0, 1)), draw(small)
        entry["source"], entry["offset"], entry["number"] = place % 2, place // 4, place
    return entries


def is_listed(entries: NDArray[np.void], key: int, which: int, valid_at: int, known_at: tuple[int, int]) -> bool:
    """The rule of docs/plans/rulebook.md, section 4, word by word."""
    holding = None
    for entry in entries:
        if int(entry["key"]) != key or int(entry["list"]) != which:
            continue
        if (int(entry["epoch"]), int(entry["order_time"])) > known_at or entry["valid_from"] > valid_at:
            continue
        if entry["valid_to"] != NO_TIME and valid_at >= entry["valid_to"]:
            continue
        upheld = entry["appeal"] == UPHELD
        rank = (int(entry["valid_from"]), int(entry["sequence"]), 2 if upheld else int(entry["action"]))
        holding = rank if holding is None else max(holding, rank)
    return holding is not None and holding[2] == 1


def ask(sets: ReferenceSets) -> NDArray[np.uint32]:
    """Everything that can be asked of the keys above, at every instant that tells them apart."""
    keys, valid_at, known_at = [], [], []
    for key in [0, *KEYS, 77]:
        for valid in range(-1, 5):
            for known in [(0, -1), (0, 0), (0, 2), (1, -1), (1, 1), (1, 3), (2, 0)]:
                keys.append(key)
                valid_at.append(valid)
                known_at.append(known)
    return sets.lookup(np.array(keys, np.uint64), np.array(valid_at, np.int64), np.array(known_at, np.int64))


def in_portions(entries: NDArray[np.void], seed: int) -> Sequence[NDArray[np.void]]:
    chance = random.Random(seed)
    order = list(range(len(entries)))
    chance.shuffle(order)
    order += order[: chance.randint(0, len(order))]  # some come twice
    cuts = sorted(chance.randint(0, len(order)) for _ in range(4))
    return [entries[order[a:b]] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]


@settings(max_examples=150, deadline=None)
@given(_entries(), st.integers(0, 2**32))
def test_any_order_of_arrival_gives_the_answers_of_the_rule(entries: NDArray[np.void], seed: int) -> None:
    sets = ReferenceSets()
    assert sum(sets.insert(portion) for portion in in_portions(entries, seed)) >= len(np.unique(entries))
    found = ask(sets)
    at = 0
    for key in [0, *KEYS, 77]:
        for valid in range(-1, 5):
            for known in [(0, -1), (0, 0), (0, 2), (1, -1), (1, 1), (1, 3), (2, 0)]:
                expected = sum(is_listed(entries, key, which, valid, known) << which for which in range(len(LISTS)))
                assert found[at] == expected
                for which in (0, 1, 9) if known == (1, 1) else ():
                    proof = sets.in_force(key, which, valid, known)
                    assert (len(proof) > 0) == bool(expected >> which & 1)
                at += 1


@settings(max_examples=50, deadline=None)
@given(_entries(), st.integers(0, 2**32), st.integers(0, 2**32))
def test_states_of_several_partitions_merge_into_one(entries: NDArray[np.void], one: int, other: int) -> None:
    """Each partition has applied a part of the log, numbers its sources its own way, and snapshots what it has."""
    names = [("registry.lists", 0), ("registry.credit-refusals", 0)]
    parts = []
    for seed in (one, other):
        sets = ReferenceSets()
        numbers = [sets.source(*name) for name in (names if seed == one else reversed(names))]
        for portion in in_portions(entries, seed)[:4]:
            portion = portion.copy()
            portion["source"] = np.array(numbers if seed == one else numbers[::-1], np.uint16)[portion["source"]]
            sets.insert(portion)
        parts.append({name: array.copy() for name, array in sets.state().items()})
    merged = ReferenceSets.restore(parts[0])
    merged.merge(parts[1])
    merged.merge(parts[0])
    alone = ReferenceSets()
    assert [alone.source(*name) for name in names] == [0, 1]
    for seed in (one, other):
        for portion in in_portions(entries, seed)[:4]:
            alone.insert(portion)
    np.testing.assert_array_equal(ask(merged), ask(alone))
    for key in KEYS:
        held, expected = merged.entries(key), alone.entries(key)
        names_of = [
            [sets.sources[source] for source in some["source"]] for sets, some in ((merged, held), (alone, expected))
        ]
        assert sorted(zip(names_of[0], held["offset"], held["number"], strict=True)) == sorted(
            zip(names_of[1], expected["offset"], expected["number"], strict=True)
        )


def entry(key: int, valid_from: int, recorded: int, **said: int) -> NDArray[np.void]:
    made = np.zeros(1, ENTRY)
    made["key"], made["valid_from"], made["epoch"], made["action"] = key, valid_from, recorded, SET
    made["valid_to"], made["offset"] = NO_TIME, recorded
    for name, value in said.items():
        made[name] = value
    return made


def on(sets: ReferenceSets, key: int, valid_at: int, known_at: int) -> bool:
    found = sets.lookup(np.array([key], np.uint64), np.array([valid_at]), np.array([[known_at, 0]]))
    return bool(found[0] >> REFUSAL & 1)


def test_what_comes_later_is_hidden_from_what_was_known_before() -> None:
    sets = ReferenceSets()
    sets.insert(entry(5, valid_from=10, recorded=100))
    assert not on(sets, 5, valid_at=50, known_at=99)
    assert on(sets, 5, valid_at=50, known_at=100)
    assert not on(sets, 5, valid_at=9, known_at=100)
    sets.insert(entry(5, valid_from=40, recorded=200, action=WITHDRAWN))
    assert on(sets, 5, valid_at=50, known_at=199)
    assert not on(sets, 5, valid_at=50, known_at=200)
    assert on(sets, 5, valid_at=39, known_at=200)


def test_an_appeal_upheld_takes_the_entry_back_from_when_it_is_known() -> None:
    sets = ReferenceSets()
    sets.insert(entry(5, valid_from=10, recorded=100))
    sets.insert(entry(5, valid_from=10, recorded=200, appeal=APPEALS.index("upheld")))
    assert on(sets, 5, valid_at=50, known_at=150)
    assert not on(sets, 5, valid_at=50, known_at=250)


def test_the_entries_that_decide_name_their_places_in_the_log() -> None:
    sets = ReferenceSets()
    source = sets.source("registry.credit-refusals", 3)
    sets.insert(entry(5, valid_from=10, recorded=100, source=source, number=7))
    sets.insert(entry(5, valid_from=20, recorded=300, source=source, number=8, sequence=4))
    (proof,) = sets.in_force(5, REFUSAL, 30, (400, 0))
    assert (sets.sources[proof["source"]], proof["offset"], proof["number"]) == (
        ("registry.credit-refusals", 3),
        300,
        8,
    )
    (proof,) = sets.in_force(5, REFUSAL, 30, (299, 0))
    assert proof["number"] == 7


def test_a_party_is_on_the_lists_of_its_person_and_of_its_account() -> None:
    sets = ReferenceSets()
    sets.insert(np.concatenate([entry(5, 0, 0, list=1, number=1), entry(6, 0, 0, list=2), entry(7, 0, 0, list=3)]))
    rows = np.zeros(2, EVENT)
    rows["payer"], rows["payer_account"], rows["phone"] = [5, 9], [6, 6], [0, 7]
    rows["occurred_at"], rows["epoch"] = 5, 5
    assert sets.of_events(rows, 0b1111).tolist() == [[0b110, 0, 0, 0], [0b100, 0, 0, 0b1000]]
    assert sets.of_events(rows, 0b1000).tolist() == [[0, 0, 0, 0], [0, 0, 0, 0b1000]]


def test_many_entries_stay_within_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are merged up to a limit; every key is still found, and no other."""
    monkeypatch.setattr(references, "LARGEST_RUN", 1 << 14)
    count, bulk = 100_000, 1_000
    entries = np.zeros(count, ENTRY)
    entries["key"] = np.random.default_rng(1).integers(1, 2**64, count, np.uint64)
    entries["action"], entries["valid_to"] = SET, NO_TIME
    entries["offset"], entries["number"] = np.arange(count) // bulk, np.arange(count) % bulk
    sets = ReferenceSets()
    for start in range(0, count, bulk):
        assert sets.insert(entries[start : start + bulk]) == bulk
    assert sets.insert(entries[:5_000]) == 0
    assert len(sets) == count
    assert sets.memory_bytes < 40 * count
    assert len(sets._runs) < 24
    times = np.zeros(count, np.int64), np.zeros((count, 2), np.int64)
    assert (sets.lookup(entries["key"], *times) == 1).all()
    assert (sets.lookup(entries["key"] + np.uint64(1), *times) == 0).all()


def test_entries_of_another_shape_or_an_unknown_list_are_refused() -> None:
    sets = ReferenceSets()
    with pytest.raises(ValueError, match="dtype ENTRY"):
        sets.insert(np.zeros(2, EVENT))
    with pytest.raises(ValueError, match="of list 99"):
        sets.insert(np.concatenate([entry(5, 0, 0), entry(5, 0, 1, list=99)]))
    assert len(sets) == 0
    with pytest.raises(ValueError, match="format 9"):
        ReferenceSets.restore(sets.state() | {"format": np.array([9, 0])})
