"""Cases and what takes two persons: need to know, stale forms, and that what was checked is what is done."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from console.store import case_history, cases, filing, proposals
from console.store.cases import NotPossible
from console.store.errors import NotAllowed, NotFound, Stale
from console.store.opening import Store
from console.store.tables import alerts, audit
from console.store.tables import proposals as proposals_table
from tests.console.builders import NOW, add_user, alert, feed, person
from tests.console.people_of_tests import AIGUL, AUDITOR, BOLAT, COMPLIANCE, SENIOR, Somebody

ALERTS = [f"{number:032x}" for number in (1, 2, 3)]
MAKING_SENIOR = Somebody("temir", "senior")


def opened(store: Store, **said: object) -> int:
    for somebody in (AIGUL, BOLAT, SENIOR, AUDITOR, MAKING_SENIOR):
        add_user(store, somebody.username, somebody.role)
    feed(store, "suspicious-operations", *(alert(n, payer=person(n), payee=person(9)) for n in (1, 2, 3)))
    with store.writing() as connection:
        return cases.open_case(connection, AIGUL, "Loans", now=NOW, alert_ids=ALERTS[:2], **said)  # type: ignore[arg-type]


def test_of_a_restricted_case_only_its_members_and_the_auditor_know(store: Store) -> None:
    case_id = opened(store, restricted=True)
    with store.writing() as connection:
        cases.add_member(connection, AIGUL, case_id, "saule", now=NOW)
    with store.reading() as connection:
        for somebody in (AIGUL, SENIOR, AUDITOR):
            assert cases.find(connection, somebody, case_id)["title"] == "Loans"
            assert [row["case_id"] for row in cases.listing(connection, somebody).rows] == [case_id]
        for somebody in (BOLAT, COMPLIANCE):
            assert cases.listing(connection, somebody).rows == []
            with pytest.raises(NotFound):
                cases.find(connection, somebody, case_id)
    with pytest.raises(NotFound), store.writing() as connection:
        cases.add_note(connection, BOLAT, case_id, "I know", now=NOW)


def test_two_who_change_one_case(store: Store) -> None:
    case_id = opened(store)
    with store.writing() as connection:
        cases.change(connection, AIGUL, case_id, 1, title="Fake loans", owner="aigul", restricted=False)
    with pytest.raises(Stale), store.writing() as connection:
        cases.change(connection, BOLAT, case_id, 1, title="Mules", owner="bolat", restricted=False)
    with store.reading() as connection:
        assert cases.find(connection, BOLAT, case_id)["title"] == "Fake loans"


def test_an_alert_is_in_one_case_at_a_time(store: Store) -> None:
    case_id = opened(store)
    with pytest.raises(NotPossible, match="another case"), store.writing() as connection:
        cases.open_case(connection, BOLAT, "Mine", now=NOW, alert_ids=[ALERTS[2], ALERTS[0]])
    with store.writing() as connection:
        cases.remove_alert(connection, AIGUL, case_id, ALERTS[0])
        other = cases.open_case(connection, BOLAT, "Mine", now=NOW, alert_ids=[ALERTS[2], ALERTS[0]])
    with store.reading() as connection:
        assert {row["alert_id"] for row in cases.alerts_of(connection, other)} == {ALERTS[0], ALERTS[2]}


def test_a_campaign_comes_into_a_case_as_a_whole(store: Store) -> None:
    feed(store, "suspicious-operations", *(alert(n, payer=person(n), payee=person(9)) for n in (1, 2, 3)))
    add_user(store, "aigul")
    with store.writing() as connection:
        campaign_id = connection.scalar(select(alerts.c.campaign_id).limit(1))
        case_id = cases.open_case(connection, AIGUL, "All", now=NOW, campaign_id=campaign_id)
    with store.reading() as connection:
        assert len(cases.alerts_of(connection, case_id)) == 3


def test_the_course_of_a_long_case_keeps_its_latest_alerts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_history, "MOST", 2)
    feed(store, "suspicious-operations", *(alert(number, payee=person(7), at=NOW + number) for number in range(1, 5)))
    add_user(store, "aigul")
    with store.writing() as connection:
        case_id = cases.open_case(connection, AIGUL, "Long", now=NOW, campaign_id=1)
        moments = [moment for moment in case_history.of(connection, case_id) if moment.sort == "alert"]
    assert [moment.at for moment in moments] == [NOW + 4, NOW + 3]


def test_what_was_checked_is_what_is_filed(store: Store) -> None:
    case_id = opened(store)
    with store.writing() as connection:
        number = filing.propose(connection, AIGUL, case_id, "They were called.", now=NOW)
        cases.add_alerts(connection, AIGUL, case_id, ALERTS[2:])
    with store.reading() as connection:
        proposal = proposals.find(connection, number)
        assert [each.proposal_id for each in proposals.waiting(connection, SENIOR)] == [number]
        assert proposals.waiting(connection, AIGUL) == []
    with pytest.raises(Stale), store.writing() as connection:
        proposals.approve(connection, SENIOR, number, "0" * 64, now=NOW)
    with store.writing() as connection:
        proposals.approve(connection, SENIOR, number, proposal.digest, now=NOW)
    with pytest.raises(Stale), store.writing() as connection:
        proposals.refuse(connection, MAKING_SENIOR, number, proposal.digest, now=NOW, answer="too late")
    with store.reading() as connection:
        (filed,) = filing.approved(connection, case_id)
        assert [each["alert_id"] for each in json.loads(filed.document)["alerts"]] == ALERTS[:2]
        assert cases.find(connection, AIGUL, case_id)["state"] == "filed"
        done = list(connection.execute(select(audit.c.action).order_by(audit.c.number)).scalars())
    assert done[-2:] == ["filing.approved", "case.filed"]


def test_nobody_checks_his_own_in_the_program_or_in_the_database(store: Store) -> None:
    case_id = opened(store)
    with store.writing() as connection:
        number = filing.propose(connection, MAKING_SENIOR, case_id, "They were called.", now=NOW)
        digest = proposals.find(connection, number).digest
    for somebody in (MAKING_SENIOR, AIGUL, COMPLIANCE):
        with pytest.raises(NotAllowed), store.writing() as connection:
            proposals.approve(connection, somebody, number, digest, now=NOW)
    with pytest.raises(IntegrityError), store.writing() as connection:
        connection.execute(update(proposals_table).values(checker="temir", state="approved"))


@pytest.mark.parametrize(
    ("code", "attempt"),
    [
        ("filing_waits", lambda connection, case: filing.propose(connection, AIGUL, case, "again", now=NOW)),
        ("owner_stays", lambda connection, case: cases.remove_member(connection, AIGUL, case, "aigul")),
    ],
)
def test_what_a_case_does_not_allow(store: Store, code: str, attempt: Callable[[Connection, int], object]) -> None:
    case_id = opened(store)
    with store.writing() as connection:
        filing.propose(connection, AIGUL, case_id, "once", now=NOW)
    with pytest.raises(NotPossible) as refused, store.writing() as connection:
        attempt(connection, case_id)
    assert refused.value.code == code


def test_a_closed_case_takes_notes_only(store: Store) -> None:
    case_id = opened(store)
    with store.writing() as connection:
        cases.close(connection, AIGUL, case_id, 1, "not_proven", "", NOW)
        cases.add_note(connection, AIGUL, case_id, "for later", now=NOW)
    with pytest.raises(NotPossible), store.writing() as connection:
        cases.add_alerts(connection, AIGUL, case_id, ALERTS[2:])
