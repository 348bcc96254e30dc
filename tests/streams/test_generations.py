"""Generations of the rulebook: refused whole when wrong, and in force by append time and number."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.generations import LEAD_MS, Generation, GenerationRefused, Generations
from tests.rules.small import documents


def generation(number: int, effective_at: int, **others: object) -> Generation:
    made = Generation.new(
        documents(), generation=number, effective_at=effective_at, activated_by="officer", now=effective_at - LEAD_MS
    )
    return made.model_copy(update=others)


def test_it_travels_whole() -> None:
    first = generation(1, 1_000_000)
    again = Generation.from_record(first.to_record())
    assert again == first
    assert again.rulebook().digest == first.digest


def test_compaction_keeps_generations_apart_and_unites_the_same() -> None:
    first = generation(1, 1_000_000)
    assert first.key().startswith(b"1-")
    assert Generation.from_record(first.to_record()).key() == first.key()
    assert generation(1, 2_000_000).key() != first.key()


def test_an_instant_that_is_too_near_is_refused() -> None:
    with pytest.raises(GenerationRefused, match="at least 10 s"):
        Generation.new(documents(), generation=1, effective_at=10_000 + 999, activated_by="x", now=1_000)


def test_a_rulebook_with_errors_is_refused_whole_and_says_why() -> None:
    broken = documents(("payer.payees_1d >= 3", "payer.nothing >= 3"))
    with pytest.raises(GenerationRefused) as refused:
        Generation.new(broken, generation=1, effective_at=20_000, activated_by="x", now=0)
    assert "typologies/T90-test.yaml:19:11" in str(refused.value)
    assert refused.value.problems


@pytest.mark.parametrize(
    "value",
    [b"", b"{}", b"[1]", b"\xff", b"null", b'{"generation": 1}', b"[" * 100_000],
)
def test_what_is_no_generation_is_refused(value: bytes) -> None:
    with pytest.raises(GenerationRefused):
        Generation.from_record(value)


def test_a_changed_document_is_refused() -> None:
    said = json.loads(generation(1, 1_000_000).to_record())
    said["documents"]["rulebook.yaml"] += "# changed"
    with pytest.raises(GenerationRefused, match="digest"):
        Generation.from_record(json.dumps(said).encode())
    said = json.loads(generation(1, 1_000_000).to_record()) | {"shadow": True}
    with pytest.raises(GenerationRefused, match="shadow"):
        Generation.from_record(json.dumps(said).encode())


def test_the_highest_number_whose_instant_has_come_is_in_force() -> None:
    known = Generations([generation(1, 1_000_000), generation(2, 5_000_000), generation(3, 2_000_000)])
    at = [0, 999_999, 1_000_000, 1_999_999, 2_000_000, 9_000_000]
    assert [known.in_force(instant).generation for instant in at] == [1, 1, 1, 1, 3, 3]
    assert known.in_force_at(np.array(at)).tolist() == [1, 1, 1, 1, 3, 3]


def test_the_same_number_with_other_content_is_refused() -> None:
    known = Generations([generation(1, 1_000_000)])
    known.add(generation(1, 1_000_000))
    with pytest.raises(GenerationRefused, match="other content"):
        known.add(generation(1, 2_000_000))
    assert known.in_force(3_000_000).effective_at == 1_000_000


def test_without_any_nothing_is_in_force() -> None:
    with pytest.raises(KeyError):
        Generations().in_force(1)


@given(st.permutations([(1, 100_000), (2, 900_000), (3, 300_000), (4, 300_000)]), st.integers(0, 1_000_000))
def test_the_order_in_which_they_are_read_changes_nothing(order: list[tuple[int, int]], at: int) -> None:
    one = GENERATIONS[1, 100_000]
    known = Generations(GENERATIONS[number, effective] for number, effective in order)
    due = [number for number, effective in order if effective <= at]
    assert known.in_force(at).generation == (max(due) if due else one.generation)


GENERATIONS = {
    (number, at): generation(number, at) for number, at in [(1, 100_000), (2, 900_000), (3, 300_000), (4, 300_000)]
}
