"""Notices and the necessity log: who is told, once, and how each ends; and why a sensitive list was looked into."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import HOUR_MS
from rules.events import DAY_MS
from rules.notices import Board, Cause
from rules.references import LISTS
from rules.rulebook_files import PACKAGED, read_documents
from rules.rulebook_reading import Reading, packaged_procedure
from streams.contracts.notice import NecessityRecord, NoticeEvent
from streams.following import Outgoing
from streams.notices import Necessity, Notices
from streams.tokens import demo_keys
from tests.streams.judged import COMPANY, Event, judged, rulebook

KEY = demo_keys()[0]
MONDAY = 1_795_417_200_000  # 23 November 2026
SHOP = 3_003


def found(hours: float = 0, payee: int = SHOP, typology: str = "T10", **more: Any) -> Event:
    at = (MONDAY + round(hours * HOUR_MS), 0)
    said = {"payer": 4, "payee": payee, "findings": {typology: (1.0, "warn")}, "event_id": f"e-{hours}".encode()}
    return Event(at=at, **{**said, **more})


def listing(which: str, hours: float, subject: int = SHOP) -> Event:
    words = (LISTS.index(which) + 1, 0, 0, 0)
    at = (MONDAY + round(hours * HOUR_MS), 0)
    return Event(event_id=b"listing", at=at, kind="listing", institution=b"AFM", payee=subject, words=words)


def told(records: Iterable[Outgoing]) -> list[NoticeEvent]:
    return [NoticeEvent.model_validate_json(record.value) for record in records]


def test_a_shop_is_one_letter_however_many_it_cheats() -> None:
    agent = Notices(KEY)
    (notice,) = told(agent.take(judged([found(hours) for hours in range(20)])))
    assert (notice.measure, notice.addressee, notice.outcome) == ("block_site", "site_blocking_body", "open")
    assert notice.subject == KEY.text((SHOP, SHOP))
    assert notice.deadline.timestamp() * 1000 == MONDAY + 7 * DAY_MS  # five business days
    assert "567" in notice.legal_basis.en
    (end,) = told(agent.advance((MONDAY + 7 * DAY_MS, 0)))
    assert (end.notice_id, end.outcome, end.number) == (notice.notice_id, "unanswered", 1)
    (again,) = told(agent.take(judged([found(7 * 24 + 1)])))
    assert again.notice_id != notice.notice_id


def test_a_blocked_resource_is_the_answer_and_another_list_is_not() -> None:
    agent = Notices(KEY)
    events = [found(), listing("grey", 1), listing("blocked_resource", 2), found(3)]
    assert [notice.outcome for notice in told(agent.take(judged(events)))] == ["open", "done"]
    assert told(agent.advance((MONDAY + 30 * DAY_MS, 0))) == [], "what was answered is not unanswered"


def test_innocence_withdraws_it() -> None:
    agent = Notices(KEY)
    innocent = Event(event_id=b"d", at=(MONDAY + 1, 0), kind="marked_false_positive", institution=b"AFM", payee=SHOP)
    assert [notice.outcome for notice in told(agent.take(judged([found(), innocent])))] == ["open", "withdrawn"]


def test_only_a_company_is_struck_off() -> None:
    def measures(**more: Any) -> list[str]:
        return [notice.measure for notice in told(Notices(KEY).take(judged([found(typology="T01", **more)])))]

    assert measures() == ["suspend_activity", "block_site"]
    assert measures(payee_kind=COMPANY) == ["suspend_activity", "block_site", "strike_off"]


def test_an_operator_checks_at_most_ten_numbers_of_a_person_in_two_business_days() -> None:
    agent = Notices(KEY)
    notices = told(agent.take(judged([found(hour, typology="T06", phone=100 + hour) for hour in range(12)])))
    assert {notice.addressee for notice in notices} == {"telecom_operator"}
    assert len(notices) == 10
    assert notices[0].deadline.timestamp() * 1000 == MONDAY + 2 * DAY_MS
    assert notices[0].role == "phone"


def test_a_typology_on_trial_tells_nobody() -> None:
    assert Notices(KEY).take(judged([found(typology="T22")])) == []


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("T01", "T06", "T10", "grey", "pyramid", "blocked_resource", "innocent")),
            st.sampled_from((1, 2, 3)),
            st.sampled_from((0, 1, 50)),
        ),
        max_size=30,
    ),
    st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=5),
)
def test_batches_and_snapshots_change_nothing(steps: list[tuple[str, int, int]], cuts: list[tuple[int, bool]]) -> None:
    events, hours = [], 0
    for number, (what, subject, gap) in enumerate(steps):
        hours += gap
        if what.startswith("T"):
            event = found(hours, subject, what, phone=subject + 10)
        elif what == "innocent":
            event = Event({**listing("grey", hours, subject), "kind": "marked_false_positive", "words": (0, 0, 0, 0)})
        else:
            event = listing(what, hours, subject)
        events.append(Event({**event, "event_id": f"{number}".encode()}))
    end = (MONDAY + 900 * DAY_MS, 0)
    whole = Notices(KEY)
    expected = [*whole.take(judged(events)), *whole.advance(end)]
    agent, given_back, place = Notices(KEY), [], 0
    for size, restored in itertools.cycle(cuts):
        if place >= len(events):
            break
        given_back += agent.take(judged(events[place : place + size]))
        place += size
        if restored:
            after = Notices(KEY)
            after.restore(*agent.state())
            agent = after
    given_back += agent.advance(end)
    assert given_back == expected
    assert not agent.board.standing
    open_now: set[tuple[str, str]] = set()
    for notice in told(expected):
        if notice.outcome == "open":
            assert (notice.subject, notice.measure) not in open_now, "two letters about one thing"
            open_now.add((notice.subject, notice.measure))
        else:
            open_now.remove((notice.subject, notice.measure))
    assert not open_now, "every notice ends"


def test_the_board_forgets_what_it_took_down() -> None:
    rule = next(rule for rule in packaged_procedure().notices if rule.typology == "T10")
    board = Board()
    board.cause(Cause(rule, "CASPKZKA", "e", (SHOP, 0), (SHOP, 0), 7, SHOP, (MONDAY, 0), MONDAY), packaged_procedure())
    list(board.due((MONDAY + 30 * DAY_MS, 0), including=True))
    assert board == Board()


def test_every_notice_is_of_a_typology_that_there_is() -> None:
    known = {typology.id for typology in rulebook().typologies}
    assert {rule.typology for rule in rulebook().procedure.notices} <= known
    assert {necessity.typology for necessity in rulebook().procedure.necessities} <= known


def necessary(records: Iterable[Outgoing]) -> list[NecessityRecord]:
    return [NecessityRecord.model_validate_json(record.value) for record in records]


def test_a_conviction_that_spoke_in_a_finding_is_recorded_with_its_reason() -> None:
    batch = judged([found(typology="T13", lists={"payee": ["convicted", "grey"]}), found(1, typology="T13")])
    (record,) = necessary(Necessity(KEY).take(batch))
    assert (record.list, record.typology, record.role, record.event_id) == ("convicted", "T13", "payee", "e-0")
    assert record.subject == KEY.text((SHOP, SHOP))
    assert "convicted" in record.purpose.en


def test_a_finding_that_reads_no_sensitive_list_needs_no_reason() -> None:
    assert Necessity(KEY).take(judged([found(typology="T10", lists={"payee": ["convicted"]})])) == []


@pytest.mark.parametrize("typology", ["T13", "T01"])
def test_no_typology_reads_it_without_a_stated_necessity(typology: str) -> None:
    documents = read_documents(PACKAGED)
    notices = documents["lists/notices.yaml"]
    documents["lists/notices.yaml"] = notices.replace(
        f"  - typology: {typology}\n    list: convicted", "  - typology: T99\n    list: convicted"
    )
    found_faults = [problem.message for problem in Reading(documents).problems]
    assert f"{typology} reads the list 'convicted' without a stated necessity" in found_faults
