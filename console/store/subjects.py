"""Who stands where: a subject by its token, its alerts and its operations.

Of a subject with very many operations the latest are looked at, `LOOKED_AT` in each role: what is worked out of them
is told as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, RowMapping, or_, select, true

from console.store.errors import NotFound
from console.store.keys import key_of, short_text
from console.store.tables import alert_parties, alerts, operations, tokens
from console.store.upserts import chunks
from streams.contracts.fields import TOKEN, TOKEN_PREFIX

LOOKED_AT: Final = 2_000
_TEXT: Final = re.compile(f"{TOKEN}|{TOKEN_PREFIX}")
_SHOWN: Final = (
    operations.c.event,
    operations.c.event_id,
    operations.c.institution,
    operations.c.occurred_at,
    operations.c.kind,
    operations.c.channel,
    operations.c.flags,
    operations.c.amount,
    operations.c.payer,
    operations.c.payee,
    operations.c.device,
    operations.c.phone,
    operations.c.risk,
)
_MOVED: Final = (
    operations.c.occurred_at,
    operations.c.kind,
    operations.c.amount,
    operations.c.payer,
    operations.c.payee,
)
_ROLES: Final = (operations.c.payer, operations.c.payee, operations.c.device, operations.c.phone)


@dataclass(frozen=True)
class Subject:
    """A person, company, account, device or phone; `kind` is empty where only the key is known."""

    key: int
    token: str
    kind: str


class Move(NamedTuple):
    """An operation or fact as far as the history of a subject needs it; tiyn, ms UTC."""

    occurred_at: int
    kind: int  # index into rules.events.KINDS
    amount: int
    payer: int | None
    payee: int | None
    paid: bool  # by the subject, or with it where it is a device or telephone; else it received, or was named only


def find(connection: Connection, text: str) -> Subject:
    """The subject with this token, or whose token begins with this half; NotFound."""
    if not _TEXT.fullmatch(text):
        raise NotFound(f"subject {text[:64]}")
    key = key_of(text)
    row = connection.execute(select(tokens).where(tokens.c.key == key)).one_or_none()
    if row is not None and row.token.startswith(text):
        return Subject(key, row.token, row.kind)
    if row is None and _is_met(connection, key):
        return Subject(key, text, "")
    raise NotFound(f"subject {text}")


def named(connection: Connection, keys: Iterable[int | None], key_id: str = "k1") -> dict[int, Subject]:
    """The subjects of these keys; of one whose token has not come, what can be shown of it."""
    wanted = {key for key in keys if key is not None}
    found = {key: Subject(key, short_text(key, key_id), "") for key in wanted}
    for some in chunks(sorted(wanted)):
        chosen = select(tokens).where(tokens.c.key.in_(some))
        found.update({row.key: Subject(row.key, row.token, row.kind) for row in connection.execute(chosen)})
    return found


def alerts_of(
    connection: Connection, key: int, *, before: int | None = None, limit: int = 50
) -> list[tuple[str, RowMapping]]:
    """(role, alert) of the alerts that concern a subject in whatever role, the newest first; `before`: a seq."""
    earlier = alert_parties.c.seq < before if before is not None else true()
    mine = (
        select(alert_parties.c.seq, alert_parties.c.role)
        .where(alert_parties.c.key == key, earlier)
        .order_by(alert_parties.c.seq.desc())
        .limit(limit)
    )
    roles = {row.seq: row.role for row in connection.execute(mine)}
    rows = connection.execute(select(alerts).where(alerts.c.seq.in_(roles)).order_by(alerts.c.seq.desc()))
    return [(roles[row["seq"]], row) for row in rows.mappings()]


def alerted_at(connection: Connection, key: int, *, limit: int = 200) -> list[int]:
    """When the alerted operations that concern a subject happened, ms UTC; of the latest alerts."""
    mine = select(alert_parties.c.seq).where(alert_parties.c.key == key)
    some = mine.order_by(alert_parties.c.seq.desc()).limit(limit).subquery()
    return list(connection.scalars(select(alerts.c.occurred_at).join(some, some.c.seq == alerts.c.seq)))


def moves_of(connection: Connection, key: int, *, until: int | None = None, limit: int = LOOKED_AT) -> list[Move]:
    """The latest moves of a subject, the latest first, read from indexes alone; `until`: ms UTC, without it."""
    moves: list[Move] = []
    for role in _ROLES:
        chosen = select(*_MOVED).where(role == key)
        if role is operations.c.payee:  # what one pays to oneself has come as paid
            chosen = chosen.where(or_(operations.c.payer.is_(None), operations.c.payer != key))
        if until is not None:
            chosen = chosen.where(operations.c.occurred_at < until)
        rows = connection.execute(chosen.order_by(operations.c.occurred_at.desc()).limit(limit)).all()
        paid = role is not operations.c.payee
        moves += [Move(*row, paid) for row in rows]
    moves.sort(key=lambda move: move.occurred_at, reverse=True)
    return moves[:limit]


def operations_of(connection: Connection, key: int, *, limit: int = 200) -> list[RowMapping]:
    """The latest operations and facts that concern a subject, the latest first."""
    found: dict[int, RowMapping] = {}
    for role in _ROLES:
        chosen = select(*_SHOWN).where(role == key).order_by(operations.c.occurred_at.desc()).limit(limit)
        for row in connection.execute(chosen).mappings():
            found[row["event"]] = row
    latest = sorted(found.values(), key=lambda row: (row["occurred_at"], row["event"]), reverse=True)
    return latest[:limit]


def operation(connection: Connection, institution: str, event_id: str) -> RowMapping | None:
    """One operation as it was published."""
    chosen = select(*_SHOWN).where(operations.c.institution == institution, operations.c.event_id == event_id)
    return connection.execute(chosen).mappings().first()


def _is_met(connection: Connection, key: int) -> bool:
    columns: tuple[Column[int], ...] = (alert_parties.c.key, operations.c.payer, operations.c.payee)
    return any(connection.execute(select(column).where(column == key).limit(1)).first() for column in columns)
