"""Turns a template and its values into HTML in one of the three languages."""

from __future__ import annotations

import functools
import hashlib
import secrets
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from console.texts import LANGUAGES, Language, Texts
from console.web import formats
from console.web.fault_words import FaultWords

FOLDER: Final = Path(__file__).parent
STATIC: Final = FOLDER / "static"


class Renderer:
    """One environment a language, so that filters and `t` need not be told which."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self._fault_words = FaultWords(texts)
        self.versions = {
            file.relative_to(STATIC).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()[:12]
            for file in STATIC.rglob("*")
            if file.is_file()
        }
        self._environments = {language: self._environment(language) for language in LANGUAGES}

    def render(self, language: Language, template: str, values: dict[str, Any]) -> str:
        """The HTML; `jinja2.UndefinedError` where the template asks for a value that is not there."""
        return self._environments[language].get_template(template).render(values)

    def static(self, name: str) -> str:
        """The address of a static file, with its content's hash: browsers keep it until it changes.

        Raises:
            KeyError: there is no such file.
        """
        return f"/static/{name}?v={self.versions[name]}"

    def _environment(self, language: Language) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # else each page asks the disk after each of its templates
        )
        form = formats.Formats(language)
        environment.filters |= {
            "money": form.money,
            "money_in_short": form.money_in_short,
            "number": form.number,
            "percent": form.percent,
            "instant": form.instant,
            "day": form.day,
            "ago": form.ago,
            "period": form.period,
            "outside": formats.outside,
            "shortened": formats.shortened,
            "short_token": formats.short_token,
        }
        environment.globals |= {
            "t": functools.partial(self.texts, language),
            "has_text": self.texts.__contains__,
            "in_words": functools.partial(self._fault_words, language),
            "language": language,
            "languages": LANGUAGES,
            "static": self.static,
            "once": functools.partial(secrets.token_urlsafe, 12),  # what console/web/once.py tells forms by
        }
        return environment
