"""Structured logs as JSON lines, with a last guard that lets nothing through that looks like personal data."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from streams.contracts.fields import check_digit_is_valid

REMOVED: Final = "[removed]"
_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])[0-9]{12,19}(?![0-9A-Za-z])")
_IBAN: Final = re.compile(r"(?<![0-9A-Za-z])KZ[0-9]{2}[0-9A-Z]{16}(?![0-9A-Za-z])")
_PHONE: Final = re.compile(r"(?<![0-9A-Za-z])\+[1-9][0-9]{9,14}(?![0-9])")


def _number(found: re.Match[str]) -> str:
    """Identifiers of people and companies, and card numbers; other long numbers (instants, offsets) stay."""
    digits = found.group()
    if len(digits) == 12:
        return REMOVED if check_digit_is_valid(digits) else digits
    return REMOVED if len(digits) >= 15 and _luhn(digits) else digits


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def without_personal_data(text: str) -> str:
    """The text with identifiers, accounts, phones and card numbers taken out.

    >>> without_personal_data("payer 791028302728 at 1768000000000")
    'payer [removed] at 1768000000000'
    """
    return _PHONE.sub(REMOVED, _IBAN.sub(REMOVED, _NUMBER.sub(_number, text)))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return without_personal_data(value)
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [_clean(each) for each in value]
    return value


def guard(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: nothing that looks like personal data leaves, under whatever key."""
    return {key: _clean(value) for key, value in event.items()}


def configure_logs(level: int = logging.INFO) -> None:
    """JSON lines on standard error, for structlog and for the libraries' own loggers alike."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        guard,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=last,
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("aiokafka", "faust", "mode", "kafka"):
        logging.getLogger(name).setLevel(logging.WARNING)
