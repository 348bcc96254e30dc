"""Texts in the three languages of the center, with values of the event put into them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Language = Literal["kk", "ru", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("kk", "ru", "en")
Sentence = Annotated[str, StringConstraints(min_length=2, max_length=2_000, strip_whitespace=True)]

_UNKNOWN: Final = {"kk": "белгісіз", "ru": "неизвестно", "en": "unknown"}
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


class Strict(BaseModel):
    """What every part of a rulebook file is: unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Texts(Strict):
    """One text in Kazakh, Russian and English."""

    kk: Sentence
    ru: Sentence
    en: Sentence

    def of(self, language: Language) -> str:
        text: str = getattr(self, language)
        return text

    def placeholders(self) -> list[tuple[Language, int, str]]:
        """Every `{name}` in the texts: language, position of the name, name."""
        return [
            (language, found.start(1), found.group(1).strip())
            for language in LANGUAGES
            for found in _PLACEHOLDER.finditer(self.of(language))
        ]

    def render(self, value: Callable[[str], tuple[float | str | None, str]]) -> dict[Language, str]:
        """The texts with each `{name}` replaced by its value, written as the language writes it."""

        def rendered(language: Language) -> str:
            return _PLACEHOLDER.sub(lambda found: written(*value(found.group(1).strip()), language), self.of(language))

        return {language: rendered(language) for language in LANGUAGES}


def written(value: float | str | None, unit: str, language: Language) -> str:
    """A value as a reader of the language expects it.

    >>> written(1234567.0, "tenge", "en"), written(0.934, "share", "ru"), written(2.5, "days", "ru")
    ('1,234,567', '93 %', '2,5')
    """
    if isinstance(value, str):
        return value
    if value is None or not math.isfinite(value):
        return _UNKNOWN[language]
    if unit == "share":
        return f"{value * 100:.0f}%" if language == "en" else f"{value * 100:.0f} %"
    if unit == "tail":
        # A tail of 0.9996 said in per cent would round to "100 %", which it is not.
        text = f"{math.floor(value * 100_000) / 100_000:.5f}".rstrip("0").rstrip(".")
    else:
        text = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"
    # A no-break space between thousands, so that an amount is never cut in two.
    return text if language == "en" else text.replace(",", "\u00a0").replace(".", ",")
