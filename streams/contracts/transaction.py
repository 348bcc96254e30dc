"""The transaction contract: what an institution tells the center about one movement of money."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field, model_validator

from streams.contracts.fields import (
    Account,
    Amount,
    Contract,
    Currency,
    EventId,
    Instant,
    InstantOrDate,
    Institution,
    IpAddress,
    MerchantCategory,
    Name,
    PartyId,
    Phone,
    Purpose,
    PurposeCode,
    Region,
    ShortText,
    minor_units,
)
from streams.contracts.reasons import FieldError, Reason

Kind = Literal[
    "transfer",
    "card_payment",
    "cash_deposit",
    "cash_withdrawal",
    "loan_disbursement",
    "loan_repayment",
    "top_up",
    "crypto_exchange",
]
Channel = Literal["mobile", "web", "card", "terminal", "atm", "branch", "api"]

# Which parties a kind cannot do without.
NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "transfer": ("payer", "payee"),
    "card_payment": ("payer", "payee"),
    "cash_deposit": ("payee",),
    "cash_withdrawal": ("payer",),
    "loan_disbursement": ("payee",),
    "loan_repayment": ("payer", "payee"),
    "top_up": ("payer", "payee"),
    "crypto_exchange": ("payer", "payee"),
}


class Party(Contract):
    """Who pays or is paid: a person or company by `id`, or an account alone."""

    id: PartyId | None = None
    account: Account | None = None
    institution: Institution | None = None
    phone: Phone | None = None
    region: Region | None = None
    name: Name | None = None
    resident: bool | None = None
    account_opened_at: InstantOrDate | None = None

    @model_validator(mode="after")
    def _is_named(self) -> Party:
        if self.id is None and self.account is None:
            raise FieldError(Reason.MISSING_FIELD, "at least one of id and account is required")
        return self


class Device(Contract):
    """What the customer used."""

    id: ShortText | None = None
    ip: IpAddress | None = None


class Context(Contract):
    """What the institution knows about the moment of the operation."""

    device_new: bool | None = None
    sim_changed_at: InstantOrDate | None = None
    remote_access: bool | None = None
    own_deposit_broken: bool | None = None
    card: ShortText | None = None
    merchant_category: MerchantCategory | None = None


class Transaction(Contract):
    """One movement of money, as published to `tx.<institution>`."""

    event_id: EventId
    type: Literal["transaction"]
    occurred_at: Instant
    institution: Institution = Field(description="The publisher, which owns the topic")
    kind: Kind
    amount: Amount
    currency: Currency
    payer: Party | None = None
    payee: Party | None = None
    channel: Channel | None = None
    device: Device | None = None
    purpose: Purpose | None = None
    purpose_code: PurposeCode | None = None
    end_to_end_id: ShortText | None = None
    context: Context | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Transaction:
        minor_units(self.amount, self.currency)
        for party in NEEDS[self.kind]:
            if getattr(self, party) is None:
                raise FieldError(Reason.MISSING_FIELD, f"a {self.kind} needs a {party}")
        return self

    @property
    def amount_minor(self) -> int:
        """The amount as an integer of the currency's minor unit."""
        return minor_units(self.amount, self.currency)
