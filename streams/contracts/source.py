"""Where in Kafka a record stands."""

from __future__ import annotations

from pydantic import Field

from streams.contracts.fields import Contract


class Source(Contract):
    """Topic, partition and offset: enough to read the record again."""

    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
