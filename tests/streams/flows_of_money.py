"""A little country in which money goes in a chain, in a ring and over mules, for the tests of tracing."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from streams.admission import Admission
from streams.contracts.headers import write_history
from streams.following import FINDING, JudgedBatch, SourceName
from streams.replay import FileRecord
from streams.tokens import demo_keys
from streams.verdicts import NEW
from tests.streams.events import document, valid_id, written

BANK, OTHER = "CASPKZKA", "HSBKKZKX"
START = datetime.fromisoformat("2026-03-02T09:00:00+05:00")
KEY = demo_keys()[0]


def person(number: int) -> str:
    """A valid IIN, the same for the same number."""
    return next(
        found
        for serial in range(10)
        if (found := valid_id(f"8602{10 + number // 100:02d}3{number % 100:02d}{serial:02d}"[:11]))
    )


def transfer(name: str, minutes: float, payer: int, payee: int, tenge: int) -> dict[str, Any]:
    """A transfer between two people, so many minutes after the beginning."""
    made = document()
    for absent in ("purpose", "device", "context", "end_to_end_id"):
        made.pop(absent, None)
    made["event_id"] = name
    made["institution"] = BANK
    made["occurred_at"] = (START + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")
    made["amount"] = f"{tenge}.00"
    made["payer"] = {"id": person(payer), "institution": BANK, "region": "KZ-75"}
    made["payee"] = {"id": person(payee), "institution": OTHER, "region": "KZ-75"}
    return made


def chain(name: str, people: list[int], tenge: int, start: float) -> list[dict[str, Any]]:
    """Money handed on from one to the next within the hour, each keeping a twentieth."""
    told = []
    for hop, (payer, payee) in enumerate(pairwise(people)):
        told.append(transfer(f"{name}-{hop}", start + 50 * hop, payer, payee, tenge))
        tenge = tenge * 95 // 100
    return told


def scatter_gather(
    name: str, origin: int, mules: list[int], collector: int, tenge: int, start: float
) -> list[dict[str, Any]]:
    """One pays several mules, who all pay one collector."""
    told = [transfer(f"{name}-out-{m}", start + i, origin, m, tenge + i) for i, m in enumerate(mules)]
    told += [
        transfer(f"{name}-in-{m}", start + 60 + i, m, collector, (tenge + i) * 95 // 100) for i, m in enumerate(mules)
    ]
    return told


def fan_in(
    name: str, origins: list[int], mules: list[int], collector: int, tenge: int, start: float
) -> list[dict[str, Any]]:
    """Victims pay mules, two each, who bring everything to one collector."""
    told = [transfer(f"{name}-victim-{o}", start + i, o, mules[i // 2], tenge) for i, o in enumerate(origins)]
    return told + [
        transfer(f"{name}-mule-{m}", start + 90 + i, m, collector, 2 * tenge * 95 // 100) for i, m in enumerate(mules)
    ]


def ordinary(first: int, count: int, start: float) -> list[dict[str, Any]]:
    """People who send each other smaller sums, nobody passing anything on."""
    return [
        transfer(f"life-{first}-{i}", start + i, first + i % 40, first + 100 + i % 37, 20_000 + i) for i in range(count)
    ]


def a_country(days: int = 1) -> list[dict[str, Any]]:
    """All of it, once a day, in order of time."""
    told: list[dict[str, Any]] = []
    for day in range(days):
        at = day * 1_440.0
        base = 400 * day
        told += chain(f"chain-{day}", [base + n for n in range(6)], 900_000, at)
        told += chain(f"ring-{day}", [base + 20, base + 21, base + 22, base + 23, base + 20], 800_000, at + 10)
        told += scatter_gather(
            f"mules-{day}", base + 30, list(range(base + 31, base + 36)), base + 40, 300_000, at + 20
        )
        victims, mules = list(range(base + 50, base + 60)), list(range(base + 60, base + 65))
        told += fan_in(f"fan-{day}", victims, mules, base + 70, 200_000, at + 30)
        told += ordinary(base + 100, 120, at)
    return sorted(told, key=lambda each: (each["occurred_at"], each["event_id"]))


def write(events: list[dict[str, Any]], file: Path) -> Path:
    """The events as a file that `antifraud publish` takes."""
    file.write_bytes(b"".join(written(each) + b"\n" for each in events))
    return file


def judged(events: list[dict[str, Any]], rulebook: Any, epoch: int = 1) -> JudgedBatch:
    """The events as one batch from `judged`, in order."""
    import numpy as np

    records = [FileRecord(written(each), write_history(epoch), i, 2_000_000_000_000) for i, each in enumerate(events)]
    admitted = Admission(KEY).admit(records, source=None, source_index=0, topic=f"tx.{BANK}")
    assert not admitted.rejected, admitted.rejected[:1]
    rows = admitted.rows
    rows["generation"] = 1
    rows["amount_kzt"] = rulebook.amounts_in_tenge(rows)
    n = len(rows)
    return JudgedBatch(
        rows=rows,
        risk=np.zeros(n),
        scores=np.zeros((n, 2)),
        typologies=np.zeros((n, len(rulebook.typologies)), np.float32),
        lists=np.zeros((n, 4), np.uint32),
        state=np.full(n, NEW, np.uint8),
        findings=np.empty(0, FINDING),
        late=np.zeros(n, np.bool_),
        generation=1,
        rulebook=rulebook,
        sources=[SourceName(f"tx.{BANK}", 0)],
    )
