"""How a registry or a verdict names its subject: by exactly one identifier."""

from __future__ import annotations

from pydantic import model_validator

from streams.contracts.fields import Account, Contract, PartyId, Phone
from streams.contracts.reasons import FieldError, Reason


class NamedSubject(Contract):
    """Exactly one of the five; a wallet and a card are accounts of their own kind of institution."""

    id: PartyId | None = None
    account: Account | None = None
    phone: Phone | None = None
    wallet: Account | None = None
    card: Account | None = None

    @model_validator(mode="after")
    def _is_one(self) -> NamedSubject:
        named = (self.id, self.account, self.phone, self.wallet, self.card)
        if sum(name is not None for name in named) != 1:
            raise FieldError(Reason.MISSING_FIELD, "exactly one of id, account, phone, wallet and card is required")
        return self
