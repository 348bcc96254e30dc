"""The loan contract: one step of a loan, from the application to the money paid out."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field, model_validator

from streams.contracts.fields import (
    Account,
    Amount,
    Contract,
    Currency,
    EventId,
    Instant,
    Institution,
    PartyId,
    Phone,
    Region,
    ShortText,
    minor_units,
)

Stage = Literal["application", "approval", "contract", "disbursement", "consent"]


class Borrower(Contract):
    """Who borrows: always a person or company by `id`, since refusals of credit are kept by it."""

    id: PartyId
    account: Account | None = None
    phone: Phone | None = None
    region: Region | None = None


class Loan(Contract):
    """One step of a loan, as the lender publishes it to `loans.<institution>`."""

    event_id: EventId
    type: Literal["loan"]
    occurred_at: Instant
    institution: Institution = Field(description="The lender, which owns the topic")
    loan_id: ShortText = Field(description="The same through all steps of one loan")
    stage: Stage
    borrower: Borrower
    amount: Amount = Field(description="The principal")
    currency: Currency
    online: bool = Field(description="Applied for without coming to an office")
    secured: bool

    @model_validator(mode="after")
    def _is_whole(self) -> Loan:
        minor_units(self.amount, self.currency)
        return self


EXAMPLE: Final[dict[str, Any]] = {
    "event_id": "loan-0001-contract",
    "type": "loan",
    "occurred_at": "2026-11-23T09:50:00.000+05:00",
    "institution": "MFOKKZKA",
    "loan_id": "loan-0001",
    "stage": "contract",
    "borrower": {
        "id": "791028302728",
        "account": "KZ86125KZT5004100100",
        "phone": "+77010000001",
        "region": "KZ-75",
    },
    "amount": "450000.00",
    "currency": "KZT",
    "online": True,
    "secured": False,
}
