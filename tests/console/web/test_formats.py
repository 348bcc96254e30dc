"""Money and instants are written as Babel writes them, only sooner: its patterns are too slow for hundreds a page."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from babel.dates import format_datetime
from babel.numbers import parse_pattern
from hypothesis import given
from hypothesis import strategies as st

from console.texts import LANGUAGES, Language
from console.web.formats import KAZAKHSTAN, Formats

FORMATS = {language: Formats(language) for language in LANGUAGES}
DECADES = st.integers(0, 4_000_000_000_000)  # ms: until 2096


@pytest.mark.parametrize("language", LANGUAGES)
@given(tiyn=st.integers(-(10**18), 10**18))
def test_money(language: Language, tiyn: int) -> None:
    form = FORMATS[language]
    said = parse_pattern("#,##0.00").apply(Decimal(tiyn) / 100, form.locale)
    assert form.money(tiyn) == f"{said}\u00a0₸"


@pytest.mark.parametrize("language", LANGUAGES)
@given(moment=DECADES)
def test_instants(language: Language, moment: int) -> None:
    form, at = FORMATS[language], datetime.fromtimestamp(moment / 1000, KAZAKHSTAN)
    whole = format_datetime(at, "d MMM y, HH:mm:ss", locale=form.locale)
    assert form.instant(moment).striptags() == whole
    assert form.instant(moment, seconds=False).striptags() == whole[:-3]
    assert form.day(moment).striptags() == format_datetime(at, "d MMM y", locale=form.locale)
    assert f'title="{whole}"' in form.ago(moment, 0)
