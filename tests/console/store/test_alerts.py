"""What is done with alerts: all or none, in the version that was seen, written down, and told to the center."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import RowMapping, select

from console.store import alerts, audit_log, cases, dispositions
from console.store.alerts import StaleAlerts, Target
from console.store.dispositions import NoVerdict
from console.store.errors import NotAllowed
from console.store.opening import Store
from console.store.tables import audit, campaigns, outbound
from console.vault import find_token
from streams.contracts.disposition import Disposition
from tests.console.builders import NOW, TOKENS, VAULT, add_user, alert, device, feed, hold, person
from tests.console.people_of_tests import AIGUL, AUDITOR, BOLAT

IIN = "791028302728"


def filled(store: Store, many: int = 3) -> None:
    feed(store, "suspicious-operations", *(alert(n, payer=person(n), payee=person(9)) for n in range(1, many + 1)))


def target(store: Store, number: int) -> Target:
    row = row_of(store, number)
    return Target(row["alert_id"], row["version"])


def row_of(store: Store, number: int) -> RowMapping:
    with store.reading() as connection:
        return alerts.find(connection, f"{number:032x}")


def actions(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.execute(select(audit.c.action).order_by(audit.c.number)).scalars())


def test_one_stale_alert_keeps_all_of_them_as_they_are(store: Store) -> None:
    filled(store)
    seen = [target(store, number) for number in (1, 2, 3)]
    with store.writing() as connection:
        alerts.assign(connection, BOLAT, seen[1:2], "bolat")
    with pytest.raises(StaleAlerts) as refused, store.writing() as connection:
        alerts.close(connection, AIGUL, seen, "duplicate", now=NOW)
    assert refused.value.alert_ids == (seen[1].alert_id,)
    assert [row_of(store, number)["state"] for number in (1, 2, 3)] == ["new", "assigned", "new"]
    assert actions(store) == ["alert.assigned"]


def test_a_campaign_that_is_not_as_it_was_seen_names_what_changed_and_who_did_it(store: Store) -> None:
    filled(store)
    add_user(store, AIGUL.username)
    with store.writing() as connection:
        case_id = cases.open_case(connection, AIGUL, "mules", now=NOW, alert_ids=[f"{2:032x}"])
        alerts.close(connection, BOLAT, [target(store, 1)], "duplicate", now=NOW)
    feed(store, "suspicious-operations", alert(4, payer=person(4), payee=person(9)))
    for seen, changed in ((4, (1,)), (2, (4,))):  # one was closed since; one has come since
        with pytest.raises(StaleAlerts) as refused, store.reading() as connection:
            alerts.of_campaign(connection, 1, seen)
        assert refused.value.alert_ids == tuple(f"{number:032x}" for number in changed)
    with store.reading() as connection:
        closed = audit_log.last_of_alert(connection, f"{1:032x}", None)
        taken = audit_log.last_of_alert(connection, f"{2:032x}", case_id)
        assert audit_log.last_of_alert(connection, f"{3:032x}", None) is None
    assert closed is not None
    assert taken is not None
    assert (closed.actor, closed.action) == (BOLAT.username, "alert.closed")
    assert (taken.actor, taken.action) == (AIGUL.username, "case.alerts_added")


def test_an_alert_goes_through_its_states(store: Store) -> None:
    filled(store)
    with store.writing() as connection:
        alerts.escalate(connection, AIGUL, [target(store, 1)], "a minister")
    with store.writing() as connection:
        alerts.assign(connection, BOLAT, [target(store, 1)], "bolat")
    assert (row_of(store, 1)["state"], row_of(store, 1)["assignee"]) == ("escalated", "bolat")
    with store.writing() as connection:
        alerts.close(connection, BOLAT, [target(store, 1)], "no_action", now=NOW)
    with pytest.raises(StaleAlerts), store.writing() as connection:
        alerts.assign(connection, AIGUL, [target(store, 1)], "aigul")
    with store.writing() as connection:
        alerts.reopen(connection, AIGUL, target(store, 1), "new evidence")
    assert (row_of(store, 1)["state"], row_of(store, 1)["reason_code"]) == ("assigned", None)
    assert actions(store) == ["alert.escalated", "alert.assigned", "alert.closed", "alert.reopened"]


def test_nothing_sleeps_longer_than_its_legal_clock(store: Store) -> None:
    filled(store)
    feed(store, "holds", hold(1))
    with store.writing() as connection:
        alerts.snooze(connection, AIGUL, [target(store, 1), target(store, 2)], NOW + 7 * 86_400_000, now=NOW)
    assert row_of(store, 1)["snoozed_until"] == row_of(store, 1)["deadline_at"]
    assert row_of(store, 2)["snoozed_until"] == NOW + 7 * 86_400_000


def test_a_campaign_counts_what_is_open(store: Store) -> None:
    filled(store)
    with store.writing() as connection:
        alerts.close(connection, AIGUL, [target(store, 1), target(store, 2)], "duplicate", now=NOW)
    with store.reading() as connection:
        assert connection.scalar(select(campaigns.c.open_alerts)) == 1


def test_who_only_reads_changes_nothing(store: Store) -> None:
    filled(store)
    with pytest.raises(NotAllowed), store.writing() as connection:
        alerts.assign(connection, AUDITOR, [target(store, 1)], "arman")


def test_a_verdict_names_its_subject_to_the_center_and_to_nobody_else(store: Store) -> None:
    token = find_token(TOKENS, "person", IIN)
    subjects = [{"role": "payee", "token": token}]
    feed(store, "suspicious-operations", alert(1, subjects=subjects, subject="payee"))
    sealed = VAULT.seal(token.encode(), json.dumps({"kind": "person", "id": IIN}).encode())
    feed(store, "identities", sealed, key=token)
    with store.writing() as connection:
        dispositions.close(connection, VAULT, AIGUL, [target(store, 1)], "mule", now=NOW, note="he admitted it")
    with store.reading() as connection:
        sent = connection.execute(select(outbound)).one()
        logged = " ".join(str(row) for row in connection.execute(select(audit)))
    assert sent.topic == "dispositions"
    assert IIN.encode() not in sent.value
    assert IIN not in logged
    opened = VAULT.open(f"dispositions/{sent.record_key}".encode(), sent.value)
    verdict = Disposition.model_validate_json(opened)
    assert (verdict.outcome, verdict.subject.id, verdict.alert_id) == ("mule", IIN, f"{1:032x}")
    assert actions(store) == ["alert.closed", "identity.used"]


@pytest.mark.parametrize("about", ["payee", "payer"])
def test_without_anybody_to_name_nothing_is_closed(store: Store, about: str) -> None:
    feed(store, "suspicious-operations", alert(1, payee=person(9), with_device=device(1)))
    with pytest.raises(NoVerdict), store.writing() as connection:
        dispositions.close(connection, VAULT, AIGUL, [target(store, 1)], "confirmed", now=NOW, about=about)  # type: ignore[arg-type]
    assert row_of(store, 1)["state"] == "new"
    assert actions(store) == []


def test_a_closing_that_tells_the_center_nothing_opens_nobody(store: Store) -> None:
    filled(store)
    with store.writing() as connection:
        assert dispositions.close(connection, VAULT, AIGUL, [target(store, 1)], "duplicate", now=NOW) == 0
    assert actions(store) == ["alert.closed"]
