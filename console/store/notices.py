"""Notices to other bodies as the store has them, and what an analyst writes down of a body's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from sqlalchemy import Column, ColumnElement, Connection, Row, and_, case, func, or_, select, update

from console import audit
from console.store.actor import Actor, need
from console.store.errors import NotFound, Stale
from console.store.tables import notices
from rules.notices import Outcome
from streams.contracts.notice import NoticeEvent

PAGE: Final = 50
Answer = Literal["done", "refused"]
ANSWERS: Final[tuple[Answer, ...]] = ("done", "refused")


@dataclass(frozen=True)
class Filter:
    """Which notices to list; None is any. `answered`: whether somebody wrote an answer down."""

    outcome: str | None = None
    addressee: str | None = None
    measure: str | None = None
    answered: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As parts of a WHERE."""
        wanted: list[ColumnElement[bool]] = []
        if self.outcome is not None:
            wanted.append(notices.c.outcome == self.outcome)
        if self.addressee is not None:
            wanted.append(notices.c.addressee == self.addressee)
        if self.measure is not None:
            wanted.append(notices.c.measure == self.measure)
        if self.answered is not None:
            wanted.append(notices.c.answer.is_not(None) if self.answered else notices.c.answer.is_(None))
        return wanted


@dataclass(frozen=True)
class Notice:
    """One notice with its present outcome; instants in ms UTC."""

    notice_id: str
    since: int
    at: int
    deadline_at: int
    event: NoticeEvent  # as published
    answer: str | None
    answered_by: str | None
    answered_at: int | None


@dataclass(frozen=True)
class Line:
    """What became of the notices to one body about one measure."""

    addressee: str
    measure: str
    open: int
    done: int
    withdrawn: int
    unanswered: int
    written_done: int  # an analyst wrote down that it was done, or refused
    written_refused: int
    document: str  # of one of them: it has the names of body and measure in three languages

    @property
    def example(self) -> NoticeEvent:
        """One of them."""
        return NoticeEvent.model_validate_json(self.document)

    @property
    def all(self) -> int:
        """How many there are."""
        return self.open + self.done + self.withdrawn + self.unanswered


def listed(
    connection: Connection, chosen: Filter, *, after: tuple[int, str] | None = None, limit: int = PAGE
) -> list[Notice]:
    """Notices by deadline: of open ones the nearest first, of others the latest first.

    `after`: (deadline_at, notice_id) of the last one of the page before.
    """
    query = select(notices).where(*chosen.conditions()).limit(limit)
    nearest = chosen.outcome == "open"
    if after is not None:
        at, notice_id = after
        later = notices.c.deadline_at > at if nearest else notices.c.deadline_at < at
        query = query.where(or_(later, and_(notices.c.deadline_at == at, notices.c.notice_id > notice_id)))
    order = notices.c.deadline_at if nearest else notices.c.deadline_at.desc()
    return [_notice(row) for row in connection.execute(query.order_by(order, notices.c.notice_id))]


def summary(connection: Connection) -> list[Line]:
    """What became of all notices, by addressee and measure."""

    def number_of(column: Column[str], value: str) -> ColumnElement[int]:
        return func.sum(case((column == value, 1), else_=0))

    query = (
        select(
            notices.c.addressee,
            notices.c.measure,
            *(number_of(notices.c.outcome, outcome).label(outcome) for outcome in get_args(Outcome)),
            *(number_of(notices.c.answer, answer).label(f"written_{answer}") for answer in ANSWERS),
            func.max(notices.c.document).label("document"),
        )
        .group_by(notices.c.addressee, notices.c.measure)
        .order_by(notices.c.addressee, notices.c.measure)
    )
    return [
        Line(
            row.addressee,
            row.measure,
            row.open,
            row.done,
            row.withdrawn,
            row.unanswered,
            row.written_done,
            row.written_refused,
            row.document,
        )
        for row in connection.execute(query)
    ]


def found(connection: Connection, notice_id: str) -> Notice:
    """The notice with this id; NotFound."""
    row = connection.execute(select(notices).where(notices.c.notice_id == notice_id)).one_or_none()
    if row is None:
        raise NotFound("notice")
    return _notice(row)


def answer(
    connection: Connection, actor: Actor, notice_id: str, given: Answer, reason: str, *, seen: str | None, now: int
) -> None:
    """Write down what the addressee answered; `seen` is the answer that the actor saw there before, if any.

    Raises:
        NotAllowed, NotFound: the actor may not work on alerts; there is no such notice.
        Stale: somebody else has written another answer in the meantime.
    """
    need(actor, "alerts.work")
    before = found(connection, notice_id)
    as_seen = notices.c.answer.is_(None) if seen is None else notices.c.answer == seen
    changed = connection.execute(
        update(notices)
        .where(notices.c.notice_id == notice_id, as_seen)
        .values(answer=given, answered_by=actor.username, answered_at=now)
    )
    if changed.rowcount != 1:
        raise Stale("The answer to this notice", ("notice", notice_id))
    audit.write(
        connection, actor, "notice.answered", "notice", notice_id, reason=reason, answer=given, before=before.answer
    )


def _notice(row: Row[tuple[object, ...]]) -> Notice:
    return Notice(
        row.notice_id,
        row.since,
        row.at,
        row.deadline_at,
        NoticeEvent.model_validate_json(row.document),
        row.answer,
        row.answered_by,
        row.answered_at,
    )
