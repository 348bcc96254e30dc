"""Makes alerts for tests, with only the fields that matter to them."""

from __future__ import annotations

import json
from typing import Any

from streams.contracts.suspicious_operation import SuspiciousOperation


def words(stem: str) -> dict[str, str]:
    return {"kk": f"{stem} kk", "ru": f"{stem} ru", "en": f"{stem} en"}


def alert(number: int, **changes: Any) -> SuspiciousOperation:
    document = {
        "type": "suspicious_operation",
        "alert_id": f"{number:08x}" + "0" * 24,
        "institution": "CASPKZKA",
        "event_id": f"event-{number}",
        "occurred_at": "2026-11-20T05:00:00.000Z",
        "appended_at": "2026-11-20T05:00:01.000Z",
        "late": False,
        "source": {"topic": "tx.CASPKZKA", "partition": 0, "offset": number},
        "typology": {"id": "T03", "version": "1", "name": words("Pass-through")},
        "status": "active",
        "rulebook": {"version": "2026.11", "digest": "0123456789abcdef", "generation": 3},
        "score": 0.8,
        "risk": {"value": 0.85, "parts": {"typologies": 0.8, "models": 0.25}},
        "signals": [
            {
                "id": "fast_out",
                "state": "yes",
                "weight": 0.8,
                "contribution": 0.8,
                "text": words("The money left at once"),
                "features": {"payee.payers_30d": {"value": 25.0, "unit": "people"}},
            },
            {"id": "night", "state": "no", "weight": 0.1, "contribution": 0.0, "text": words("It happened at night")},
            {
                "id": "age",
                "state": "not_judged",
                "weight": 0.1,
                "contribution": 0.0,
                "text": words("The account is new"),
            },
        ],
        "subject": "payee",
        "subjects": [{"role": "payee", "token": "k1:" + "ab" * 16}],
        "amount": "1500000.50",
        "evidence": [
            {
                "event": "00000000000000ff",
                "occurred_at": "2026-11-20T05:00:00.000Z",
                "amount": "1500000.50",
                "direction": "in",
                "counterparty": "k1:" + "cd" * 8,
                "source": {"topic": "tx.CASPKZKA", "partition": 0, "offset": number},
            }
        ],
        "explanation": words("25 people paid this person [in a day]"),
        "decision": "hold",
        "legal_basis": "Law on payments, article 60",
    } | changes
    return SuspiciousOperation.model_validate_json(json.dumps(document))
