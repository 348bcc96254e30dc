"""Reads alerts in a quarter of the time that their contract takes: one with a hundred proofs is 25 KB of JSON.

The structures are those of streams/contracts/suspicious_operation.py, closed like them, and refuse what those refuse,
but for the form of what the feed only keeps as it came. tests/console/feed/test_alert_documents.py compares the two.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from streams.contracts import fields
from streams.contracts.suspicious_operation import DecisionKind, Role

_Instant = Annotated[datetime, Meta(tz=True)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Words = Annotated[str, Meta(min_length=1)]
_Count = Annotated[int, Meta(ge=0)]
_Tenge = Annotated[str, Meta(pattern=r"^-?(0|[1-9][0-9]*)\.[0-9]{2}$")]


class _Closed(Struct, frozen=True, forbid_unknown_fields=True):
    """No field that the contract does not name; what each means stands there."""


class Text(_Closed, frozen=True):
    kk: _Words
    ru: _Words
    en: _Words


class Source(_Closed, frozen=True):
    topic: str
    partition: _Count
    offset: _Count


class TypologyReference(_Closed, frozen=True):
    id: Annotated[str, Meta(pattern=r"^T[0-9]{2,3}$")]
    version: str
    name: Text


class RulebookReference(_Closed, frozen=True):
    version: str
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{8,128}$")]
    generation: _Count


class RiskParts(_Closed, frozen=True):
    typologies: _Share
    models: _Share


class Risk(_Closed, frozen=True):
    value: _Share
    parts: RiskParts


class FeatureValue(_Closed, frozen=True):
    value: float
    unit: str


class Signal(_Closed, frozen=True):
    id: str
    state: Literal["yes", "no", "not_judged"]
    weight: float
    contribution: float
    text: Text
    features: dict[str, FeatureValue] = {}


class Subject(_Closed, frozen=True):
    role: Role
    token: Annotated[str, Meta(pattern=fields.TOKEN)]


class Evidence(_Closed, frozen=True):
    event: Annotated[str, Meta(min_length=16, max_length=16)]
    occurred_at: _Instant
    amount: str
    direction: Literal["in", "out", "used"]
    counterparty: str | None = None
    subject: str | None = None
    source: Source | None = None


class Alert(_Closed, frozen=True):
    """A suspicious operation."""

    type: Literal["suspicious_operation"]
    alert_id: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
    institution: Annotated[str, Meta(pattern=fields.PUBLISHER)]
    event_id: Annotated[str, Meta(min_length=1, max_length=fields.EVENT_ID_BYTES)]
    occurred_at: _Instant
    appended_at: _Instant
    late: bool
    source: Source
    typology: TypologyReference
    status: Literal["active", "shadow"]
    rulebook: RulebookReference
    score: _Share
    risk: Risk
    signals: tuple[Signal, ...]
    subject: Role
    subjects: Annotated[tuple[Subject, ...], Meta(min_length=1)]
    amount: _Tenge
    evidence: tuple[Evidence, ...]
    explanation: Text
    legal_basis: str
    decision: DecisionKind | None = None


_decode: Final = msgspec.json.Decoder(Alert).decode


def read(document: bytes) -> Alert | None:
    """The alert; None where it is none that this program knows."""
    try:
        alert = _decode(document)
        for proof in alert.evidence:
            int(proof.event, 16)  # a pattern would cost as much as all the rest
    except (msgspec.DecodeError, ValueError):
        return None
    return alert
