"""Transfers around some operations, as far as money of theirs can have gone, or can have come from.

A party's accounts are counted together: operations are found by payer and payee, and an order to freeze names a party.
Cash, shops, loans and exchanges are outside: money comes from there and leaves to there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, Row, func, select

from console.money.transfers import OUTSIDE, Transfers
from console.store.errors import NotFound
from console.store.tables import operations
from console.store.upserts import chunks
from rules.events import FIRST_FACT, KINDS

BUSIEST: Final = 1_000  # operations of one party in the time looked at: a shop, not a mule, and not followed
MOST: Final = 50_000  # operations loaded at once
_LEAVING: Final = frozenset(
    map(KINDS.index, ("card_payment", "cash_withdrawal", "loan_repayment", "top_up", "crypto_exchange"))
)
_ENTERING: Final = frozenset(map(KINDS.index, ("cash_deposit", "loan_disbursement")))


class Operation(NamedTuple):
    """One operation of the store; keys are signed, money is tiyn, instants are ms UTC."""

    event: int
    event_id: str
    institution: str
    occurred_at: int
    kind: int
    amount: int
    payer: int | None
    payee: int | None
    payer_region: int
    payee_region: int
    payer_institution: str | None
    payee_institution: str | None


_COLUMNS: Final = tuple(operations.c[name] for name in Operation._fields)


@dataclass(frozen=True, slots=True)
class Window:
    """What is looked at: from `since` to `until` (ms UTC), `hops` transfers from the first."""

    since: int
    until: int
    hops: int
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """The operations around some, ready to be traced: `transfers` has one for each of `rows`, in order of time."""

    rows: list[Operation]
    transfers: Transfers
    parties: list[int]  # account of `transfers` → key
    seeds: list[int]  # places of the operations asked for
    ends: frozenset[int]  # accounts that are not followed: they have too many operations, or there were too many
    cut: bool  # whether it was the latter: MOST operations were reached


def find(connection: Connection, event: int) -> Operation:
    """The operation with this hash, if money moved by it; NotFound."""
    found = list(_loaded(connection, [event]))
    if not found:
        raise NotFound(f"operation {event}")
    return found[0]


def latest_at(connection: Connection) -> int:
    """When the last operation happened that the store has; 0 where it has none."""
    return int(connection.scalar(select(func.max(operations.c.occurred_at))) or 0)


def around(connection: Connection, events: Collection[int], window: Window) -> Around:
    """The operations of every party that money of these operations can have reached (backwards: can have come from).

    Raises:
        NotFound: one of the operations is not there.
    """
    asked = list(_loaded(connection, events))
    if len(asked) != len(set(events)):
        raise NotFound("operation")
    search = _Search(connection, window)
    search.begin(asked)
    return search.result({row.event for row in asked})


class _Search:
    """Party by party, hop by hop; `since` tells from when on (backwards: until when) a party can have such money."""

    def __init__(self, connection: Connection, window: Window) -> None:
        self._connection, self._window = connection, window
        self._rows: dict[int, Operation] = {}
        self._of: dict[int, list[Operation]] = defaultdict(list)  # party → what it passed on (backwards: took in)
        self._since: dict[int, int] = {}
        self._looked_at: set[int] = set()
        self._busy: set[int] = set()
        self._cut = False

    def begin(self, asked: Sequence[Operation]) -> None:
        """Search from the operations that were asked for."""
        near, far = ("payee", "payer") if not self._window.backwards else ("payer", "payee")
        nearer = {getattr(row, near) for row in asked}
        home = {getattr(row, far) for row in asked} - nearer
        self._rows.update((row.event, row) for row in asked)
        frontier = self._reached(asked, home)
        for _ in range(1, self._window.hops):
            self._load(sorted(frontier - self._looked_at - self._busy))
            moved = [row for party in sorted(frontier) for row in self._of[party] if self._in_time(row, party)]
            frontier = self._reached(moved, home)
            if not frontier or self._cut:
                break

    def result(self, asked: set[int]) -> Around:
        """What was found, numbered."""
        rows = sorted(self._rows.values(), key=lambda row: (row.occurred_at, row.event))
        numbers: dict[int, int] = {}
        for row in rows:
            for key in (row.payer, row.payee):
                if key is not None:
                    numbers.setdefault(key, len(numbers))
        sides = [
            (
                OUTSIDE if row.payer is None or row.kind in _ENTERING else numbers[row.payer],
                OUTSIDE if row.payee is None or row.kind in _LEAVING else numbers[row.payee],
                row.amount,
                row.occurred_at,
            )
            for row in rows
        ]
        # What was reached and not looked at, because the search was cut short, keeps what comes to it.
        unseen = self._busy | (set(self._since) - self._looked_at if self._cut else set())
        return Around(
            rows,
            Transfers.of(sides, len(numbers)),
            list(numbers),
            [place for place, row in enumerate(rows) if row.event in asked],
            frozenset(numbers[key] for key in unseen if key in numbers),
            self._cut,
        )

    def _in_time(self, row: Operation, party: int) -> bool:
        since = self._since[party]
        return row.occurred_at <= since if self._window.backwards else row.occurred_at >= since

    def _reached(self, rows: Iterable[Operation], home: Collection[int | None]) -> set[int]:
        """Parties that money of these rows comes to and that it did not come to before, or later."""
        found = set()
        sign = -1 if self._window.backwards else 1
        for row in rows:
            party = row.payer if self._window.backwards else row.payee
            outside = row.kind in (_ENTERING if self._window.backwards else _LEAVING)
            if party is None or outside or party in home:
                continue
            known = self._since.get(party)
            if known is None or sign * row.occurred_at < sign * known:
                self._since[party] = row.occurred_at
                found.add(party)
        return found

    def _load(self, parties: Sequence[int]) -> None:
        counted = self._counted(parties)
        self._busy |= {party for party in parties if counted[party] > BUSIEST}
        for some in chunks([party for party in parties if party not in self._busy]):
            if len(self._rows) + sum(counted[party] for party in some) > MOST:
                self._cut = True
                return
            self._looked_at.update(some)
            for column, passes_on in (
                (operations.c.payer, not self._window.backwards),
                (operations.c.payee, self._window.backwards),
            ):
                for row in _of_parties(self._connection, column, some, self._window):
                    self._rows.setdefault(row.event, row)
                    if passes_on:
                        party = row.payer if not self._window.backwards else row.payee
                        assert party is not None
                        self._of[party].append(row)

    def _counted(self, parties: Sequence[int]) -> dict[int, int]:
        """How many operations each party has in the window."""
        found = dict.fromkeys(parties, 0)
        for column in (operations.c.payer, operations.c.payee):
            for some in chunks(parties):
                counted = (
                    select(column, func.count())
                    .where(column.in_(some), operations.c.occurred_at.between(self._window.since, self._window.until))
                    .group_by(column)
                )
                for party, number in self._connection.execute(counted):
                    found[party] += number
        return found


def _of_parties(
    connection: Connection, column: Column[int], parties: Sequence[int], window: Window
) -> Iterable[Operation]:
    chosen = select(*_COLUMNS).where(
        column.in_(parties),
        operations.c.occurred_at.between(window.since, window.until),
        operations.c.kind < FIRST_FACT,
        operations.c.amount > 0,
    )
    return map(_operation, connection.execute(chosen))


def _loaded(connection: Connection, events: Collection[int]) -> Iterable[Operation]:
    for some in chunks(sorted(set(events))):
        chosen = select(*_COLUMNS).where(
            operations.c.event.in_(some), operations.c.kind < FIRST_FACT, operations.c.amount > 0
        )
        yield from map(_operation, connection.execute(chosen))


def _operation(row: Row[tuple[object, ...]]) -> Operation:
    return Operation._make(row)
