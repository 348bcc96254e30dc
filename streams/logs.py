"""Structured logs, one JSON object a line, with a last guard that lets no personal data through.

No code logs identities on purpose. The guard is for the exception text that quotes an input, the client library that
prints a record, the hurried debugging line: what looks like an IIN or BIN, an account, a phone or a card number is
replaced, whatever key it hides under, by a word that says what it was. Not by its hash: IINs are few enough to try.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import types
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog

from streams.contracts.fields import check_digit_is_valid

PERSONAL_KEYS: Final = frozenset({
    "id", "iin", "bin", "name", "first_name", "last_name", "patronymic", "phone", "account", "iban", "card", "pan",
    "purpose", "ip", "address", "payer", "payee", "event", "record", "value", "body", "transaction",
})  # fmt: skip
"""Keys of our contracts whose value is dropped whatever it looks like, unless it is a number or a flag."""

_WORDS: Final = "event"  # structlog's own key for the message: a constant text, which is searched like any other value
_DEEPEST: Final = 6
_LONGEST: Final = 8_192  # characters of one value that are searched; the rest is cut off

# One number each, also with the spaces, dots and dashes that people write; never a piece of a longer number or token.
_IBAN: Final = re.compile(r"(?<![0-9A-Za-z])KZ[ -]?\d{2}(?:[ -]?[0-9A-Za-z]){16}(?![0-9A-Za-z])", re.IGNORECASE)
_PHONE: Final = re.compile(
    r"(?<![\w.])(?:\+|00)?[78][ \-.(]{0,2}[67]\d{2}[ \-.)]{0,2}\d{3}[ \-.]?\d{2}[ \-.]?\d{2}(?!\d)"
)
_ABROAD: Final = re.compile(r"(?<![\w+])\+\d(?:[ \-.()]{0,2}\d){8,13}(?!\d)")
_DIGITS: Final = re.compile(r"(?<![0-9A-Fa-f])\d(?:[ -]?\d){11,18}(?![0-9A-Fa-f])")

_ISSUERS: Final = "2345689"  # first digits of payment cards; 1 is how milliseconds since 1970 begin

__all__ = ["PERSONAL_KEYS", "configure_logs", "guard", "guarded"]


def _is_card(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 * (doubled > 9)
    return total % 10 == 0 and digits[0] in _ISSUERS


def _number(found: re.Match[str]) -> str:
    digits = re.sub(r"[ -]", "", found.group())
    if len(digits) == 12 and check_digit_is_valid(digits):
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
        # Of a long traceback the end says most. Cut where no number is cut in two.
        text = f"{text[: _LONGEST // 2].rpartition(' ')[0]} … {text[-_LONGEST // 2 :].partition(' ')[2]}"
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
    try:
        return guarded(repr(value))
    except Exception:  # a log line must not fail because of what it tells about
        return f"[{type(value).__name__}]"


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
    for name in ("aiokafka", "faust", "mode", "kafka"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # logging's own complaints print the line that failed, unguarded
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda failed: _log_uncaught(failed.exc_type, failed.exc_value, failed.exc_traceback)


def _log_uncaught(
    kind: type[BaseException], error: BaseException | None, traceback: types.TracebackType | None
) -> None:
    """Python's own way to report an uncaught exception is to print it as it is."""
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    structlog.get_logger("uncaught").critical("uncaught exception", exc_info=(kind, error, traceback))
