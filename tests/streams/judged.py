"""Judged batches made by hand, for tests of what follows `judged`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from rules.events import CHANNELS, EVENT, KINDS, PARTY_KINDS, word_hash
from rules.references import LISTS
from rules.rulebook import Rulebook
from streams.following import DECISIONS, FINDING, JudgedBatch, SourceName
from streams.verdicts import NEW

PERSON, COMPANY = PARTY_KINDS.index("person"), PARTY_KINDS.index("company")
TOPICS = ("tx.CASPKZKA", "dispositions", "loans.MFOKKZKA", "registry.lists", "calls.KCELL")


@cache
def rulebook() -> Rulebook:
    """The packaged rulebook, read once."""
    return Rulebook.load()


class Event(dict[str, Any]):
    """One row, as the fields that differ from an ordinary transfer.

    `at` is its place in the one order, (epoch, order_time). `findings`: typology → (score, decision). `lists`: role →
    names of lists. Everything else is a field of EVENT.
    """


def judged(events: Sequence[Event]) -> JudgedBatch:
    """The batch that the judged events make, in their order."""
    book = rulebook()
    rows = np.zeros(len(events), EVENT)
    lists = np.zeros((len(events), 4), np.uint32)
    findings = []
    state = np.full(len(events), NEW, np.uint8)
    scores = np.zeros((len(events), len(book.typologies)), np.float32)
    names = [typology.id for typology in book.typologies]
    for i, event in enumerate(events):
        said = dict(event)
        epoch, order_time = said.pop("at")
        row = rows[i]
        row["epoch"], row["order_time"] = epoch, order_time
        row["appended_at"] = epoch
        row["occurred_at"] = order_time or epoch
        kind = said.pop("kind", "transfer")
        row["kind"], row["channel"] = KINDS.index(kind), CHANNELS.index("mobile")
        row["payer_kind"], row["payee_kind"] = PERSON, PERSON
        row["institution"], row["currency"] = b"CASPKZKA", b"KZT"
        row["amount"] = row["amount_kzt"] = 15_000_000
        row["offset"] = i
        for place, word in enumerate(said.pop("purpose", "").split()[:4]):
            row["words"][place] = word_hash(word)
        state[i] = said.pop("state", NEW)
        for typology, (score, decision) in said.pop("findings", {}).items():
            t = names.index(typology)
            scores[i, t] = score
            findings.append((i, t, DECISIONS.index(decision), book.typologies[t].shadow, score))
        for role, told in said.pop("lists", {}).items():
            for name in told:
                lists[i, ("payer", "payee", "device", "phone").index(role)] |= np.uint32(1 << LISTS.index(name))
        for name, value in said.items():
            row[name] = value
        row["event"] = hash_of(bytes(row["institution"]), bytes(row["event_id"]))
        for role in ("payer", "payee", "device", "phone"):
            row[f"{role}_rest"] = row[role]
    found = np.array(findings, FINDING)
    return JudgedBatch(
        rows=rows,
        risk=np.zeros(len(rows)),
        scores=np.zeros((len(rows), 2)),
        typologies=scores,
        lists=lists,
        state=state,
        findings=found[np.lexsort((found["typology"], found["row"]))],
        late=np.zeros(len(rows), np.bool_),
        generation=1,
        rulebook=book,
        sources=[SourceName(topic, 0) for topic in TOPICS],
    )


def hash_of(institution: bytes, event_id: bytes) -> int:
    """64 bits that stand for the event."""
    return int.from_bytes(hashlib.blake2b(institution + b"/" + event_id, digest_size=8).digest(), "little")
