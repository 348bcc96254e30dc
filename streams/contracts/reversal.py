"""The reversal contract: an institution takes back a transaction it published."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from streams.contracts.fields import Contract, EventId, Instant, Institution


class Reversal(Contract):
    """An event of its own: history is added to, never edited."""

    event_id: EventId
    type: Literal["reversal"]
    of: EventId = Field(description="event_id of the transaction of the same institution that is taken back")
    institution: Institution
    occurred_at: Instant
