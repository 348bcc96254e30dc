"""Words of a purpose: however they are written, the same hashes come out."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from rules.events import word_hash
from rules.words import first_words


def test_words_are_letters_in_small_composed_form() -> None:
    assert first_words("Взнос №17 за ПАЙ, ЖАРНА (2026) ещё") == tuple(map(word_hash, ["взнос", "пай", "жарна", "ещё"]))
    assert first_words("Төлем") == (word_hash("төлем"), 0, 0, 0)
    assert first_words("е\u0308лка и\u0306од")[:2] == (word_hash("ёлка"), word_hash("йод"))
    assert first_words("12 № -") == (0, 0, 0, 0)


@given(st.one_of(st.text(max_size=60), st.text(alphabet="Взнос на ІҢжарна-пай_1 ёЁ", max_size=60)))
def test_composed_and_decomposed_letters_are_the_same(purpose: str) -> None:
    assert first_words(unicodedata.normalize("NFD", purpose)) == first_words(unicodedata.normalize("NFC", purpose))
