"""What is asked of followed money and what is answered, the same for pages and the API."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from fastapi import Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection

from console.money.freezing import Advice, Limits, Order
from console.money.purses import METHODS, Method
from console.store import money
from console.store.money import MOST_DAYS, MOST_HOPS, Followed, Question, Stop, event_text
from console.store.refused import MoneyRefused
from console.web.refusals import Refusal

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2_000)]
Tenge = Annotated[int, Field(ge=0, le=10**13, description="whole tenge")]
CaseId = Annotated[int, Path(ge=1, le=2**53)]
TengeAndTiyn = Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=2)]
_TIYN: Final = 100
_MINUTE_MS: Final = 60_000


class MoneyQuery(BaseModel):
    """How to follow money, and under what limits to advise whom to freeze."""

    model_config = ConfigDict(extra="ignore")

    method: Method = "fifo"
    direction: Literal["to", "from"] = Field(default="to", description="where money went, or where it came from")
    hops: int = Field(default=5, ge=1, le=MOST_HOPS)
    days: int = Field(default=14, ge=1, le=MOST_DAYS, description="looked at before the operation and after it")
    accounts: int = Field(default=5, ge=1, le=20, description="to freeze at most")
    innocent: Annotated[Tenge | None, BeforeValidator(lambda given: None if given == "" else given)] = Field(
        default=None, description="other people's money that may be frozen at most, in tenge"
    )
    delay: int = Field(default=30, ge=0, le=1_440, description="minutes until an order takes effect")

    @property
    def question(self) -> Question:
        """How the money is followed."""
        return Question(self.hops, self.days, self.direction == "from")

    @property
    def limits(self) -> Limits:
        """What an order may do."""
        innocent = None if self.innocent is None else self.innocent * _TIYN
        return Limits(self.accounts, innocent, delay_ms=self.delay * _MINUTE_MS)

    def address(self, **changes: Any) -> str:
        """The query of an address that asks the same but for the changes; nothing that a form adds, as a reason.

        >>> MoneyQuery(hops=3).address(method="lifo")
        'hops=3&method=lifo'
        """
        asked = self.model_dump(include=set(MoneyQuery.model_fields), exclude_defaults=True) | changes
        return urlencode({name: value for name, value in asked.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Reading:
    """Followed money, and whom to freeze: only of money that was followed forwards."""

    followed: Followed
    advice: Advice | None


def read(connection: Connection, events: Sequence[int], query: MoneyQuery) -> Reading:
    """Follow the money of some operations by all methods, and advise by the one that was asked for; NotFound."""
    followed = money.follow(connection, events, query.question)
    advice = None if query.question.backwards else money.advice(followed, query.method, query.limits)
    return Reading(followed, advice)


class MethodView(BaseModel):
    """What one method finds; money in tiyn."""

    followed: int = Field(description="of the operation itself")
    still_there: int = Field(description="in accounts on the way")
    left: dict[str, int] = Field(description="by kind of operation")
    returned: int = Field(description="to who sent it")
    transfers: dict[str, int] = Field(description="operation → how much of it is this money")


class StopView(BaseModel):
    """One account on the way; money in tiyn, by method where methods differ."""

    token: str
    hop: int
    institution: str | None
    region: int
    received: dict[Method, int]
    passed_on: dict[Method, int]
    left: dict[Method, int]
    still_there: dict[Method, int]
    opening: int = Field(description="what it must have had before the first known operation")
    balance: int
    not_followed: str = Field(description="why what it paid on was not looked at: hops, busy, or empty")


class OrderView(BaseModel):
    """Accounts to freeze, the most useful first, and what is expected of it; tiyn."""

    parties: list[str]
    expected: int
    innocent: int
    value: int


class AdviceView(BaseModel):
    """The advice, beside freezing only the first payees."""

    advised: OrderView
    naive: OrderView


class MoneyView(BaseModel):
    """Followed money."""

    operations: list[str]
    until: int = Field(description="ms UTC: the last operation that was looked at, at most")
    cut: bool = Field(description="there were too many operations, and the search was stopped")
    busy: int = Field(description="accounts that were not followed for having too many operations")
    methods: dict[Method, MethodView]
    accounts: list[StopView]
    advice: AdviceView | None = Field(description="none of money that was followed backwards")


def view(reading: Reading) -> MoneyView:
    """The reading as the API tells it."""
    followed = reading.followed
    left = followed.left_by_kind
    return MoneyView(
        operations=[event_text(row.event) for row in followed.asked],
        until=followed.until,
        cut=followed.around.cut,
        busy=len(followed.around.ends),
        methods={method: _method(followed, method, left[method]) for method in METHODS},
        accounts=[_stop(stop) for stop in followed.stops],
        advice=None
        if reading.advice is None
        else AdviceView(advised=_order(followed, reading.advice.order), naive=_order(followed, reading.advice.naive)),
    )


def tiyn_of(tenge: Decimal) -> int:
    """An amount that somebody typed, in tiyn."""
    return int(tenge * _TIYN)


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Tell what the books of money do not allow with its own text."""
    try:
        yield
    except MoneyRefused as error:
        raise Refusal(422, f"money.refused.{error.why}") from None


def _method(followed: Followed, method: Method, left: dict[str, int]) -> MethodView:
    said = followed.traces[method]
    return MethodView(
        followed=said.seeded,
        still_there=int(said.present.sum()),
        left=left,
        returned=said.returned,
        transfers={
            event_text(followed.around.rows[place].event): int(said.moved[place])
            for place in said.moved.nonzero()[0].tolist()
        },
    )


def _stop(stop: Stop) -> StopView:
    return StopView(
        token=stop.party.token,
        hop=stop.hop,
        institution=stop.institution,
        region=stop.region,
        received=stop.received,
        passed_on=stop.passed_on,
        left=stop.left,
        still_there=stop.present,
        opening=stop.opening,
        balance=stop.balance,
        not_followed=stop.ended,
    )


def _order(followed: Followed, order: Order) -> OrderView:
    return OrderView(
        parties=[followed.named[account].token for account in order.accounts],
        expected=round(order.expected),
        innocent=order.innocent,
        value=round(order.value),
    )
