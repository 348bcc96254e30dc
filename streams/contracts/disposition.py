"""The disposition contract: what analysts and police found out about a subject after an alert."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import model_validator

from streams.contracts.fields import (
    AlertReference,
    Amount,
    Contract,
    Currency,
    EventId,
    Instant,
    StateBody,
    Typology,
    minor_units,
)
from streams.contracts.reasons import FieldError, Reason
from streams.contracts.subject import NamedSubject

Outcome = Literal["confirmed", "false_positive", "victim", "mule", "returned_money"]


class Disposition(Contract):
    """One verdict on one subject, as published to `dispositions`."""

    event_id: EventId
    type: Literal["disposition"]
    occurred_at: Instant
    publisher: StateBody
    outcome: Outcome
    subject: NamedSubject
    alert_id: AlertReference | None = None
    typology: Typology | None = None
    amount: Amount | None = None
    currency: Currency | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Disposition:
        if self.amount is not None:
            if self.currency is None:
                raise FieldError(Reason.MISSING_FIELD, "an amount needs a currency")
            minor_units(self.amount, self.currency)
        return self


EXAMPLE: Final[dict[str, Any]] = {
    "event_id": "disposition-0001",
    "type": "disposition",
    "occurred_at": "2026-11-24T11:00:00.000+05:00",
    "publisher": "AFM",
    "outcome": "returned_money",
    "subject": {"id": "791028302728"},
    "alert_id": "0f3c5d7e9a1b2c3d4e5f60718293a4b5",
    "typology": "T03",
    "amount": "150000.00",
    "currency": "KZT",
}
