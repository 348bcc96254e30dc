"""Admission of calls, loans, registries and verdicts: what each record comes to, and who may send it."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest

from rules import events as row
from rules.references import ACTIONS, APPEALS, LISTS, PROOFS
from streams.admission import Admission, Admitted
from streams.contracts.generate import INCOMING
from streams.contracts.headers import write_history
from streams.contracts.reasons import Reason
from streams.tokens import demo_keys
from streams.topics import Topics
from tests.streams.events import KafkaRecord, document, written

KEY, VAULT = demo_keys()
NOW = 1_795_500_000_000  # after every example
SOURCES = {source.name: source for source in Topics.load().sources}
TOPIC = {
    "transaction": "tx.CASPKZKA",
    "reversal": "tx.CASPKZKA",
    "loan": "loans.MFOKKZKA",
    "call": "calls.KCELL",
    "credit_refusals": "registry.credit-refusals",
    "list_entries": "registry.lists",
    "blocked_resource": "registry.blocked-resources",
    "disposition": "dispositions",
}


def admit(content: Any, topic: str = "", admission: Admission | None = None, **more: Any) -> Admitted:
    record = KafkaRecord(written(content), **{"offset": 7, "timestamp": NOW, **more})
    source = SOURCES[topic or TOPIC[content["type"]]]
    return (admission or Admission(KEY, VAULT)).admit([record], source=source, source_index=3)


def row_of(content: Any, **more: Any) -> Any:
    admitted = admit(content, **more)
    assert not admitted.rejected
    (made,) = admitted.rows
    return made


def refusal(content: Any, topic: str = "") -> tuple[str, str]:
    (refused,) = admit(content, topic).rejected
    return refused.reason, refused.path


@pytest.mark.parametrize(
    ("sign", "kind"), [("spoofed", "call_spoofed"), ("sim_box", "call_sim_box"), ("sim_swap",) * 2]
)
def test_a_call_is_a_fact_of_the_callee(sign: str, kind: str) -> None:
    made = row_of(document("sign", sign, name="call"))
    assert row.KINDS[made["kind"]] == kind
    assert (made["payer"], made["payer_rest"]) == KEY.token("person", "791028302728")
    assert (made["phone"], made["phone_rest"]) == KEY.token("phone", "+77010000001")
    assert (made["payee"], made["device"], made["amount"], made["channel"]) == (0, 0, 0, 255)
    assert (made["institution"], made["event_id"]) == (b"KCELL", b"call-0001")
    assert (made["source"], made["offset"], made["epoch"], made["order_time"]) == (3, 7, NOW, 0)
    assert made["sim_changed_at"] == made["payee_account_opened_at"] == row.NO_TIME


def test_a_call_for_a_number_that_nobody_knows_is_a_fact_of_the_phone() -> None:
    made = row_of(document("callee", {"phone": "+77999999999"}, name="call"))
    assert (made["payer"], made["payee"]) == (0, 0)
    assert made["phone"] == KEY.token("phone", "+77999999999").key


def test_a_loan_is_a_fact_of_the_borrower() -> None:
    made = row_of(document(name="loan"))
    assert row.KINDS[made["kind"]] == "loan_contract"
    assert (made["payee"], made["payee_rest"]) == KEY.token("person", "791028302728")
    assert made["payee_account"] == KEY.token("account", "KZ86125KZT5004100100").key
    assert (made["payee_region"], made["payer"], made["payer_institution"]) == (75, 0, b"MFOKKZKA")
    assert made["phone"] == KEY.token("phone", "+77010000001").key
    assert (made["amount"], made["currency"], made["flags"]) == (45_000_000, b"KZT", row.LOAN_ONLINE)
    secured = document("secured", True, name="loan") | {"online": False}
    assert row_of(secured)["flags"] == row.LOAN_SECURED


@pytest.mark.parametrize("stages", [("disbursement", "contract", "application"), ("consent",)])
def test_a_step_of_a_loan_stands_by_itself(stages: tuple[str, ...]) -> None:
    admission = Admission(KEY, VAULT)
    kinds = [
        row.KINDS[row_of(document("stage", stage, name="loan") | {"event_id": stage}, admission=admission)["kind"]]
        for stage in stages
    ]
    assert kinds == [{"disbursement": "loan_paid_out"}.get(stage, f"loan_{stage}") for stage in stages]


def test_a_verdict_is_a_fact_of_its_subject() -> None:
    made = row_of(document(name="disposition"))
    assert row.KINDS[made["kind"]] == "marked_returned"
    assert (made["payee"], made["payee_rest"]) == KEY.token("person", "791028302728")
    assert (made["payer"], made["amount"], made["currency"]) == (0, 15_000_000, b"KZT")
    unknown = document("alert_id", "f" * 32, name="disposition") | {"outcome": "false_positive"}
    assert row.KINDS[row_of(unknown)["kind"]] == "marked_false_positive"


@pytest.mark.parametrize("kind", ["account", "wallet", "card", "phone"])
def test_a_subject_without_person_is_known_by_its_number(kind: str) -> None:
    value = "+77010000001" if kind == "phone" else "4400430000000001"
    made = row_of(document("subject", {kind: value}, name="disposition"))
    token = KEY.token("phone" if kind == "phone" else "account", value)
    assert (made["payee"], made["payee_rest"]) == token
    assert row.PARTY_KINDS[made["payee_kind"]] == "account"
    assert made["payee_account"] == (0 if kind == "phone" else token.key)
    assert made["phone"] == 0, "one subject, one history"


def test_refusals_are_entries_and_nothing_else() -> None:
    admitted = admit(document(name="credit_refusals"))
    assert not len(admitted.rows)
    assert not admitted.identities, "citizens who refuse credit are not sealed"
    entries = admitted.references
    assert entries["key"].tolist() == [KEY.token("person", name).key for name in ("791028302728", "061211600012")]
    assert {LISTS[number] for number in entries["list"]} == {"refusal"}
    assert [ACTIONS[number] for number in entries["action"]] == ["set", "withdrawn"]
    assert entries["valid_from"].tolist() == [1_795_352_400_000, 1_795_287_600_000]
    assert (entries["valid_to"] == row.NO_TIME).all()
    assert entries["sequence"].tolist() == [17, 18]
    assert entries["number"].tolist() == [0, 1]
    assert {*entries["offset"].tolist()} == {7}
    assert {*entries["source"].tolist()} == {3}
    assert {*entries["epoch"].tolist()} == {NOW}


def test_an_entry_of_history_is_known_in_its_place() -> None:
    epoch = NOW - 1_000
    (entry, _) = admit(document(name="credit_refusals"), headers=tuple(write_history(epoch))).references
    assert (entry["epoch"], entry["order_time"]) == (epoch, 1_795_374_000_000)


def test_a_list_entry_is_an_entry_and_a_fact_while_it_is_set() -> None:
    admitted = admit(document(name="list_entries"))
    convicted, pyramid = admitted.references
    assert (LISTS[convicted["list"]], ACTIONS[convicted["action"]]) == ("convicted", "set")
    assert (PROOFS[convicted["proof"]], APPEALS[convicted["appeal"]]) == ("court_judgment", "none")
    assert convicted["valid_from"] < convicted["valid_to"]
    assert (LISTS[pyramid["list"]], ACTIONS[pyramid["action"]]) == ("pyramid", "withdrawn")
    assert pyramid["valid_to"] == row.NO_TIME
    assert pyramid["key"] == KEY.token("account", "invented-wallet-0001").key
    (fact,) = admitted.rows
    assert (row.KINDS[fact["kind"]], fact["event_id"], fact["institution"]) == ("listing", b"convicted-0001", b"AFM")
    assert fact["event"] == KEY.event_hash("AFM", "convicted-0001")
    assert fact["payee"] == convicted["key"]
    assert fact["words"].tolist() == [LISTS.index("convicted") + 1, 0, 0, 0]
    assert len(admitted.identities) == 2


def test_an_entry_that_changes_is_the_same_event_again_unless_it_names_somebody_else() -> None:
    first = admit(document(name="list_entries")).rows[0]
    appealed = admit(document("entries.0.appeal", "upheld", name="list_entries"))
    assert appealed.rows[0]["content"] == first["content"]
    assert APPEALS[appealed.references[0]["appeal"]] == "upheld"
    other = admit(document("entries.0.subject", {"id": "061211600012"}, name="list_entries")).rows[0]
    assert other["event"] == first["event"]
    assert other["content"] != first["content"]


def test_everybody_tied_to_a_blocked_resource_is_listed() -> None:
    tied = {"ids": ["061211600012"], "accounts": ["KZ75125KZT1001300335"], "phones": ["+77010000009"],
            "cards": ["4400430000000001"], "wallets": ["w-1"]}  # fmt: skip
    admitted = admit(document("tied", tied, name="blocked_resource"))
    tokens = [
        KEY.token("person", "061211600012"),
        KEY.token("account", "KZ75125KZT1001300335"),
        KEY.token("phone", "+77010000009"),
        KEY.token("account", "4400430000000001"),
        KEY.token("account", "w-1"),
    ]
    assert admitted.references["key"].tolist() == admitted.rows["payee"].tolist() == [token.key for token in tokens]
    assert {LISTS[number] for number in admitted.references["list"]} == {"blocked_resource"}
    assert len(set(admitted.rows["event"].tolist())) == len(tokens), "each is its own event"
    assert admitted.rows["event_id"][0] == b"blocked-0001#0"
    withdrawn = admit(document("tied", tied, name="blocked_resource") | {"action": "withdrawn"})
    assert (len(withdrawn.rows), len(withdrawn.references)) == (0, 5)


def test_a_resource_to_which_nobody_is_tied_changes_nothing() -> None:
    admitted = admit(document("tied", {}, name="blocked_resource"))
    assert (len(admitted.rows), len(admitted.references), admitted.rejected) == (0, 0, [])


@pytest.mark.parametrize("name", TOPIC)
def test_a_record_belongs_on_its_own_topic_only(name: str) -> None:
    for topic, source in SOURCES.items():
        if name not in source.records:
            assert refusal(document(name=name), topic) == (Reason.WRONG_TOPIC, "$.type")


@pytest.mark.parametrize(
    ("name", "field", "other", "reason"),
    [
        ("call", "operator", "BEELN", Reason.WRONG_PUBLISHER),
        ("loan", "institution", "CASPKZKA", Reason.WRONG_INSTITUTION),
        ("credit_refusals", "publisher", "AFM", Reason.WRONG_PUBLISHER),
        ("list_entries", "publisher", "POLICE", Reason.WRONG_PUBLISHER),
        ("blocked_resource", "publisher", "EGOV", Reason.WRONG_PUBLISHER),
        ("disposition", "publisher", "EGOV", Reason.WRONG_PUBLISHER),
    ],
)
def test_a_publisher_speaks_for_itself_only(name: str, field: str, other: str, reason: Reason) -> None:
    assert refusal(document(field, other, name=name)) == (reason, f"$.{field}")
    beat = {"type": "heartbeat", field: other, "occurred_at": "2026-11-23T10:00:00Z"}
    assert refusal(beat, TOPIC[name]) == (reason, f"$.{field}")
    own = beat | {field: SOURCES[TOPIC[name]].owner}
    assert not admit(own, TOPIC[name]).rejected
    assert admit(own, TOPIC[name]).heartbeats[0].institution == own[field]


@pytest.mark.parametrize("name", INCOMING)
def test_nothing_is_of_the_future(name: str) -> None:
    if name == "heartbeat":
        return
    (refused,) = admit(document(name=name), timestamp=1_700_000_000_000).rejected
    assert (refused.reason, refused.path) == (Reason.FUTURE, "$.occurred_at")


def test_who_shares_a_topic_is_told_of_its_own_refusals() -> None:
    for publisher, told in (("POLICE", "POLICE"), ("AFM", "AFM"), ("EGOV", "AFM"), (7, "AFM")):
        wrong = document("publisher", publisher, name="disposition") | {"outcome": "guilty"}
        (refused,) = admit(wrong).rejected
        assert refused.institution == told
    source = SOURCES["dispositions"]
    (refused,) = Admission(KEY).admit([KafkaRecord(b"{")], source=source, source_index=0).rejected
    assert refused.institution == "AFM"


def test_a_refused_registry_record_shows_nobody() -> None:
    content = document(name="list_entries")
    content["entries"][1]["subject"] = {"id": "791028302729"}
    (refused,) = admit(content).rejected
    assert refused.path == "$.entries[1].subject.id"
    assert not admit(content).references.size, "all of a record, or nothing"
    for secret in ("791028302729", "791028302728", "Fraud", "invented"):
        assert secret not in refused.model_dump_json()


def test_a_bulk_record_may_be_four_times_as_large_on_its_own_topic() -> None:
    content = document(name="list_entries")
    content["entries"] = [
        copy.deepcopy(content["entries"][0]) | {"entry_id": f"e-{number}", "reason": "x" * 100} for number in range(300)
    ]
    assert 64 * 1024 < len(written(content)) < 256 * 1024
    assert len(admit(content).rows) == 300
    assert len({*admit(content).rows["event"].tolist()}) == 300
    large = document("purpose", " " * 70_000)
    assert refusal(large)[0] == Reason.TOO_LARGE


def test_one_file_may_hold_records_of_all_types() -> None:
    records = [KafkaRecord(json.dumps(document(name=name)).encode(), timestamp=NOW) for name in INCOMING]
    admitted = Admission(KEY).admit(records, source=None, source_index=0, topic="events.jsonl")
    assert not admitted.rejected
    kinds = [row.KINDS[kind] for kind in admitted.rows["kind"].tolist()]
    assert sorted(set(kinds)) == sorted({"transfer", "call_spoofed", "loan_contract", "listing", "marked_returned"}), (
        kinds
    )
    assert np.bincount(admitted.references["list"]).sum() == 2 + 2 + 3
