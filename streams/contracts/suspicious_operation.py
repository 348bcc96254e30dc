"""The alert contract: a suspicious operation, with everything that an analyst needs to see why."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from streams.contracts.fields import TOKEN, TOKEN_PREFIX, Contract, EventId, Instant, Publisher
from streams.contracts.source import Source
from streams.contracts.text import Text

AlertId = Annotated[
    str, Field(pattern=r"^[0-9a-f]{32}$", description="Hash of institution, event, typology and subject")
]
TokenText = Annotated[str, Field(pattern=TOKEN, description="Key id, colon, 128 bits in hexadecimal")]
TokenPrefix = Annotated[str, Field(pattern=TOKEN_PREFIX, description="Key id, colon, the first 64 bits of a token")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Tenge = Annotated[
    str,
    Field(pattern=r"^-?(0|[1-9][0-9]*)\.[0-9]{2}$"),
    WithJsonSchema({"type": "string", "pattern": r"^-?(0|[1-9][0-9]*)\.[0-9]{2}$", "description": "Decimal, tenge"}),
]
Role = Literal["payer", "payee", "device", "phone"]
DecisionKind = Literal["warn", "step_up", "hold", "block"]


class TypologyReference(Contract):
    """Which typology found it, as it was then."""

    id: str = Field(pattern=r"^T[0-9]{2,3}$")
    version: str
    name: Text


class RulebookReference(Contract):
    """Which rulebook judged the event."""

    version: str
    digest: str = Field(pattern=r"^[0-9a-f]{8,128}$")
    generation: int = Field(ge=0)


class RiskParts(Contract):
    """What typologies and what models say, each by itself."""

    typologies: Share
    models: Share


class Risk(Contract):
    """How much the event is to be feared: never less than either part."""

    value: Share
    parts: RiskParts


class FeatureValue(Contract):
    """A measured value with its unit."""

    value: Number
    unit: str


class Signal(Contract):
    """One observation of the typology: whether it holds, what it adds, and the values that it looked at."""

    id: str
    state: Literal["yes", "no", "not_judged"]
    weight: Number
    contribution: Number = Field(description="What it added to the score; 0 unless the state is yes")
    text: Text
    features: dict[str, FeatureValue] = Field(default_factory=dict)


class Subject(Contract):
    """Somebody or something the event concerns."""

    role: Role
    token: TokenText


class Evidence(Contract):
    """One operation of the subject's history that proves the finding."""

    event: str = Field(pattern=r"^[0-9a-f]{16}$", description="Hash of (institution, event_id)")
    occurred_at: Instant
    amount: Tenge
    direction: Literal["in", "out", "used"] = Field(description="As the subject saw it")
    counterparty: TokenPrefix | None = None
    subject: TokenPrefix | None = Field(
        default=None, description="Whose operation it is, where not that of the alert's subject: a hop of a chain"
    )
    source: Source | None = Field(default=None, description="Where its record stands, while Kafka keeps it")


class SuspiciousOperation(Contract):
    """Published to `suspicious-operations`, or to `suspicious-operations.shadow` where the typology is on trial."""

    type: Literal["suspicious_operation"]
    alert_id: AlertId
    institution: Publisher = Field(description="Publisher of the event")
    event_id: EventId
    occurred_at: Instant
    appended_at: Instant
    late: bool = Field(description="Judged in its place by occurred_at after later events had been judged")
    source: Source
    typology: TypologyReference
    status: Literal["active", "shadow"]
    rulebook: RulebookReference
    score: Share
    risk: Risk
    signals: tuple[Signal, ...]
    subject: Role = Field(description="Whose history the typology is about")
    subjects: tuple[Subject, ...]
    amount: Tenge = Field(description="Of the event")
    evidence: tuple[Evidence, ...]
    explanation: Text
    decision: DecisionKind | None = None
    legal_basis: str
