"""The words of a payment's purpose, as the hashes that stand in an event row and in a lexicon."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from rules.events import word_hash

_WORD: Final = re.compile(r"[^\W\d_]{3,}")


def first_words(purpose: str) -> tuple[int, int, int, int]:
    """Hashes of the first four words of three letters or more, 0 where there are fewer."""
    words = _WORD.findall(unicodedata.normalize("NFC", purpose).casefold())[:4]
    first, second, third, fourth = [*map(word_hash, words), 0, 0, 0, 0][:4]
    return first, second, third, fourth
