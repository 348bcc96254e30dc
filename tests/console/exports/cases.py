"""A small case to make exports of: two operations, an alert on one, a hold, and somebody with a hostile name."""

from __future__ import annotations

import json
from typing import Any

from console.exports.material import (
    AuditLine,
    CaseAlert,
    CaseHold,
    Filing,
    Material,
    Operation,
    Party,
    Side,
    TraceRow,
)
from streams.contracts.hold import EXAMPLE as HOLD
from streams.contracts.hold import HoldEvent
from streams.contracts.suspicious_operation import SuspiciousOperation

AT = 1_795_500_000_000
EVENT_ID = "7f0c2a9e-3b51-4c0e-9f57-1d1f2a6c9b10"
PAYER = Party("k1:00112233445566778899aabbccddeeff", "person")
PAYEE = Party("k1:ffeeddccbbaa99887766554433221100", "person")
ACCOUNT = Party("k1:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f", "account")
HOSTILE = "Иванов \x00<script>alert(1)</script> \u202eПётр ]]> -- &amp;"
TEXT = {"kk": "Мәтін", "ru": "Текст <&> \x1b[31m", "en": "Text"}


def alert(**changes: Any) -> SuspiciousOperation:
    """A valid alert on the first operation."""
    told: dict[str, Any] = {
        "type": "suspicious_operation",
        "alert_id": "0f3c5d7e9a1b2c3d4e5f60718293a4b5",
        "institution": "CASPKZKA",
        "event_id": EVENT_ID,
        "occurred_at": "2026-11-24T05:20:00.000Z",
        "appended_at": "2026-11-24T05:20:00.200Z",
        "late": False,
        "source": {"topic": "tx.CASPKZKA", "partition": 0, "offset": 41},
        "typology": {"id": "T03", "version": "1", "name": TEXT},
        "status": "active",
        "rulebook": {"version": "1", "digest": "ab" * 16, "generation": 3},
        "score": 0.9,
        "risk": {"value": 0.91, "parts": {"typologies": 0.9, "models": 0.1}},
        "signals": [
            {
                "id": "fast_out",
                "state": "yes",
                "weight": 0.6,
                "contribution": 0.6,
                "text": TEXT,
                "features": {"payee.in_out_minutes": {"value": 12.0, "unit": "minutes"}},
            },
            {"id": "night", "state": "not_judged", "weight": 0.1, "contribution": 0, "text": TEXT},
        ],
        "subject": "payee",
        "subjects": [{"role": "payer", "token": PAYER.token}, {"role": "payee", "token": PAYEE.token}],
        "amount": "150000.00",
        "evidence": [
            {
                "event": "00000000000000aa",
                "occurred_at": "2026-11-24T05:10:00.000Z",
                "amount": "150000.00",
                "direction": "in",
                "counterparty": "k1:0011223344556677",
                "source": {"topic": "tx.CASPKZKA", "partition": 0, "offset": 40},
            }
        ],
        "explanation": TEXT,
        "decision": "hold",
        "legal_basis": "Закон от 28 августа 2009 года № 191-IV, статья 13",
    }
    return SuspiciousOperation.model_validate_json(json.dumps(told | changes))


def operation(number: int = 1, **changes: Any) -> Operation:
    """An operation between two banks."""
    told: dict[str, Any] = {
        "event": f"{number:016x}",
        "event_id": EVENT_ID if number == 1 else f"e-{number}",
        "institution": "CASPKZKA",
        "occurred_at": AT + number,
        "kind": "transfer",
        "channel": "mobile",
        "amount": 15_000_000,
        "purpose_code": 343,
        "payer": Side(PAYER, ACCOUNT, "CASPKZKA", 75),
        "payee": Side(PAYEE, None, "IRTYKZKA", 0),
    }
    return Operation(**told | changes)


def case(**changes: Any) -> Material:
    """A case whose filing is approved."""
    told: dict[str, Any] = {
        "case_id": 7,
        "title": "Елімай <b>2026</b>",
        "state": "filed",
        "opened_at": AT,
        "owner": "aliya",
        "alerts": (CaseAlert(alert(), "closed", "confirmed"),),
        "operations": (operation(1), operation(2)),
        "holds": (CaseHold((HoldEvent.model_validate_json(json.dumps(HOLD)),)),),
        "trace": (TraceRow(1, PAYEE, 15_000_000, 4_000_000, 11_000_000),),
        "audit": (AuditLine(1, AT, "aliya", "analyst", "case.open", "cd" * 32),),
        "filing": Filing(3, "ef" * 32, "aliya", "samat", AT, "A mule account"),
        "prepared_at": AT,
    }
    return Material(**told | changes)
