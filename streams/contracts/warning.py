"""The contracts of `warnings`: what a payer is told about a payee, and what telling people changed."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from streams.contracts.fields import Contract, EventId, Instant, Institution
from streams.contracts.suspicious_operation import AlertId, TokenText
from streams.contracts.text import Text

Rule = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,47}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class Warning(Contract):
    """To one payer, about one payee, once. It restricts nobody and says nothing of other people's payments."""

    type: Literal["warning"]
    warning_id: str = Field(pattern=r"^[0-9a-f]{32}$", description="Hash of payer, payee and the event that caused it")
    payer: TokenText
    payee: TokenText
    institution: Institution = Field(description="Publisher of the payment, where the payer is a customer")
    event_id: EventId
    occurred_at: Instant
    at: Instant = Field(description="When the payment was ordered among all, so when the payer was warned")
    rule: Rule = Field(description="Which warning of the rulebook this is")
    typology: Annotated[str, Field(pattern=r"^T[0-9]{2,3}$")]
    alert_id: AlertId
    language: Literal["kk", "ru", "en"] = Field(description="In which the payer is addressed first")
    text: Text
    advice: Text


class WarningEffect(Contract):
    """What became of the people who paid one payee: those warned, and those held out to compare with.

    Of the measured, the time in which they might have paid again is over. Differences are warned less held out.
    """

    type: Literal["warning_effect"]
    payee: TokenText
    rule: Rule
    at: Instant
    warned: int = Field(ge=0)
    held_out: int = Field(ge=0)
    passed_over: int = Field(ge=0, description="Had had warnings enough from elsewhere")
    warned_measured: int = Field(ge=0)
    warned_paid_again: int = Field(ge=0)
    held_out_measured: int = Field(ge=0)
    held_out_paid_again: int = Field(ge=0)
    warned_tenge: float = Field(ge=0, description="Paid again by the measured warned, tenge")
    warned_tenge_squares: float = Field(ge=0, description="Sum of squares by person: campaigns can be added up")
    held_out_tenge: float = Field(ge=0)
    held_out_tenge_squares: float = Field(ge=0)


EXAMPLE: Final[dict[str, Any]] = {
    "type": "warning",
    "warning_id": "5d41402abc4b2a76b9719d911017c592",
    "payer": "k1:00112233445566778899aabbccddeeff",
    "payee": "k1:ffeeddccbbaa99887766554433221100",
    "institution": "CASPKZKA",
    "event_id": "7f0c2a9e-3b51-4c0e-9f57-1d1f2a6c9b10",
    "occurred_at": "2026-11-23T05:00:00.123Z",
    "at": "2026-11-23T05:00:00.160Z",
    "rule": "pyramid",
    "typology": "T02",
    "alert_id": "0f3c5d7e9a1b2c3d4e5f60718293a4b5",
    "language": "kk",
    "text": {
        "kk": "Алушы қаржы пирамидасының белгілері бойынша тексерілуде.",
        "ru": "Получатель проверяется по признакам финансовой пирамиды.",
        "en": "The payee is being checked for signs of a financial pyramid.",
    },
    "advice": {
        "kk": "Жаңа салым салмаңыз.",
        "ru": "Не вносите новых вкладов.",
        "en": "Make no further deposit.",
    },
}
EFFECT_EXAMPLE: Final[dict[str, Any]] = {
    "type": "warning_effect",
    "payee": "k1:ffeeddccbbaa99887766554433221100",
    "rule": "pyramid",
    "at": "2026-11-30T19:00:00.000Z",
    "warned": 412,
    "held_out": 21,
    "passed_over": 3,
    "warned_measured": 380,
    "warned_paid_again": 41,
    "held_out_measured": 20,
    "held_out_paid_again": 6,
    "warned_tenge": 2050000.0,
    "warned_tenge_squares": 102500000000.0,
    "held_out_tenge": 300000.0,
    "held_out_tenge_squares": 15000000000.0,
}
