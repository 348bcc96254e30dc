"""How fast the console's queue, alert and subject pages are with a million alerts and operations in an SQLite store.

python load-tests/console_store.py [--alerts N] [--store FILE] fills FILE where it is not there yet (some minutes) and
prints the median, the 95th percentile and the worst of many calls of each query, in milliseconds. Queries are those of
the pages, with everything that they show, but without HTML.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from sqlalchemy import insert

from console.network.drawing import draw
from console.network.neighbourhood import neighbourhood
from console.people.roles import permissions_of
from console.store import queue
from console.store.opening import Store
from console.store.sieve import NOBODY, Sieve
from console.store.subjects import counterparties
from console.store.tables import alert_parties, alerts, campaigns, operations, tokens
from console.web import alert_reading, queue_reading, subject_reading
from console.web.queue_query import QueueQuery
from console.web.viewer import Viewer
from streams.contracts.examples import EXAMPLES

NOW: Final = 1_790_000_000_000
HOUR_MS: Final = 3_600_000
BANKS: Final = ("CASPKZKA", "IRTYKZKA", "HSBKKZKX", "KCJBKZKX", "TSESKZKA", "ALFAKZKA")
PEOPLE: Final = 60_000
LOT: Final = 10_000
CALLS: Final = 40
VIEWER: Final = Viewer("analyst7", "Analyst", "analyst", "en", permissions_of("analyst"), "", "", False)


def main() -> None:
    """Fill the store, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--open-share", type=float, default=0.3)
    parser.add_argument("--store", type=Path, default=Path("var/console/load.db"))
    wanted = parser.parse_args()
    new = not wanted.store.exists()
    store = Store.open(f"sqlite:///{wanted.store}")
    if new:
        fill(store, wanted.alerts, wanted.operations, wanted.open_share)
    for name, ask in questions(store).items():
        took = []
        for _ in range(CALLS):
            began = time.perf_counter()
            ask()
            took.append((time.perf_counter() - began) * 1_000)
        print(f"{name:34} median {median(took):7.1f}  p95 {quantiles(took, n=20)[-1]:7.1f}  worst {max(took):7.1f} ms")


def questions(store: Store) -> dict[str, Callable[[], object]]:
    """What is asked, by name; each as a page would ask it."""

    def page(sieve: Sieve, *, deep: bool = False) -> Callable[[], object]:
        def ask() -> object:
            with store.reading() as connection:
                after = queue.Place(2, None, 5_000_000, 10**9) if deep else None
                queue.by_severity(connection, sieve, now=NOW)
                return queue.page(connection, sieve, now=NOW, after=after)

        return ask

    def grouped(sieve: Sieve, *, deep: bool = False) -> Callable[[], object]:
        def ask() -> object:
            with store.reading() as connection:
                after = queue.Place(2, None, 5_000_000, 10**9) if deep else None
                queue.by_severity(connection, sieve, now=NOW)
                return queue.grouped(connection, sieve, now=NOW, after=after)

        return ask

    def whole(query: QueueQuery) -> Callable[[], object]:
        def ask() -> object:
            with store.reading() as connection:
                return queue_reading.read(connection, VIEWER, query, now=NOW)

        return ask

    numbers = iter(range(1, 10**9))

    def alert_page() -> object:
        with store.reading() as connection:
            return alert_reading.read(connection, VIEWER, _alert_id(1 + next(numbers) * 7_919 % LOT))

    def subject_page() -> object:
        with store.reading() as connection:
            return subject_reading.read(connection, VIEWER, _token(next(numbers) * 31 % PEOPLE), now=NOW)

    def busiest_subject() -> object:
        with store.reading() as connection:
            return subject_reading.read(connection, VIEWER, _token(0), now=NOW)

    def network() -> object:
        with store.reading() as connection:
            center = counterparties(connection, 0, limit=1)[0].key
            return draw(connection, neighbourhood(connection, center, hops=2, most=200))

    return {
        "queue page, campaigns": whole(QueueQuery()),
        "queue page, alerts": whole(QueueQuery(view="alerts")),
        "queue page, closed, nothing passes": whole(QueueQuery(view="alerts", state="closed", institution="NOBANKKZ")),
        "alert page": alert_page,
        "subject page": subject_page,
        "subject page, the busiest": busiest_subject,
        "network of 200": network,
        "flat": page(Sieve()),
        "flat, far down": page(Sieve(), deep=True),
        "flat, one typology": page(Sieve(typologies=("T19",))),
        "flat, typology, bank, nobody's": page(Sieve(typologies=("T19",), institution=BANKS[5], assignee=NOBODY)),
        "flat, mine": page(Sieve(assignee="analyst7")),
        "flat, nothing passes": page(Sieve(institution="NOBANKKZ")),
        "flat, an hour": page(Sieve(since=NOW - 400 * HOUR_MS, until=NOW - 399 * HOUR_MS)),
        "flat, from 50 million": page(Sieve(least=5_000_000_000)),
        "closed": page(Sieve(state="closed")),
        "closed, one typology": page(Sieve(state="closed", typologies=("T19",))),
        "closed, nothing passes": page(Sieve(state="closed", institution="NOBANKKZ")),
        "campaigns": grouped(Sieve()),
        "campaigns, far down": grouped(Sieve(), deep=True),
        "campaigns, typology and bank": grouped(Sieve(typologies=("T19",), institution=BANKS[5])),
    }


# -- an invented store ------------------------------------------------------------------------------------------------


def fill(store: Store, many: int, moved: int, open_share: float) -> None:
    """Put invented alerts, their campaigns, and operations of the same people into an empty store."""
    chance = random.Random(1)
    number = many // 20
    people = [{"key": key, "token": _token(key), "kind": "person"} for key in range(PEOPLE)]
    with store.writing() as connection:
        connection.execute(insert(tokens), people)
        lot: list[dict[str, Any]] = [_campaign(campaign, chance) for campaign in range(1, number + 1)]
        for begin in range(0, number, LOT):
            connection.execute(insert(campaigns), lot[begin : begin + LOT])
    for begin in range(0, many, LOT):
        rows = [_alert(seq, number, chance, open_share) for seq in range(begin + 1, begin + LOT + 1)]
        with store.writing() as connection:
            connection.execute(insert(alerts), rows)
            connection.execute(insert(alert_parties), [party for row in rows for party in _parties(row)])
    for begin in range(0, moved, LOT):
        with store.writing() as connection:
            connection.execute(insert(operations), [_operation(event, chance) for event in range(begin, begin + LOT)])


def _campaign(campaign_id: int, chance: random.Random) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id, "kind": "payee", "key": campaign_id, "first_at": NOW - 10**9, "last_at": NOW,
        "alerts": 16, "open_alerts": 5, "severity": chance.randrange(4), "amount": chance.randrange(10**9),
        "victims": 7, "typologies": "T01 T03",
    }  # fmt: skip


def _alert(seq: int, many_campaigns: int, chance: random.Random, open_share: float) -> dict[str, Any]:
    typology = f"T{min(22, 1 + int(chance.expovariate(0.2))):02d}"
    occurred = NOW - chance.randrange(10_000 * HOUR_MS)
    state = "closed" if chance.random() > open_share else chance.choice(("new", "new", "new", "assigned", "escalated"))
    payer, payee, amount = chance.randrange(PEOPLE), chance.randrange(PEOPLE), int(chance.lognormvariate(15, 2))
    document = copy.deepcopy(EXAMPLES["suspicious_operation"])
    document["alert_id"] = _alert_id(seq)
    return {
        "alert_id": _alert_id(seq), "seq": seq, "typology": typology,
        "typology_version": "1", "status": "active" if chance.random() < 0.95 else "shadow",
        "rulebook_digest": "0" * 64, "institution": chance.choice(BANKS), "event_id": f"e-{seq}",
        "occurred_at": occurred, "appended_at": occurred, "stored_at": occurred, "late": False, "amount": amount,
        "score": 0.9, "risk": 0.9, "severity": min(3, int(chance.expovariate(0.9))), "decision": None,
        "subject_role": chance.choice(("payer", "payee")), "subject": payee, "payer": payer, "payee": payee,
        "device": None, "phone": None,
        "campaign_id": 1 + int(chance.random() ** 4 * many_campaigns) if chance.random() < 0.8 else None,
        "deadline_at": NOW + chance.randrange(24 * HOUR_MS) if state != "closed" and chance.random() < 0.02 else None,
        "document": json.dumps(document), "state": state,
        "assignee": f"analyst{chance.randrange(20)}" if state != "new" else None, "snoozed_until": None,
        "reason_code": "confirmed" if state == "closed" else None, "closed_at": NOW if state == "closed" else None,
        "case_id": None, "version": 1,
    }  # fmt: skip


def _alert_id(seq: int) -> str:
    return hashlib.sha256(str(seq).encode()).hexdigest()[:32]


def _token(key: int) -> str:
    return f"k1:{key.to_bytes(8, 'little').hex()}{key:016x}"


def _parties(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for role in ("payer", "payee"):
        if role == "payer" or row["payee"] != row["payer"]:
            yield {"key": row[role], "seq": row["seq"], "role": role}


def _operation(event: int, chance: random.Random) -> dict[str, Any]:
    at = NOW - chance.randrange(10_000 * HOUR_MS)
    return {
        "event": event, "event_id": f"o-{event}", "institution": chance.choice(BANKS), "topic": "tx", "partition": 0,
        "offset": event, "occurred_at": at, "appended_at": at, "kind": 0, "channel": 0, "flags": 0,
        "amount": int(chance.lognormvariate(14, 1.5)), "purpose_code": 0, "words": 0,
        "payer": int(chance.random() ** 2 * PEOPLE), "payee": int(chance.random() ** 3 * PEOPLE),
        "device": chance.randrange(PEOPLE), "phone": None, "payer_account": None, "payee_account": None,
        "payer_region": 75, "payee_region": 71, "payer_institution": None, "payee_institution": None, "risk": 0.1,
    }  # fmt: skip


if __name__ == "__main__":
    main()
