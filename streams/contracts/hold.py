"""The hold contract: each state of a hold, a block or a step-up, until it ends with a cause."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from streams.contracts.fields import Contract, EventId, Instant, Institution
from streams.contracts.suspicious_operation import AlertId, Tenge, TokenText
from streams.contracts.text import Text

TOPIC: Final = "holds"
HoldId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="Hash of institution, event and decision")]
HoldState = Literal["proposed", "in_force", "extended", "released", "proceeded", "expired", "superseded"]


class HoldEvent(Contract):
    """Published to `holds` whenever the state of a hold changes; the one with the highest `number` is the present one.

    `released`, `proceeded`, `expired` and `superseded` are ends: the operation may go on, but for `superseded`, where
    a graver decision on the same event took its place. Every other state has a deadline, at which it ends by itself.
    """

    type: Literal["hold"]
    hold_id: HoldId
    number: int = Field(ge=0, description="Of this state among the hold's, from 0")
    decision: Literal["step_up", "hold", "block"]
    state: HoldState
    cause: str = Field(pattern=r"^[a-z_]{3,48}$")
    cause_text: Text
    institution: Institution = Field(description="Publisher of the event")
    payee_institution: Institution | None = Field(default=None, description="Where it takes part")
    event_id: EventId
    amount: Tenge
    payer: TokenText | None = None
    payee: TokenText | None = None
    typologies: tuple[Annotated[str, Field(pattern=r"^T[0-9]{2,3}$")], ...] = Field(min_length=1)
    alert_ids: tuple[AlertId, ...] = Field(min_length=1)
    legal_basis: Text
    since: Instant = Field(description="When the decision was made")
    at: Instant = Field(description="When this state began")
    clock: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Which clock of the rulebook runs, or ran last")
    deadline: Instant
    on_silence: Text | None = Field(default=None, description="What happens at the deadline; none once it has ended")


EXAMPLE: Final[dict[str, Any]] = {
    "type": "hold",
    "hold_id": "5d41402abc4b2a76b9719d911017c592",
    "number": 0,
    "decision": "hold",
    "state": "proposed",
    "cause": "center_decided",
    "cause_text": {
        "kk": "Орталық алаяқтық белгілерін тапты",
        "ru": "Центр нашёл признаки мошенничества",
        "en": "The center found signs of fraud",
    },
    "institution": "CASPKZKA",
    "payee_institution": "IRTYKZKA",
    "event_id": "7f0c2a9e-3b51-4c0e-9f57-1d1f2a6c9b10",
    "amount": "150000.00",
    "payer": "k1:00112233445566778899aabbccddeeff",
    "payee": "k1:ffeeddccbbaa99887766554433221100",
    "typologies": ["T03"],
    "alert_ids": ["0f3c5d7e9a1b2c3d4e5f60718293a4b5"],
    "legal_basis": {
        "kk": "2009 жылғы 28 тамыздағы № 191-IV Заң, 13-бап",
        "ru": "Закон от 28 августа 2009 года № 191-IV, статья 13",
        "en": "Law of 28 August 2009 No. 191-IV, Article 13",
    },
    "since": "2026-11-23T05:00:00.160Z",
    "at": "2026-11-23T05:00:00.160Z",
    "clock": "fiu_answer",
    "deadline": "2026-11-24T05:00:00.160Z",
    "on_silence": {
        "kk": "24 сағатта шешім келмесе, операция жүргізілуге тиіс",
        "ru": "Если решения нет 24 часа, операция должна быть проведена",
        "en": "Without a decision within 24 hours the operation has to be carried out",
    },
}
