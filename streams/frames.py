"""Frames: facts, references, views and judgements as packed rows on the wire, with the spans and marks they cover.

A frame is one Kafka record: `AF`, a format byte, a header in MessagePack and the rows as raw little-endian numpy
buffers in one LZ4 block. It is compressed here and not by the producer: aiokafka compresses LZ4 at level 9, which costs
6 µs a row where this costs 0.3. The header carries a fingerprint of the row's layout; a frame of another layout is
refused by name and never misread. Frames travel between our own processes only.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

import cramjam
import msgspec
import numpy as np
from numpy.typing import NDArray

from rules.events import EVENT, Events
from rules.references import ENTRY, Entries

FORMAT: Final = 1
_PREFIX: Final = struct.Struct("<2sBBI")  # magic, format, kind, length of the header
_MAGIC: Final = b"AF"

FACTS, CONTROL, VIEWS, JUDGED = 1, 2, 3, 4


class FrameError(ValueError):
    """A record that should hold a frame does not, or holds one of another format."""


class GapError(RuntimeError):
    """A frame that should have come before this one is missing: state can no longer be a function of the log."""


class Span(msgspec.Struct, array_like=True, frozen=True):
    """What a facts frame covers of one source partition: its offsets [start, end) and its mark.

    The mark (`epoch`, `time`) says: everything of this source whose (epoch, order_time) is at or below it was sent in
    this frame or before.
    """

    topic: str
    partition: int
    start: int
    end: int
    epoch: int
    time: int


class FactsHeader(msgspec.Struct, array_like=True, frozen=True):
    layout: str
    spans: list[Span]  # EVENT["source"] of a row, and ENTRY["source"] of a reference, is an index into this list
    count: int
    references: int = 0  # entries of reference sets, behind the rows
    references_layout: str = ""


class ControlHeader(msgspec.Struct, array_like=True, frozen=True):
    """Which sources are known from here on, and which are passed over: (topic, partition) pairs."""

    known: list[tuple[str, int]]
    passed_over: list[tuple[str, int]]


class ArraysHeader(msgspec.Struct, array_like=True, frozen=True):
    """Named arrays behind a small header: views and judgements."""

    meta: dict[str, Any]
    arrays: list[tuple[str, str, list[int]]]  # name, dtype (or "event"), shape


def layout_of(dtype: np.dtype[Any]) -> str:
    """A short fingerprint of a structured dtype: names, types and order."""
    return hashlib.blake2b(repr(dtype.descr).encode(), digest_size=6).hexdigest()


EVENT_LAYOUT: Final = layout_of(EVENT)
ENTRY_LAYOUT: Final = layout_of(ENTRY)

_encode = msgspec.msgpack.Encoder().encode
_facts_header = msgspec.msgpack.Decoder(FactsHeader)
_control_header = msgspec.msgpack.Decoder(ControlHeader)
_arrays_header = msgspec.msgpack.Decoder(ArraysHeader)


def _pack(kind: int, header: Any, *bodies: bytes) -> bytes:
    head = _encode(header)
    body = b"".join(bodies)
    packed = bytes(cramjam.lz4.compress_block(body)) if body else b""
    return b"".join((_PREFIX.pack(_MAGIC, FORMAT, kind, len(head)), head, packed))


def kind_of(value: bytes | None) -> int:
    """FACTS, CONTROL, VIEWS or JUDGED.

    Raises:
        FrameError: the record is not a frame of this format.
    """
    if value is None or len(value) < _PREFIX.size:
        raise FrameError("the record is shorter than a frame's prefix")
    magic, version, kind, _ = _PREFIX.unpack_from(value)
    if magic != _MAGIC:
        raise FrameError("the record does not begin as a frame")
    if version != FORMAT:
        raise FrameError(f"the frame has format {version}, this program reads {FORMAT}")
    return int(kind)


def _split(value: bytes) -> tuple[memoryview, bytes]:
    """The header's bytes and the body, unpacked."""
    start = _PREFIX.size + _PREFIX.unpack_from(value)[3]
    view = memoryview(value)
    try:
        body = bytes(cramjam.lz4.decompress_block(view[start:])) if start < len(value) else b""
    except cramjam.DecompressionError as broken:
        raise FrameError(f"the frame's body cannot be unpacked: {broken}") from None
    return view[_PREFIX.size : start], body


def encode_facts(rows: Events, spans: Sequence[Span], references: Entries | None = None) -> bytes:
    """Pack event rows (dtype EVENT) and entries of reference sets (dtype ENTRY) with the spans that they complete.

    `source` of both indexes `spans`. References go to every partition of `facts`, rows to those of their subjects.
    """
    if references is None or not len(references):
        return _pack(FACTS, FactsHeader(EVENT_LAYOUT, list(spans), len(rows)), rows.tobytes())
    header = FactsHeader(EVENT_LAYOUT, list(spans), len(rows), len(references), ENTRY_LAYOUT)
    return _pack(FACTS, header, rows.tobytes(), references.tobytes())


def decode_facts(value: bytes) -> tuple[FactsHeader, Events]:
    """Unpack the rows of a facts frame, read-only; see `decode_frame`."""
    header, rows, _ = decode_frame(value)
    return header, rows


def decode_frame(value: bytes) -> tuple[FactsHeader, Events, Entries]:
    """Unpack a facts frame: its rows and its references, both read-only.

    Raises:
        FrameError: another layout of rows or references, or a truncated body.
    """
    head, body = _split(value)
    header = _facts_header.decode(head)
    if header.layout != EVENT_LAYOUT:
        raise FrameError(f"the frame's rows have layout {header.layout}, this program's have {EVENT_LAYOUT}")
    if header.references and header.references_layout != ENTRY_LAYOUT:
        raise FrameError(
            f"the frame's references have layout {header.references_layout}, this program's have {ENTRY_LAYOUT}"
        )
    end = header.count * EVENT.itemsize
    if len(body) != end + header.references * ENTRY.itemsize:
        raise FrameError(f"the frame holds {len(body)} bytes for {header.count} rows, {header.references} references")
    return header, np.frombuffer(body, EVENT, header.count), np.frombuffer(body, ENTRY, header.references, end)


def encode_control(known: Sequence[tuple[str, int]], passed_over: Sequence[tuple[str, int]]) -> bytes:
    """Pack the list of known sources."""
    return _pack(CONTROL, ControlHeader(list(known), list(passed_over)))


def decode_control(value: bytes) -> ControlHeader:
    """Unpack a control frame."""
    head, _ = _split(value)
    return _control_header.decode(head)


def encode_arrays(kind: int, meta: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Pack named arrays of any shape; a structured EVENT array is named by its layout."""
    described, bodies = [], []
    for name, array in arrays.items():
        contiguous = np.ascontiguousarray(array)
        dtype = EVENT_LAYOUT if contiguous.dtype == EVENT else contiguous.dtype.str
        described.append((name, dtype, list(contiguous.shape)))
        bodies.append(contiguous.tobytes())
    return _pack(kind, ArraysHeader(meta, described), *bodies)


def decode_arrays(value: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Unpack named arrays; they are read-only.

    Raises:
        FrameError: an EVENT array of another layout.
    """
    head, body = _split(value)
    header = _arrays_header.decode(head)
    arrays: dict[str, NDArray[Any]] = {}
    at = 0
    for name, described, shape in header.arrays:
        if described.startswith(("<", "|", ">")):
            dtype = np.dtype(described)
        elif described == EVENT_LAYOUT:
            dtype = EVENT
        else:
            raise FrameError(f"the rows of {name!r} have layout {described}, this program's have {EVENT_LAYOUT}")
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(body, dtype, count, at).reshape(shape)
        at += count * dtype.itemsize
    return header.meta, arrays
