"""The states of a hold: each way through them, and the laws that hold over random histories."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rules.calendar import HOUR_MS, at
from rules.events import DAY_MS
from rules.holds import (
    ENDED,
    OPEN,
    RESTRAINING,
    Base,
    Binding,
    Finding,
    Hold,
    Ledger,
    Opening,
    Order,
    due_order,
)
from rules.rulebook_reading import packaged_procedure

PROCEDURE = packaged_procedure()
START = at(datetime.fromisoformat("2026-11-20T10:00:00+05:00"))  # a Friday
PAYER, PAYEE, STRANGER = 11, 22, 33
PAYER_ACCOUNT, PAYEE_ACCOUNT = 111, 222


def opening(decision: Binding = "hold", event: int = 1, moment: int = START, **more: Any) -> Opening:
    said: dict[str, Any] = {
        "decision": decision,
        "institution": "CASPKZKA",
        "payee_institution": "IRTYKZKA",
        "event_id": f"event-{event}",
        "event": 1_000_000 + event,
        "amount": 15_000_000,
        "payer": (PAYER, 1),
        "payee": (PAYEE, 2),
        "accounts": (PAYER_ACCOUNT, PAYEE_ACCOUNT),
        "device": 0,
        "phone": 0,
        "bases": (Base("T03", "payer", (PAYER, 1), PAYER_ACCOUNT),),
        "topic": "tx.CASPKZKA",
        "partition": 0,
        "offset": event,
        "order": (moment, 0),
        "moment": moment,
    }
    return Opening(**{**said, **more})


def found(outcome: str, subject: int = PAYER, body: str = "AFM", hours: float = 1) -> Finding:
    moment = START + round(hours * HOUR_MS)
    return Finding(outcome, subject, body, (moment, 0), moment)


def after(ledger: Ledger, hours: float) -> list[Hold]:
    return list(ledger.due((START + round(hours * HOUR_MS), 0), including=True))


def held(decision: Binding = "hold", **more: Any) -> tuple[Ledger, Hold]:
    ledger = Ledger()
    (hold,) = ledger.begin(opening(decision, **more), PROCEDURE)
    return ledger, hold


def test_an_operation_proceeds_when_the_fiu_is_silent_for_24_hours() -> None:
    ledger, hold = held()
    assert (hold.state, hold.cause, hold.clock, hold.deadline) == (
        "proposed",
        "center_decided",
        "fiu_answer",
        START + DAY_MS,
    )
    assert after(ledger, 23.99) == []
    (end,) = after(ledger, 24)
    assert (end.state, end.cause, end.at, end.number) == ("proceeded", "fiu_was_silent", START + DAY_MS, 1)
    assert not ledger.open


def test_what_the_fiu_confirms_stays_for_five_business_days_from_its_beginning() -> None:
    ledger, _ = held()
    (confirmed,) = ledger.find(found("confirmed"), PROCEDURE)
    assert (confirmed.state, confirmed.cause) == ("in_force", "authority_confirmed")
    assert confirmed.deadline == START + 7 * DAY_MS  # a weekend lies between
    assert after(ledger, 48) == []
    (end,) = after(ledger, 7 * 24)
    assert (end.state, end.cause) == ("expired", "term_is_over")


def test_a_prosecutor_extends_it_and_only_a_prosecutor_undoes_that() -> None:
    ledger, _ = held()
    ledger.find(found("mule"), PROCEDURE)
    (extended,) = ledger.find(found("confirmed", body="GENPROC", hours=100), PROCEDURE)
    assert (extended.state, extended.deadline) == ("extended", START + 100 * HOUR_MS + 10 * DAY_MS)
    assert ledger.find(found("false_positive", body="AFM", hours=101), PROCEDURE) == []
    (released,) = ledger.find(found("false_positive", body="GENPROC", hours=102), PROCEDURE)
    assert (released.state, released.cause) == ("released", "found_innocent")


def test_it_stands_as_long_as_one_of_its_reasons_does() -> None:
    bases = (Base("T03", "payer", (PAYER, 1), PAYER_ACCOUNT), Base("T04", "payee", (PAYEE, 2), PAYEE_ACCOUNT))
    ledger, hold = held(bases=bases)
    assert ledger.find(found("false_positive", PAYER), PROCEDURE) == []
    assert ledger.open[hold.id].bases == bases[1:]
    (released,) = ledger.find(found("false_positive", PAYEE_ACCOUNT), PROCEDURE)
    assert (released.state, released.cause) == ("released", "found_innocent")


def test_money_that_came_back_ends_it() -> None:
    ledger, _ = held()
    assert ledger.find(found("returned", PAYEE), PROCEDURE) == [], "the payee is not whose money it was"
    (end,) = ledger.find(found("returned", PAYER_ACCOUNT), PROCEDURE)
    assert (end.state, end.cause) == ("released", "money_returned")


def test_a_victim_confirms_it_as_payer_and_says_nothing_as_payee() -> None:
    ledger, _ = held(bases=(Base("T12", "payer", (PAYER, 1), 0),))
    assert ledger.find(found("victim", PAYEE), PROCEDURE) == []
    (confirmed,) = ledger.find(found("victim", PAYER), PROCEDURE)
    assert confirmed.state == "in_force"


def test_a_block_is_in_force_at_once_and_supersedes_a_hold() -> None:
    ledger, hold = held()
    superseded, block = ledger.begin(opening("block"), PROCEDURE)
    assert (superseded.id, superseded.state, superseded.cause) == (hold.id, "superseded", "graver_decision")
    assert (block.state, block.clock) == ("in_force", "suspicion_hold")
    assert ledger.begin(opening("hold"), PROCEDURE) == [], "what is less than what stands begins nothing"
    (end,) = after(ledger, 24 * 30)
    assert end.state == "expired"


def test_a_step_up_waits_for_the_payer() -> None:
    ledger, hold = held("step_up")
    assert hold.state == "proposed"
    assert ledger.find(found("confirmed"), PROCEDURE) == []
    (end,) = after(ledger, 24)
    assert (end.state, end.cause) == ("expired", "payer_was_silent")


def test_income_is_never_held() -> None:
    ledger = Ledger()
    (end,) = ledger.begin(opening("block", income=True), PROCEDURE)
    assert (end.state, end.cause, end.since, end.at) == ("released", "protected_money", START, START)
    assert not ledger.open


def test_bills_pass_and_under_a_hold_up_to_what_came_in_protected() -> None:
    ledger = Ledger()
    (end,) = ledger.begin(opening(event=1, outgo=True), PROCEDURE)
    assert end.cause == "protected_money", "nothing of the payer's is held yet"
    ledger.begin(opening(event=2), PROCEDURE)
    (bill,) = ledger.begin(opening(event=3, outgo=True, amount=500), PROCEDURE)
    assert bill.state == "proposed", "and now something is, and nothing came in"
    ledger.came_in(PAYER, 800)
    (end,) = ledger.begin(opening(event=4, outgo=True, amount=500), PROCEDURE)
    assert end.cause == "protected_money"
    ledger.went_out(PAYER, 500)
    (bill,) = ledger.begin(opening(event=5, outgo=True, amount=301), PROCEDURE)
    assert bill.state == "proposed"
    after(ledger, 24 * 30)
    assert ledger.allowances == {}, "with the last hold the account of them ends"


def test_the_term_was_three_business_days_before_the_law_of_2025() -> None:
    before = at(datetime.fromisoformat("2025-08-20T10:00:00+05:00"))  # a Wednesday
    ledger = Ledger()
    (block,) = ledger.begin(opening("block", moment=before), PROCEDURE)
    assert block.deadline == before + 5 * DAY_MS  # Thursday, Friday, Monday


def test_a_loan_waits_for_its_cooling_off_from_its_contract_on() -> None:
    ledger = Ledger()
    loan = opening(cooling_off="cooling_off_bank_large", cooling_off_since=START - 20 * HOUR_MS)
    (hold,) = ledger.begin(loan, PROCEDURE)
    assert (hold.state, hold.deadline) == ("in_force", START + 4 * HOUR_MS)
    (end,) = after(ledger, 4)
    assert (end.state, end.cause) == ("released", "cooling_off_is_over")


@pytest.mark.parametrize(
    ("order", "deadline", "due"),
    [((START, 0), START + 5, (START + 5, 0)), ((START, 7), 9, (START, 9)), ((START, 7), START + 9, (START + 9, 0))],
)
def test_deadlines_have_a_place_in_the_one_order(order: Order, deadline: int, due: Order) -> None:
    assert due_order(order, deadline) == due


SUBJECTS = st.sampled_from((PAYER, PAYEE, STRANGER, PAYER_ACCOUNT, PAYEE_ACCOUNT))
PEOPLE = st.sampled_from((PAYER, PAYEE, STRANGER))


class Histories(RuleBasedStateMachine):
    """Two ledgers live through the same history: one is told every mark, the other none, and is restored at times."""

    def __init__(self) -> None:
        super().__init__()
        self.told, self.restored = Ledger(), Ledger()
        self.of_told: list[Hold] = []
        self.of_restored: list[Hold] = []
        self.numbers = itertools.count(1)
        self.order: Order = (START, START - 60 * DAY_MS)  # inside a replay of history that was opened at START
        self.cleared: dict[tuple[str, Base], None] = {}
        self.incomes: set[int] = set()
        self.last: Opening | None = None

    @property
    def moment(self) -> int:
        return self.order[1] or self.order[0]

    def both(self, holds: list[Hold], others: list[Hold]) -> None:
        self.of_told += holds
        self.of_restored += others

    def step(self) -> None:
        """Before an event both let go what was due before it."""
        self.both(
            list(self.told.due(self.order, including=False)), list(self.restored.due(self.order, including=False))
        )

    @rule(hours=st.integers(0, 80))
    def time_passes(self, hours: int) -> None:
        epoch, time = self.order
        self.order = (epoch, time + hours * HOUR_MS) if time else (epoch + hours * HOUR_MS, 0)
        self.both(list(self.told.due(self.order, including=True)), [])
        # A mark says that everything up to it was taken: the next event is later.
        epoch, time = self.order
        self.order = (epoch, time + 1) if time else (epoch + 1, 0)

    @precondition(lambda self: self.order[1] != 0)
    @rule()
    def the_replay_ends(self) -> None:
        self.order = (START + HOUR_MS, 0)

    @rule(
        decision=st.sampled_from(("step_up", "hold", "block")),
        payer=PEOPLE,
        payee=PEOPLE,
        suspects=st.lists(st.sampled_from(("payer", "payee")), min_size=1, max_size=2, unique=True),
        income=st.booleans(),
        outgo=st.booleans(),
        amount=st.integers(1, 1_000),
    )
    def the_center_decides(
        self,
        decision: Binding,
        payer: int,
        payee: int,
        suspects: list[str],
        income: bool,
        outgo: bool,
        amount: int,
    ) -> None:
        parties = {"payer": (payer, 0), "payee": (payee, 0)}
        bases = tuple(Base(f"T0{place}", role, parties[role], 0) for place, role in enumerate(suspects))
        event = next(self.numbers)
        self.decide(
            opening(
                decision,
                event,
                self.moment,
                **parties,
                bases=bases,
                income=income,
                outgo=outgo,
                amount=amount,
                order=self.order,
                accounts=(0, 0),
            )
        )

    @precondition(lambda self: self.last is not None)
    @rule(decision=st.sampled_from(("step_up", "hold", "block")))
    def the_center_decides_again(self, decision: Binding) -> None:
        assert self.last is not None
        self.decide(replace(self.last, decision=decision, order=self.order, moment=self.moment))

    def decide(self, told: Opening) -> None:
        self.last = told
        self.step()
        payer = told.payer[0]
        free = told.outgo and (not self.told.restrained(payer) or told.amount <= self.told.allowances.get(payer, 0))
        began = self.told.begin(told, PROCEDURE)
        for hold in began:
            if hold.number == 0:  # decided anew, on what is found now
                self.cleared = {known: None for known in self.cleared if known[0] != hold.id}
        self.both(began, self.restored.begin(told, PROCEDURE))
        if told.decision in RESTRAINING and (told.income or free):
            assert not any(hold.open for hold in began), "protected money is held"
        if told.income:
            self.incomes.add(told.event)

    @rule(person=PEOPLE, amount=st.integers(1, 1_000))
    def protected_money_comes_in(self, person: int, amount: int) -> None:
        self.step()
        for ledger in (self.told, self.restored):
            ledger.came_in(person, amount)

    @rule(
        outcome=st.sampled_from(("confirmed", "false_positive", "victim", "mule", "returned")),
        subject=SUBJECTS,
        body=st.sampled_from(("AFM", "POLICE", "GENPROC")),
    )
    def an_authority_speaks(self, outcome: str, subject: int, body: str) -> None:
        self.step()
        finding = Finding(outcome, subject, body, self.order, self.moment)
        if outcome == "false_positive":
            for hold in self.told.open.values():
                if hold.state != "extended" or body == "GENPROC":
                    self.cleared |= {(hold.id, base): None for base in hold.bases if base.subject[0] == subject}
        self.both(self.told.find(finding, PROCEDURE), self.restored.find(finding, PROCEDURE))

    @rule()
    def a_snapshot_is_restored(self) -> None:
        self.restored = Ledger.of(list(self.restored.open.values()), self.restored.allowances)

    @invariant()
    def nothing_outlives_its_basis(self) -> None:
        for hold in self.told.open.values():
            assert hold.bases, "a hold without a reason"
            assert not any((hold.id, base) in self.cleared for base in hold.bases)

    @invariant()
    def nothing_is_in_limbo(self) -> None:
        for hold in self.told.open.values():
            assert hold.state in OPEN
            assert hold.deadline >= hold.at
            assert hold.on_silence[0]
            assert hold.basis[0]

    @invariant()
    def protected_money_is_never_held(self) -> None:
        assert not any(hold.event in self.incomes for hold in self.told.open.values() if hold.decision in RESTRAINING)

    def teardown(self) -> None:
        self.order = (START + 400 * DAY_MS, 0)
        self.both(list(self.told.due(self.order, including=True)), list(self.restored.due(self.order, including=True)))
        assert self.of_told == self.of_restored, "marks and snapshots changed what became of the holds"
        assert not self.told.open
        lives: dict[str, list[Hold]] = {}
        for hold in self.of_told:
            lives.setdefault(hold.id, []).append(hold)
        for states in lives.values():
            last = states[-1]
            assert last.state in ENDED
            assert last.cause
            assert all(last.cause_words)
            for one, other in itertools.pairwise(states):
                if one.state in ENDED:
                    assert other.number in (0, 1), "the same decision on an event that came again"
                else:
                    assert (other.number, other.at >= one.at) == (one.number + 1, True)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
