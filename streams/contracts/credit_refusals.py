"""The credit refusals contract: citizens who will not be given credit, and those who want it again, in bulk."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from streams.contracts.fields import BULK_ENTRIES, Contract, Count, EventId, Iin, Instant, InstantOrDate, StateBody

Action = Literal["set", "withdrawn"]


class CreditRefusal(Contract):
    """One citizen's refusal, or its withdrawal, as the registry numbered it."""

    id: Iin
    action: Action
    valid_from: InstantOrDate
    sequence: Count = Field(description="The registry's own number: of two with one valid_from the higher one holds")


class CreditRefusals(Contract):
    """Up to 1,000 entries of the registry, as published to `registry.credit-refusals`; at most 256 KiB."""

    event_id: EventId
    type: Literal["credit_refusals"]
    occurred_at: Instant
    publisher: StateBody
    entries: tuple[CreditRefusal, ...] = Field(min_length=1, max_length=BULK_ENTRIES)


EXAMPLE: Final[dict[str, Any]] = {
    "event_id": "refusals-0001",
    "type": "credit_refusals",
    "occurred_at": "2026-11-23T00:00:00.000+05:00",
    "publisher": "EGOV",
    "entries": [
        {"id": "791028302728", "action": "set", "valid_from": "2026-11-22T18:00:00.000+05:00", "sequence": 17},
        {"id": "061211600012", "action": "withdrawn", "valid_from": "2026-11-22", "sequence": 18},
    ],
}
