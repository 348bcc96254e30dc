"""The audit log: who did what to what and why, append-only, each entry's hash covering the one before it.

The chain shows a change, a deletion and a reordering of entries. That the last of them were cut off shows only in a
signed head that was kept elsewhere: console/audit_heads.py.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection, insert, select

from console.store.actor import Actor
from console.store.tables import audit
from console.store.upserts import chunks
from streams.evidence.signing import canonical

BEGINNING: Final = "0" * 64  # what the first entry has for the hash before it
_COVERED: Final = (
    "number",
    "at",
    "actor",
    "role",
    "action",
    "object_kind",
    "object_id",
    "reason",
    "detail",
    "request_id",
)
_LONGEST_REASON: Final = 2_000

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)  # set by the web server for each request

Fault = Literal["changed", "missing", "out_of_place"]


@dataclass(frozen=True, slots=True)
class System:
    """The console itself as an actor: what happens without anybody asking for it."""

    username: str = "console"
    role: str = "system"
    permissions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person who is not signed in yet, as an actor of the entry that says so."""

    username: str
    role: str
    permissions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Break:
    """The first entry of a chain that is not as it was written."""

    number: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class Chain:
    """What a walk along the whole chain found: its last whole entry, and where it breaks, if it does."""

    entries: int
    last_number: int
    last_hash: str
    broken: Break | None


def write(
    connection: Connection,
    actor: Actor,
    action: str,
    object_kind: str,
    object_id: object,
    reason: str | None = None,
    **detail: Any,
) -> int:
    """Add an entry in the caller's transaction (`Store.writing`: one writer at a time) and return its number.

    `action` is a verb in the past with its area in front (`alert.closed`), `detail` holds tokens, numbers and codes:
    no personal data, and no fractions, of which there is no one form.
    """
    last = connection.execute(select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)).first()
    number, previous = (last.number + 1, last.hash) if last is not None else (1, BEGINNING)
    entry: dict[str, Any] = {
        "number": number,
        "at": time.time_ns() // 1_000_000,
        "actor": actor.username,
        "role": actor.role,
        "action": action,
        "object_kind": object_kind,
        "object_id": str(object_id),
        "reason": None if reason is None else reason[:_LONGEST_REASON],
        "detail": canonical(detail).decode(),
        "request_id": request_id.get(),
    }
    connection.execute(insert(audit).values(**entry, previous=previous, hash=_hash(previous, entry)))
    return number


def walk(connection: Connection) -> Chain:
    """Compute the whole chain anew; it stops at the first entry that is not as it was written."""
    number, previous = 0, BEGINNING
    query = select(audit).order_by(audit.c.number).execution_options(yield_per=1_000)
    for row in connection.execute(query).mappings():
        entry = dict(row)
        fault = _fault(entry, number + 1, previous)
        if fault is not None:
            return Chain(number, number, previous, Break(number + 1 if fault == "missing" else entry["number"], fault))
        number, previous = entry["number"], entry["hash"]
    return Chain(number, number, previous, None)


def hashes_of(connection: Connection, numbers: list[int]) -> Mapping[int, str]:
    """The hashes of some entries, by number; what is not there is left out."""
    found: dict[int, str] = {}
    for some in chunks(numbers):
        rows = connection.execute(select(audit.c.number, audit.c.hash).where(audit.c.number.in_(some)))
        found.update({row.number: row.hash for row in rows})
    return found


def _fault(entry: Mapping[str, Any], number: int, previous: str) -> Fault | None:
    if entry["number"] != number:
        return "missing"
    if entry["previous"] != previous:
        return "out_of_place"
    return None if entry["hash"] == _hash(previous, entry) else "changed"


def _hash(previous: str, entry: Mapping[str, Any]) -> str:
    covered = {name: entry[name] for name in _COVERED}
    return hashlib.sha256(previous.encode() + canonical(covered)).hexdigest()
