"""The blocked resource contract: a site or account in a social network that was blocked, and who is paid through it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from streams.contracts.credit_refusals import Action
from streams.contracts.fields import (
    Account,
    Contract,
    Count,
    EventId,
    Instant,
    InstantOrDate,
    PartyId,
    Phone,
    Resource,
    ShortText,
    StateBody,
    milliseconds,
)
from streams.contracts.reasons import FieldError, Reason

ResourceKind = Literal["site", "social_account"]
Offence = Literal["phishing", "casino", "pyramid_advertising", "fake_shop"]
TIED_EACH: Final = 200
_MOST: Final = Field(max_length=TIED_EACH)


class Tied(Contract):
    """Whom and what the resource asked to be paid."""

    ids: Annotated[tuple[PartyId, ...], _MOST] | None = None
    accounts: Annotated[tuple[Account, ...], _MOST] | None = None
    phones: Annotated[tuple[Phone, ...], _MOST] | None = None
    cards: Annotated[tuple[Account, ...], _MOST] | None = None
    wallets: Annotated[tuple[Account, ...], _MOST] | None = None


class BlockedResource(Contract):
    """One resource, as published to `registry.blocked-resources`."""

    event_id: EventId
    type: Literal["blocked_resource"]
    occurred_at: Instant
    publisher: StateBody
    resource: Resource = Field(description="Its address; the center does not keep it")
    resource_kind: ResourceKind
    reason: Offence
    action: Action
    source: ShortText = Field(description="Who decided, and by which document")
    valid_from: InstantOrDate
    valid_to: InstantOrDate | None = Field(default=None, description="Required where the block is set")
    sequence: Count | None = Field(default=None, description="Of two with one valid_from the higher one holds")
    tied: Tied

    @model_validator(mode="after")
    def _ends(self) -> BlockedResource:
        if self.action == "set" and self.valid_to is None:
            raise FieldError(Reason.MISSING_FIELD, "a block that is set needs valid_to")
        if self.valid_to is not None and milliseconds(self.valid_to) <= milliseconds(self.valid_from):
            raise FieldError(Reason.BAD_TIME, "valid_to must be after valid_from")
        return self


EXAMPLE: Final[dict[str, Any]] = {
    "event_id": "blocked-0001",
    "type": "blocked_resource",
    "occurred_at": "2026-11-23T08:30:00.000+05:00",
    "publisher": "KIBERNADZOR",
    "resource": "https://shop.example/",
    "resource_kind": "site",
    "reason": "fake_shop",
    "action": "set",
    "source": "Order 1 of an invented inspector",
    "valid_from": "2026-11-23T08:30:00.000+05:00",
    "valid_to": "2027-11-23",
    "tied": {"ids": ["061211600012"], "accounts": ["KZ75125KZT1001300335"], "phones": ["+77010000009"]},
}
