"""A wave of scam calls: call, loan, transfer; loans despite a refusal; what is held, how that ends, what never is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rules.rulebook import Rulebook
from streams.evidence.signing import NotSigned, SigningKey, canonical, verify
from streams.replay import replay
from streams.wording import alert_id
from tests.scenarios.planted import LENDER, at, listed, loan, person, refusals, transfer
from tests.scenarios.played import KEY, Document, Played, add, person_token, played, simulated
from tests.streams.events import document

pytestmark = pytest.mark.kafka

REFUSED, REFUSED_LATER, EMPLOYER, WORKER, STRANGER = map(person, range(5))
ENDS = {"released", "proceeded", "expired", "superseded"}
PAGE = "https://wave.example"


def stories(*, in_time: bool = False) -> list[Document]:
    """Two loans despite refusals, one of them told late (or `in_time`), and a salary to somebody on a list."""
    told = at(0, 9, 1) if in_time else at(2, 18)
    blocked = document(name="blocked_resource") | {"event_id": "page", "occurred_at": at(0, 8, 1), "resource": PAGE}
    salary = {"purpose": "Перевод", "purpose_code": "332"}
    return [
        refusals("refusal", at(0, 9), (REFUSED, "set", "2026-01-01", 1)),
        refusals("refusal-told-late", told, (REFUSED_LATER, "set", "2026-01-01", 2)),
        loan("loan", at(2, 10), "contract", REFUSED),
        loan("loan-paid", at(2, 10, 30), "disbursement", REFUSED, loan_id="of-loan"),
        loan("loan-before-it-was-told", at(2, 10, 1), "contract", REFUSED_LATER),
        listed("employer", at(0, 8), EMPLOYER, "protected"),
        blocked | {"tied": {"ids": [WORKER]}, "valid_from": "2026-01-01", "valid_to": "2030-01-01"},
        transfer("salary", at(1, 10), EMPLOYER, WORKER, 400_000, **salary),
        transfer("no-salary", at(1, 11), STRANGER, WORKER, 400_000, **salary),
    ]


@pytest.fixture(scope="module")
def wave(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("wave")
    file = simulated(folder, "phone-wave", people=800, days=4, seed=19)
    add(file, stories())
    with played(folder, file) as found:
        yield found


# -- calls and impersonation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typology", "case"),
    [("T06", "T06-called"), ("T07", "T07-loan-given-away"), ("T18", "T18-impersonation"), ("T18", "T18-relative")],
)
def test_what_comes_after_a_call_is_named(wave: Played, typology: str, case: str) -> None:
    assert typology in wave.typologies_of(case)


def test_the_alert_shows_the_call_beside_the_transfer(wave: Played) -> None:
    found = [alert for alert in wave.alerts_of("T06") if wave.case(alert["event_id"]).startswith("T06-called")]
    sources = {entry["source"]["topic"] for alert in found for entry in alert["evidence"]}
    assert any(topic.startswith("calls.") for topic in sources)


def test_transfers_under_the_callers_hand_are_held_and_the_banks_told(wave: Played) -> None:
    held = {
        (alert["institution"], alert["event_id"])
        for alert in wave.alerts_of("T06", "T07", "T18")
        if alert.get("decision") == "hold" and wave.case(alert["event_id"]).startswith(("T06", "T07", "T18"))
    }
    assert len(held) >= 5
    for institution, event_id in sorted(held):
        assert "hold" in wave.decisions(institution, event_id)


def test_called_payers_are_warned_whoever_they_pay(wave: Played) -> None:
    told = [said for said in wave.documents("warnings") if said.get("rule") == "coercion"]
    assert any(said["type"] == "warning" for said in told)
    assert all(said["held_out"] == 0 for said in told if said["type"] == "warning_effect"), "nobody is left out"


def test_operators_are_asked_to_check_the_numbers(wave: Played) -> None:
    asked = [said for said in wave.documents("notices") if said["measure"] == "check_number" and said["number"] == 0]
    assert asked
    assert {said["addressee"] for said in asked} == {"telecom_operator"}


# -- holds ------------------------------------------------------------------------------------------------------------


def lives(wave: Played) -> dict[str, list[Document]]:
    """Hold → its states, each once, in order."""
    found: dict[str, dict[int, Document]] = {}
    for hold in wave.documents("holds"):
        found.setdefault(hold["hold_id"], {})[hold["number"]] = hold
    return {name: [states[number] for number in sorted(states)] for name, states in found.items()}


def test_every_hold_ends_with_a_cause(wave: Played) -> None:
    ended = lives(wave)
    assert len(ended) >= 10
    for states in ended.values():
        assert [state["number"] for state in states] == list(range(len(states)))
        last = states[-1]
        assert last["state"] in ENDS, last["event_id"]
        assert all(last["cause_text"][language] for language in ("kk", "ru", "en"))
        assert all(state["at"] <= state["deadline"] for state in states[:-1])
    assert {states[-1]["cause"] for states in ended.values()} >= {"fiu_was_silent"}


def test_who_was_told_to_hold_is_told_to_let_go(wave: Played) -> None:
    for states in lives(wave).values():
        last = states[-1]
        if last["decision"] == "hold" and last["state"] != "superseded" and last["cause"] != "protected_money":
            assert wave.decisions(last["institution"], last["event_id"])[-1] == "release"


def test_protected_money_is_never_held(wave: Played) -> None:
    restrained = {
        state["event_id"]
        for states in lives(wave).values()
        for state in states
        if state["decision"] in ("hold", "block") and state["state"] not in ENDS
    }
    banks = {event["event_id"]: event.get("institution", "") for event in wave.events}
    # Read from the file: a company pays wages, or a code of the budget is paid by somebody under no other hold.
    wages = {
        event["event_id"]
        for event in wave.events
        if event.get("purpose_code") == "332" and event["payer"].get("id", "")[4:5] in ("4", "5")
    }
    assert len(wages) > 20
    assert not restrained & wages
    assert "no-salary" in restrained, "the same payment of somebody else is held"
    assert "T11" in {alert["typology"]["id"] for alert in wave.alerts.values() if alert["event_id"] == "salary"}
    assert "salary" not in restrained
    assert {"hold", "block"}.isdisjoint(wave.decisions(banks["salary"], "salary"))
    (only,) = [states for states in lives(wave).values() if states[0]["event_id"] == "salary"]
    assert [(state["state"], state["cause"]) for state in only] == [("released", "protected_money")]


# -- loans despite a refusal ------------------------------------------------------------------------------------------


def alert_on(wave: Played, event_id: str) -> Document:
    (alert,) = [alert for alert in wave.alerts_of("T08") if alert["event_id"] == event_id]
    return alert


def test_simulated_loans_despite_a_refusal_are_named_and_held(wave: Played) -> None:
    found = [alert for alert in wave.alerts_of("T08") if wave.case(alert["event_id"]).startswith("T08")]
    assert found
    assert any("hold" in wave.decisions(alert["institution"], alert["event_id"]) for alert in found)


def test_a_loan_despite_a_refusal_is_held_at_the_lender(wave: Played) -> None:
    assert alert_on(wave, "loan")["decision"] == "hold"
    assert wave.decisions(LENDER, "loan")[0] == "hold"


def test_a_refusal_that_comes_after_the_loan_gives_the_same_alert(wave: Played, tmp_path: Path) -> None:
    late = alert_on(wave, "loan-before-it-was-told")
    assert late["alert_id"] == alert_id(LENDER, "loan-before-it-was-told", "T08", person_token(REFUSED_LATER))
    file = tmp_path / "in-time.jsonl"
    file.write_bytes(b"")
    add(file, stories(in_time=True))
    in_time: dict[str, str] = {}
    replay([file], Rulebook.load(), KEY, on_alert=lambda alert: in_time.__setitem__(alert.event_id, alert.alert_id))
    assert in_time["loan-before-it-was-told"] == late["alert_id"]


def test_evidence_of_the_loan_is_signed_and_verifies(wave: Played, tmp_path: Path) -> None:
    package = evidence(wave, tmp_path, "loan", code=0)
    signed: dict[str, Any] = json.loads(package.read_bytes())
    assert signed["document"]["finding"]["code"] == "given_against_refusal"
    assert [step["stage"] for step in signed["document"]["loan"]["steps"]] == ["contract", "disbursement"]
    assert len(signed["document"]["refusals"]) == 1
    assert REFUSED.encode() not in canonical(signed["document"])
    printed = package.with_suffix(".pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert signed["digest"].encode() in printed, "the two belong together"
    public = SigningKey.load({"ANTIFRAUD_DEMO": "1"}).public
    assert antifraud("evidence", "verify", str(package), "--public-key", public).returncode == 0
    assert verify(signed, public) == signed["document"]
    signed["document"]["loan"]["amount"] = "1.00"
    with pytest.raises(NotSigned):
        verify(signed, public)


def test_evidence_of_a_refusal_told_too_late_says_so(wave: Played, tmp_path: Path) -> None:
    """Whether such a loan is voidable is for a court: the package says what was known when."""
    package = evidence(wave, tmp_path, "loan-before-it-was-told", code=1)
    signed: dict[str, Any] = json.loads(package.read_bytes())
    assert signed["document"]["finding"]["code"] == "recorded_later"


def evidence(wave: Played, folder: Path, event_id: str, *, code: int) -> Path:
    """Make the package of the alert on a loan; its JSON."""
    alert = alert_on(wave, event_id)["alert_id"]
    servers = wave.center.kafka.bootstrap_servers
    done = antifraud("evidence", alert, "--out", str(folder), "--bootstrap-servers", servers)
    assert done.returncode == code, done.stderr
    return folder / f"loan-{alert}.json"


def antifraud(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "streams.cli", *arguments]
    environment = {**os.environ, "ANTIFRAUD_DEMO": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
