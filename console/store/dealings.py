"""With whom a subject deals: who gives it money or gets it, and who pays with the same device or telephone.

The latest operations are looked at, `LOOKED_AT` in each role: what is worked out of them is told as such.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, bindparam, case, func, literal, select, union_all

from console.store.subjects import LOOKED_AT
from console.store.tables import operations
from rules.events import FIRST_FACT

MOST_USERS: Final = 50  # of one device or telephone


@dataclass(frozen=True)
class Counterparty:
    """Money between a subject and another one; amounts in tiyn, instants in ms UTC."""

    key: int
    paid: int  # to the counterparty
    paid_times: int
    received: int
    received_times: int
    first_at: int
    last_at: int

    @property
    def money(self) -> int:
        """In both directions."""
        return self.paid + self.received


@dataclass(frozen=True)
class Shared:
    """A device or telephone that a subject used, and the others who used it."""

    key: int
    kind: str
    users: tuple[tuple[int, int, int], ...]  # payer, times, last at


def counterparties(connection: Connection, key: int, *, limit: int = 100) -> list[Counterparty]:
    """With whom a subject exchanges money, most money first."""
    payer, payee = operations.c.payer, operations.c.payee
    each = union_all(_latest(payer, payee, key), _latest(payee, payer, key)).subquery()
    is_paid = each.c.paid == 1
    money, times = func.sum(each.c.amount).label("money"), func.count()
    paid, paid_times = func.sum(case((is_paid, each.c.amount), else_=0)), func.sum(each.c.paid)
    first_at, last_at = func.min(each.c.occurred_at), func.max(each.c.occurred_at)
    chosen = (
        select(each.c.other, money, times, paid, paid_times, first_at, last_at)
        .group_by(each.c.other)
        .order_by(money.desc(), each.c.other)
        .limit(limit)
    )
    return [
        Counterparty(other, int(paid), paid_times, int(money - paid), times - paid_times, first_at, last_at)
        for other, money, times, paid, paid_times, first_at, last_at in connection.execute(chosen).all()
    ]


def shared(connection: Connection, key: int, *, limit: int = 20) -> list[Shared]:
    """Devices and telephones that a subject paid with, each with the others who did: the `limit` used last of each."""
    found = []
    for column in (operations.c.device, operations.c.phone):
        latest = select(column, operations.c.occurred_at).where(operations.c.payer == key, column.is_not(None))
        some = latest.order_by(operations.c.occurred_at.desc()).limit(LOOKED_AT).subquery()
        used = some.c[column.name]
        things = select(used).group_by(used).order_by(func.max(some.c.occurred_at).desc(), used).limit(limit)
        for thing in connection.scalars(things).all():
            others = tuple(user for user in users_of(connection, column.name, thing) if user[0] != key)
            found.append(Shared(thing, column.name, others))
    return found


def users_of(connection: Connection, kind: str, key: int) -> list[tuple[int, int, int]]:
    """(payer, times, last at) of those who lately paid with a device or telephone, the most frequent first."""
    return [(payer, count, last) for payer, count, last in connection.execute(_users(kind), {"thing": key})]


@functools.cache
def _users(kind: str) -> Select[Any]:
    """Asked for each thing of a page, and said once: to put it together takes longer than to answer it."""
    latest = (
        select(operations.c.payer, operations.c.occurred_at)
        .where(operations.c[kind] == bindparam("thing"), operations.c.payer.is_not(None))
        .order_by(operations.c.occurred_at.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    times = func.count().label("times")
    return (
        select(latest.c.payer, times, func.max(latest.c.occurred_at))
        .group_by(latest.c.payer)
        .order_by(times.desc(), latest.c.payer)
        .limit(MOST_USERS)
    )


def _latest(mine: ColumnElement[int], other: ColumnElement[int], key: int) -> Select[Any]:
    """What a subject paid, or what it received, of late: `paid` is 1 or 0."""
    paid = literal(1 if mine is operations.c.payer else 0).label("paid")
    latest = (
        select(other.label("other"), operations.c.amount, operations.c.occurred_at, paid)
        .where(mine == key, other.is_not(None), other != key, operations.c.kind < FIRST_FACT)
        .order_by(operations.c.occurred_at.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    return select(latest)
