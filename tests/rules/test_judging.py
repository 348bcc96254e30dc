"""What a rulebook says about a batch: the same as row by row, as the slow evaluator, and however the batch is cut."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import machine
from rules.conditions import lexicon_place
from rules.events import EVENT, FACT_KINDS, KINDS, NO_TIME, Events
from rules.judged import Judged
from rules.names import STATISTICS
from rules.references import LISTS
from rules.risk import combine, parts
from rules.rulebook import Rulebook
from tests.rules import slow


@cache
def rulebook() -> Rulebook:
    return Rulebook.load()


def random_rows(rng: np.random.Generator, size: int) -> Events:
    rows = np.zeros(size, EVENT)
    rows["kind"], rows["channel"] = rng.integers(0, len(KINDS), size), rng.choice([0, 1, 3, 4, 255], size)
    rows["payer_kind"], rows["payee_kind"] = rng.integers(0, 5, size), rng.integers(0, 5, size)
    rows["flags"] = rng.integers(0, 512, size)
    rows["amount"] = rng.choice([300_000, 2_500_000, 4_900_000, 99_000_000, 290_000_000, 450_000_000], size)
    rows["currency"] = rng.choice([b"KZT", b"KZT", b"USD", b"XXX"], size)
    rows["occurred_at"] = 1_767_225_600_000 + rng.integers(0, 90 * 86_400_000, size)
    for field in ("sim_changed_at", "payer_account_opened_at", "payee_account_opened_at"):
        before = rows["occurred_at"] - rng.integers(-86_400_000, 400 * 86_400_000, size)
        rows[field] = np.where(rng.random(size) < 0.4, NO_TIME, before)
    words = [0, *(np.flatnonzero(table)[0] for table in rulebook().catalogue.lexicons)]
    rows["words"] = rng.choice(words, (size, 4), p=[0.8] + [0.2 / (len(words) - 1)] * (len(words) - 1))
    for field in ("payer", "payee", "device", "phone"):
        rows[field] = rng.integers(0, 4, size)
    for field in ("payer_region", "payee_region"):
        rows[field] = rng.choice([0, 10, 75, 255], size)
    for field in ("payer_institution", "payee_institution"):
        rows[field] = rng.choice([b"", b"CASPKZKA", b"HSBKKZKX"], size)
    rows["amount_kzt"] = rulebook().amounts_in_tenge(rows)
    return rows


def random_parts(rng: np.random.Generator, size: int) -> tuple[Any, Any, Any]:
    def some(*shape: int) -> Any:
        values = rng.choice([0, 0.2, 0.95, 1, 3, 5, 12, 40, 150, 90_000, 600_000], (size, *shape))
        return np.where(rng.random((size, *shape)) < 0.1, math.nan, values)

    return some(len(rulebook().features)), some(4, len(STATISTICS)), np.minimum(some(2), 1.0)


def judged(seed: int, size: int) -> Judged:
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, size)
    lists = rng.integers(0, 1 << len(LISTS), (size, 4)).astype(np.uint32)
    return rulebook().judge(rows, rulebook().applicable(rows), *random_parts(rng, size), lists)


def named(result: Judged, i: int) -> tuple[dict[str, Any], dict[str, bool]]:
    """The values of all names for one row, as the slow evaluator wants them."""
    book = rulebook()
    columns = book.catalogue.columns(result.rows[i : i + 1])[0]
    row: dict[str, Any] = {}
    for name, known in book.catalogue.names.items():
        if known.type == "words":
            continue
        operation, place = book.catalogue.places[name]
        if operation == machine.EVENT_COLUMN:
            value = float(columns[place])
        elif operation == machine.FEATURE:
            value = float(result.values[i, place])
        elif operation == machine.MODEL:
            value = float(result.scores[i, place])
        elif operation == machine.LISTED:
            value = float(int(result.lists[i, place >> 5]) >> (place & 31) & 1)
        else:
            value = float(result.statistics[i, place >> 5, place & 31])
        if math.isnan(value):
            row[name] = None
        elif known.type == "text":
            row[name] = known.options[int(value)]
        else:
            row[name] = bool(value) if known.type == "truth" else value
    lexicons = {
        place.removeprefix("lexicon:"): bool(columns[at])
        for place, (_, at) in book.catalogue.places.items()
        if place == lexicon_place(place.removeprefix("lexicon:"))
    }
    return row, lexicons


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_catalogue_is_judged_as_the_slow_evaluator_judges_it(seed: int) -> None:
    book, result = rulebook(), judged(seed, 40)
    applies = book.applies(result.needed)
    for i in range(len(result.rows)):
        row, lexicons = named(result, i)
        for t, compiled in enumerate(book.compiled):
            everything = row | {name: parameter.value for name, parameter in compiled.parameters.items()}
            possible = slow.judge(compiled.when.text, everything, lexicons) is not False
            if everything["event.kind"] in FACT_KINDS:
                possible &= everything["event.kind"] in compiled.when.text
            assert applies[i, t] == possible
            total = 0.0
            for place, (signal, expression) in enumerate(zip(compiled.typology.signals, compiled.signals, strict=True)):
                said = slow.judge(expression.text, everything, lexicons) if applies[i, t] else False
                state = int(result.signals[i, book.signal_of[t]][place])
                assert state == (2 if said is None else int(said)), (expression.text, row)
                total += signal.weight * (state == 1)
            assert result.score[i, t] == pytest.approx(min(total, 1.0))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 59))
def test_how_a_batch_is_cut_changes_nothing(seed: int, cut: int) -> None:
    book, whole = rulebook(), judged(seed, 60)
    for part in (slice(0, cut), slice(cut, 60), slice(None, None, 3)):
        again = book.judge(
            whole.rows[part],
            whole.needed[part],
            whole.values[part],
            whole.statistics[part],
            whole.scores[part],
            whole.lists[part],
        )
        np.testing.assert_array_equal(again.score, whole.score[part])
        np.testing.assert_array_equal(again.signals, whole.signals[part])


def test_a_score_of_exactly_the_threshold_alerts() -> None:
    # 0.45 + 0.15 + 0.1 is 0.7000000000000001 in floats, and 0.6 + 0.1 a little less than 0.7: thousandths are exact.
    scores = np.unique(judged(7, 4_000).score)
    assert set(np.round(scores * 1000).astype(int) / 1000) == set(scores)


def test_an_empty_batch_is_judged() -> None:
    result = judged(1, 0)
    assert result.score.shape == (0, len(rulebook().typologies))
    assert combine(rulebook(), result, result.scores).shape == (0,)


@pytest.mark.parametrize(
    ("instant", "hour", "weekday", "day"),
    [("2026-01-31T18:59:59.999", 23, 6, 31), ("2026-01-31T19:00", 0, 7, 1), ("2024-02-28T20:00", 1, 4, 29),
     ("1999-12-31T18:00", 23, 5, 31), ("2026-06-01T00:00", 5, 1, 1)],
)  # fmt: skip
def test_local_time(instant: str, hour: int, weekday: int, day: int) -> None:
    rows = np.zeros(1, EVENT)
    rows["occurred_at"] = np.datetime64(instant, "ms").astype(np.int64)
    columns = rulebook().catalogue.columns(rows)[0]
    places = rulebook().catalogue.places
    told = [columns[places[f"event.{name}"][1]] for name in ("hour", "weekday", "day")]
    assert told == [hour, weekday, day]


def test_dated_values_are_those_of_the_event() -> None:
    rows = np.zeros(4, EVENT)
    instants = ["2023-12-31T18:59", "2025-12-31T18:59", "2025-12-31T19:00", "2027-06-01T00:00"]
    rows["occurred_at"] = np.array(instants, "datetime64[ms]").astype(np.int64)
    place = rulebook().catalogue.places["threshold.mrp"][1]
    np.testing.assert_array_equal(rulebook().catalogue.columns(rows)[:, place], [math.nan, 3932, 4325, math.nan])


def test_foreign_amounts_become_tenge_by_the_rate_of_their_day() -> None:
    rows = np.zeros(5, EVENT)
    rows["amount"] = [10_000, 10_000, 10_000, 10_000, 10_000]
    rows["currency"] = [b"KZT", b"USD", b"USD", b"JPY", b"XXX"]
    instants = ["2025-06-01", "2024-06-01", "2025-06-01", "2025-06-01", "2025-06-01"]
    rows["occurred_at"] = np.array(instants, "datetime64[ms]").astype(np.int64)
    np.testing.assert_array_equal(rulebook().amounts_in_tenge(rows), [10_000, 4_700_000, 5_200_000, 3_500_000, 0])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_risk_rises_with_every_part_and_stays_in_its_bounds(seed: int) -> None:
    book, rng, result = rulebook(), np.random.default_rng(seed), judged(seed, 30)
    risk = combine(book, result, result.scores)
    assert ((risk >= 0) & (risk <= 1)).all()
    t = int(rng.integers(len(book.typologies)))
    higher = result.score.copy()
    higher[:, t] = np.minimum(1, higher[:, t] + rng.choice([0.001, 0.1, 0.5]))
    more = Judged(
        higher,
        result.signals,
        result.rows,
        result.needed,
        result.values,
        result.statistics,
        result.scores,
        result.lists,
    )
    assert (combine(book, more, result.scores) >= risk - 1e-12).all()
    rarer = np.minimum(1.0, np.nan_to_num(result.scores) + rng.random(result.scores.shape) * 0.1)
    assert (combine(book, result, rarer) >= risk - 1e-12).all()


def test_risk_is_what_its_parts_say() -> None:
    book, result = rulebook(), judged(3, 200)
    each = parts(book, result, result.scores)
    assert each.shape == (200, len(book.typologies) + 2)
    np.testing.assert_allclose(combine(book, result, result.scores), 1 - np.prod(1 - each, axis=1))
    alerting = result.score >= book.alert_at
    assert (each[:, : len(book.typologies)][alerting] >= book.risk.at_alert - 1e-12).all()


def test_the_digest_tells_any_change() -> None:
    documents = dict(rulebook().documents)
    assert Rulebook.from_documents(documents).digest == rulebook().digest
    documents["rulebook.yaml"] += "\n"
    assert Rulebook.from_documents(documents).digest != rulebook().digest
