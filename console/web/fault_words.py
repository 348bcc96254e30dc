"""Says a fault of a rulebook file in the reader's language: rules/ speaks English, to authors and in commands alike."""

from __future__ import annotations

import re
from typing import Final

from console.texts import Language, Texts

_BELOW: Final = "faults."
_LONGEST: Final = 500  # of a message: what is longer has an author's text in it, and is shown as it is
_WHOLLY: Final = "rest"  # a value that has to be put into words itself, else the text would be half of each language


class FaultWords:
    """Recognises what rules/ says by the English texts of console/texts/faults.yaml."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        keys = [key for key in texts if key.startswith(_BELOW)]
        # The text with most of its own words first: "{field}: {rest}" fits nearly everything.
        patterns = [(key, _pattern(texts, key)) for key in keys]
        self._patterns = sorted(patterns, key=lambda each: -len(re.sub(r"\(\?P<.*?\)", "", each[1].pattern)))

    def __call__(self, language: Language, message: str) -> str | None:
        """The message in this language; None where no text is known for it.

        >>> from console.texts import load
        >>> FaultWords(load())("ru", "unknown name 'event.amuont'")
        "неизвестное имя 'event.amuont'"
        """
        if len(message) > _LONGEST:
            return None
        for key, pattern in self._patterns:
            found = pattern.fullmatch(message)
            if found is None:
                continue
            values = {name: self(language, value) or value for name, value in found.groupdict().items()}
            if _WHOLLY not in values or self(language, found[_WHOLLY]) is not None:
                return self._texts(language, key, **values)
        return None


def _pattern(texts: Texts, key: str) -> re.Pattern[str]:
    marked = texts("en", key, **{name: f"@@{name}@@" for name in texts.placeholders(key)})
    return re.compile(re.sub(r"@@(\w+)@@", r"(?P<\1>.+)", re.escape(marked)), re.DOTALL)
