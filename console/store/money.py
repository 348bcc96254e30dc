"""What became of the money of an operation: four methods over what the store has, who stands where, whom to freeze."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from console.money.freezing import Advice, Limits, advise
from console.money.purses import METHODS, Method
from console.money.tracing import Trace, trace
from console.money.transfers import OUTSIDE
from console.store import operations, subjects
from console.store.errors import NotFound
from console.store.keys import signed, unsigned
from console.store.operations import Around, Operation, Window
from console.store.subjects import Subject
from rules.events import DAY_MS, KINDS

MOST_HOPS: Final = 8
MOST_DAYS: Final = 90
_EVENT: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Question:
    """How money is to be followed."""

    hops: int = 5
    days: int = 14  # looked at before the first of the operations, and after it
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """One account on the way; tiyn by method where there are four."""

    party: Subject
    hop: int
    institution: str | None  # where the traced money came to it
    region: int
    received: dict[Method, int]
    passed_on: dict[Method, int]
    left: dict[Method, int]
    present: dict[Method, int]
    opening: int  # what it must have had before the first known operation
    balance: int
    ended: str  # why it is not followed: "" (it is), hops, busy


@dataclass(frozen=True, slots=True)
class Followed:
    """The answer, for pages and the API alike."""

    question: Question
    until: int  # the books stand at this instant
    around: Around
    asked: list[Operation]
    traces: dict[Method, Trace]
    stops: list[Stop]  # nearest first, then by what came
    named: dict[int, Subject]  # account of `around` → who it is, of those that any traced money touched

    @property
    def left_by_kind(self) -> dict[Method, dict[str, int]]:
        """Method → kind of operation → tiyn that left so."""
        found: dict[Method, dict[str, int]] = {method: {} for method in METHODS}
        leaving = (self.around.transfers.target == OUTSIDE).nonzero()[0].tolist()
        for method, said in self.traces.items():
            for place in leaving:
                kind, moved = KINDS[self.around.rows[place].kind], int(said.moved[place])
                if moved:
                    found[method][kind] = found[method].get(kind, 0) + moved
        return found


def event_text(event: int) -> str:
    """How an operation is named in addresses.

    >>> event_text(-1), event_of("000000000000000f")
    ('ffffffffffffffff', 15)
    """
    return f"{unsigned(event):016x}"


def event_of(text: str) -> int:
    """The operation that an address names; NotFound where it names none."""
    if not _EVENT.fullmatch(text):
        raise NotFound("operation")
    return signed(int(text, 16))


def follow(
    connection: Connection, events: Sequence[int], question: Question, methods: Sequence[Method] = METHODS
) -> Followed:
    """Follow the money of these operations to where it is as of the last operation that the store has.

    Raises:
        NotFound: one of the operations is not there.
    """
    asked = sorted((operations.find(connection, event) for event in events), key=lambda row: row.occurred_at)
    span = question.days * DAY_MS
    until = min(operations.latest_at(connection), asked[-1].occurred_at + span)
    window = Window(asked[0].occurred_at - span, until, question.hops, question.backwards)
    around = operations.around(connection, events, window)
    transfers, seeds = around.transfers, around.seeds
    if question.backwards:
        transfers, seeds = transfers.reversed(), [len(transfers) - 1 - seed for seed in seeds]
    traces = {method: trace(transfers, seeds, method, question.hops, around.ends) for method in methods}
    if question.backwards:
        traces = {method: _turned(said) for method, said in traces.items()}
    named = _named(connection, around, traces)
    return Followed(question, until, around, asked, traces, _stops(around, traces, named, question), named)


def advice(followed: Followed, method: Method, limits: Limits) -> Advice:
    """Whom to freeze, by what a method finds where; of money that was followed forwards."""
    return advise(followed.around.transfers, followed.traces[method], followed.until, limits)


def _turned(said: Trace) -> Trace:
    """A trace of reversed transfers, with its transfers in the order of time again."""
    return Trace(
        said.method, said.moved[::-1], said.present, said.balance, said.opening, said.hop, said.followed,
        said.left_from, said.seeded, said.left, said.returned, said.whose,
    )  # fmt: skip


def _named(connection: Connection, around: Around, traces: dict[Method, Trace]) -> dict[int, Subject]:
    """Who the accounts are that traced money touched."""
    places = sorted({place for said in traces.values() for place in said.moved.nonzero()[0].tolist()})
    sides = {int(side[place]) for place in places for side in (around.transfers.source, around.transfers.target)}
    found = subjects.named(connection, [around.parties[at] for at in sides if at != OUTSIDE])
    return {at: found[around.parties[at]] for at in sides if at != OUTSIDE}


def _stops(around: Around, traces: dict[Method, Trace], named: dict[int, Subject], question: Question) -> list[Stop]:
    sums = {method: _sums(around, said, question.backwards) for method, said in traces.items()}
    places = _places(around, traces, question.backwards)
    any_trace = next(iter(traces.values()))
    reached = [at for at in named if any_trace.hop[at] and any(at in into for into, _ in sums.values())]
    stops = []
    for at in reached:
        institution, region = places.get(at, (None, 0))
        stops.append(
            Stop(
                named[at],
                int(any_trace.hop[at]),
                institution,
                region,
                {method: into.get(at, 0) for method, (into, _) in sums.items()},
                {method: out.get(at, 0) for method, (_, out) in sums.items()},
                {method: int(said.left_from[at]) for method, said in traces.items()},
                {method: int(said.present[at]) for method, said in traces.items()},
                int(any_trace.opening[at]),
                int(any_trace.balance[at]),
                "" if any_trace.followed[at] else "busy" if at in around.ends else "hops",
            )
        )
    return sorted(stops, key=lambda stop: (stop.hop, -max(stop.received.values()), stop.party.token))


def _sums(around: Around, said: Trace, backwards: bool) -> tuple[dict[int, int], dict[int, int]]:
    """By account: traced tiyn that came, and that went on."""
    into: dict[int, int] = {}
    out: dict[int, int] = {}
    for place in said.moved.nonzero()[0].tolist():
        moved = int(said.moved[place])
        source, target = int(around.transfers.source[place]), int(around.transfers.target[place])
        if backwards:
            source, target = target, source
        into[target] = into.get(target, 0) + moved
        out[source] = out.get(source, 0) + moved
    return into, out


def _places(around: Around, traces: dict[Method, Trace], backwards: bool) -> dict[int, tuple[str | None, int]]:
    """By account: institution and region of the latest operation by which traced money came to it."""
    found: dict[int, tuple[str | None, int]] = {}
    numbers = {key: at for at, key in enumerate(around.parties)}
    places = sorted({place for said in traces.values() for place in said.moved.nonzero()[0].tolist()})
    for row in (around.rows[place] for place in places):
        party, institution, region = (
            (row.payer, row.payer_institution, row.payer_region)
            if backwards
            else (row.payee, row.payee_institution, row.payee_region)
        )
        if party is not None:
            found[numbers[party]] = institution, region
    return found
