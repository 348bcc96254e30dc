"""What becomes of a decision: the states of a hold, a block and a step-up, until each ends with a cause.

    proposed  → in_force, extended            an authority answered in time
    proposed  → proceeded | expired           nobody did: the FIU's 24 hours, or the customer's time, are over
    in_force  → extended | expired            a prosecutor sanctioned it, or the term is over
    any state → released | superseded         nothing speaks for it any more, or a graver decision took its place

Everything open has a deadline, and the deadline ends it whatever else is known: nothing stays in limbo. Whatever a
state needs when its deadline comes (the law, the words, the cause) is written into the hold when the state begins, so
that its end does not depend on the rulebook of another day. A warning restricts nobody and has no state.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple

from rules.procedure import Power, Procedure
from rules.texts import Texts

Binding = Literal["step_up", "hold", "block"]
State = Literal["proposed", "in_force", "extended", "released", "proceeded", "expired", "superseded"]

PROPOSED: Final = "proposed"
IN_FORCE: Final = "in_force"
EXTENDED: Final = "extended"
RELEASED: Final = "released"
PROCEEDED: Final = "proceeded"
EXPIRED: Final = "expired"
SUPERSEDED: Final = "superseded"
OPEN: Final = (PROPOSED, IN_FORCE, EXTENDED)
ENDED: Final = (RELEASED, PROCEEDED, EXPIRED, SUPERSEDED)
GRAVITY: Final = {"step_up": 1, "hold": 2, "block": 3}
RESTRAINING: Final = ("hold", "block")  # what protected money must not meet

Order = tuple[int, int]  # (epoch, order_time) of an event or a mark
Words = tuple[str, str, str]  # Kazakh, Russian, English
Token = tuple[int, int]  # the two halves of a subject's token
_PAYER_ACCOUNT, _PAYEE_ACCOUNT = 2, 3  # places in Hold.parties


class Base(NamedTuple):
    """One reason for a hold: a typology and whom it suspects, by person and by account (0 where there is none)."""

    typology: str
    role: str
    subject: Token
    account: int


@dataclass(frozen=True, slots=True)
class Hold:
    """One decision and its present state. Times are ms since 1970 UTC, the amount is in tiyn."""

    id: str
    decision: Binding
    institution: str
    payee_institution: str
    event_id: str
    event: int
    amount: int
    payer: Token
    payee: Token
    parties: tuple[int, ...]  # keys of payer, payee, their accounts, device and phone; 0 where absent
    bases: tuple[Base, ...]  # that still stand; at the end, those that stood last
    typologies: tuple[str, ...]
    topic: str  # where the event's record stands
    partition: int
    offset: int
    epoch: int
    order_time: int
    since: int
    state: State
    cause: str
    cause_words: Words
    at: int  # when this state began
    clock: str  # what runs now
    deadline: int
    basis: Words
    on_silence: Words
    silence: tuple[State, str, Words]  # state, cause and its words that the deadline brings
    number: int = 0  # of this state among the hold's

    @property
    def open(self) -> bool:
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Opening:
    """A decision as it comes from the screen, with what a hold has to know of its event."""

    decision: Binding
    institution: str
    payee_institution: str
    event_id: str
    event: int
    amount: int
    payer: Token
    payee: Token
    accounts: tuple[int, int]  # keys, as are device and phone; 0 where absent
    device: int
    phone: int
    bases: tuple[Base, ...]
    topic: str
    partition: int
    offset: int
    order: Order
    moment: int
    income: bool = False  # protected money coming in
    outgo: bool = False  # what the payer may go on paying
    cooling_off: str = ""  # the clock of a loan's cooling-off, where that is why it is held
    cooling_off_since: int = 0


class Finding(NamedTuple):
    """What an authority found out about a subject."""

    outcome: str  # confirmed, false_positive, victim, mule, returned
    subject: int
    body: str
    order: Order
    moment: int


def hold_id(institution: str, event_id: str, decision: str) -> str:
    """The same decision on the same event is always the same hold."""
    return hashlib.sha256("\x1f".join((institution, event_id, decision)).encode()).hexdigest()[:32]


def due_order(order: Order, deadline: int) -> Order:
    """The place of a deadline in the one order of events and marks.

    Live events are ordered by their append time. A replay of history is an epoch of its own in which time is that of
    the story: a deadline before the replay was opened falls into the story, a later one into real time.
    """
    epoch, order_time = order
    return (epoch, deadline) if order_time != 0 and deadline <= epoch else (deadline, 0)


def words(texts: Texts) -> Words:
    """A text in the order Kazakh, Russian, English."""
    return texts.kk, texts.ru, texts.en


@dataclass(slots=True)
class Ledger:
    """All open holds. Every call returns the states that it brought about, in order; ended holds are forgotten."""

    open: dict[str, Hold] = field(default_factory=dict)
    # Person → protected money that came in since the first of the holds on it, less what it has paid out of that.
    allowances: dict[int, int] = field(default_factory=dict)
    _by_party: dict[int, dict[str, None]] = field(default_factory=dict)
    _timers: list[tuple[Order, str, int]] = field(default_factory=list)

    @classmethod
    def of(cls, holds: Iterable[Hold], allowances: dict[int, int]) -> Ledger:
        """The ledger of these open holds."""
        ledger = cls(allowances=dict(allowances))
        for hold in holds:
            ledger._keep(hold)
        return ledger

    # -- a decision ---------------------------------------------------------------------------------------------------

    def begin(self, opening: Opening, procedure: Procedure) -> list[Hold]:
        """A decision on a new event: it begins, is released at once, or is less than what stands already."""
        told: list[Hold] = []
        standing = [hold for hold in self._concerning(opening.event) if hold.institution == opening.institution]
        if any(GRAVITY[hold.decision] >= GRAVITY[opening.decision] for hold in standing):
            return []
        if opening.decision in RESTRAINING and self._is_protected(opening):
            hold = replace(_opened(opening, procedure), number=-1)  # its first state is its end
            return [self._end(hold, RELEASED, "protected_money", _cause(procedure, "protected_money"), opening.moment)]
        for hold in standing:
            cause = _cause(procedure, "graver_decision")
            told.append(self._end(hold, SUPERSEDED, "graver_decision", cause, opening.moment))
        hold = _opened(opening, procedure)
        self._keep(hold)
        return [*told, hold]

    def _is_protected(self, opening: Opening) -> bool:
        if opening.income:
            return True
        if not opening.outgo:
            return False
        # Who is not held may pay whatever bills there are; who is, up to what came in protected.
        return not self.restrained(opening.payer[0]) or opening.amount <= self.allowances.get(opening.payer[0], 0)

    def restrained(self, person: int) -> bool:
        """Whether a hold or a block stands on an operation of this person."""
        return person != 0 and any(self.open[name].decision in RESTRAINING for name in self._by_party.get(person, ()))

    @property
    def parties(self) -> Iterable[int]:
        """Whoever is a party to something open."""
        return self._by_party.keys()

    def came_in(self, person: int, amount: int) -> None:
        """Protected money came in for somebody; it counts while something of theirs is held."""
        if self.restrained(person):
            self.allowances[person] = self.allowances.get(person, 0) + amount

    def went_out(self, person: int, amount: int) -> None:
        """Somebody paid a tax, a bill or a loan."""
        if person in self.allowances:
            self.allowances[person] = max(0, self.allowances[person] - amount)

    # -- what authorities say -----------------------------------------------------------------------------------------

    def find(self, finding: Finding, procedure: Procedure) -> list[Hold]:
        """An authority found something out about a subject; every open hold that it concerns."""
        told = []
        for name in list(self._by_party.get(finding.subject, ())):
            hold = self.open.get(name)
            after = self._found(hold, finding, procedure) if hold is not None else None
            if after is not None:
                told.append(after)
        return told

    def _found(self, hold: Hold, finding: Finding, procedure: Procedure) -> Hold | None:
        # What a prosecutor sanctioned is undone by a prosecutor only.
        needed: Power = "sanction" if hold.state == EXTENDED else "release"
        suspected = [base for base in hold.bases if finding.subject in (base.subject[0], base.account)]
        is_payer = finding.subject == hold.payer[0] or finding.subject == hold.parties[_PAYER_ACCOUNT]
        if finding.outcome == "false_positive":
            if not suspected or not procedure.may(finding.body, needed):
                return None
            left = tuple(base for base in hold.bases if base not in suspected)
            if left:
                # Still suspected for another reason: that alone carries it from here on.
                self.open[hold.id] = replace(hold, bases=left)
                return None
            cause = _cause(procedure, "found_innocent")
            return self._end(hold, RELEASED, "found_innocent", cause, finding.moment)
        if finding.outcome == "returned":
            if not is_payer or not procedure.may(finding.body, "release"):
                return None
            return self._end(hold, RELEASED, "money_returned", _cause(procedure, "money_returned"), finding.moment)
        if finding.outcome == "victim" and not is_payer:
            return None
        is_payee = finding.subject == hold.payee[0] or finding.subject == hold.parties[_PAYEE_ACCOUNT]
        if not (suspected or is_payee or finding.outcome == "victim"):
            return None
        return self._confirmed(hold, finding, procedure)

    def _confirmed(self, hold: Hold, finding: Finding, procedure: Procedure) -> Hold | None:
        if hold.decision not in RESTRAINING or hold.state == EXTENDED:
            return None
        if procedure.may(finding.body, "sanction"):
            after = _clocked(hold, procedure, "prosecutor_sanction", finding.moment)
            after, cause = replace(after, state=EXTENDED), "prosecutor_sanctioned"
        elif procedure.may(finding.body, "suspend") and hold.clock != "suspicion_hold":
            after = _clocked(hold, procedure, "suspicion_hold", hold.since)
            after, cause = replace(after, state=IN_FORCE), "authority_confirmed"
        else:
            return None
        # A confirmation gives time, it never takes any.
        after = replace(
            after,
            deadline=max(after.deadline, hold.deadline),
            cause=cause,
            cause_words=_cause(procedure, cause),
            at=finding.moment,
            number=hold.number + 1,
        )
        self._keep(after)
        return after

    # -- time ---------------------------------------------------------------------------------------------------------

    def due(self, order: Order, *, including: bool) -> Iterator[Hold]:
        """Ends everything whose deadline lies before `order`, or at it with `including`; each as of its deadline."""
        while self._timers and (self._timers[0][0] < order or (including and self._timers[0][0] == order)):
            _, name, deadline = heapq.heappop(self._timers)
            hold = self.open.get(name)
            if hold is not None and hold.deadline == deadline:  # else it was extended or has ended
                state, cause, cause_words = hold.silence
                yield self._end(hold, state, cause, cause_words, deadline)

    # -- bookkeeping --------------------------------------------------------------------------------------------------

    def _concerning(self, event: int) -> list[Hold]:
        return [self.open[name] for name in self._by_party.get(event, ())]

    def _keep(self, hold: Hold) -> None:
        self.open[hold.id] = hold
        heapq.heappush(self._timers, (due_order((hold.epoch, hold.order_time), hold.deadline), hold.id, hold.deadline))
        for key in (hold.event, *hold.parties):
            if key:
                self._by_party.setdefault(key, {})[hold.id] = None

    def _end(self, hold: Hold, state: State, cause: str, cause_words: Words, at: int) -> Hold:
        self.open.pop(hold.id, None)
        for key in (hold.event, *hold.parties):
            held = self._by_party.get(key)
            if held is not None:
                held.pop(hold.id, None)
                if not held:
                    del self._by_party[key]
        for person in (hold.payer[0], hold.payee[0]):
            if person in self.allowances and not self.restrained(person):
                del self.allowances[person]
        return replace(hold, state=state, cause=cause, cause_words=cause_words, at=at, number=hold.number + 1)


def _cause(procedure: Procedure, name: str) -> Words:
    return words(procedure.causes[name].text)


_SILENCE: Final[dict[str, tuple[State, str]]] = {
    "fiu_answer": (PROCEEDED, "fiu_was_silent"),
    "suspicion_hold": (EXPIRED, "term_is_over"),
    "prosecutor_sanction": (EXPIRED, "term_is_over"),
    "step_up_answer": (EXPIRED, "payer_was_silent"),
}
_COOLED_OFF: Final[tuple[State, str]] = (RELEASED, "cooling_off_is_over")


def state_on_silence(clock: str) -> State:
    """The state that a hold ends in when this clock is over and nobody has said anything.

    >>> state_on_silence("fiu_answer"), state_on_silence("cooling_off_bank")
    ('proceeded', 'released')
    """
    return _SILENCE.get(clock, _COOLED_OFF)[0]


def _clocked(hold: Hold, procedure: Procedure, clock: str, start: int) -> Hold:
    """The hold under another clock: its deadline, its law, and what silence will mean."""
    told = procedure.clocks[clock]
    state, cause = _SILENCE.get(clock, _COOLED_OFF)
    return replace(
        hold,
        clock=clock,
        deadline=procedure.deadline(clock, start),
        basis=words(told.legal_basis),
        on_silence=words(told.on_silence),
        silence=(state, cause, _cause(procedure, cause)),
    )


def _opened(opening: Opening, procedure: Procedure) -> Hold:
    empty = ("", "", "")
    hold = Hold(
        hold_id(opening.institution, opening.event_id, opening.decision),
        opening.decision,
        opening.institution,
        opening.payee_institution,
        opening.event_id,
        opening.event,
        opening.amount,
        opening.payer,
        opening.payee,
        (opening.payer[0], opening.payee[0], *opening.accounts, opening.device, opening.phone),
        opening.bases,
        tuple(dict.fromkeys(base.typology for base in opening.bases)),
        opening.topic,
        opening.partition,
        opening.offset,
        *opening.order,
        since=opening.moment,
        state=IN_FORCE if opening.decision == "block" or opening.cooling_off else PROPOSED,
        cause="center_decided",
        cause_words=_cause(procedure, "center_decided"),
        at=opening.moment,
        clock="",
        deadline=0,
        basis=empty,
        on_silence=empty,
        silence=(EXPIRED, "", empty),
    )
    if opening.cooling_off:
        hold = _clocked(hold, procedure, opening.cooling_off, opening.cooling_off_since)
        return replace(hold, deadline=max(hold.deadline, opening.moment))
    clock = {"block": "suspicion_hold", "hold": "fiu_answer", "step_up": "step_up_answer"}[opening.decision]
    return _clocked(hold, procedure, clock, opening.moment)
