"""Histories equal the slow oracle, and do not depend on how the rows were cut into batches."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rules import history_layout as layout
from rules.events import (
    CHANNELS,
    DAY_MS,
    EVENT,
    FACT_KINDS,
    FIRST_FACT,
    HISTORY,
    KINDS,
    LATE,
    LOAN_SECURED,
    NO_TIME,
    ROLES,
    word_hash,
)
from rules.feature_reading import load_features
from rules.feature_table import FeatureTable
from rules.features import Feature
from rules.history import ENTRY, STATISTICS, Histories, institution_hash
from rules.history_layout import SUBJECT_KINDS
from rules.rulebook_files import PACKAGED, read_documents
from rules.rulebook_reading import Reading
from tests.rules.oracle import Entry, Oracle

TEXT = {"kk": "к", "ru": "р", "en": "e"}
LEXICONS = {"pyramid": ("взнос", "пай", "жарна"), "food": ("нан",)}
WORDS = ("взнос", "жарна", "нан", "сүт")
START = 20_700 * DAY_MS  # a midnight, so that windows end on it
EVERYTHING = (1 << 64) - 1

AGGREGATES_OF: dict[str, list[dict[str, Any]]] = {
    "count": [{"unit": "events"}],
    "sum": [{"unit": "tenge"}],
    "mean": [{"unit": "tenge"}],
    "max": [{"unit": "tenge", "within": "P7D"}],
    "min": [{"unit": "tenge", "within": "P90D"}],
    "distinct": [
        {"unit": "people", "of": of, "within": "P40D"}
        for of in ("counterparty", "region", "institution", "account", "amount")
    ],
    "first_seen": [{"unit": "hours"}, {"unit": "days", "within": "P7D"}],
    "last_seen": [{"unit": "seconds"}, {"unit": "minutes", "within": "PT1H"}],
    "share": [{"unit": "share", "within": "P7D"}],
    "reciprocal": [{"unit": "people", "within": "P30D"}],
}


def subset(names: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)


@st.composite
def declarations(draw: st.DrawFn) -> dict[str, Any]:
    """A document of valid features of every aggregate, with random filters and windows."""
    features = []
    for number in range(draw(st.integers(1, 12))):
        role = draw(st.sampled_from(ROLES))
        aggregate = draw(st.sampled_from(sorted(AGGREGATES_OF)))
        if aggregate == "reciprocal" and role in ("device", "phone"):
            aggregate = "count"
        where: dict[str, Any] = {}
        party = role in ("payer", "payee")
        of_facts = aggregate in ("count", "sum", "max", "first_seen", "last_seen") and draw(st.booleans())
        if of_facts:
            where["kind"] = draw(subset(FACT_KINDS[:3]))
            where |= draw(st.sampled_from([{}, {"direction": "used"}, {"flag": "device_new", "without": "secured"}]))
        elif aggregate != "reciprocal" and draw(st.booleans()):
            where["direction"] = draw(st.sampled_from(["in", "out", ["in", "out"]])) if party else "used"
        if not of_facts and (draw(st.integers(0, 3)) or aggregate == "share"):
            filters: dict[str, st.SearchStrategy[Any]] = {
                "kind": subset(KINDS[:3]),
                "channel": subset(CHANNELS[:3]),
                "amount": st.sampled_from([{"at_least": 100}, {"below": "200.5"}, {"at_least": 50, "below": 300}]),
                "round": st.sampled_from([50, 100]),
                "counterparty": st.sampled_from(["same", "new"]),
                "flag": subset(["device_new", "remote_access"]),
                "without": subset(["secured", "online"]),
                "words": st.sampled_from(sorted(LEXICONS)),
            }
            if party:
                filters["region"] = st.sampled_from(["same", "other"])
            for name in draw(st.lists(st.sampled_from(sorted(filters)), min_size=1, max_size=2, unique=True)):
                where[name] = draw(filters[name])
        feature = {"name": f"{role}.f{number}", "aggregate": aggregate, "where": where, "text": TEXT}
        if draw(st.booleans()):
            feature["within"] = draw(st.sampled_from(["PT1H", "P1D", "P3DT1S", "P30D", "P90D", "local_day"]))
        features.append(feature | draw(st.sampled_from(AGGREGATES_OF[aggregate])))
    return {"features": features}


@st.composite
def events(draw: st.DrawFn, most: int = 60) -> NDArray[np.void]:
    """Rows with ties, late ones, repeats, contradictions, self-transfers and few subjects, so that histories fill."""
    count = draw(st.integers(1, most))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    hours = np.array([0, 1, 2, 24, 9 * 24, 50 * 24, 128 * 24, -1, -24, -128 * 24]) * 3_600_000
    weights = np.array([6, 4, 4, 6, 1, 0.3, 0.3, 2, 1, 0.3])
    rough = draw(st.sampled_from([[0], [0, 1, -1, 60_000]]))  # whole hours fall on midnights and ends of windows
    steps = random.choice(hours, count, p=weights / weights.sum()) + random.choice(rough, count)
    rows = np.zeros(count, dtype=EVENT)
    parties = np.array([0, 2**63 + 5, 11, 12, 13, 2**64 - 1], dtype=np.uint64)
    rows["event"] = np.arange(count, dtype=np.uint64) + np.uint64(2**64 - 40)
    rows["content"] = random.integers(0, 2**64 - 1, count, dtype=np.uint64, endpoint=True)
    rows["occurred_at"] = START + np.cumsum(steps)
    rows["source"], rows["offset"] = random.integers(0, 9, count), np.arange(count) * 3
    facts = draw(st.sampled_from([0.0, 0.4]))
    rows["kind"] = np.where(random.random(count) < facts, FIRST_FACT, 0) + random.integers(0, 4, count)
    rows["channel"] = random.choice([0, 1, 2, 255], count)
    rows["flags"] = random.choice([0, 1, 2, 3, LATE | 1, HISTORY, LOAN_SECURED, LOAN_SECURED | 1], count)
    rows["amount_kzt"] = random.choice([1, 5_000, 10_000, 20_000, 20_050, 33_333, 7], count)
    rows["payer"] = random.choice(parties, count, p=[0.1, 0.5, 0.1, 0.1, 0.1, 0.1])
    rows["payee"] = random.choice(parties, count, p=[0.1, 0.2, 0.4, 0.1, 0.1, 0.1])
    rows["device"] = random.choice(np.array([0, 21, 22], dtype=np.uint64), count)
    rows["phone"] = random.choice(np.array([0, 31, 21], dtype=np.uint64), count)
    for side in ("payer", "payee"):
        rows[f"{side}_rest"] = rows[side] // np.uint64(3)
        rows[f"{side}_kind"] = random.integers(0, 5, count)
        rows[f"{side}_region"] = random.choice([0, 10, 75, 255], count)
        rows[f"{side}_institution"] = random.choice([b"", b"CASPKZKA", b"HSBKKZKXABC"], count)
        rows[f"{side}_account"] = random.choice(np.array([0, 7, 2**40, 2**32 + 1], dtype=np.uint64), count)
        rows[f"{side}_account_opened_at"] = NO_TIME
    hashes = np.array([0, *(word_hash(word) for word in WORDS)], dtype=np.uint16)
    rows["words"] = random.choice(hashes, (count, 4))
    rows["roles"] = random.choice([15, 3, 1, 2], count, p=[0.7, 0.1, 0.1, 0.1])
    for n in range(1, count):
        chance = random.random()
        if chance < 0.15:  # a repeat
            rows[n] = rows[random.integers(0, n)]
        elif chance < 0.25:  # a contradiction
            rows["event"][n] = rows["event"][random.integers(0, n)]
    return rows


def masks(count: int, seed: int) -> NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, 8, count).astype(np.uint64)


def assert_same(found: Any, expected: Any) -> None:
    for name in ("values", "statistics", "verdict"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


def state_bytes(histories: Histories) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in histories.state().items()}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events(), declarations(), st.sampled_from([8, 12, 24]), st.integers(0, 2**32 - 1))
def test_kernel_equals_oracle(rows: NDArray[np.void], document: Any, largest: int, seed: int) -> None:
    features = load_features(document)
    typologies = {feature.name: 1 + n % 7 for n, feature in enumerate(features)}
    needed = masks(len(rows), seed)
    table = FeatureTable.from_declarations(features, LEXICONS, typologies)
    histories = Histories(subjects=8, entries=1, largest=largest)
    oracle = Oracle(largest)

    applied = histories.apply(rows, table, needed)
    values, statistics, verdicts = oracle.apply(rows, features, LEXICONS, typologies, needed)

    np.testing.assert_array_equal(applied.verdict, verdicts)
    for k, name in enumerate(STATISTICS):
        np.testing.assert_array_equal(applied.statistics[:, :, k], statistics[:, :, k], err_msg=name)
    for f, feature in enumerate(features):
        np.testing.assert_array_equal(applied.values[:, f], values[:, f], err_msg=str(feature))
    assert len(histories) == len(oracle.histories)
    for key, history in oracle.histories.items():
        found, expected = histories.entries(key), as_entries(history.held)
        for name in ENTRY.names or ():
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
        subject = histories.subject(key)
        assert subject is not None
        assert subject["kind"] == history.kind
        ever = [entry for entry in history.ever if not entry.is_fact]
        assert subject["first_seen"] == min((entry.occurred_at for entry in ever), default=layout.NOT_SEEN)
        assert subject["facts"] == sum(entry.is_fact for entry in history.held)
        for direction, name in enumerate(("in", "out", "used")):
            amounts = [entry.amount for entry in ever if entry.direction == name]
            assert (subject["counts"][direction], subject["sums"][direction]) == (len(amounts), sum(amounts))


def as_entries(held: list[Entry]) -> NDArray[np.void]:
    """Entries of the oracle as `Histories.entries` would give them."""
    expected = np.zeros(len(held), dtype=ENTRY)
    for row, entry in zip(expected, held, strict=True):
        row["event"], row["occurred_at"], row["amount_kzt"] = entry.event, entry.occurred_at, entry.amount
        row["counterparty"], (row["source"], row["offset"]) = entry.counterparty, entry.position
        row["content"], row["account"], row["words"] = entry.content, entry.account, entry.words
        row["institution"], row["region"] = entry.institution, entry.region
        row["kind"] = KINDS.index(entry.kind)
        row["direction"] = ("in", "out", "used").index(entry.direction)
        row["channel"] = 255 if entry.channel is None else CHANNELS.index(entry.channel)
        row["flags"] = entry.flags | (1 << 15 if entry.new else 0)
    return expected


@functools.cache
def catalogue() -> tuple[Feature, ...]:
    """The features of the packaged catalogue that are of transactions."""
    declared = [feature for _, feature in Reading(read_documents(PACKAGED)).features]
    return tuple(feature for feature in declared if not set(feature.where.kinds) & set(FACT_KINDS))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events(90))
def test_facts_change_nothing_that_is_said_of_transactions(rows: NDArray[np.void]) -> None:
    """Statistics, and the features of the packaged catalogue that are of transactions, with and without facts."""
    lexicons = {feature.where.words for feature in catalogue() if feature.where.words}
    table = FeatureTable.from_declarations(catalogue(), {name: ["взнос", "нан"] for name in lexicons})
    needed = np.ones(len(rows), np.uint64)
    rows["event"] = np.arange(len(rows))
    transactions = rows["kind"] < FIRST_FACT
    found = Histories(subjects=8, entries=1).apply(rows, table, needed)
    expected = Histories(subjects=8, entries=1).apply(rows[transactions], table, needed[transactions])
    np.testing.assert_array_equal(found.values[transactions], expected.values)
    np.testing.assert_array_equal(found.statistics[transactions], expected.statistics)


@functools.cache
def some_features() -> tuple[Feature, ...]:
    where = {"direction": "in", "counterparty": "new"}
    return tuple(
        load_features(
            {
                "features": [
                    {"name": "payee.sum", "aggregate": "sum", "where": {"direction": "in"}, "within": "P30D",
                     "unit": "tenge", "text": TEXT},
                    {"name": "payee.new", "aggregate": "count", "where": where, "within": "P7D",
                     "unit": "people", "text": TEXT},
                    {"name": "payer.both", "aggregate": "reciprocal", "within": "P90D", "unit": "people",
                     "text": TEXT},
                    {"name": "device.people", "aggregate": "distinct", "of": "counterparty", "within": "P90D",
                     "unit": "people", "text": TEXT},
                ]
            }
        )
    )  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events(90), st.lists(st.integers(0, 90), max_size=8), st.integers(0, 90), st.integers(0, 2**32 - 1))
def test_cuts_and_restores_change_no_byte(rows: NDArray[np.void], cuts: list[int], stop: int, seed: int) -> None:
    table = FeatureTable.from_declarations(some_features())
    needed = masks(len(rows), seed)
    whole = Histories(largest=12)
    expected = whole.apply(rows, table, needed)

    parts = Histories(subjects=8, entries=1, largest=12)
    restored = False
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(rows)], strict=True):
        if begin >= stop and not restored:
            written = {name: array.copy() for name, array in parts.state().items()}
            parts, restored = Histories.restore(written, subjects=8, entries=1), True
        applied = parts.apply(rows[begin:end], table, needed[begin:end])
        np.testing.assert_array_equal(applied.values, expected.values[begin:end])
        np.testing.assert_array_equal(applied.statistics, expected.statistics[begin:end])
        np.testing.assert_array_equal(applied.verdict, expected.verdict[begin:end])
    assert state_bytes(parts) == state_bytes(whole)


def test_inner_growth_changes_no_byte() -> None:
    """Tables that start small and double give the bytes of tables that were large enough."""
    count = 9_000
    random = np.random.default_rng(7)
    rows = plain(count)
    rows["payer"], rows["payee"] = random.integers(1, 3_000, count), random.integers(5_000, 9_000, count)
    table = FeatureTable.from_declarations(some_features())
    needed = np.ones(count, dtype=np.uint64)
    roomy, tight = Histories(), Histories(subjects=8, entries=1)
    assert_same(tight.apply(rows, table, needed), roomy.apply(rows, table, needed))
    assert state_bytes(tight) == state_bytes(roomy)
    assert len(tight._index) > 1 << 12
    restored = Histories.restore(tight.state())
    assert state_bytes(restored) == state_bytes(tight)
    assert restored.subject(int(rows["payer"][0])) == tight.subject(int(rows["payer"][0]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([8, 12, 24, 96]))
def test_every_word_of_the_arena_has_one_owner(seed: int, largest: int) -> None:
    """Regions of subjects and free blocks cover what is in use, without overlap and with nothing lost."""
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 600))
    rows = plain(count)
    rows["payer"] = np.minimum(random.zipf(1.3, count), 60)
    rows["payee"] = random.integers(100, 110, count)
    histories = Histories(subjects=8, entries=1, largest=largest)
    histories.apply(rows, FeatureTable.from_declarations([]), np.ones(count, dtype=np.uint64))
    state = histories.state()
    owners = np.zeros(len(state["tags"]), dtype=np.int64)
    for subject in state["subjects"]:
        begin = subject["base"] // layout.UNIT_WORDS
        owners[begin : begin + layout.CLASSES[subject["size_class"]] // layout.UNIT] += 1
    free = 0
    for order, head in enumerate(state["counters"][layout.FREE_HEADS :]):
        while head != layout.NO_BLOCK:
            begin = int(head) // layout.UNIT_WORDS
            assert state["tags"][begin] == order + 1
            owners[begin : begin + (1 << order)] += 1
            free += 1
            head = state["arena"][head]
    assert (owners == 1).all()
    assert np.count_nonzero(state["tags"]) == free


def plain(count: int) -> NDArray[np.void]:
    rows = np.zeros(count, dtype=EVENT)
    rows["event"] = np.arange(count) + 1
    rows["occurred_at"] = START + np.arange(count) * 60_000
    rows["payer"], rows["payee"], rows["roles"] = 1, 2, 15
    rows["amount_kzt"] = 100
    return rows


def test_a_busy_subject_keeps_4096_entries_and_totals() -> None:
    count = 10_000
    rows = plain(count)
    rows["payer"] = np.arange(count) + 10
    common = {"where": {"direction": "in"}, "unit": "tenge", "text": TEXT}
    declared = [
        {"name": f"payee.{aggregate}_{window}", "aggregate": aggregate} | common | within
        for aggregate in ("count", "sum")
        for window, within in (("ever", {}), ("p1d", {"within": "P1D"}), ("p30d", {"within": "P30D"}))
    ]
    table = FeatureTable.from_declarations(load_features({"features": declared}))
    histories = Histories()
    applied = histories.apply(rows, table, np.ones(count, dtype=np.uint64))
    record = histories.subject(2)
    assert record is not None
    assert record["counts"].tolist() == [count, 0, 0]
    assert 4096 - 512 < record["size"] <= 4096
    last = dict(zip(table.names, applied.values[-1], strict=True))
    assert last["payee.count_ever"] == last["payee.count_p30d"] == count
    assert last["payee.count_p1d"] == 1440
    assert last["payee.sum_ever"] == count
    evidence = histories.evidence(2, until=int(rows["occurred_at"][-1]), within_ms=180_000, limit=10)
    assert evidence["event"].tolist() == [10_000, 9_999, 9_998]
    assert histories.evidence(2, until=int(rows["occurred_at"][-1]), within_ms=180_000, limit=2).size == 2


def count_within(within: str) -> FeatureTable:
    where = {"direction": "in"}
    feature = {
        "name": "payee.n",
        "aggregate": "count",
        "where": where,
        "within": within,
        "unit": "events",
        "text": TEXT,
    }
    return FeatureTable.from_declarations(load_features({"features": [feature]}))


def test_a_window_takes_the_days_that_begin_inside_it_from_what_has_left() -> None:
    rows = plain(30)
    rows["occurred_at"] = START + np.arange(30) * DAY_MS
    applied = Histories(largest=8).apply(rows, count_within("P10D"), np.ones(30, dtype=np.uint64))
    assert applied.values[:, 0].tolist() == [*range(1, 11), *[10] * 20]

    rows["occurred_at"] = START  # the whole of it at one midnight
    applied = Histories(largest=8).apply(rows, count_within("P10D"), np.ones(30, dtype=np.uint64))
    assert applied.values[:, 0].tolist() == [*range(1, 31)]


def test_a_late_entry_that_leaves_does_not_disturb_the_newer_day_of_its_bucket() -> None:
    rows = plain(11)
    rows["occurred_at"] = START + 130 * DAY_MS + np.arange(11)
    rows["occurred_at"][9] = START + 2 * DAY_MS  # full by then; it leaves next, into the bucket that day 130 has
    applied = Histories(largest=8).apply(rows, count_within("P90D"), np.ones(11, dtype=np.uint64))
    assert applied.values[-1, 0] == 10


def test_a_second_copy_changes_no_history() -> None:
    rows = plain(3)
    rows["event"] = 1
    rows["content"] = [5 << 32, 5 << 32, 6 << 32]
    histories = Histories(largest=8)
    table = FeatureTable.from_declarations(some_features())
    applied = histories.apply(rows, table, np.ones(3, dtype=np.uint64))
    assert applied.verdict.tolist() == [[1, 1, 0, 0], [2, 2, 0, 0], [3, 3, 0, 0]]
    assert len(histories.entries(1)) == 1
    assert np.isnan(applied.values[1:]).all()
    assert np.isnan(applied.statistics[1:]).all()


def test_a_transfer_to_oneself_is_new_once_and_a_repeat_then() -> None:
    rows = plain(2)
    rows["event"], rows["payee"] = 1, 1
    histories = Histories(largest=8)
    applied = histories.apply(rows, FeatureTable.from_declarations([]), np.ones(2, dtype=np.uint64))
    assert applied.verdict.tolist() == [[1, 1, 0, 0], [2, 2, 0, 0]]
    assert histories.entries(1)["direction"].tolist() == [1, 0]


def test_what_is_not_there_is_empty() -> None:
    histories = Histories(largest=8)
    assert len(histories) == 0
    assert histories.subject(5) is None
    assert 5 not in histories
    assert histories.entries(5).dtype == ENTRY
    assert histories.evidence(5, until=0, within_ms=1, limit=3).size == 0
    empty = histories.apply(np.zeros(0, dtype=EVENT), FeatureTable.from_declarations([]), np.zeros(0, dtype=np.uint64))
    assert empty.values.shape == (0, 0)
    assert SUBJECT_KINDS[5:] == ("device", "phone")


def test_wrong_arrays_are_refused_before_anything_is_applied() -> None:
    histories = Histories(largest=8)
    table = FeatureTable.from_declarations([])
    with pytest.raises(ValueError, match="dtype EVENT"):
        histories.apply(np.zeros(3, dtype=ENTRY), table, np.zeros(3, dtype=np.uint64))
    with pytest.raises(ValueError, match="uint64"):
        histories.apply(plain(3), table, np.zeros(2, dtype=np.uint64))
    assert len(histories) == 0


def test_a_state_of_another_format_or_cut_short_is_refused() -> None:
    histories = Histories(largest=8)
    histories.apply(plain(3), FeatureTable.from_declarations([]), np.ones(3, dtype=np.uint64))
    with pytest.raises(ValueError, match="format"):
        Histories.restore(histories.state() | {"format": np.array([99, 8])})
    with pytest.raises(ValueError, match="arena"):
        Histories.restore(histories.state() | {"arena": histories.state()["arena"][:-1]})


def test_state_is_a_view_and_read_only() -> None:
    histories = Histories(largest=8)
    histories.apply(plain(3), FeatureTable.from_declarations([]), np.ones(3, dtype=np.uint64))
    state = histories.state()
    assert np.shares_memory(state["arena"], histories._arena)
    assert not any(array.flags.writeable for name, array in state.items() if name != "format")


def test_an_institution_has_one_hash_wherever_it_comes_from() -> None:
    rows = plain(1)
    rows["payee_institution"] = b"CASPKZKA"
    histories = Histories(largest=8)
    histories.apply(rows, FeatureTable.from_declarations([]), np.ones(1, dtype=np.uint64))
    assert histories.entries(1)["institution"].tolist() == [institution_hash("CASPKZKA")]
