"""Every word that the console shows a person, in Kazakh, Russian and English: one YAML a page, checked when loaded.

`queue.yaml` with `title: {kk: …, ru: …, en: …}` is the text `queue.title`; keys may be nested. A text may hold
`{name}` placeholders, and where it counts something, forms by `{n}` in the plural categories of its language, in which
the number is written with the language's separators:

    left:
      kk: "{n} ескерту қалды"
      ru: {one: "остался {n} сигнал", few: "осталось {n} сигнала", many: "осталось {n} сигналов", other: "…"}
      en: {one: "{n} alert left", other: "{n} alerts left"}
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from babel import Locale
from babel.numbers import format_decimal

from rules.yaml import parse

Language = Literal["kk", "ru", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("kk", "ru", "en")
FOLDER: Final = Path(__file__).parent
_KEY: Final = re.compile(r"[a-z][a-z0-9_]*")
_CATEGORIES: Final = frozenset({"zero", "one", "two", "few", "many", "other"})

Forms = str | Mapping[str, str]  # a text, or one for each plural category


class TextFault(ValueError):
    """A file of texts that is not as it must be; says file, key and what is wrong."""


class Texts:
    """All texts: `texts("ru", "queue.title", n=3)`."""

    def __init__(self, entries: Mapping[str, Mapping[Language, Forms]]) -> None:
        self._entries = entries
        self._plural = {language: Locale(language).plural_form for language in LANGUAGES}

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __call__(self, language: Language, key: str, /, **values: object) -> str:
        """The text with its placeholders filled.

        Raises:
            KeyError: there is no such text, or a placeholder of it is not given.
        """
        form = self._entries[key][language]
        if not isinstance(form, str):
            count = values["n"]
            category = self._plural[language](count if isinstance(count, int | float) else 0)
            form = form.get(category) or form["other"]
            if isinstance(count, int):
                values["n"] = format_decimal(count, locale=language)
        return form.format_map(values) if values or "{" in form else form

    def placeholders(self, key: str) -> frozenset[str]:
        """The names that a text wants values for."""
        return _placeholders(key, self._entries[key]["en"])


@functools.cache
def load(folder: Path = FOLDER) -> Texts:
    """The texts of a folder's YAML files.

    Raises:
        TextFault: a file is no YAML, a language is missing or empty, or languages want different values.
    """
    entries: dict[str, Mapping[Language, Forms]] = {}
    for file in sorted(folder.glob("*.yaml")):
        document = parse(file.name, file.read_text(encoding="utf-8"))
        if document.root is None or document.problems:
            raise TextFault(f"{file.name}: {'; '.join(str(problem) for problem in document.problems) or 'empty'}")
        entries.update(_entries(file.stem, document.root.plain()))
    return Texts(entries)


def _entries(key: str, value: Any) -> Iterator[tuple[str, Mapping[Language, Forms]]]:
    if not isinstance(value, dict):
        raise TextFault(f"{key}: a text is kk, ru and en")
    if value.keys() & set(LANGUAGES):
        yield key, _checked(key, value)
        return
    for name, below in value.items():
        if not _KEY.fullmatch(name):
            raise TextFault(f"{key}.{name}: keys are small letters, digits and _")
        yield from _entries(f"{key}.{name}", below)


def _checked(key: str, value: Mapping[str, Any]) -> Mapping[Language, Forms]:
    if set(value) != set(LANGUAGES):
        raise TextFault(f"{key}: has {', '.join(value)}; needs exactly kk, ru and en")
    wanted = {language: _placeholders(key, value[language]) for language in LANGUAGES}
    if len(set(wanted.values())) > 1:
        raise TextFault(f"{key}: its languages want different values: {wanted}")
    return {language: value[language] for language in LANGUAGES}


def _placeholders(key: str, forms: Any) -> frozenset[str]:
    if isinstance(forms, str) and forms.strip():
        return frozenset(name for _, name, _, _ in string.Formatter().parse(forms) if name is not None)
    if isinstance(forms, dict) and "other" in forms and set(forms) <= _CATEGORIES:
        return frozenset({"n"}).union(*(_placeholders(key, form) for form in forms.values()))
    raise TextFault(f"{key}: a text is a sentence, or one for each plural category with `other` among them")
