"""The call contract: what a telecom operator tells the center about a suspicious call, or a SIM card changed."""

from __future__ import annotations

from typing import Any, Final, Literal

from streams.contracts.fields import Contract, Count, EventId, Iin, Instant, Operator, Phone

Sign = Literal["spoofed", "scam", "sim_box", "sim_swap"]


class Callee(Contract):
    """Who was called; the person too where the operator knows to whom the number is registered."""

    phone: Phone
    id: Iin | None = None


class Call(Contract):
    """One call with a sign of fraud, as published to `calls.<operator>`."""

    event_id: EventId
    type: Literal["call"]
    occurred_at: Instant
    operator: Operator
    sign: Sign
    callee: Callee
    caller: Phone | None = None
    duration_seconds: Count | None = None


EXAMPLE: Final[dict[str, Any]] = {
    "event_id": "call-0001",
    "type": "call",
    "occurred_at": "2026-11-23T09:41:00.000+05:00",
    "operator": "KCELL",
    "sign": "spoofed",
    "callee": {"phone": "+77010000001", "id": "791028302728"},
    "caller": "+77270000102",
    "duration_seconds": 312,
}
