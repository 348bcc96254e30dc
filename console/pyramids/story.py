"""Who paid a collector when, from where, and whose money paid whom: from its operations, in order of time.

What a deposit, a payout and a refund are, and whose money a payout was, is told as by the meter (rules/pyramid.py): of
all that came in after the day on which the recipient entered, in proportion. The meter keeps what it needs for its
index; here the shares are told by week of entry, in whole tiyn, so that each payout is the sum of its sources.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from rules.pyramid import CASH_WITHDRAWAL, CRYPTO, TOP_UP, TRANSFER, local_day

PRIVATE: Final = frozenset(("person", "foreign", "account"))  # kinds of tokens, as the meter's PRIVATE
WEEK: Final = 7


class Operation(NamedTuple):
    """One operation that the collector is a party to; keys as the store has them, money in tiyn, `at` in ms UTC."""

    at: int
    kind: int  # index into rules.events.KINDS
    payer: int | None
    payee: int | None
    amount: int
    payer_region: int
    payer_kind: str | None  # as `tokens` has it; None where the token was never told
    payee_kind: str | None


@dataclass(slots=True)
class Member:
    """Somebody who paid the collector."""

    key: int
    entered: int  # ms
    week: int  # of entry, from 0
    region: int = 0
    paid: int = 0
    last_amount: int = 0
    payments: int = 0
    received: int = 0  # refunds apart
    refunded: int = 0
    outs: int = 0
    sources: list[int] = field(default_factory=list)  # of `received`, by the week in which its payer entered

    @property
    def from_later(self) -> int:
        """Of what was received, the money of those who entered later."""
        return sum(self.sources)


class Cohort(NamedTuple):
    """Those who entered in one week. `sources[w]` is what week w's people paid of what these received."""

    week: int
    first_day: int  # counted from 1970, Kazakhstan's calendar
    people: int
    paid: int
    repaid: int  # people
    received: int
    from_later: int
    sources: tuple[int, ...]


class RegionFigures(NamedTuple):
    """What came from one region."""

    payers: int
    money: int


@dataclass(frozen=True)
class Story:
    """All of it; days are those of Kazakhstan's calendar, counted from 1970."""

    members: Mapping[int, Member]
    cohorts: tuple[Cohort, ...]
    entrants: tuple[tuple[int, int, int], ...]  # every day from the first to the last: day, new payers, money in
    regions: Mapping[int, RegionFigures]

    @property
    def repaid(self) -> list[Member]:
        """Whoever was paid, who got most first."""
        return sorted((one for one in self.members.values() if one.received), key=lambda one: (-one.received, one.key))


def tell(collector: int, operations: Iterable[Operation], *, least_payment: int) -> Story:
    """The story of a collector; `operations` in order of time, `least_payment` in tiyn (what is less is no ticket)."""
    books = _Books(least_payment)
    for one in operations:
        if one.payee == collector and one.payer is not None and one.payer != collector:
            books.comes_in(one, one.payer)
        elif one.payer == collector and one.payee is not None and one.payee != collector:
            books.goes_out(one, one.payee)
    return books.story()


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount in whole parts in proportion to weights, by largest remainders; the parts add up to it.

    >>> split(100, [1, 1, 1]), split(5, [0, 3])
    ([34, 33, 33], [0, 5])
    """
    total = sum(weights)
    parts = [amount * weight // total for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for i in order[: amount - sum(parts)]:
        parts[i] += 1
    return parts


class _Books:
    """The figures as they grow, payment by payment."""

    def __init__(self, least_payment: int) -> None:
        self._least = least_payment
        self._members: dict[int, Member] = {}
        self._income: defaultdict[int, int] = defaultdict(int)  # day → all that came in
        self._cohorts: defaultdict[int, int] = defaultdict(int)  # day of entry → ever deposited by those of it
        self._deposits: defaultdict[int, int] = defaultdict(int)  # day → by private people
        self._entrants: defaultdict[int, int] = defaultdict(int)
        self._first: int | None = None

    def comes_in(self, one: Operation, payer: int) -> None:
        day = local_day(one.at)
        self._income[day] += one.amount
        if one.kind not in (TRANSFER, TOP_UP) or one.payer_kind not in PRIVATE or one.amount < self._least:
            return
        if self._first is None:
            self._first = day
        member = self._members.get(payer)
        if member is None:
            member = self._members[payer] = Member(payer, one.at, (day - self._first) // WEEK)
            self._entrants[day] += 1
        member.region = one.payer_region or member.region
        member.paid += one.amount
        member.last_amount = one.amount
        member.payments += 1
        self._deposits[day] += one.amount
        self._cohorts[local_day(member.entered)] += one.amount

    def goes_out(self, one: Operation, payee: int) -> None:
        member = self._members.get(payee)
        if member is None or one.payee_kind == "company" or one.kind in (CASH_WITHDRAWAL, CRYPTO):
            return
        member.outs += 1
        if member.outs == 1 and one.amount in (member.last_amount, member.paid):
            member.refunded += one.amount  # the very sum comes back: goods returned, never anybody's income
            return
        member.received += one.amount
        entered = local_day(member.entered)
        total = sum(amount for day, amount in self._income.items() if day > entered)
        if not total:
            return
        assert self._first is not None
        weights = [0] * (1 + max((day - self._first) // WEEK for day in self._cohorts))
        for day, amount in self._cohorts.items():
            if day > entered:
                weights[(day - self._first) // WEEK] += amount
        # The last part is other income after that day: of the same or earlier payers, or of nobody's deposit.
        parts = split(one.amount, [*weights, total - sum(weights)])
        member.sources += [0] * (len(weights) - len(member.sources))
        for week, part in enumerate(parts[:-1]):
            member.sources[week] += part

    def story(self) -> Story:
        if self._first is None:
            return Story({}, (), (), {})
        days = range(self._first, max(self._deposits) + 1)
        entrants = tuple((day, self._entrants.get(day, 0), self._deposits.get(day, 0)) for day in days)
        return Story(self._members, self._by_week(self._first), entrants, self._by_region())

    def _by_week(self, first: int) -> tuple[Cohort, ...]:
        weeks = 1 + max(member.week for member in self._members.values())
        told = []
        for week in range(weeks):
            members = [member for member in self._members.values() if member.week == week]
            sources = [0] * weeks
            for member in members:
                for number, amount in enumerate(member.sources):
                    sources[number] += amount
            told.append(
                Cohort(
                    week,
                    first + WEEK * week,
                    len(members),
                    sum(member.paid for member in members),
                    sum(member.received > 0 for member in members),
                    sum(member.received for member in members),
                    sum(sources),
                    tuple(sources),
                )
            )
        return tuple(told)

    def _by_region(self) -> dict[int, RegionFigures]:
        payers: defaultdict[int, int] = defaultdict(int)
        money: defaultdict[int, int] = defaultdict(int)
        for member in self._members.values():
            payers[member.region] += 1
            money[member.region] += member.paid
        return {region: RegionFigures(payers[region], money[region]) for region in sorted(payers)}
