"""Puts invented people, alerts, operations, holds and meters into a store, by the way that Kafka's records take.

feed(store, "suspicious-operations", alert(1, payee=person(7)))
feed_judged(store, [operation("event-1", payer=person(1), payee=person(7), tenge=150_000)])
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np
from sqlalchemy import insert

from console.feed.offsets import Partition, Place, read
from console.feed.projection import JUDGED, store_records
from console.feed.records import Reader, Record
from console.store.keys import signed
from console.store.opening import Store
from console.store.tables import users
from rules.events import CHANNELS, EVENT, KINDS, PARTY_KINDS
from rules.words import first_words
from streams import frames
from streams.contracts.examples import EXAMPLES
from streams.following import FINDING
from streams.sources import SourceTopic
from streams.tokens import Token, demo_keys
from streams.topics import Topics
from streams.verdicts import NEW

TOKENS, VAULT = demo_keys()
CLUSTER: Final = "cluster-of-tests"
NOW: Final = 1_795_410_000_000  # 2026-11-23T05:00:00Z
SOURCE: Final = "tx.CASPKZKA"


class Named(NamedTuple):
    """Somebody or something invented, as facts know it."""

    kind: str  # of rules.events.PARTY_KINDS, or device or phone
    token: Token

    @property
    def text(self) -> str:
        """The token as alerts write it."""
        return TOKENS.text(self.token)

    @property
    def key(self) -> int:
        """The key as the store has it."""
        return signed(self.token.key)


def person(number: int) -> Named:
    """The same for the same number; no real IIN is behind it."""
    return Named("person", TOKENS.token("person", f"invented-person-{number}"))


def company(number: int) -> Named:
    """The same for the same number."""
    return Named("company", TOKENS.token("person", f"invented-company-{number}"))


def device(number: int) -> Named:
    """The same for the same number."""
    return Named("device", TOKENS.token("device", f"invented-device-{number}"))


def phone(number: int) -> Named:
    """The same for the same number."""
    return Named("phone", TOKENS.token("phone", f"invented-phone-{number}"))


def instant(at: int) -> str:
    """An instant in ms UTC as contracts write it."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def document(name: str, **changes: Any) -> dict[str, Any]:
    """The example of a contract, changed."""
    return copy.deepcopy(EXAMPLES[name]) | changes


def alert(
    number: int,
    *,
    payer: Named | None = None,
    payee: Named | None = None,
    with_device: Named | None = None,
    with_phone: Named | None = None,
    typology: str = "T03",
    at: int = NOW,
    tenge: int = 150_000,
    decision: str | None = "hold",
    **changes: Any,
) -> dict[str, Any]:
    """Alert `number` on event `event-<number>`; without parties, of person 1 paying person 2."""
    if payer is None and payee is None:
        payer, payee = person(1), person(2)
    parties = {"payer": payer, "payee": payee, "device": with_device, "phone": with_phone}
    subjects = [{"role": role, "token": named.text} for role, named in parties.items() if named is not None]
    made = document(
        "suspicious_operation",
        alert_id=f"{number:032x}",
        event_id=f"event-{number}",
        occurred_at=instant(at),
        appended_at=instant(at + 200),
        amount=f"{tenge}.00",
        subject="payer" if payee is None else "payee",
        subjects=subjects,
    )
    made["typology"]["id"] = typology
    made |= changes
    made.pop("decision", None)
    return made if decision is None else made | {"decision": decision}


def hold(number: int, *, event: int | None = None, state_number: int = 0, **changes: Any) -> dict[str, Any]:
    """Hold `number`, on `event-<number>` or another event, in its first state unless told."""
    event = number if event is None else event
    names = {"hold_id": f"{number:032x}", "number": state_number, "event_id": f"event-{event}"}
    return document("hold", **names, alert_ids=[f"{event:032x}"]) | changes


def meter(collector: Named, at: int = NOW, index: float = 71.5, **changes: Any) -> dict[str, Any]:
    """A reading of the pyramid meter."""
    kind = {"collector": collector.text, "kind": collector.kind}
    return document("pyramid_meter", **kind, at=instant(at), index=index, above=index >= 50) | changes


def operation(
    event_id: str,
    *,
    payer: Named | None = None,
    payee: Named | None = None,
    with_device: Named | None = None,
    with_phone: Named | None = None,
    tenge: int = 150_000,
    at: int = NOW,
    kind: str = "transfer",
    purpose: str = "",
    found: bool = False,
    institution: str = "CASPKZKA",
    **fields: Any,
) -> dict[str, Any]:
    """A judged event for `feed_judged`; `found`: a typology has found something, `fields` are those of EVENT."""
    made: dict[str, Any] = {
        "event": TOKENS.event_hash(institution, event_id),
        "event_id": event_id.encode(),
        "institution": institution.encode(),
        "epoch": at + 200,
        "occurred_at": at,
        "appended_at": at + 200,
        "generation": 1,
        "kind": KINDS.index(kind),
        "channel": CHANNELS.index("mobile"),
        "amount": tenge * 100,
        "amount_kzt": tenge * 100,
        "currency": b"KZT",
        "words": first_words(purpose),
        "found": found,
    }
    for role, named in {"payer": payer, "payee": payee, "device": with_device, "phone": with_phone}.items():
        if named is not None:
            made |= {role: named.token.key, f"{role}_rest": named.token.rest}
        if role in ("payer", "payee"):
            made[f"{role}_kind"] = 0 if named is None else PARTY_KINDS.index(named.kind)
    return made | fields


def judged_frame(operations: Sequence[Mapping[str, Any]], first: int = 0) -> bytes:
    """The operations as one record of `judged`, numbered from `first`."""
    rows = np.zeros(len(operations), EVENT)
    for place, said in enumerate(operations):
        rows[place]["offset"] = first + place
        for name, value in said.items():
            if name != "found":
                rows[place][name] = value
    findings = [(place, 2, 3, 0, 0.9) for place, said in enumerate(operations) if said["found"]]
    arrays = {
        "rows": rows,
        "risk": np.full(len(rows), 0.25),
        "state": np.full(len(rows), NEW, np.uint8),
        "findings": np.array(findings, FINDING).view(np.uint8),
    }
    return frames.encode_arrays(frames.JUDGED, {"first": first, "mark": (NOW, 0), "sources": [(0, SOURCE, 0)]}, arrays)


def reader() -> Reader:
    """Reads with the demo's keys."""
    sources: dict[str, SourceTopic] = {source.name: source for source in Topics.load(institutions=["CASPKZKA"]).sources}
    return Reader(TOKENS, sources)


def feed(store: Store, topic: str, *values: Mapping[str, Any] | bytes | None, key: str = "", now: int = NOW) -> None:
    """Store records as if they stood next on partition 0 of a topic."""
    with store.reading() as connection:
        places = read(connection, CLUSTER)
    first = places.get(Partition(topic, 0), Place(0)).offset
    store_records(store, reader(), records(topic, values, first, key), places, CLUSTER, now)


def feed_judged(store: Store, operations: Iterable[Mapping[str, Any]]) -> None:
    """Store operations as if they had been judged next."""
    with store.reading() as connection:
        place = read(connection, CLUSTER).get(Partition(JUDGED, 0), Place(0))
    feed(store, JUDGED, judged_frame(list(operations), place.number or 0))


def records(
    topic: str, values: Iterable[Mapping[str, Any] | bytes | None], first: int = 0, key: str = ""
) -> list[Record]:
    """Values as records that stand on a topic from offset `first`."""
    written = [json.dumps(value).encode() if isinstance(value, Mapping) else value for value in values]
    return [Record(topic, 0, first + place, NOW, key.encode() or None, value) for place, value in enumerate(written)]


def add_user(store: Store, username: str, role: str = "analyst", language: str = "en") -> None:
    """An account that nobody can sign in with: it has no password."""
    row = {"username": username, "full_name": username.title(), "role": role, "language": language}
    with store.writing() as connection:
        connection.execute(insert(users).values(**row, enabled=True, failures=0, created_at=NOW))
