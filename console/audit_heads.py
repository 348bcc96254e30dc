"""Signed heads of the audit log, also kept in a file outside the store, and the check of a log against them.

A chain of hashes does not stop who can write the database from making it anew, or from cutting off its end. A head
says, signed by the center, that entry N had this hash; whoever keeps the file elsewhere can show that it no longer has.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import structlog
from sqlalchemy import Connection, func, insert, select

from console import audit
from console.store.errors import StoreError
from console.store.opening import Store
from console.store.tables import audit as entries
from console.store.tables import audit_heads
from streams.evidence.signing import ALGORITHM, NotSigned, SigningKey, digest, sign, verify

EVERY_ENTRIES: Final = 100
EVERY_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 2.0

Fault = Literal["changed", "missing", "out_of_place", "cut_off", "rewritten", "head_forged"]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """What was signed of the log: that entry `number` has this hash."""

    number: int
    hash: str
    signed_at: int
    signature: str
    key: str  # the public key, 64 hexadecimal digits

    def signed(self) -> dict[str, object]:
        """The head as a signed document of the center."""
        document = {"type": "audit_head", "number": self.number, "hash": self.hash, "signed_at": self.signed_at}
        signature = {"algorithm": ALGORITHM, "key_id": "", "public_key": self.key, "value": self.signature}
        return {"document": document, "digest": digest(document), "signature": signature}


@dataclass(frozen=True, slots=True)
class Report:
    """What a check of the whole log found; `number` is the first bad entry's."""

    entries: int
    heads: int
    last_number: int
    last_hash: str
    fault: Fault | None = None
    number: int | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None


def sign_head(connection: Connection, key: SigningKey, now: int) -> Head | None:
    """Sign the log's last entry, in the caller's writing transaction; None where that has been done."""
    last = connection.execute(
        select(entries.c.number, entries.c.hash).order_by(entries.c.number.desc()).limit(1)
    ).first()
    if last is None or last.number <= _last_signed(connection):
        return None
    document = {"type": "audit_head", "number": last.number, "hash": last.hash, "signed_at": now}
    value = sign(document, key)["signature"]["value"]
    head = Head(last.number, last.hash, now, value, key.public)
    row = {"number": head.number, "hash": head.hash, "signed_at": now, "signature": value, "key_id": head.key}
    connection.execute(insert(audit_heads).values(**row))
    return head


def stored(connection: Connection, above: int = 0) -> list[Head]:
    """The heads in the store whose number is above the given one, in order."""
    query = select(audit_heads).where(audit_heads.c.number > above).order_by(audit_heads.c.number)
    return [Head(row.number, row.hash, row.signed_at, row.signature, row.key_id) for row in connection.execute(query)]


def read(file: Path) -> list[Head]:
    """The heads of a file, one signed document a line.

    Raises:
        OSError: it cannot be read.
        ValueError: a line of it is no head; says which.
    """
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            signed = json.loads(line)
            document, signature = signed["document"], signed["signature"]
            at = int(document["number"]), str(document["hash"]), int(document["signed_at"])
            found.append(Head(*at, str(signature["value"]), str(signature["public_key"])))
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"line {number} of {file} is no head of an audit log") from None
    return found


def check(connection: Connection, keys: Iterable[str], kept: Iterable[Head] = ()) -> Report:
    """The whole log: its chain, the heads in the store, and those that were kept elsewhere.

    `keys` are the public keys that may have signed heads, as 64 hexadecimal digits.
    """
    chain = audit.walk(connection)
    heads = sorted({*stored(connection), *kept}, key=lambda head: head.number)
    there = audit.hashes_of(connection, [head.number for head in heads])
    known = frozenset(keys)
    faults: list[tuple[int, Fault]] = [(chain.broken.number, chain.broken.fault)] if chain.broken else []
    last = int(connection.scalar(select(func.max(entries.c.number))) or 0)
    for head in heads:
        fault = _fault(head, there.get(head.number), known)
        if fault is not None:
            faults.append((last + 1 if fault == "cut_off" else head.number, fault))
    number, first = min(faults, default=(None, None))
    return Report(chain.entries, len(heads), chain.last_number, chain.last_hash, first, number)


class HeadKeeper:
    """A thread that signs a head every hundred entries, after every minute in which there was one, and at its end."""

    def __init__(self, store: Store, key: SigningKey, file: Path, clock: Callable[[], int]) -> None:
        """`file`: where heads are kept outside the store."""
        self._store = store
        self._key = key
        self._file = file
        self._clock = clock
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-heads", daemon=True)
        self._signed_at = clock()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Sign what is not signed yet, and end."""
        self._over.set()
        self._thread.join()

    def keep(self) -> None:
        """Sign a head, if there are new entries, and bring the file up to date."""
        with self._store.writing() as connection:
            sign_head(connection, self._key, self._clock())
        self._signed_at = self._clock()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        there = read(self._file) if self._file.exists() else []
        with self._store.reading() as connection:
            missing = stored(connection, above=max((head.number for head in there), default=0))
        with self._file.open("a", encoding="utf-8") as out:
            for head in missing:
                out.write(json.dumps(head.signed(), sort_keys=True) + "\n")
            out.flush()
            os.fsync(out.fileno())

    def _run(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            self._try(only_if_due=True)
        self._try(only_if_due=False)

    def _try(self, *, only_if_due: bool) -> None:
        try:
            if not only_if_due or self._due():
                self.keep()
        except (StoreError, OSError, ValueError) as error:
            # The next time everything that is missing is signed and written.
            _log.warning("audit_head_not_kept", error=type(error).__name__)

    def _due(self) -> bool:
        with self._store.reading() as connection:
            unsigned = int(connection.scalar(select(func.max(entries.c.number))) or 0) - _last_signed(connection)
        return unsigned >= EVERY_ENTRIES or (unsigned > 0 and self._clock() - self._signed_at >= EVERY_SECONDS * 1_000)


def _fault(head: Head, there: str | None, keys: frozenset[str]) -> Fault | None:
    try:
        if head.key not in keys:
            return "head_forged"
        verify(head.signed(), head.key)
    except NotSigned:
        return "head_forged"
    if there is None:
        return "cut_off"
    return None if there == head.hash else "rewritten"


def _last_signed(connection: Connection) -> int:
    return int(connection.scalar(select(func.max(audit_heads.c.number))) or 0)
