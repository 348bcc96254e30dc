"""Notices to bodies outside the center: which finding causes one, how often, and how each ends.

    open  → done         the body's own list shows it (a blocked resource, a listed pyramid)
          → withdrawn    an authority found the subject innocent
          → unanswered   the term is over

For a subject and a measure one notice stands at a time, and until its term is over no other is issued: a collector with
a thousand suspicious payments is one letter, not a thousand.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple

from rules.holds import Order, Token, Words, due_order, words
from rules.procedure import NoticeRule, Procedure
from rules.typology import Subject

Outcome = Literal["open", "done", "withdrawn", "unanswered"]
OPEN: Final = "open"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice and its present outcome. Times are ms since 1970 UTC."""

    id: str
    measure: str
    addressee: str
    measure_words: Words
    addressee_words: Words
    basis: Words
    typology: str
    institution: str
    event_id: str
    alert_subject: Token  # whom the finding's alert is about
    role: Subject
    subject: Token
    account: int  # the subject's account, where it has one: lists may name that
    person: int  # whose numbers are counted
    done_by: tuple[str, ...]
    epoch: int
    order_time: int
    since: int
    deadline: int
    outcome: Outcome = OPEN
    at: int = 0
    number: int = 0


class Cause(NamedTuple):
    """A finding that may cause a notice."""

    rule: NoticeRule
    institution: str
    event_id: str
    alert_subject: Token
    subject: Token
    account: int
    person: int
    order: Order
    moment: int


@dataclass(slots=True)
class Board:
    """All notices whose term is not over. Every call returns the outcomes that it brought about, in order."""

    standing: dict[str, Notice] = field(default_factory=dict)
    _by_subject: dict[int, dict[str, None]] = field(default_factory=dict)
    _taken: dict[tuple[int, str], str] = field(default_factory=dict)  # (subject, measure) → notice
    _of_person: dict[tuple[int, str], int] = field(default_factory=dict)  # (person, measure) → how many stand
    _timers: list[tuple[Order, str]] = field(default_factory=list)

    @classmethod
    def of(cls, notices: Iterable[Notice]) -> Board:
        """The board on which these stand."""
        board = cls()
        for notice in notices:
            board._put(notice)
        return board

    def cause(self, cause: Cause, procedure: Procedure) -> list[Notice]:
        """A finding: a new notice, or none where one stands or the person has enough of them."""
        rule = cause.rule
        measure = procedure.measures[rule.measure]
        if not cause.subject[0] or (cause.subject[0], rule.measure) in self._taken:
            return []
        standing = self._of_person.get((cause.person, rule.measure), 0)
        if measure.most_per_person is not None and standing >= measure.most_per_person:
            return []
        told = "\x1f".join((cause.institution, cause.event_id, rule.typology, rule.measure, f"{cause.subject}"))
        notice = Notice(
            hashlib.sha256(told.encode()).hexdigest()[:32],
            rule.measure,
            measure.addressee,
            words(measure.text),
            words(procedure.addressees[measure.addressee].text),
            words(measure.legal_basis),
            rule.typology,
            cause.institution,
            cause.event_id,
            cause.alert_subject,
            rule.about,
            cause.subject,
            cause.account,
            cause.person,
            tuple(measure.done_by),
            *cause.order,
            since=cause.moment,
            deadline=procedure.deadline(measure.clock, cause.moment),
            at=cause.moment,
        )
        self._put(notice)
        return [notice]

    def listed(self, subject: int, which: str, moment: int) -> list[Notice]:
        """A subject was put on a list: the answer to the notices that asked for it."""
        return self._answered(subject, moment, "done", which)

    def found_innocent(self, subject: int, moment: int) -> list[Notice]:
        """An authority found a subject innocent: what was asked about it is withdrawn."""
        return self._answered(subject, moment, "withdrawn", None)

    def _answered(self, subject: int, moment: int, outcome: Outcome, which: str | None) -> list[Notice]:
        told = []
        for name in list(self._by_subject.get(subject, ())):
            notice = self.standing[name]
            if notice.outcome == OPEN and (which is None or which in notice.done_by):
                self.standing[name] = replace(notice, outcome=outcome, at=moment, number=notice.number + 1)
                told.append(self.standing[name])
        return told

    def due(self, order: Order, *, including: bool) -> Iterator[Notice]:
        """Takes down what has its term before `order`, or at it with `including`; what is open remains unanswered."""
        while self._timers and (self._timers[0][0] < order or (including and self._timers[0][0] == order)):
            notice = self.standing.pop(heapq.heappop(self._timers)[1])
            del self._taken[notice.subject[0], notice.measure]
            self._count(notice, -1)
            for key in _keys(notice):
                held = self._by_subject[key]
                del held[notice.id]
                if not held:
                    del self._by_subject[key]
            if notice.outcome == OPEN:
                yield replace(notice, outcome="unanswered", at=notice.deadline, number=notice.number + 1)

    def _put(self, notice: Notice) -> None:
        self.standing[notice.id] = notice
        self._taken[notice.subject[0], notice.measure] = notice.id
        self._count(notice, 1)
        for key in _keys(notice):
            self._by_subject.setdefault(key, {})[notice.id] = None
        heapq.heappush(self._timers, (due_order((notice.epoch, notice.order_time), notice.deadline), notice.id))

    def _count(self, notice: Notice, change: int) -> None:
        key = notice.person, notice.measure
        self._of_person[key] = self._of_person.get(key, 0) + change
        if not self._of_person[key]:
            del self._of_person[key]


def _keys(notice: Notice) -> list[int]:
    return [key for key in dict.fromkeys((notice.subject[0], notice.account)) if key]
