"""An invented case store for load tests: alerts with their campaigns, operations of the same people, and cases."""

from __future__ import annotations

import copy
import hashlib
import json
import random
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, insert, update

from console.keyring import Keyring
from console.people import demo
from console.store import queue
from console.store.opening import Store
from console.store.tables import alert_parties, alerts, campaigns, case_members, cases, operations, tokens
from streams.contracts.examples import EXAMPLES
from streams.tokens import DEMO_VARIABLE

NOW: Final = 1_790_000_000_000
HOUR_MS: Final = 3_600_000
BANKS: Final = ("CASPKZKA", "IRTYKZKA", "HSBKKZKX", "KCJBKZKX", "TSESKZKA", "ALFAKZKA")
PEOPLE: Final = 60_000
CASES: Final = 2_000
LOT: Final = 10_000


def opened(url: str, alerts: int, operations: int) -> Store:
    """The store at `url`, filled first where it is empty: three tenths of its alerts are open."""
    store = Store.open(url)
    with store.reading() as connection:
        empty = queue.newest(connection) == 0
    if empty:
        fill(store, alerts, operations, 0.3)
    return store


def fill(store: Store, many: int, moved: int, open_share: float) -> None:
    """Put invented alerts, their campaigns, and operations of the same people into an empty store."""
    chance = random.Random(1)
    number = many // 20
    people = [{"key": key, "token": token_of(key), "kind": "person"} for key in range(PEOPLE)]
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
    with store.writing() as connection:
        demo.add_people(connection, Keyring.load({DEMO_VARIABLE: "1"}), NOW)
        _open_cases(connection, number // 2)


def _open_cases(connection: Connection, first_campaign: int) -> None:
    """Make a case of each of CASES campaigns, every tenth known to its members only."""
    numbers = range(1, CASES + 1)
    owners = ("analyst", "second", "senior")
    rows = [
        {
            "case_id": case_id, "title": f"Campaign {first_campaign + case_id}", "state": "open",
            "owner": owners[case_id % 3], "opened_by": owners[case_id % 3], "opened_at": NOW + case_id,
            "restricted": case_id % 10 == 0, "version": 1,
        }
        for case_id in numbers
    ]  # fmt: skip
    connection.execute(insert(cases), rows)
    members = [
        {"case_id": row["case_id"], "username": row["owner"], "added_by": row["owner"], "added_at": NOW} for row in rows
    ]
    connection.execute(insert(case_members), members)
    for case_id in numbers:
        mine = alerts.c.campaign_id == first_campaign + case_id
        connection.execute(update(alerts).where(mine).values(case_id=case_id))


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
    document["alert_id"] = alert_id_of(seq)
    return {
        "alert_id": alert_id_of(seq), "seq": seq, "typology": typology,
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


def alert_id_of(seq: int) -> str:
    return hashlib.sha256(str(seq).encode()).hexdigest()[:32]


def token_of(key: int) -> str:
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
