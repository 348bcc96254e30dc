"""The loan package: what was in force when, the signature, and the whole way from a replay to a verified file."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rules.rulebook import Rulebook
from streams.cli.evidence import evidence_app
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.evidence.document import LoanStep, NoLoan, OrderKey, Place, RefusalEntry, loan_document
from streams.evidence.pdf import pdf
from streams.evidence.signing import NotSigned, SigningKey, canonical, sign, verify
from streams.replay import replay
from streams.tokens import KeyRefused, demo_keys
from tests.streams.alerts import alert

START = datetime(2026, 11, 20, 4, tzinfo=UTC)
TOKEN = "k1:" + "ab" * 16
KEY = SigningKey.load({"ANTIFRAUD_DEMO": "1"})
PERSON = "791028302728"


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def order(hours: float) -> OrderKey:
    return OrderKey(int(at(hours).timestamp() * 1000), 0)


def refusal(action: str, valid: float, recorded: float, sequence: int) -> RefusalEntry:
    place = Place("registry.credit-refusals", 0, sequence)
    return RefusalEntry(action, at(valid), sequence, "EGOV", f"r{sequence}", at(recorded), order(recorded), place, 3)


def step(stage: str, hours: float, year: int = 2026) -> LoanStep:
    moment = at(hours).replace(year=year)
    place = Place("loans.MFOKKZKA", 0, int(hours))
    return LoanStep(
        stage, f"l-{stage}", moment, moment, order(hours), place, "l", "MFOKKZKA", "450000.00", "KZT", True, False
    )


STEPS = [step("application", 10), step("contract", 12), step("disbursement", 14)]


def document(entries: list[RefusalEntry], steps: list[LoanStep] = STEPS) -> dict[str, Any]:
    return loan_document(alert(1), TOKEN, entries, steps, at(100))


@pytest.mark.parametrize(
    ("entries", "code", "by_step"),
    [
        ([refusal("set", 0, 1, 1)], "given_against_refusal", ["yes", "yes", "yes"]),
        ([refusal("set", 11, 11.5, 1)], "given_against_refusal", ["no", "yes", "yes"]),
        ([refusal("set", 0, 20, 1)], "recorded_later", ["later", "later", "later"]),
        ([refusal("set", 13, 13, 1)], "set_before_payout", ["no", "no", "yes"]),
        ([refusal("set", 0, 1, 1), refusal("withdrawn", 5, 6, 2)], "not_in_force", ["no", "no", "no"]),
        ([refusal("set", 0, 1, 1), refusal("withdrawn", 13, 13, 2)], "given_against_refusal", ["yes", "yes", "no"]),
        ([], "not_in_force", ["no", "no", "no"]),
    ],
)
def test_what_was_in_force_when(entries: list[RefusalEntry], code: str, by_step: list[str]) -> None:
    told = document(entries)
    assert told["finding"]["code"] == code
    assert [each["refusal_in_force"] for each in told["loan"]["steps"]] == by_step
    assert canonical(told) == canonical(document(entries[::-1], STEPS[::-1] + STEPS))


def test_entries_are_named_with_their_places() -> None:
    told = document([refusal("set", 0, 1, 7)])
    assert told["loan"]["steps"][1]["by_entries"] == [0]
    assert told["refusals"][0]["place"] == {
        "topic": "registry.credit-refusals", "partition": 0, "offset": 7, "entry": 3,
    }  # fmt: skip


def test_a_loan_before_the_law_and_no_loan_at_all() -> None:
    assert document([refusal("set", 0, 1, 1)], [step("contract", 12, 2023)])["finding"]["code"] == "before_the_law"
    with pytest.raises(NoLoan):
        document([], [step("application", 1)])


def test_whatever_is_changed_breaks_the_signature() -> None:
    signed = sign(document([refusal("set", 0, 1, 1)]), KEY)
    assert verify(json.loads(json.dumps(signed)), KEY.public) == json.loads(json.dumps(signed["document"]))
    changed = copy.deepcopy(signed)
    changed["document"]["loan"]["amount"] = "1.00"
    forged = sign(changed["document"], KEY) | {"signature": signed["signature"]}
    for wrong in (changed, forged, {}, [], {**signed, "document": 3}):
        with pytest.raises(NotSigned):
            verify(wrong, KEY.public)
    other = SigningKey.load({"ANTIFRAUD_SIGNING_KEY": "s1:" + bytes(range(32)).hex()})
    with pytest.raises(NotSigned):
        verify(signed, other.public)
    with pytest.raises(KeyRefused):
        SigningKey.load({})


def test_the_pdf_is_made_again_byte_for_byte_and_names_the_digest() -> None:
    signed = sign(document([refusal("set", 0, 1, 1)]), KEY)
    made = pdf(signed)
    assert made.startswith(b"%PDF")
    assert made == pdf(signed)
    assert signed["digest"].encode() in made


def test_from_a_replay_to_a_verified_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = "2026-11-20T{:02d}:00:00.000+05:00"
    entry = {"id": PERSON, "action": "set", "valid_from": "2026-11-19", "sequence": 17}
    records: list[dict[str, Any]] = [
        {"type": "credit_refusals", "event_id": "r", "occurred_at": moment.format(1), "publisher": "EGOV",
         "entries": [entry]},
        *(
            {"type": "loan", "event_id": stage, "occurred_at": moment.format(hour), "institution": "CASPKZKA",
             "loan_id": "l1", "stage": stage, "borrower": {"id": PERSON}, "amount": "450000.00", "currency": "KZT",
             "online": True, "secured": False}
            for hour, stage in ((9, "application"), (10, "approval"), (11, "contract"), (12, "disbursement"))
        ),
    ]  # fmt: skip
    file, alerts = tmp_path / "records.jsonl", tmp_path / "alerts.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    found: list[SuspiciousOperation] = []
    replay([file], Rulebook.load(), demo_keys()[0], on_alert=found.append)
    of_loan = [each for each in found if each.typology.id == "T08"]
    assert of_loan
    alerts.write_text("".join(each.model_dump_json(exclude_none=True) + "\n" for each in found), encoding="utf-8")
    monkeypatch.setenv("ANTIFRAUD_DEMO", "1")
    arguments = [of_loan[-1].alert_id, "--out", tmp_path / "out", "--from", alerts, "--records", file]
    made = CliRunner().invoke(evidence_app, [str(each) for each in arguments])
    assert made.exit_code == 0, made.output
    package = tmp_path / "out" / f"loan-{of_loan[-1].alert_id}.json"
    told = json.loads(package.read_bytes())["document"]
    assert told["refusals"][0]["place"] == {"topic": "records.jsonl", "partition": 0, "offset": 0, "entry": 0}
    assert PERSON not in package.read_text(encoding="utf-8")
    assert package.with_suffix(".pdf").exists()
    assert CliRunner().invoke(evidence_app, ["verify", str(package)]).exit_code == 0
    package.write_text(package.read_text(encoding="utf-8").replace("450000.00", "4.00"), encoding="utf-8")
    assert CliRunner().invoke(evidence_app, ["verify", str(package)]).exit_code == 1
