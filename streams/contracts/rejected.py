"""The rejected event contract: why a record was refused, and where it still stands."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from streams.contracts.fields import Contract, Instant, Publisher
from streams.contracts.reasons import Reason
from streams.contracts.source import Source


class RejectedEvent(Contract):
    """Published to `rejected.<publisher>`. The bytes are not copied: `source` finds them, `sha256` proves them."""

    type: Literal["rejected"]
    institution: Publisher | None = Field(
        description="Owner of the topic, not what the record says: an institution, operator or state body"
    )
    reason: Reason
    path: str = Field(description="JSONPath of the field; `$` for the whole record or its headers")
    message: str = Field(description="Words without the offending value")
    source: Source
    appended_at: Instant = Field(description="When the broker took the record")
    size: int | None = Field(
        default=None, ge=0, description="Bytes of the value; absent where only its content is known"
    )
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="Of the value; absent likewise")
