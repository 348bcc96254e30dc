"""Reads files of events line by line, and tells for each line which topic it goes to.

The topics and what may come on them are those of streams/topics.yaml; whose they are is read from the line.
"""

from __future__ import annotations

import gzip
import heapq
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, cast

import msgspec

from streams.contracts.fields import FUTURE_MS, milliseconds
from streams.topic_declarations import FILE, TopicDeclaration, read

PLACES_SHOWN: Final = 20
NO_TIME: Final = -(2**62)  # older than anything: a line without a readable time takes the time of the line before it
_FIELDS: Final = ("institution", "operator", "publisher")


class Place(NamedTuple):
    """Where a line stands."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Line(NamedTuple):
    """One line of a file: an event, or something that intake will reject with its reason."""

    place: Place
    value: bytes
    topic: str | None  # None where it cannot be told
    occurred_at: int  # milliseconds since 1970


class Address(NamedTuple):
    """What a record says about where it belongs; empty where it says nothing that can be understood."""

    type: str = ""
    institution: str = ""
    operator: str = ""
    publisher: str = ""


class Owner(NamedTuple):
    """Who publishes on a topic, and the field in which a record says so."""

    field: str
    names: tuple[str, ...]


class Routes:
    """Which topic a record belongs to, and who publishes on a topic.

    >>> routes = Routes(read(FILE))
    >>> routes.topic_of(Address("loan", institution="MFOKKZKA")), routes.topic_of(Address("list_entries"))
    ('loans.MFOKKZKA', 'registry.lists')
    >>> routes.owner_of("calls.KCELL"), routes.owner_of("facts")
    (Owner(field='operator', names=('KCELL',)), None)
    """

    def __init__(self, declared: Collection[TopicDeclaration]) -> None:
        sources = [declaration for declaration in declared if declaration.records]
        self._of_type = {kind: each for each in reversed(sources) for kind in each.records if kind != "heartbeat"}
        self._of_field = {field: each for each in reversed(sources) if (field := each.placeholder.strip("{}"))}
        self._of_body = {body: each for each in reversed(sources) for body in each.bodies}
        self._sources = sources

    def topic_of(self, address: Address) -> str | None:
        """By the record's type; where that says nothing, the topic on which its publisher would first be looked for."""
        declaration = self._of_type.get(address.type)
        if declaration is None:
            field = next((name for name in _FIELDS if getattr(address, name)), "")
            declaration = self._of_body.get(address.publisher) if field == "publisher" else self._of_field.get(field)
            if declaration is None:
                return None
        if not declaration.placeholder:
            return declaration.name
        name = getattr(address, declaration.placeholder.strip("{}"))
        return declaration.name.replace(declaration.placeholder, name) if name else None

    def owner_of(self, topic: str) -> Owner | None:
        """Whose a topic is, by its name alone; None where publishers do not write it."""
        for declaration in self._sources:
            if not declaration.placeholder:
                if topic == declaration.name:
                    return Owner("publisher", declaration.bodies)
                continue
            before, after = declaration.name.split(declaration.placeholder)
            if topic.startswith(before) and topic.endswith(after):
                return Owner(declaration.placeholder.strip("{}"), (topic[len(before) : len(topic) - len(after)],))
        return None


@cache
def routes() -> Routes:
    """Those of the center's own topics file."""
    return Routes(read(FILE))


class _Routing(msgspec.Struct):
    """The fields that routing needs; everything else is skipped unread, whatever it is."""

    type: Any = None
    institution: Any = None
    operator: Any = None
    publisher: Any = None
    occurred_at: Any = None


_decode_routing = msgspec.json.Decoder(_Routing).decode
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_ADDRESS = re.compile(rb'"(type|institution|operator|publisher)"\s*:\s*"([A-Za-z0-9_]{1,32})"')


def address_of_broken(value: bytes) -> Address:
    """What a line that is not JSON still says of itself, and not of its parties.

    >>> address_of_broken(b'{"payer":{"institution":"HSBKKZKX"},"institution":"CASPKZKA","amount":').institution
    'CASPKZKA'
    >>> address_of_broken(b'{"payer":{"institution":"HSBKKZKX"},"amount":')
    Address(type='', institution='', operator='', publisher='')
    """
    said: dict[str, str] = {}
    for found in _ADDRESS.finditer(value):
        before = _STRING.sub(b"", value[: found.start()])
        if before.count(b"{") - before.count(b"}") == 1:
            said.setdefault(found[1].decode(), found[2].decode())
    return Address(**said)


def time_of(text: object) -> int | None:
    """The milliseconds since 1970 of an RFC 3339 time, or None where it is not one.

    >>> time_of("2026-11-23T10:00:00.123999+05:00")
    1795410000123
    >>> time_of("2026-11-23T10:00:00") is None
    True
    """
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else milliseconds(moment)


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def read_values(path: Path) -> Iterator[bytes]:
    """The lines of a JSON Lines file, plain or .gz, without their ends and unread; empty lines are passed over."""
    with _open(path) as lines:
        for line in lines:
            value = line.rstrip(b"\r\n")
            if value:
                yield value


def read_lines(path: Path, institution: str | None = None, only: Collection[str] = ()) -> Iterator[Line]:
    """The lines of a JSON Lines file, plain or .gz, read as they are needed; blank lines are passed over.

    `institution`: whose topics all of them go to, whatever they say. `only`: the types to read, all where empty.
    """
    latest = NO_TIME
    # What claims to be of the future will be rejected, and must not make everything after it look late.
    future = int(time.time() * 1000) + FUTURE_MS
    topic_of = routes().topic_of
    with _open(path) as lines:
        for number, line in enumerate(lines, start=1):
            value = line.strip()
            if not value:
                continue
            try:
                said = _decode_routing(value)
                address = Address(*map(_text, (said.type, said.institution, said.operator, said.publisher)))
                occurred_at = time_of(said.occurred_at)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                address, occurred_at = address_of_broken(value), None
            if only and address.type not in only:
                continue
            latest = latest if occurred_at is None or occurred_at > future else occurred_at
            if institution is not None:
                address = Address("loan" if address.type == "loan" else "", institution)
            yield Line(Place(path.name, number), value, topic_of(address), latest)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def read_files(paths: Sequence[Path], institution: str | None = None, only: Collection[str] = ()) -> Iterator[Line]:
    """The lines of all files; several files are merged by time, as if they had been one sorted file."""
    if len(paths) == 1:
        return read_lines(paths[0], institution, only)
    return heapq.merge(*(read_lines(path, institution, only) for path in paths), key=lambda line: line.occurred_at)


@dataclass(slots=True)
class Survey:
    """What a first pass over the files found, before anything is sent."""

    lines: int = 0
    topics: dict[str, int] = field(default_factory=dict)
    unroutable: int = 0
    unroutable_places: list[Place] = field(default_factory=list)  # the first of them
    first: int | None = None
    last: int | None = None
    unsorted: Place | None = None

    @property
    def publishers(self) -> set[str]:
        """Whose topics the lines go to."""
        owners = (routes().owner_of(topic) for topic in self.topics)
        return {name for owner in owners if owner is not None for name in owner.names}

    def involved(self, partitions: Mapping[str, int]) -> dict[str, int]:
        """All source topics of these publishers with their partitions: a replay opens and closes in each of them."""
        publishers = self.publishers
        return {
            topic: count
            for topic, count in sorted(partitions.items())
            if (owner := routes().owner_of(topic)) is not None and publishers.intersection(owner.names)
        }


def survey(
    paths: Sequence[Path], institution: str | None, partitions: Mapping[str, int], only: Collection[str] = ()
) -> Survey:
    """Counts the lines by topic; finds those without one, and the first one that is out of order."""
    found = Survey()
    for path in paths:
        before = NO_TIME
        for line in read_lines(path, institution, only):
            found.lines += 1
            if line.topic is None or line.topic not in partitions:
                found.unroutable += 1
                if len(found.unroutable_places) < PLACES_SHOWN:
                    found.unroutable_places.append(line.place)
                continue
            found.topics[line.topic] = found.topics.get(line.topic, 0) + 1
            if line.occurred_at == NO_TIME:
                continue
            if line.occurred_at < before and found.unsorted is None:
                found.unsorted = line.place
            before = line.occurred_at
            found.first = before if found.first is None else min(found.first, before)
            found.last = before if found.last is None else max(found.last, before)
    return found
