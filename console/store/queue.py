"""The queue: alerts in the order in which they want to be worked, page by page, alone or as campaigns.

The order is severity, then the legal clock that runs out first, then money at risk, then the newest; of closed ones,
severity and the newest. It is walked in segments, each of which one index has in its order (`ix_alerts_queue`,
`ix_alerts_clock`, `ix_alerts_closed`): no page is ever reached by counting off the ones before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, func, null, or_, select, tuple_

from console.store.sieve import Sieve
from console.store.tables import alerts, campaigns

PAGE: Final = 50
COUNTED: Final = 1_000  # beyond it a page says "more than"
WALKED: Final = 3_000  # alerts that one page of campaigns looks at, at most
_PLACE: Final = (alerts.c.severity, alerts.c.deadline_at, alerts.c.amount, alerts.c.seq)
# A clock that once ran does not order what is closed, and is not in its index.
_CLOSED: Final = select(
    alerts.c.severity,
    null().label("deadline_at"),
    alerts.c.amount,
    alerts.c.seq,
    alerts.c.campaign_id,
)


@dataclass(frozen=True)
class Place:
    """Where an alert stands in the queue; its text form is what `after` in an address holds.

    >>> Place.read(str(Place(3, None, 1500, 7))), Place.read(str(Place(2, 1700000000000, 1, 8))).deadline_at
    (Place(severity=3, deadline_at=None, amount=1500, seq=7), 1700000000000)
    """

    severity: int
    deadline_at: int | None  # ms UTC
    amount: int  # tiyn
    seq: int

    @classmethod
    def read(cls, text: str) -> Self:
        """From the text form; ValueError where it is none."""
        severity, deadline, amount, seq = text.split(".")
        return cls(int(severity), int(deadline) if deadline else None, int(amount), int(seq))

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Of a row that has the columns of an alert."""
        return cls(*(row[column.name] for column in _PLACE))

    def __str__(self) -> str:
        return f"{self.severity}.{self.deadline_at or ''}.{self.amount}.{self.seq}"


@dataclass(frozen=True)
class Page:
    """Rows of `alerts` in order, and where the next page begins after, if there is one."""

    rows: list[RowMapping]
    next: Place | None


@dataclass(frozen=True)
class Group:
    """A campaign with its foremost alert that passes the filters; no campaign where the alert stands alone."""

    campaign: RowMapping | None
    first: RowMapping


@dataclass(frozen=True)
class GroupPage:
    """Campaigns and single alerts in the order of their foremost alerts."""

    groups: list[Group]
    next: Place | None


def page(connection: Connection, sieve: Sieve, *, now: int, after: Place | None = None, limit: int = PAGE) -> Page:
    """The alerts of one page, `now` in ms UTC."""
    walked: list[RowMapping] = []
    for row in _walk(connection, sieve, now, after, limit + 1):
        walked.append(row)
        if len(walked) > limit:
            break
    rows = walked[:limit]
    found = _whole(connection, [row["seq"] for row in rows])
    last = Place.of(rows[-1]) if len(walked) > limit else None
    return Page([found[row["seq"]] for row in rows], last)


def grouped(
    connection: Connection, sieve: Sieve, *, now: int, after: Place | None = None, limit: int = PAGE
) -> GroupPage:
    """The campaigns of one page. A campaign stands where its foremost alert does, and on that page only."""
    firsts: dict[tuple[str, int], RowMapping] = {}
    last, more = None, False
    for number, row in enumerate(_walk(connection, sieve, now, after, WALKED)):
        campaign_id = row["campaign_id"]
        group = ("campaign", campaign_id) if campaign_id is not None else ("alert", row["seq"])
        if number >= WALKED or (group not in firsts and len(firsts) == limit):
            more = True
            break
        firsts.setdefault(group, row)
        last = row
    ids = [number for kind, number in firsts if kind == "campaign"]
    earlier = _shown_before(connection, sieve, now, after, ids) if after is not None else set()
    kept = [row for (kind, number), row in firsts.items() if kind == "alert" or number not in earlier]
    whole = _whole(connection, [row["seq"] for row in kept])
    known = {
        row["campaign_id"]: row
        for row in connection.execute(select(campaigns).where(campaigns.c.campaign_id.in_(ids))).mappings()
    }
    groups = [Group(known.get(row["campaign_id"]), whole[row["seq"]]) for row in kept]
    return GroupPage(groups, Place.of(last) if more and last is not None else None)


def by_severity(connection: Connection, sieve: Sieve, *, now: int, cap: int = COUNTED) -> dict[int, int]:
    """How many of each severity pass, each counted up to `cap` and one more."""
    found = {}
    for rank in sieve.ranks:
        some = (
            select(alerts.c.seq)
            .where(*sieve.conditions(now), sieve.column(alerts.c.severity) == rank)
            .order_by(sieve.column(alerts.c.seq if sieve.closed else alerts.c.amount))
            .limit(cap + 1)
            .subquery()
        )
        found[rank] = int(connection.scalar(select(func.count()).select_from(some)) or 0)
    return found


def newest(connection: Connection) -> int:
    """The highest `seq` in the store; 0 in an empty one."""
    return int(connection.scalar(select(func.max(alerts.c.seq))) or 0)


def since(
    connection: Connection, sieve: Sieve, seq: int, *, now: int, up_to: int | None = None, limit: int = PAGE
) -> list[RowMapping]:
    """Alerts that pass and came after `seq`, the newest first; `up_to`: the last seq that counts."""
    chosen = select(alerts).where(alerts.c.seq > seq, *sieve.by_arrival(now)).order_by(alerts.c.seq.desc()).limit(limit)
    if up_to is not None:
        chosen = chosen.where(alerts.c.seq <= up_to)
    return list(connection.execute(chosen).mappings())


# -- the walk ---------------------------------------------------------------------------------------------------------


def _walk(connection: Connection, sieve: Sieve, now: int, after: Place | None, limit: int) -> Iterator[RowMapping]:
    """Keys of alerts in the queue's order, read from an index alone."""
    for statement in segments(sieve, now, after, limit):
        yield from connection.execute(statement).mappings()


def segments(sieve: Sieve, now: int, after: Place | None, limit: int) -> Iterator[Select[Any]]:
    """The statements that walk the queue, each to be read in turn."""
    severity, amount, seq = (sieve.column(column) for column in (alerts.c.severity, alerts.c.amount, alerts.c.seq))
    for rank in sieve.ranks:
        if after is not None and rank > after.severity:
            continue
        begins = after if after is not None and rank == after.severity else None
        chosen = select(*_PLACE, alerts.c.campaign_id).where(severity == rank)
        if sieve.closed:
            passed = [] if begins is None else [seq < begins.seq]
            done = _CLOSED.where(severity == rank, *sieve.conditions(now), *passed)
            yield done.order_by(seq.desc()).limit(limit)
            continue
        if begins is None or begins.deadline_at is not None:
            yield (
                chosen.where(alerts.c.deadline_at.is_not(None), *_after_clock(begins))
                .where(*sieve.conditions(now, alerts.c.amount + 0))
                .order_by(alerts.c.deadline_at, alerts.c.amount.desc(), alerts.c.seq.desc())
                .limit(limit)
            )
            begins = None
        place = tuple_(amount, seq)
        passed = [] if begins is None else [place < (begins.amount, begins.seq)]
        yield (
            chosen.where(alerts.c.deadline_at.is_(None), *sieve.conditions(now), *passed)
            .order_by(amount.desc(), seq.desc())
            .limit(limit)
        )


def _after_clock(place: Place | None) -> list[ColumnElement[bool]]:
    if place is None:
        return []
    rest = tuple_(alerts.c.amount, alerts.c.seq) < (place.amount, place.seq)
    same = and_(alerts.c.deadline_at == place.deadline_at, rest)
    return [alerts.c.deadline_at >= place.deadline_at, or_(alerts.c.deadline_at > place.deadline_at, same)]


def _shown_before(connection: Connection, sieve: Sieve, now: int, after: Place, ids: list[int]) -> set[int]:
    """Which campaigns have an alert that passes and stands at `after` or before it."""
    graver = alerts.c.severity > after.severity
    same = alerts.c.severity == after.severity
    amount = tuple_(alerts.c.amount, alerts.c.seq) >= (after.amount, after.seq)
    if sieve.closed:
        before = alerts.c.seq >= after.seq
    elif after.deadline_at is None:
        before = or_(alerts.c.deadline_at.is_not(None), amount)
    else:
        sooner = alerts.c.deadline_at < after.deadline_at
        before = or_(sooner, and_(alerts.c.deadline_at == after.deadline_at, amount))
    chosen = (
        select(alerts.c.campaign_id)
        .distinct()
        .where(alerts.c.campaign_id.in_(ids), *sieve.conditions(now), alerts.c.severity.in_(sieve.ranks))
        .where(or_(graver, and_(same, before)))
    )
    return set(connection.execute(chosen).scalars())


def _whole(connection: Connection, numbers: list[int]) -> Mapping[int, RowMapping]:
    chosen = select(alerts).where(alerts.c.seq.in_(numbers))
    return {row["seq"]: row for row in connection.execute(chosen).mappings()}
