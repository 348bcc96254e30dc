"""The pages of holds and notices: clocks, states, the decision on a hold, the answer to a notice."""

from __future__ import annotations

import json

import msgspec
import pytest
from sqlalchemy import select

from console.store.opening import Store
from console.store.tables import alerts, audit, outbound
from console.texts import Language
from rules.events import DAY_MS
from streams.subjects import Subjects
from streams.tokens import parse_token
from tests.console.builders import NOW, TOKENS, VAULT, Named, alert, document, feed, hold, instant
from tests.console.web.clients import Browser, signed_in

IIN = "791028302728"  # of nobody: an example of the contract
NOTICE = document("notice")["notice_id"]


def opened(store: Store, language: Language = "en", *, name: str = "") -> Browser:
    """An analyst's browser a little after the events."""
    return signed_in(store, "analyst", username=name, language=language, clock=lambda: NOW + 60_000)


@pytest.fixture
def held(store: Store) -> Store:
    """A hold in force on an alert about somebody whose identity is known, one that ended, and a notice."""
    subjects = Subjects(TOKENS, VAULT, cached=4)
    subjects.named("id", IIN)
    (identity,) = subjects.identities()
    payee = Named("person", parse_token(identity.key.decode())[1])
    feed(store, "identities", identity.sealed, key=identity.key.decode())
    feed(store, "suspicious-operations", alert(1, payee=payee))
    later = instant(NOW + 6 * DAY_MS)
    in_force = {"state": "in_force", "cause": "authority_confirmed", "clock": "suspicion_hold", "deadline": later}
    ended = {"state": "proceeded", "cause": "fiu_was_silent", "on_silence": None}
    feed(store, "holds", hold(1), hold(1, state_number=1, **in_force), hold(2, **ended))
    feed(store, "notices", document("notice"))
    return store


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_pages_are_there_in_every_language(held: Store, language: Language) -> None:
    browser = opened(held, language)
    for path in ("/holds", "/holds?show=ended&cause=fiu_was_silent", "/notices", f"/notices/{NOTICE}"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert "style=" not in answer.text
    page = browser.get(f"/holds/{1:032x}").text
    assert page.count('class="edge taken"') == 1
    assert page.count('class="edge silence"') == 1
    assert f'data-until="{NOW + 6 * DAY_MS}"' in page


def test_holds_are_chosen_by_decision_deadline_and_cause(held: Store) -> None:
    browser = opened(held)

    def numbers(query: str) -> list[int]:
        return [int(one["hold_id"], 16) for one in browser.get(f"/api/holds?{query}").json()]

    assert numbers("") == [1]
    assert numbers("decision=block") == []
    assert numbers(f"due_before={NOW + DAY_MS}") == []
    assert numbers("open=false&cause=fiu_was_silent") == [2]
    said = browser.get(f"/api/holds/{1:032x}").json()
    assert [state["state"] for state in said["states"]] == ["proposed", "in_force"]


def test_pages_of_holds_follow_on_each_other_without_gap_or_repeat(store: Store) -> None:
    feed(store, "holds", *(hold(number, deadline=instant(NOW + number // 3 * 1_000)) for number in range(1, 8)))
    browser, seen, after = opened(store), [], ""
    while page := browser.get(f"/api/holds?limit=2{after}").json():
        seen += [int(one["hold_id"], 16) for one in page]
        after = f"&after={page[-1]['deadline_at']}.{page[-1]['hold_id']}"
    assert seen == [1, 2, 3, 4, 5, 6, 7]


def test_a_release_closes_the_alerts_and_tells_the_center_sealed(held: Store) -> None:
    browser = opened(held)
    path, note = f"/holds/{1:032x}/decision", "The customer confirmed it in person"
    answer = browser.submit(path, decision="false_positive", note=note, seen=[f"{1:032x}.1"])
    assert (answer.status_code, answer.headers["location"]) == (303, f"/holds/{1:032x}")
    with held.reading() as connection:
        row = connection.execute(select(outbound)).one()
        closed = connection.execute(select(alerts.c.state, alerts.c.reason_code)).one()
        actions = set(connection.scalars(select(audit.c.action)))
    assert tuple(closed) == ("closed", "false_positive")
    assert IIN.encode() not in row.value
    verdict = msgspec.json.decode(VAULT.open(f"{row.topic}/{row.record_key}".encode(), row.value))
    assert (verdict["outcome"], verdict["subject"], verdict["alert_id"]) == ("false_positive", {"id": IIN}, f"{1:032x}")
    assert {"alert.closed", "identity.used", "hold.decided"} <= actions
    assert browser.submit(path, decision="confirmed", note=note, seen=[f"{1:032x}.1"]).status_code == 409


def test_what_a_prosecutor_sanctioned_is_not_said_to_be_released(held: Store) -> None:
    """The state machine lets only a body that may sanction undo it: tests/rules/test_holds.py."""
    sanctioned = {"state": "extended", "cause": "prosecutor_sanctioned", "clock": "prosecutor_sanction"}
    feed(held, "holds", hold(1, state_number=2, **sanctioned))
    browser = opened(held)
    page = browser.get(f"/holds/{1:032x}").text
    assert "only a prosecutor releases" in page
    assert "Release: a false positive" not in page
    said = {"decision": "false_positive", "note": "The customer confirmed it", "seen": [f"{1:032x}.1"]}
    assert browser.submit(f"/holds/{1:032x}/decision", **said).status_code == 303
    assert "The alerts are closed; the hold stays" in browser.get(f"/holds/{1:032x}").text


@pytest.mark.parametrize("seen", [[], [f"{1:032x}.7"], ["nonsense"]])
def test_a_decision_on_something_else_than_was_seen_changes_nothing(held: Store, seen: list[str]) -> None:
    answer = opened(held).submit(f"/holds/{1:032x}/decision", decision="confirmed", note="as agreed", seen=seen)
    assert answer.status_code == 409
    with held.reading() as connection:
        assert connection.execute(select(outbound)).first() is None
        assert connection.scalar(select(alerts.c.state)) == "new"


def test_the_auditor_sees_holds_and_decides_nothing(held: Store) -> None:
    browser = signed_in(held, "auditor")
    assert browser.get(f"/holds/{1:032x}").status_code == 200
    assert browser.submit(f"/holds/{1:032x}/decision", decision="confirmed", note="as agreed").status_code == 403
    assert browser.submit(f"/notices/{NOTICE}/answer", answer="done", reason="letter 12").status_code == 403


def test_an_answer_is_written_down_once_and_not_over_somebody_elses(held: Store) -> None:
    path = f"/notices/{NOTICE}/answer"
    first, second = opened(held), opened(held, name="second")
    assert first.submit(path, answer="done", reason="letter 12", seen="").status_code == 303
    assert second.submit(path, answer="refused", reason="letter 13", seen="").status_code == 409
    said = first.get(f"/api/notices/{NOTICE}").json()
    assert (said["answer"], said["answered_by"]) == ("done", "analyst")
    (line,) = first.get("/api/notices/summary").json()
    assert (line["open"], line["written_done"], line["written_refused"]) == (1, 1, 0)
    body = {"answer": "refused", "reason": "letter 14", "seen": "done"}
    assert second.call("POST", f"/api/notices/{NOTICE}/answer", body).json()["answer"] == "refused"
    with held.reading() as connection:
        written = select(audit.c.detail).where(audit.c.action == "notice.answered").order_by(audit.c.number)
        assert [json.loads(detail) for detail in connection.scalars(written)] == [
            {"answer": "done", "before": None},
            {"answer": "refused", "before": "done"},
        ]
