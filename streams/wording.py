"""How the center's records write what they all have: texts, amounts, instants, ids of alerts, headers."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from rules.holds import Words
from streams.contracts import headers
from streams.contracts.text import Text


def text_of(value: bytes) -> str:
    """A fixed-width field as text."""
    return bytes(value).decode()


def text(texts: dict[Any, str]) -> Text:
    """The contract's text from a mapping of languages."""
    return Text(kk=texts["kk"], ru=texts["ru"], en=texts["en"])


def in_three(words: Words) -> Text:
    """A text of the rulebook as contracts write it."""
    return Text(kk=words[0], ru=words[1], en=words[2])


def tenge(tiyn: Any) -> str:
    """Tiyn as a decimal string in tenge.

    >>> tenge(150000050)
    '1500000.50'
    """
    value = int(tiyn)
    return f"{value // 100}.{value % 100:02d}"


def instant(milliseconds: Any) -> datetime:
    """Milliseconds since 1970 as an aware instant in UTC, exact."""
    value = int(milliseconds)
    return datetime.fromtimestamp(value // 1000, UTC).replace(microsecond=value % 1000 * 1000)


def alert_id(institution: str, event_id: str, typology: str, subject: str) -> str:
    """The same finding is always the same alert: 128 bits of a hash; `subject` as `TokenKey.text` writes it."""
    return hashlib.sha256("\x1f".join((institution, event_id, typology, subject)).encode()).hexdigest()[:32]


def headers_of(kind: str, identity: str) -> list[tuple[str, bytes]]:
    """The headers of a record of the center."""
    return headers.write(headers.CloudEvent(identity, headers.CENTER, headers.cloud_event_type(kind)))
