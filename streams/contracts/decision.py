"""The decision contracts: what an institution is asked to do, and up to where silence means that it may go ahead."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streams.contracts.fields import Contract, EventId, Instant, Institution
from streams.contracts.suspicious_operation import AlertId, DecisionKind
from streams.contracts.text import Text


class Decision(Contract):
    """Published to `decisions.<institution>` of the publisher; a hold also to the payee's institution.

    `release` ends a hold or a block, with its cause as the reason; the same decision again brings a later deadline.
    `topic`, `partition` and `offset` are those of the event's record: `tx.<institution>` or `loans.<institution>`.
    """

    type: Literal["decision"]
    institution: Institution = Field(description="Publisher of the event")
    event_id: EventId
    decision: DecisionKind | Literal["release"]
    typologies: tuple[Annotated[str, Field(pattern=r"^T[0-9]{2,3}$")], ...] = Field(min_length=1)
    reason: Text
    legal_basis: str
    deadline: Instant | None = Field(default=None, description="When a hold ends by law")
    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    alert_ids: tuple[AlertId, ...] = Field(min_length=1)


class JudgedUpTo(Contract):
    """One partition of the mark's topic, up to and including an offset; -1 where nothing is judged yet."""

    partition: int = Field(ge=0)
    offset: int = Field(ge=-1)


class ProgressMark(Contract):
    """Sent into partition q of `decisions.<institution>` by screen partition q, after the decisions it covers.

    Everything up to these offsets of `topic` that has its home in q is judged, rejected or a duplicate. An
    institution's progress on a source partition is the least over all q; at or below it, no decision means that it
    may go ahead. Each of its topics, `tx.<institution>` and `loans.<institution>`, has marks of its own.
    """

    type: Literal["progress"]
    institution: Institution
    topic: str
    screen_partition: int = Field(ge=0)
    judged: tuple[JudgedUpTo, ...]
