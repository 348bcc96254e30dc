"""One example document of each contract, over invented people; they are part of the generated schemas."""

from __future__ import annotations

from typing import Any, Final

from streams.contracts import (
    blocked_resource,
    call,
    credit_refusals,
    disposition,
    freeze_order,
    hold,
    list_entries,
    loan,
    notice,
    pyramid_meter,
    warning,
)

_NAME: Final = {
    "kk": "Делдал шот арқылы өткізу",
    "ru": "Транзит через счёт посредника",
    "en": "Mule pass-through",
}

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "transaction": {
        "event_id": "7f0c2a9e-3b51-4c0e-9f57-1d1f2a6c9b10",
        "type": "transaction",
        "occurred_at": "2026-11-23T10:00:00.123+05:00",
        "institution": "CASPKZKA",
        "kind": "transfer",
        "amount": "150000.00",
        "currency": "KZT",
        "payer": {
            "id": "791028302728",
            "account": "KZ86125KZT5004100100",
            "institution": "CASPKZKA",
            "phone": "+77010000001",
            "region": "KZ-75",
        },
        "payee": {
            "id": "061211600012",
            "account": "KZ75125KZT1001300335",
            "institution": "IRTYKZKA",
            "region": "KZ-10",
            "account_opened_at": "2026-11-01",
        },
        "channel": "mobile",
        "device": {"id": "device-0001", "ip": "192.0.2.10"},
        "purpose": "Взнос за участие",
        "purpose_code": "343",
        "end_to_end_id": "E2E-0001",
        "context": {"device_new": False, "sim_changed_at": None, "remote_access": False, "merchant_category": "5411"},
    },
    "heartbeat": {"type": "heartbeat", "institution": "CASPKZKA", "occurred_at": "2026-11-23T10:00:01.000+05:00"},
    "reversal": {
        "event_id": "7f0c2a9e-3b51-4c0e-9f57-1d1f2a6c9b11",
        "type": "reversal",
        "of": "7f0c2a9e-3b51-4c0e-9f57-1d1f2a6c9b10",
        "institution": "CASPKZKA",
        "occurred_at": "2026-11-23T10:05:00.000+05:00",
    },
    "suspicious_operation": {
        "type": "suspicious_operation",
        "alert_id": "0f3c5d7e9a1b2c3d4e5f60718293a4b5",
        "institution": "CASPKZKA",
        "event_id": "7f0c2a9e-3b51-4c0e-9f57-1d1f2a6c9b10",
        "occurred_at": "2026-11-23T05:00:00.123Z",
        "appended_at": "2026-11-23T05:00:00.160Z",
        "late": False,
        "source": {"topic": "tx.CASPKZKA", "partition": 0, "offset": 4711},
        "typology": {"id": "T03", "version": "1", "name": _NAME},
        "status": "active",
        "rulebook": {"version": "2026.11", "digest": "9b74c9897bac770ffc029102a200c5de", "generation": 3},
        "score": 0.9,
        "risk": {"value": 0.92, "parts": {"typologies": 0.9, "models": 0.2}},
        "signals": [
            {
                "id": "passes_on",
                "state": "yes",
                "weight": 0.6,
                "contribution": 0.6,
                "text": {
                    "kk": "Түскен ақша 30 минут ішінде шығып кетті",
                    "ru": "Поступившие деньги ушли за 30 минут",
                    "en": "What came in left within 30 minutes",
                },
                "features": {"payer.out_over_in_30m": {"value": 0.97, "unit": "share"}},
            }
        ],
        "subject": "payer",
        "subjects": [
            {"role": "payer", "token": "k1:00112233445566778899aabbccddeeff"},
            {"role": "payee", "token": "k1:ffeeddccbbaa99887766554433221100"},
        ],
        "amount": "150000.00",
        "evidence": [
            {
                "event": "0123456789abcdef",
                "occurred_at": "2026-11-23T04:45:00.000Z",
                "amount": "155000.00",
                "direction": "in",
                "counterparty": "k1:8899aabbccddeeff",
                "source": {"topic": "tx.HSBKKZKX", "partition": 0, "offset": 1234},
            }
        ],
        "explanation": {
            "kk": "Шотқа түскен ақшаның 97 %-ы жарты сағатта басқаға аударылды.",
            "ru": "97 % поступившего на счёт за полчаса переведено другому лицу.",
            "en": "97 % of what came into the account was passed on within half an hour.",
        },
        "decision": "hold",
        "legal_basis": "Rulebook T03",
    },
    "decision": {
        "type": "decision",
        "institution": "CASPKZKA",
        "event_id": "7f0c2a9e-3b51-4c0e-9f57-1d1f2a6c9b10",
        "decision": "hold",
        "typologies": ["T03"],
        "reason": _NAME,
        "legal_basis": "Rulebook T03",
        "deadline": "2026-11-30T05:00:00.160Z",
        "topic": "tx.CASPKZKA",
        "partition": 0,
        "offset": 4711,
        "alert_ids": ["0f3c5d7e9a1b2c3d4e5f60718293a4b5"],
    },
    "progress": {
        "type": "progress",
        "institution": "CASPKZKA",
        "topic": "tx.CASPKZKA",
        "screen_partition": 0,
        "judged": [{"partition": 0, "offset": 4711}],
    },
    "rejected": {
        "type": "rejected",
        "institution": "CASPKZKA",
        "reason": "bad_check_digit",
        "path": "$.payer.id",
        "message": "the check digit of this IIN or BIN is wrong",
        "source": {"topic": "tx.CASPKZKA", "partition": 0, "offset": 4712},
        "appended_at": "2026-11-23T05:00:00.170Z",
        "size": 512,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    },
    # A contract with an example of its own in its file is named here.
    "call": call.EXAMPLE,
    "loan": loan.EXAMPLE,
    "credit_refusals": credit_refusals.EXAMPLE,
    "list_entries": list_entries.EXAMPLE,
    "blocked_resource": blocked_resource.EXAMPLE,
    "disposition": disposition.EXAMPLE,
    "hold": hold.EXAMPLE,
    "notice": notice.EXAMPLE,
    "necessity": notice.NECESSITY_EXAMPLE,
    "pyramid_meter": pyramid_meter.EXAMPLE,
    "warning": warning.EXAMPLE,
    "warning_effect": warning.EFFECT_EXAMPLE,
    "freeze_order": freeze_order.EXAMPLE,
}
