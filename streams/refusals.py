"""What becomes of a record that is not admitted: the refusal that its publisher is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from streams.contracts.fields import from_milliseconds
from streams.contracts.rejected import RejectedEvent
from streams.contracts.source import Source
from streams.decode import Rejected
from streams.sources import SourceTopic

# Where a topic takes its writers' clocks, a record may carry any time; a refusal must still be writable.
_LAST_INSTANT: Final = 253_402_300_799_999


class SourceRecord(Protocol):
    """What Kafka clients call a record, as far as it is used here."""

    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...


class _Claim(msgspec.Struct):
    publisher: str = ""


_decode_claim = msgspec.json.Decoder(_Claim).decode


def _answering(source: SourceTopic, value: bytes) -> str:
    """Who is told of a refusal: where several share a topic, the one that the record names, if it is among them."""
    if len(source.publishers) > 1:
        try:
            claimed = _decode_claim(value).publisher
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return source.owner
        return claimed if claimed in source.publishers else source.owner
    return source.owner


def refused(
    record: SourceRecord, refusal: Rejected, source: SourceTopic | None, topic: str, partition: int
) -> RejectedEvent:
    """The refusal of a record of this place, for whoever published it; it repeats nothing of what the record holds."""
    value = record.value or b""
    return RejectedEvent(
        type="rejected",
        institution=None if source is None else _answering(source, value),
        reason=refusal.reason,
        path=refusal.path,
        message=refusal.message,
        source=Source(topic=topic, partition=partition, offset=record.offset),
        appended_at=from_milliseconds(min(max(0, record.timestamp), _LAST_INSTANT)),
        size=len(value),
        sha256=hashlib.sha256(value).hexdigest(),
    )
