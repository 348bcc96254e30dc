"""Judged events as rows of operations, thousands at a time, and what each day brought at each institution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from console.feed import alerts, tokens
from console.feed.records import DAY_MS, LOCAL_OFFSET_MS, Reader, Record
from console.store import recalls
from console.store.tables import activity, operations
from console.store.upserts import Row, add, put
from rules.events import FIRST_FACT, LATE, PARTY_KINDS, Events
from streams import frames
from streams.following import FINDING
from streams.verdicts import NEW

_KEYS: Final = ("payer", "payee", "device", "phone", "payer_account", "payee_account")
_PLAIN: Final = (
    *("offset", "occurred_at", "appended_at", "kind", "channel", "flags", "purpose_code"),
    *("payer_region", "payee_region"),
)
_PRESENT: Final = range(1, len(PARTY_KINDS))
Day = tuple[int, str]  # of Kazakhstan's calendar counted from 1970, institution


class JudgedRows(NamedTuple):
    """What one record says that is new."""

    rows: list[Row]
    tokens: dict[str, str]  # text → kind
    found: list[tuple[str, str]]  # (institution, event_id) of those with a finding
    days: dict[Day, tuple[int, int, int]]  # transactions, of them late, tiyn
    next_number: int


@dataclass(slots=True)
class Judged:
    """What some records say that is new."""

    numbers: dict[int, int]  # of the next event of each partition
    rows: list[Row] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    found: list[tuple[str, str]] = field(default_factory=list)
    days: Counter[tuple[int, str, int]] = field(default_factory=Counter)  # the figures of JudgedRows.days one by one


def read(reader: Reader, records: Sequence[Record], numbers: Mapping[int, int]) -> Judged:
    """What was judged; `numbers` has the next event's number of each partition as the store knows it."""
    read = Judged(dict(numbers))
    for record in records:
        try:
            some = rows_of(record, read.numbers.get(record.partition, 0), reader)
        except frames.FrameError:
            reader.unreadable[record.topic] += 1
            continue
        read.numbers[record.partition] = some.next_number
        read.rows += some.rows
        read.tokens |= some.tokens
        read.found += some.found
        for (day, institution), figures in some.days.items():
            read.days.update({(day, institution, place): figure for place, figure in enumerate(figures)})
    return read


def project(connection: Connection, reader: Reader, judged: Judged) -> None:
    """Store what was judged."""
    add(connection, operations, judged.rows)
    tokens.know(connection, judged.tokens)
    _count(connection, judged.days)
    if judged.rows:
        recalls.match_returns(connection, judged.rows)
    alerts.complete(connection, reader, judged.found)


def rows_of(record: Record, known: int, reader: Reader) -> JudgedRows:
    """The rows of one record of `judged`, without those whose number is below `known`.

    Raises:
        streams.frames.FrameError: it is no frame of this program's.
    """
    if frames.kind_of(record.value) != frames.JUDGED:
        raise frames.FrameError("the frame holds no judged events")
    meta, arrays = frames.decode_arrays(record.value or b"")
    first, events = int(meta["first"]), arrays["rows"]
    after = max(known, first + len(events))
    if first + len(events) <= known or not len(events):
        return JudgedRows([], {}, [], {}, after)
    # Repeats and contradictions are judged too, and say nothing new.
    new = (arrays["state"] == NEW) & (first + np.arange(len(events)) >= known)
    fresh = events[new]
    institutions = [name.decode() for name in fresh["institution"].tolist()]
    event_ids = [name.decode() for name in fresh["event_id"].tolist()]
    places = {place: (topic, number) for place, topic, number in meta["sources"]}
    found = np.unique(arrays["findings"].view(FINDING)["row"])
    place_of = np.cumsum(new) - 1
    return JudgedRows(
        _rows(fresh, arrays["risk"][new], institutions, event_ids, places),
        _tokens(fresh, reader),
        [(institutions[i], event_ids[i]) for i in place_of[found[new[found]]].tolist()],
        _days(fresh),
        after,
    )


def _rows(
    events: Events,
    risk: NDArray[np.float64],
    institutions: list[str],
    event_ids: list[str],
    sources: dict[int, tuple[str, int]],
) -> list[Row]:
    places = [sources[place] for place in events["source"].tolist()]
    columns: dict[str, list[Any]] = {
        "event": events["event"].astype(np.int64).tolist(),
        "event_id": event_ids,
        "institution": institutions,
        "topic": [topic for topic, _ in places],
        "partition": [partition for _, partition in places],
        "amount": events["amount_kzt"].tolist(),
        "words": _packed(events["words"]),
        "risk": np.round(risk, 6).tolist(),
    }
    columns |= {name: events[name].tolist() for name in _PLAIN}
    columns |= {name: [key or None for key in events[name].astype(np.int64).tolist()] for name in _KEYS}
    for name in ("payer_institution", "payee_institution"):
        columns[name] = [value.decode() or None for value in events[name].tolist()]
    names = tuple(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _packed(words: NDArray[np.uint16]) -> list[int]:
    """Four hashes as one signed number, the first of them lowest.

    >>> _packed(np.array([[1, 2, 0, 0]], np.uint16)) == [0x0002_0001]
    True
    """
    packed = np.zeros(len(words), np.uint64)
    for place in range(words.shape[1]):
        packed |= words[:, place].astype(np.uint64) << np.uint64(16 * place)
    return [int(number) for number in packed.astype(np.int64)]


def _tokens(events: Events, reader: Reader) -> dict[str, str]:
    """The tokens that this reader has not seen before, with their kinds."""
    kinds: dict[str, str] = {}
    for role in ("payer", "payee"):
        for kind in _PRESENT:
            kinds |= _texts(events[events[f"{role}_kind"] == kind], role, PARTY_KINDS[kind], reader)
    for role in ("device", "phone"):
        kinds |= _texts(events[events[role] != 0], role, role, reader)
    return kinds


def _texts(events: Events, role: str, kind: str, reader: Reader) -> dict[str, str]:
    keys, places = np.unique(events[role], return_index=True)
    rest = dict(zip(keys.tolist(), events[f"{role}_rest"][places].tolist(), strict=True))
    return {reader.tokens.text((key, rest[key])): kind for key in reader.first_told(rest)}


def _days(events: Events) -> dict[Day, tuple[int, int, int]]:
    moved = events[events["kind"] < FIRST_FACT]
    days = (moved["occurred_at"] + LOCAL_OFFSET_MS) // DAY_MS
    figures: dict[Day, tuple[int, int, int]] = {}
    for day in np.unique(days).tolist():
        for institution in np.unique(moved["institution"][days == day]).tolist():
            some = moved[(days == day) & (moved["institution"] == institution)]
            late = int((some["flags"] & LATE != 0).sum())
            figures[day, institution.decode()] = (len(some), late, int(some["amount_kzt"].sum()))
    return figures


def _count(connection: Connection, days: Counter[tuple[int, str, int]]) -> None:
    rows = [
        {
            "day": day,
            "institution": institution,
            **{name: days[day, institution, place] for place, name in enumerate(("events", "late", "amount"))},
        }
        for day, institution in sorted({(day, institution) for day, institution, _ in days})
    ]
    put(connection, activity, rows, adding=("events", "late", "amount"))
