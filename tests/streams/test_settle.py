"""The settle agent: what institutions and the FIU are told of a hold, however the events are cut into batches."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import HOUR_MS
from rules.events import DAY_MS
from streams.contracts.decision import Decision
from streams.contracts.hold import TOPIC as HOLDS
from streams.contracts.hold import HoldEvent
from streams.findings import alert_id_of
from streams.following import Outgoing
from streams.settle import Settle
from streams.tokens import demo_keys
from streams.verdicts import NEW, REPEAT
from tests.streams.judged import COMPANY, Event, judged

KEY = demo_keys()[0]
INSTITUTIONS = ("CASPKZKA", "IRTYKZKA", "MFOKKZKA")
NOON = 1_795_158_000_000  # Friday, 20 November 2026, in the morning in Kazakhstan
PAYER, PAYEE = 1_001, 2_002
HOLD = {"T03": (1.0, "hold")}


def settle() -> Settle:
    return Settle(KEY, INSTITUTIONS, partitions=4)


def held(name: str = "e-1", hours: float = 0, **more: Any) -> Event:
    at = (NOON + round(hours * HOUR_MS), 0)
    said = {"at": at, "payer": PAYER, "payee": PAYEE, "payee_institution": b"IRTYKZKA", "findings": HOLD}
    return Event(event_id=name.encode(), **{**said, **more})


def verdict(outcome: str, subject: int = PAYER, hours: float = 1, body: bytes = b"AFM") -> Event:
    at = (NOON + round(hours * HOUR_MS), 0)
    return Event(
        event_id=f"d-{hours}".encode(), at=at, kind=f"marked_{outcome}", payee=subject, institution=body, source=1
    )


def holds(records: Iterable[Outgoing]) -> list[HoldEvent]:
    return [HoldEvent.model_validate_json(record.value) for record in records if record.topic == HOLDS]


def answers(records: Iterable[Outgoing]) -> list[tuple[str, str]]:
    told = [(record.topic, json.loads(record.value)) for record in records if record.topic.startswith("decisions.")]
    return [(topic.removeprefix("decisions."), said["decision"]) for topic, said in told]


def test_a_hold_is_told_with_its_clock_and_its_law_and_proceeds_on_silence() -> None:
    agent = settle()
    batch = judged([held()])
    first = agent.take(batch)
    (event,) = holds(first)
    assert answers(first) == [], "the screen's own decision stands"
    assert (event.state, event.clock, event.decision) == ("proposed", "fiu_answer", "hold")
    assert event.on_silence is not None
    assert "24" in event.on_silence.en
    assert event.alert_ids == (alert_id_of(batch.rows[0], "T03", "payer", KEY),)
    assert event.payer == KEY.text((PAYER, PAYER))
    assert event.amount == "150000.00"

    assert agent.advance((NOON + DAY_MS - 1, 0)) == []
    last = agent.advance((NOON + DAY_MS, 0))
    (end,) = holds(last)
    assert (end.state, end.cause, end.number, end.on_silence) == ("proceeded", "fiu_was_silent", 1, None)
    assert answers(last) == [("CASPKZKA", "release"), ("IRTYKZKA", "release")]
    assert {record.partition for record in last if record.topic != HOLDS} == {PAYEE % 4}
    release = Decision.model_validate_json(next(r.value for r in last if r.topic == "decisions.CASPKZKA"))
    assert (release.topic, release.partition, release.offset, release.deadline) == ("tx.CASPKZKA", 0, 0, None)
    assert release.reason.en == "The FIU did not answer within 24 hours"


def test_a_false_positive_releases_and_a_confirmation_gives_a_new_deadline() -> None:
    agent = settle()
    told = agent.take(judged([held("e-1"), held("e-2", payer=5), verdict("false_positive"), verdict("mule", 5)]))
    ends = [event for event in holds(told) if event.number]
    assert [(event.event_id, event.state, event.cause) for event in ends] == [
        ("e-1", "released", "found_innocent"),
        ("e-2", "in_force", "authority_confirmed"),
    ]
    assert answers(told) == [
        ("CASPKZKA", "release"),
        ("IRTYKZKA", "release"),
        ("CASPKZKA", "hold"),
        ("IRTYKZKA", "hold"),
    ]


def test_who_answers_at_the_very_deadline_is_in_time() -> None:
    agent = settle()
    told = agent.take(judged([held(), verdict("confirmed", hours=24)]))
    assert [event.state for event in holds(told)] == ["proposed", "in_force"]


def test_a_warning_has_no_state_and_one_on_trial_neither() -> None:
    agent = settle()
    assert agent.take(judged([held(findings={"T01": (1.0, "warn")}), held(findings={"T22": (1.0, "none")})])) == []


def test_a_warning_does_not_carry_a_hold_whose_reason_is_gone() -> None:
    agent = settle()
    both = held(findings={"T03": (1.0, "hold"), "T10": (1.0, "warn")})
    told = agent.take(judged([both, verdict("false_positive", PAYER)]))
    assert holds(told)[-1].state == "released"


def test_a_salary_is_released_at_once_and_so_is_a_tax() -> None:
    agent = settle()
    salary = held("salary", payer_kind=COMPANY, purpose_code=332)
    tax = held("tax", payee_kind=COMPANY, purpose_code=911)
    told = agent.take(judged([salary, tax]))
    assert [(event.event_id, event.state, event.cause) for event in holds(told)] == [
        ("salary", "released", "protected_money"),
        ("tax", "released", "protected_money"),
    ]
    assert answers(told) == [("CASPKZKA", "release"), ("IRTYKZKA", "release")], "of the tax: no salary was ever held"


def test_under_a_hold_bills_are_paid_from_protected_income_only() -> None:
    agent = settle()
    bill = {"payee_kind": COMPANY, "merchant_category": 4900, "amount_kzt": 600}
    events = [
        held("e-1"),
        held("bill-1", 1, **bill),
        Event(event_id=b"pay", at=(NOON + 2 * HOUR_MS, 0), payer=7, payee=PAYER, payer_kind=COMPANY,
              purpose="зейнетақы", amount_kzt=1_000),
        held("bill-2", 3, **bill),
        held("bill-3", 4, **bill),
    ]  # fmt: skip
    states = {event.event_id: event.state for event in holds(agent.take(judged(events)))}
    assert states == {"e-1": "proposed", "bill-1": "proposed", "bill-2": "released", "bill-3": "proposed"}


def test_an_event_that_comes_again_is_told_again_how_it_ended() -> None:
    agent = settle()
    agent.take(judged([held()]))
    ended = agent.advance((NOON + 2 * DAY_MS, 0))
    again = agent.take(judged([held(hours=50, state=REPEAT)]))
    assert again == [record for record in ended if record.topic != HOLDS]


def test_what_no_institution_published_is_not_held() -> None:
    assert settle().take(judged([held(institution=b"KCELL")])) == []


def test_the_time_of_a_replay_is_the_time_of_its_story() -> None:
    agent = settle()
    epoch, story = NOON, NOON - 30 * DAY_MS
    told = agent.take(judged([held(at=(epoch, story))]))
    assert holds(told)[0].since.timestamp() * 1000 == story
    assert agent.advance((epoch, story + DAY_MS - 1)) == []
    assert [event.state for event in holds(agent.advance((epoch, story + DAY_MS)))] == ["proceeded"]


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("held"),
            st.sampled_from(("step_up", "hold", "block")),
            st.sampled_from((1, 2, 3)),
            st.sampled_from((4, 5, 1)),
            st.sampled_from(("", "salary", "bill")),
        ),
        st.tuples(
            st.just("verdict"),
            st.sampled_from(("confirmed", "false_positive", "victim", "mule", "returned")),
            st.sampled_from((1, 2, 3, 4, 5)),
            st.sampled_from((b"AFM", b"GENPROC")),
        ),
        st.tuples(st.just("repeat")),
        st.tuples(st.just("plain")),
    ),
    max_size=40,
)


def story(steps: list[tuple[Any, ...]], gaps: list[int]) -> list[Event]:
    """The steps as events, so many hours apart; the first half of them in a replay of history."""
    events: list[Event] = []
    hours, opened = 0, NOON
    for number, (step, gap) in enumerate(zip(steps, itertools.cycle(gaps), strict=False)):
        hours += gap
        replayed = number < len(steps) // 2
        at = (opened, opened - 90 * DAY_MS + hours * HOUR_MS) if replayed else (opened + (1 + hours) * HOUR_MS, 0)
        name = f"{number:03d}"
        if step[0] == "held":
            _, decision, payer, payee, protected = step
            kinds = {
                "salary": {"payer_kind": COMPANY, "purpose_code": 332},
                "bill": {"payee_kind": COMPANY, "purpose_code": 911, "amount_kzt": 500},
                "": {},
            }[protected]
            found = {"T03": (1.0, decision), "T04": (1.0, "hold" if decision == "block" else decision)}
            events.append(held(name, at=at, payer=payer, payee=payee, findings=found, **kinds))
        elif step[0] == "verdict":
            _, outcome, subject, body = step
            events.append(Event({**verdict(outcome, subject, body=body), "at": at, "event_id": name.encode()}))
        elif step[0] == "repeat" and any(event.get("findings") for event in events):
            first = next(event for event in events if event.get("findings"))
            events.append(Event({**first, "at": at, "state": REPEAT, "findings": {}}))
        else:
            events.append(Event(event_id=name.encode(), at=at, payer=8, payee=9, state=NEW))
    return events


@settings(max_examples=150, deadline=None)
@given(
    STEPS,
    st.lists(st.sampled_from((0, 1, 24, 30)), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.booleans()), min_size=1, max_size=6),
)
def test_batches_marks_and_snapshots_change_nothing(
    steps: list[tuple[Any, ...]], gaps: list[int], cuts: list[tuple[int, bool, bool]]
) -> None:
    events = story(steps, gaps)
    end = (NOON + 900 * DAY_MS, 0)
    whole = settle()
    expected = [*whole.take(judged(events)), *whole.advance(end)]

    agent, told, place = settle(), [], 0
    for size, marked, restored in itertools.cycle(cuts):
        if place >= len(events):
            break
        told += agent.take(judged(events[place : place + size]))
        place += size
        if marked and place < len(events) and events[place]["at"] > events[place - 1]["at"]:
            told += agent.advance(events[place - 1]["at"])
        if restored:
            after = settle()
            after.restore(*agent.state())
            assert after.state() == agent.state()
            agent = after
    told += agent.advance(end)
    # Offsets count the rows of a batch, and batches differ here.
    assert [_without_offset(record) for record in told] == [_without_offset(record) for record in expected]
    assert not agent.ledger.open
    states: dict[str, list[HoldEvent]] = {}
    for event in holds(told):
        states.setdefault(event.hold_id, []).append(event)
    for life in states.values():
        assert [event.number for event in life] == list(range(life[0].number, life[0].number + len(life)))
        assert life[-1].state in ("released", "proceeded", "expired", "superseded")


def _without_offset(record: Outgoing) -> tuple[str, dict[str, Any], int | None]:
    said = json.loads(record.value)
    said.pop("offset", None)
    return record.topic, said, record.partition
