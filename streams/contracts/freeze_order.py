"""The freeze order contract: what money an institution is to keep where it is, by which law, until when."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from streams.contracts.fields import Contract, EventId, Instant, Institution, Publisher, milliseconds
from streams.contracts.reasons import FieldError, Reason
from streams.contracts.suspicious_operation import Tenge
from streams.contracts.text import Text

TOPIC: Final = "orders.{institution}"
OrderId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="The same when the order is lifted")]


class FreezeOrder(Contract):
    """Published to `orders.<institution>` when an order is made and when it is lifted; the later record holds.

    It names an operation and a side of it: the institution knows whose account that is, so no identity travels.
    """

    type: Literal["freeze_order"]
    order_id: OrderId
    state: Literal["ordered", "lifted"]
    institution: Institution = Field(description="Where the account is: whom the order is for")
    publisher: Publisher = Field(description="Publisher of the event that names the account")
    event_id: EventId
    role: Literal["payer", "payee"] = Field(description="Whose account it is in that event")
    amount: Tenge = Field(description="No more than this is to be kept")
    legal_basis: Text
    ordered_at: Instant
    until: Instant = Field(description="When the order ends by itself")
    case_id: int = Field(ge=1, description="Number of the FIU's case, for questions")

    @model_validator(mode="after")
    def _ends(self) -> FreezeOrder:
        if milliseconds(self.until) <= milliseconds(self.ordered_at):
            raise FieldError(Reason.BAD_TIME, "until must be after ordered_at")
        return self


EXAMPLE: Final[dict[str, Any]] = {
    "type": "freeze_order",
    "order_id": "8d41402abc4b2a76b9719d911017c592",
    "state": "ordered",
    "institution": "IRTYKZKA",
    "publisher": "CASPKZKA",
    "event_id": "7f0c2a9e-3b51-4c0e-9f57-1d1f2a6c9b10",
    "role": "payee",
    "amount": "150000.00",
    "legal_basis": {
        "kk": "2009 жылғы 28 тамыздағы № 191-IV Заң, 13-бап",
        "ru": "Закон от 28 августа 2009 года № 191-IV, статья 13",
        "en": "Law of 28 August 2009 No. 191-IV, Article 13",
    },
    "ordered_at": "2026-11-23T06:00:00.000Z",
    "until": "2026-11-26T06:00:00.000Z",
    "case_id": 12,
}
