"""The heartbeat contract: an institution says that nothing older follows."""

from __future__ import annotations

from typing import Literal

from streams.contracts.fields import Contract, Instant, Institution


class Heartbeat(Contract):
    """Everything of this institution that occurred before `occurred_at` has been published."""

    type: Literal["heartbeat"]
    institution: Institution
    occurred_at: Instant
