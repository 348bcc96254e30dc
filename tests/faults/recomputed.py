"""Histories recomputed from the file of events, in the plainest way; shares nothing with rules.history."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from streams.tokens import TokenKey


class Entry(NamedTuple):
    """What a history must hold of one event."""

    occurred_at: int
    event: int
    amount: int
    direction: int
    counterparty: int


def histories(file: Path, key: TokenKey) -> dict[int, list[Entry]]:
    """Subject → its entries, in order of time, for a file of valid, distinct events in tenge."""
    from datetime import datetime

    found: dict[int, list[Entry]] = defaultdict(list)
    for line in file.read_text(encoding="utf-8").splitlines():
        said = json.loads(line)
        instant = datetime.fromisoformat(said["occurred_at"])
        at = round(instant.timestamp() * 1000)
        event = key.event_hash(said["institution"], said["event_id"])
        amount = round(float(said["amount"]) * 100)

        def subject(side: str, said: dict[str, dict[str, str]] = said) -> int:
            party = said.get(side)
            if not party:
                return 0
            kind, value = ("person", party["id"]) if "id" in party else ("account", party["account"])
            return key.token(kind, value)[0]  # type: ignore[arg-type]

        payer, payee = subject("payer"), subject("payee")
        device = said.get("device", {}).get("id")
        phone = (said.get("payer") or said.get("payee") or {}).get("phone")
        roles = [(payer, 1, payee), (payee, 0, payer)]
        roles.append((key.token("device", device)[0] if device else 0, 2, payer))
        roles.append((key.token("phone", phone)[0] if phone else 0, 2, payer))
        # A transfer between one's own accounts stands in that history twice, going out and coming in.
        for owner, direction, counterparty in roles:
            if owner:
                found[owner].append(Entry(at, event, amount, direction, counterparty))
    return found
