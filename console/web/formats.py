"""Money, instants, numbers and text from outside, as a person of one language reads them."""

from __future__ import annotations

import functools
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.numbers import (
    NumberPattern,
    format_compact_decimal,
    format_decimal,
    get_decimal_symbol,
    get_group_symbol,
    get_minus_sign_symbol,
    parse_pattern,
)
from markupsafe import Markup, escape

from console.texts import Language

KAZAKHSTAN: Final = timezone(timedelta(hours=5))  # one time in the whole country since 1 March 2024
_NO_BREAK: Final = "\u00a0"
_SPACED: Final[NumberPattern] = parse_pattern(f"#,##0.#{_NO_BREAK}%")
_PERCENT: Final[dict[Language, NumberPattern]] = {"kk": _SPACED, "ru": _SPACED, "en": parse_pattern("#,##0.#%")}
_LONGEST: Final = 2_000
_DAYS: Final = 4_096  # whose names are kept: ten years
_LEAST_SHARE: Final = 0.0005
_RECENT: Final = timedelta(days=7)
# Letters that show nothing or turn the direction of others: control, format, surrogate, private use; line separators.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\ue000-\uf8ff\U000e0000-\U000e0fff]"
)


class Formats:
    """How one language writes values. Instants are ms UTC, money is tiyn; None is shown as a dash."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.locale = Locale(language)
        self._group, self._point = get_group_symbol(self.locale), get_decimal_symbol(self.locale)
        self._minus = get_minus_sign_symbol(self.locale)
        # Pages say hundreds of instants of a few days, and what Babel takes to write a day is a tenth of their time.
        self._written_day = functools.lru_cache(maxsize=_DAYS)(self._write_day)

    def money(self, tiyn: int | None) -> str:
        """An amount in tenge.

        >>> Formats("ru").money(123456750), Formats("en").money(-5)
        ('1\\xa0234\\xa0567,50\\xa0₸', '-0.05\\xa0₸')
        """
        if tiyn is None:
            return "–"
        tenge, rest = divmod(abs(tiyn), 100)
        minus = self._minus if tiyn < 0 else ""
        return f"{minus}{f'{tenge:,}'.replace(',', self._group)}{self._point}{rest:02}{_NO_BREAK}₸"

    def money_in_short(self, tiyn: int) -> str:
        """An amount in tenge to three digits or so, for the axis of a picture.

        >>> Formats("ru").money_in_short(123456750), Formats("en").money_in_short(-5_000_00)
        ('1,2\\xa0млн\\xa0₸', '-5K\\xa0₸')
        """
        said = format_compact_decimal(round(tiyn / 100), locale=self.locale, fraction_digits=1)
        return f"{said}{_NO_BREAK}₸"

    def number(self, value: float | int | Decimal | None, places: int | None = None) -> str:
        """A number with the language's separators; with `places` digits behind the comma, else at most three.

        >>> Formats("ru").number(1234567), Formats("en").number(0.5, 2)
        ('1\\xa0234\\xa0567', '0.50')
        """
        if value is None:
            return "–"
        if places is None:
            return format_decimal(value, locale=self.locale)
        return format_decimal(value, f"#,##0.{'0' * places}" if places else "#,##0", locale=self.locale)

    def percent(self, share: float | None) -> str:
        """A share of one; what would be rounded to nothing is told to be less than a thousandth.

        >>> Formats("ru").percent(0.125), Formats("en").percent(0.125), Formats("kk").percent(1)
        ('12,5\xa0%', '12.5%', '100\xa0%')
        >>> Formats("en").percent(0.0003), Formats("en").percent(0.0)
        ('< 0.1%', '0%')
        """
        if share is None:
            return "–"
        if 0 < share < _LEAST_SHARE:
            return f"< {self.percent(2 * _LEAST_SHARE)}"
        return str(_PERCENT[self.language].apply(round(share, 3) + 0.0, self.locale))

    def instant(self, moment: int | None, *, seconds: bool = True) -> Markup:
        """Day and time in Kazakhstan, as a <time> that also says the exact instant."""
        return self._time(moment, ", %H:%M:%S" if seconds else ", %H:%M")

    def day(self, moment: int | None) -> Markup:
        """The day in Kazakhstan."""
        return self._time(moment, "")

    def period(self, text: str) -> str:
        """A year, month or day that is written as ISO 8601 writes it.

        >>> [Formats("ru").period(each) for each in ("2026", "2026-11", "2026-11-24")]
        ['2026', 'нояб. 2026', '24 нояб. 2026']
        """
        if len(text) == 4:
            return text
        first = date.fromisoformat(f"{text}-01"[:10])
        return format_date(first, "LLL y" if len(text) == 7 else "d MMM y", locale=self.locale)

    def ago(self, moment: int | None, now: int) -> Markup:
        """How long ago, or in how long, to the nearest unit; the exact time is the <time>'s title.

        What is more than a week away is said as a day: "a year ago" tells nobody which.

        >>> Formats("en").ago(0, 60_000).striptags(), Formats("en").ago(0, 31_536_000_000).striptags()
        ('1 minute ago', '1 Jan 1970')
        """
        if moment is None:
            return Markup("–")
        away = timedelta(milliseconds=moment - now)
        at = datetime.fromtimestamp(moment / 1000, KAZAKHSTAN)
        day = self._written_day(at.date())
        said = format_timedelta(away, add_direction=True, locale=self.locale) if abs(away) <= _RECENT else day
        title = f"{day}, {at:%H:%M:%S}"
        return Markup(f'<time datetime="{_iso(moment)}" title="{title}">{escape(said)}</time>')  # noqa: S704 - ours

    def _time(self, moment: int | None, clock: str) -> Markup:
        if moment is None:
            return Markup("–")
        at = datetime.fromtimestamp(moment / 1000, KAZAKHSTAN)
        said = f"{self._written_day(at.date())}{at.strftime(clock)}"
        return Markup(f'<time datetime="{_iso(moment)}">{said}</time>')  # noqa: S704 - ours

    def _write_day(self, day: date) -> Markup:
        return escape(format_date(day, "d MMM y", locale=self.locale))


def outside(text: object, longest: int = _LONGEST) -> Markup:
    """Text that somebody else wrote: escaped, set apart, and with what would not be seen in it made visible.

    What is longer than `longest` letters is behind a box that shows it: by CSS, so that no script is needed.

    >>> outside("<b>\\u202egpj")
    Markup('<bdi class="outside">&lt;b&gt;<span class="hidden-letter">U+202E</span>gpj</bdi>')
    """
    if text is None:
        return Markup("–")
    whole = unicodedata.normalize("NFC", str(text))
    shown = _visible(whole[:longest])
    if len(whole) > longest:
        more = Markup('<label class="cut">… +{}<input type="checkbox"></label><span class="rest">{}</span>')
        shown += more.format(len(whole) - longest, _visible(whole[longest:]))
    return Markup('<bdi class="outside">{}</bdi>').format(shown)


def shortened(text: str, longest: int) -> str:
    """Text for where no markup can be, such as a choice: cut, and without what would not be seen in it.

    >>> shortened("\\u202eabc", 2), shortened("ab", 2)
    ('ab…', 'ab')
    """
    plain = _HIDDEN.sub("", text)
    return plain if len(plain) <= longest else f"{plain[:longest]}…"


def _visible(text: str) -> Markup:
    parts, rest = [], 0
    for found in _HIDDEN.finditer(text):
        parts.append(escape(text[rest : found.start()]))
        parts.append(Markup('<span class="hidden-letter">U+{}</span>').format(f"{ord(found[0]):04X}"))
        rest = found.end()
    return Markup("").join([*parts, escape(text[rest:])])


def short_token(token: str) -> str:
    """A token as people tell it from others on a page: the id of its key, its beginning and its end.

    >>> short_token("k1:00112233445566778899aabbccddeeff"), short_token("k1:0011223344556677")
    ('k1:001122…eeff', 'k1:001122…6677')
    """
    key_id, _, digits = token.partition(":")
    return f"{key_id}:{digits[:6]}…{digits[-4:]}" if len(digits) > 12 else token


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="seconds")
