"""The list entries contract: who was put on a list or taken off it, by whom, why, on what proof and until when."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field, model_validator

from streams.contracts.credit_refusals import Action
from streams.contracts.fields import (
    BULK_ENTRIES,
    Contract,
    Count,
    EventId,
    Instant,
    InstantOrDate,
    Name,
    ShortText,
    StateBody,
    milliseconds,
)
from streams.contracts.reasons import FieldError, Reason
from streams.contracts.subject import NamedSubject

ListName = Literal[
    "convicted", "dropper_suspected", "dropper_confirmed", "grey", "black", "pyramid", "licensed", "protected"
]
Proof = Literal["reasonable_grounds", "clear_evidence", "court_judgment"]
Appeal = Literal["none", "open", "rejected", "upheld"]


class ListEntry(Contract):
    """One subject on one list. No entry is without source, reason, proof and, where it is set, an end."""

    entry_id: EventId = Field(description="The same when the entry is changed or withdrawn")
    list: ListName
    action: Action
    subject: NamedSubject
    source: ShortText = Field(description="Who decided, and by which document")
    reason: Name
    proof: Proof
    valid_from: InstantOrDate
    valid_to: InstantOrDate | None = Field(default=None, description="Required where the entry is set")
    sequence: Count | None = Field(default=None, description="Of two with one valid_from the higher one holds")
    appeal: Appeal | None = Field(default=None, description="Absent: none")

    @model_validator(mode="after")
    def _ends(self) -> ListEntry:
        if self.action == "set" and self.valid_to is None:
            raise FieldError(Reason.MISSING_FIELD, "an entry that is set needs valid_to")
        if self.valid_to is not None and milliseconds(self.valid_to) <= milliseconds(self.valid_from):
            raise FieldError(Reason.BAD_TIME, "valid_to must be after valid_from")
        return self


class ListEntries(Contract):
    """Up to 1,000 entries, as published to `registry.lists`; at most 256 KiB."""

    event_id: EventId
    type: Literal["list_entries"]
    occurred_at: Instant
    publisher: StateBody
    entries: tuple[ListEntry, ...] = Field(min_length=1, max_length=BULK_ENTRIES)


EXAMPLE: Final[dict[str, Any]] = {
    "event_id": "lists-0001",
    "type": "list_entries",
    "occurred_at": "2026-11-23T08:00:00.000+05:00",
    "publisher": "AFM",
    "entries": [
        {
            "entry_id": "convicted-0001",
            "list": "convicted",
            "action": "set",
            "subject": {"id": "791028302728"},
            "source": "Court of an invented district, case 1-1/2019",
            "reason": "Fraud",
            "proof": "court_judgment",
            "valid_from": "2019-06-01",
            "valid_to": "2029-06-01",
            "appeal": "none",
        },
        {
            "entry_id": "pyramid-0001",
            "list": "pyramid",
            "action": "withdrawn",
            "subject": {"wallet": "invented-wallet-0001"},
            "source": "AFM",
            "reason": "Put on the list by mistake",
            "proof": "reasonable_grounds",
            "valid_from": "2026-11-23T08:00:00.000+05:00",
        },
    ],
}
