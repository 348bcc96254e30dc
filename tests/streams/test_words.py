"""Examples of the rulebook read purposes as intake does: otherwise a lexicon would work in tests and not in life."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rules.examples import first_words
from streams import admission


@given(st.one_of(st.text(max_size=60), st.text(alphabet="Взнос на ІҢжарна-пай_1 ёЁ", max_size=60)))
def test_words_of_a_purpose_are_the_same(purpose: str) -> None:
    assert tuple(first_words(purpose)) == tuple(admission.first_words(purpose))
