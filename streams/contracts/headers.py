"""Record headers: those of CloudEvents 1.0 in binary mode, and the center's own.

| header | meaning |
| --- | --- |
| ce_specversion, ce_id, ce_source, ce_type, ce_time | CloudEvents 1.0 in binary mode; optional on what comes in |
| content-type | application/json |
| traceparent, tracestate | W3C Trace Context, handed on unchanged |
| af-history: N | this record belongs to a replay of history opened at N, milliseconds since 1970 in decimal digits |
| af-control: open, close | with af-history and an empty value: the replay opens or closes in this partition |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from streams.contracts.fields import FUTURE_MS, instant, write_instant
from streams.contracts.reasons import FieldError, Reason

SPECVERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"
HISTORY: Final = "af-history"
CONTROL: Final = "af-control"
TRACE: Final = ("traceparent", "tracestate")

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """The CloudEvents attributes of one record."""

    id: str
    source: str
    type: str
    time: datetime | None = None
    specversion: str = SPECVERSION


def cloud_event_type(name: str) -> str:
    """`ce_type` of one of our contracts.

    >>> cloud_event_type("transaction")
    'kz.antifraud.transaction.v1'
    """
    return f"kz.antifraud.{name}.v1"


def cloud_event_source(institution: str) -> str:
    """`ce_source` of what an institution publishes."""
    return f"urn:bic:{institution}"


CENTER: Final = "urn:antifraud:center"  # ce_source of what the center publishes


def write(event: CloudEvent, *, trace: Iterable[tuple[str, bytes]] = ()) -> Headers:
    """Headers of a record in binary mode; of `trace`, the W3C ones are handed on."""
    headers = [
        ("ce_specversion", event.specversion.encode()),
        ("ce_id", event.id.encode()),
        ("ce_source", event.source.encode()),
        ("ce_type", event.type.encode()),
        ("content-type", CONTENT_TYPE.encode()),
    ]
    if event.time is not None:
        headers.append(("ce_time", write_instant(event.time).encode()))
    headers.extend((name, value) for name, value in trace if name in TRACE)
    return headers


def read(headers: Iterable[tuple[str, bytes]]) -> CloudEvent | None:
    """The CloudEvents attributes, or None where the record has none; `FieldError` where they are incomplete."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name.startswith("ce_") and value is not None:
            try:
                found[name[3:]] = value.decode()
            except UnicodeDecodeError:
                raise FieldError(Reason.BAD_HEADER, "a ce_ header is not UTF-8") from None
    if not found:
        return None
    if not all(found.get(name) for name in ("specversion", "id", "source", "type")):
        raise FieldError(Reason.BAD_HEADER, "ce_specversion, ce_id, ce_source and ce_type belong together")
    time = instant(found["time"]) if "time" in found else None
    return CloudEvent(found["id"], found["source"], found["type"], time, found["specversion"])


def write_history(epoch: int, control: Literal["open", "close"] | None = None) -> Headers:
    """Headers that mark a record of a replayed history, or its opening and closing."""
    headers = [(HISTORY, str(epoch).encode())]
    if control is not None:
        headers.append((CONTROL, control.encode()))
    return headers


def read_history(
    headers: Sequence[tuple[str, bytes]], appended_at: int
) -> tuple[int | None, Literal["open", "close"] | None]:
    """Epoch and control of a record's headers, (None, None) for a live one; `FieldError` where they have no sense.

    An epoch of the distant future would hold up every live event until then, so it is refused.
    """
    epoch: int | None = None
    control: Literal["open", "close"] | None = None
    for name, value in headers:
        if name == HISTORY:
            if value is None or not value.isdigit() or len(value) > 15 or epoch is not None:
                raise FieldError(Reason.BAD_HEADER, "af-history must be milliseconds since 1970, once")
            epoch = int(value)
        elif name == CONTROL:
            if value not in (b"open", b"close") or control is not None:
                raise FieldError(Reason.BAD_HEADER, "af-control must be open or close, once")
            control = "open" if value == b"open" else "close"
    if epoch is not None and epoch > appended_at + FUTURE_MS:
        raise FieldError(Reason.BAD_HEADER, "af-history must not be more than one hour after the append time")
    if control is not None and epoch is None:
        raise FieldError(Reason.BAD_HEADER, "af-control needs af-history")
    return epoch, control
