"""What came back to victims: by recalls, out of the books of cases, by holds that ended so; each tenge counted once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, String, and_, case, cast, exists, func, literal, or_, select

from console.money import restitution as books
from console.store.statistics import Choice, recalled, unindexed
from console.store.tables import claims, holds, ledger, operations, recalls
from rules.holds import RELEASED, RESTRAINING

_MONEY_RETURNED: Final = "money_returned"  # the cause with which such a hold ends: rules/catalogue/lists/clocks.yaml


@dataclass(frozen=True, slots=True)
class Returned:
    """Tiyn that came back in a period."""

    recalled: int  # by recalls made in it, up to now: what of it went through the books stands here alone
    distributed: int  # paid out of what cases had recovered
    lifted: int  # freezes lifted from accounts of people who claim in the same case
    released: int  # holds that began in it and ended because the payer has the money back

    @property
    def total(self) -> int:
        """All of it."""
        return self.recalled + self.distributed + self.lifted + self.released


def returned(connection: Connection, choice: Choice) -> Returned:
    """What came back in a period; of institutions the books know nothing, so that one alone has none of them."""
    distributed, lifted = (0, 0) if choice.institution is not None else _by_the_books(connection, choice)
    return Returned(int(recalled(connection, choice).returned), distributed, lifted, _released(connection, choice))


def _by_the_books(connection: Connection, choice: Choice) -> tuple[int, int]:
    paid_out = and_(ledger.c.cause == books.DISTRIBUTE, ledger.c.amount > 0)
    own = exists().where(
        claims.c.case_id == ledger.c.case_id,
        claims.c.state != "withdrawn",
        ledger.c.account == literal("frozen:").concat(cast(claims.c.claimant, String)),
    )
    let_go = and_(ledger.c.cause == books.LIFT, ledger.c.amount < 0, own)
    row = connection.execute(
        select(_sum(paid_out, ledger.c.amount), _sum(let_go, -ledger.c.amount)).where(
            ledger.c.at >= choice.since, ledger.c.at < choice.until, or_(paid_out, let_go)
        )
    ).one()
    return int(row[0]), int(row[1])


def _released(connection: Connection, choice: Choice) -> int:
    """Each operation once, and none that a recall or a claim is about: there the money is counted already."""
    same = and_(operations.c.institution == holds.c.institution, operations.c.event_id == holds.c.event_id)
    asked_back = exists().where(same, recalls.c.operation == operations.c.event)
    claimed = exists().where(same, claims.c.operation == operations.c.event, claims.c.state != "withdrawn")
    chosen = [
        holds.c.since >= choice.since,
        holds.c.since < choice.until,
        holds.c.state == RELEASED,
        holds.c.decision.in_(RESTRAINING),
        holds.c.cause == _MONEY_RETURNED,
        ~asked_back,
        ~claimed,
    ]
    if choice.institution is not None:
        chosen.append(unindexed(holds.c.institution) == choice.institution)
    once = (
        select(func.max(holds.c.amount).label("amount"))
        .where(*chosen)
        .group_by(holds.c.institution, holds.c.event_id)
        .subquery()
    )
    return int(connection.scalar(select(func.coalesce(func.sum(once.c.amount), 0))) or 0)


def _sum(condition: ColumnElement[bool], amount: ColumnElement[int]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, amount), else_=0)), 0)
