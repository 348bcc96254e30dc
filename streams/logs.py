"""Structured logs, one JSON object a line, with a last guard that lets no personal data through.

No code logs identities on purpose. The guard is for the exception text that quotes an input, the client library that
prints a record, the hurried debugging line: what looks like an IIN or BIN, an account, a phone or a card number is
replaced, whatever key it hides under, by a word that says what it was. Not by its hash: IINs are few enough to try.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog

PERSONAL_KEYS: Final = frozenset({
    "id", "iin", "bin", "name", "first_name", "last_name", "patronymic", "phone", "account", "iban", "card", "pan",
    "purpose", "ip", "address", "payer", "payee", "event", "record", "value", "body", "transaction",
})  # fmt: skip
"""Keys of our contracts whose value is dropped whatever it looks like, unless it is a number or a flag."""

_WORDS: Final = "event"  # structlog's own key for the message: a constant text, which is searched like any other value
_DEEPEST: Final = 6
_LONGEST: Final = 8_192  # characters of one value that are searched; the rest is cut off

# One number each, also with the spaces, dots and dashes that people write. Not inside a longer run of digits or letters.
_IBAN: Final = re.compile(r"(?<![0-9A-Za-z])KZ[ -]?\d{2}(?:[ -]?[0-9A-Za-z]){16}(?![0-9A-Za-z])", re.IGNORECASE)
_PHONE: Final = re.compile(
    r"(?<![\w.])(?:\+|00)?[78][ \-.(]{0,2}[67]\d{2}[ \-.)]{0,2}\d{3}[ \-.]?\d{2}[ \-.]?\d{2}(?!\d)"
)
_ABROAD: Final = re.compile(r"(?<![\w+])\+\d(?:[ \-.()]{0,2}\d){8,13}(?!\d)")
_DIGITS: Final = re.compile(r"(?<![0-9A-Fa-f])\d(?:[ -]?\d){11,18}(?![0-9A-Fa-f])")

_WEIGHTS: Final = ((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2))

__all__ = ["PERSONAL_KEYS", "configure_logs", "guard", "guarded"]


def _is_iin_or_bin(digits: str) -> bool:
    numbers = [int(digit) for digit in digits]
    for weights in _WEIGHTS:
        check = sum(weight * number for weight, number in zip(weights, numbers, strict=False)) % 11
        if check < 10:
            return check == numbers[11]
    return False


def _is_card(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 * (doubled > 9)
    return total % 10 == 0 and digits[0] != "0"


def _number(found: re.Match[str]) -> str:
    digits = re.sub(r"[ -]", "", found.group())
    if len(digits) == 12 and _is_iin_or_bin(digits):
        return "[id]"
    if len(digits) >= 13 and _is_card(digits):
        return "[card]"
    return found.group()


def guarded(text: str) -> str:
    """The text without what looks like personal data.

    >>> guarded("no history of 791028302728, call +7 701 123 45 67")
    'no history of [id], call [phone]'
    >>> guarded("offset 791028302727 of tx.CASPKZKA")
    'offset 791028302727 of tx.CASPKZKA'
    """
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + "…"
    text = _IBAN.sub("[account]", text)
    text = _PHONE.sub("[phone]", text)
    text = _ABROAD.sub("[phone]", text)
    return _DIGITS.sub(_number, text)


def _clean(value: Any, depth: int = 0) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        # A number may be an identity too, but only as a whole: 12 digits with a check digit, or a card.
        text = str(value)
        cleaned = guarded(text)
        return value if cleaned == text else cleaned
    if isinstance(value, str):
        return guarded(value)
    if depth >= _DEEPEST:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {guarded(str(key)): _value(str(key), inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner, depth + 1) for inner in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return guarded(repr(value))


def _value(key: str, value: Any, depth: int) -> Any:
    if key.lower() in PERSONAL_KEYS and not isinstance(value, bool | int | float | None):
        return "[dropped]"
    return _clean(value, depth)


def guard(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor: last before rendering, so that it also sees the text of exceptions."""
    del logger, method
    return {guarded(key): _clean(value) if key == _WORDS else _value(key, value, 0) for key, value in line.items()}


def configure_logs(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send our lines and those of the libraries, guarded, as JSON to `stream` (standard error by default)."""
    shared: list[Callable[..., Any]] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Callable[..., Any]] = [
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        guard,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=repr),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
