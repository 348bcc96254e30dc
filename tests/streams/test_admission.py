"""Admission: every record becomes a row, a refusal or a sign, and every field of a row is what the document says."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import events as row
from rules.events import word_hash
from streams.admission import Admission, Admitted
from streams.contracts.headers import write_history
from streams.contracts.reasons import Reason
from streams.sources import SourceTopic
from streams.tokens import Token, demo_keys
from tests.streams.events import APPENDED_AT, KafkaRecord, document, valid_id, values, written

KEY, VAULT = demo_keys()
OCCURRED_AT = 1_795_410_000_123


TX = SourceTopic.transactions("CASPKZKA")


def admit(*records: KafkaRecord, source: SourceTopic | None = TX, admission: Admission | None = None) -> Admitted:
    return (admission or Admission(KEY, VAULT)).admit(records, source=source, source_index=3, partition=2)


def row_of(content: dict[str, Any], **more: Any) -> Any:
    admitted = admit(KafkaRecord(written(content), **more))
    assert not admitted.rejected
    return admitted.rows[0]


def token(of: Any, name: str) -> Token:
    return Token(int(of[name]), int(of[f"{name}_rest"]))


def test_every_field_of_a_row() -> None:
    content = document()
    content["context"] |= {
        "device_new": True,
        "remote_access": True,
        "own_deposit_broken": True,
        "sim_changed_at": "2026-11-22T00:00:00Z",
    }
    content["payer"]["resident"] = False
    made = row_of(content, offset=17)
    assert made["event"] == KEY.event_hash("CASPKZKA", content["event_id"])
    assert made["event_id"] == content["event_id"].encode()
    assert made["institution"] == made["payer_institution"] == b"CASPKZKA"
    assert made["payee_institution"] == b"IRTYKZKA"
    assert (made["source"], made["offset"]) == (3, 17)
    assert (made["epoch"], made["order_time"], made["appended_at"]) == (APPENDED_AT, 0, APPENDED_AT)
    assert made["occurred_at"] == OCCURRED_AT
    assert row.KINDS[made["kind"]] == "transfer"
    assert row.CHANNELS[made["channel"]] == "mobile"
    assert made["flags"] == row.DEVICE_NEW | row.REMOTE_ACCESS | row.OWN_DEPOSIT_BROKEN | row.PAYER_NON_RESIDENT
    assert (made["amount"], made["currency"], made["amount_kzt"]) == (15_000_000, b"KZT", 0)
    assert (made["purpose_code"], made["merchant_category"]) == (343, 5411)
    assert made["words"].tolist() == [word_hash("взнос"), word_hash("участие"), 0, 0]
    assert made["sim_changed_at"] == 1_795_305_600_000
    assert token(made, "payer") == KEY.token("person", "791028302728")
    assert token(made, "payee") == KEY.token("person", "061211600012")
    assert token(made, "device") == KEY.token("device", "device-0001")
    assert token(made, "phone") == KEY.token("phone", "+77010000001")
    assert made["payer_account"] == KEY.token("account", content["payer"]["account"]).key
    assert made["payee_account"] == KEY.token("account", content["payee"]["account"]).key
    assert (made["payer_region"], made["payee_region"]) == (75, 10)
    assert made["payer_account_opened_at"] == row.NO_TIME
    assert made["payee_account_opened_at"] == 1_793_473_200_000  # 2026-11-01T00:00+05:00
    assert (made["roles"], made["home"], made["generation"]) == (0, 0, 0)


def test_a_row_of_the_least_document() -> None:
    content = {
        name: document()[name] for name in ("event_id", "type", "occurred_at", "institution", "amount", "currency")
    }
    content |= {"kind": "cash_deposit", "payee": {"account": "4400430000000001"}}
    made = row_of(content)
    assert made["channel"] == 255
    assert token(made, "payer") == token(made, "device") == token(made, "phone") == (0, 0)
    assert token(made, "payee") == KEY.token("account", "4400430000000001")
    assert made["payee_account"] == made["payee"]
    assert row.PARTY_KINDS[made["payer_kind"]] == "absent"
    assert row.PARTY_KINDS[made["payee_kind"]] == "account"
    assert (made["payer_region"], made["payee_region"], made["flags"], made["purpose_code"]) == (0, 0, 0, 0)
    assert made["sim_changed_at"] == made["payee_account_opened_at"] == row.NO_TIME


@pytest.mark.parametrize(
    ("identifier", "kind", "non_resident"),
    [
        ("791028302728", "person", False),
        ("061211600012", "person", False),
        (valid_id("09014000123"), "company", False),
        (valid_id("09015000125"), "company", True),
        (valid_id("09016000123"), "company", False),
        ("UZ:AB1234567", "foreign", True),
    ],
)
def test_kinds_of_parties(identifier: str, kind: str, non_resident: bool) -> None:
    content = document("payer.id", identifier)
    made = row_of(content)
    assert row.PARTY_KINDS[made["payer_kind"]] == kind
    assert bool(made["flags"] & row.PAYER_NON_RESIDENT) == non_resident
    content["payer"]["resident"] = True
    assert not row_of(content)["flags"] & row.PAYER_NON_RESIDENT


def test_an_iban_in_small_letters_is_the_same_account() -> None:
    upper, lower = row_of(document()), row_of(document("payer.account", "kz86125kzt5004100100"))
    assert upper["payer_account"] == lower["payer_account"]
    one, other = (row_of(document("payer.account", account)) for account in ("0xAb", "0xaB"))
    assert one["payer_account"] != other["payer_account"]


def test_the_phone_is_that_of_who_acts() -> None:
    content = document("payee.phone", "+77020000002")
    assert token(row_of(content), "phone") == KEY.token("phone", "+77010000001")
    del content["payer"]["phone"]
    assert token(row_of(content), "phone") == (0, 0)
    del content["payer"]
    content["kind"] = "cash_deposit"
    assert token(row_of(content), "phone") == KEY.token("phone", "+77020000002")


def test_regions_abroad() -> None:
    assert row_of(document("payee.region", "RU-MOW"))["payee_region"] == 255


def test_content_tells_a_repeat_from_a_contradiction() -> None:
    content = document()
    same = dict(reversed(content.items())) | {"context": {**content["context"], "card": None}}
    spaced = KafkaRecord(json.dumps(same, indent=3).encode())
    other = document("amount", "150000.01")
    rows = admit(KafkaRecord(written(content)), spaced, KafkaRecord(written(other))).rows
    assert len(set(rows["event"].tolist())) == 1
    assert rows["content"][0] == rows["content"][1] != rows["content"][2]


def test_a_record_of_history_is_ordered_by_when_it_occurred() -> None:
    epoch = APPENDED_AT - 1_500
    opened, closed = (KafkaRecord(b"", tuple(write_history(epoch, word)), 5) for word in ("open", "close"))
    beat = KafkaRecord(written(document(name="heartbeat")), tuple(write_history(epoch)), 6)
    admitted = admit(opened, KafkaRecord(written(document()), tuple(write_history(epoch))), beat, closed)
    made = admitted.rows[0]
    assert (made["epoch"], made["order_time"]) == (epoch, OCCURRED_AT)
    assert made["flags"] & row.HISTORY
    assert [(control.control, control.epoch) for control in admitted.controls] == [("open", epoch), ("close", epoch)]
    assert [(beat.occurred_at, beat.epoch) for beat in admitted.heartbeats] == [(OCCURRED_AT + 877, epoch)]
    assert not admitted.rejected


@pytest.mark.parametrize(
    "headers",
    [
        [("af-history", b"soon")],
        [("af-history", b"")],
        [("af-history", None)],
        [("af-history", "١".encode())],
        [("af-history", b"9" * 40)],
        [("af-history", b"%d" % (APPENDED_AT + 3_700_000))],
        [("af-history", b"1"), ("af-history", b"2")],
        [("af-control", b"open")],
        [("af-history", b"1"), ("af-control", b"ajar")],
    ],
)
def test_senseless_headers_are_refused(headers: list[tuple[str, bytes]]) -> None:
    admitted = admit(KafkaRecord(written(document()), tuple(headers)))
    assert [refused.reason for refused in admitted.rejected] == [Reason.BAD_HEADER]


def test_heartbeats_and_reversals_are_given_back() -> None:
    beat, reversal = (KafkaRecord(written(document(name=name)), offset=9) for name in ("heartbeat", "reversal"))
    admitted = admit(beat, reversal, KafkaRecord(written(document())))
    assert (admitted.heartbeats[0].occurred_at, admitted.heartbeats[0].epoch) == (OCCURRED_AT + 877, None)
    assert admitted.reversals[0].of == admitted.rows[0]["event"]
    assert len(admitted.rows) == 1


@pytest.mark.parametrize("name", ["transaction", "heartbeat", "reversal"])
def test_a_sender_speaks_for_itself_only(name: str) -> None:
    record = KafkaRecord(written(document("institution", "HSBKKZKX", name=name)))
    assert [refused.reason for refused in admit(record).rejected] == [Reason.WRONG_INSTITUTION]
    assert not admit(record, source=None).rejected
    declared = Admission(KEY, VAULT, ["CASPKZKA"])
    assert [refused.path for refused in admit(record, source=None, admission=declared).rejected] == ["$.institution"]


@pytest.mark.parametrize("name", ["transaction", "heartbeat", "reversal"])
@pytest.mark.parametrize("headers", [(), (("af-history", b"1"),)])
def test_the_future_begins_an_hour_after_the_append_time(name: str, headers: tuple[tuple[str, bytes], ...]) -> None:
    value = written(document("occurred_at", "2026-11-23T10:00:00.000+05:00", name=name))
    now = OCCURRED_AT - 123
    assert not admit(KafkaRecord(value, headers, timestamp=now - 3_600_000)).rejected
    late = admit(KafkaRecord(value, headers, timestamp=now - 3_600_001))
    assert [(refused.reason, refused.path) for refused in late.rejected] == [(Reason.FUTURE, "$.occurred_at")]


def test_a_refusal_says_where_the_record_stands_and_nothing_of_what_it_holds() -> None:
    value = written(document("payer.id", "791028302729"))
    (refused,) = admit(KafkaRecord(value, offset=41)).rejected
    assert (refused.reason, refused.path) == (Reason.BAD_CHECK_DIGIT, "$.payer.id")
    assert (refused.source.topic, refused.source.partition, refused.source.offset) == ("tx.CASPKZKA", 2, 41)
    assert (refused.institution, refused.size) == ("CASPKZKA", len(value))
    text = refused.model_dump_json()
    for secret in ("791028302729", "KZ86125KZT5004100100", "+77010000001", "Взнос"):
        assert secret not in text


def test_bad_records_stop_no_good_ones() -> None:
    good = KafkaRecord(written(document()))
    bad = [KafkaRecord(value) for value in (None, b"", b"{", b"\xff", b"[" * 70_000, b"null")]
    admitted = admit(good, *bad, good)
    assert len(admitted.rows) == 2
    assert len(admitted.rejected) == len(bad)


def test_a_failure_of_our_own_is_a_refusal_too() -> None:
    admission = Admission(KEY, VAULT)
    admission._regions.clear()
    admission._regions._make = lambda _: 1 // 0
    admitted = admit(KafkaRecord(written(document())), admission=admission)
    assert [refused.reason for refused in admitted.rejected] == [Reason.INTERNAL]


def test_identities_come_out_sealed_and_once() -> None:
    admission = Admission(KEY, VAULT)
    first = admit(KafkaRecord(written(document())), admission=admission).identities
    again = admit(KafkaRecord(written(document("event_id", "2"))), admission=admission).identities
    named = admit(KafkaRecord(written(document("payer.name", "Invented Person"))), admission=admission).identities
    opened = {
        identity.key.decode(): json.loads(VAULT.open(identity.key, identity.sealed)) for identity in first + named
    }
    person = KEY.text(KEY.token("person", "791028302728"))
    assert len(first) == 6  # two people, two accounts, a phone, a device
    assert not again
    assert opened[person] == {"kind": "person", "id": "791028302728"}
    assert opened[f"{person}/name"] == {"kind": "person", "id": "791028302728", "name": "Invented Person"}
    assert opened[KEY.text(KEY.token("phone", "+77010000001"))] == {"kind": "phone", "phone": "+77010000001"}
    assert len(named) == 1


def test_the_name_of_a_party_without_id_is_kept_with_its_account() -> None:
    content = document("payer", {"account": "4400430000000001", "name": "Invented Person"})
    content["kind"] = "cash_withdrawal"
    identities = admit(KafkaRecord(written(content))).identities
    account = KEY.text(KEY.token("account", "4400430000000001"))
    (sealed,) = [identity.sealed for identity in identities if identity.key == f"{account}/name".encode()]
    opened = json.loads(VAULT.open(f"{account}/name".encode(), sealed))
    assert opened == {"kind": "account", "account": "4400430000000001", "name": "Invented Person"}


def test_no_identities_without_a_vault() -> None:
    assert not admit(KafkaRecord(written(document())), admission=Admission(KEY)).identities


def test_caches_change_nothing() -> None:
    records = [
        KafkaRecord(written(document("payer.account", f"KZ{number:018d}")), offset=number) for number in range(300)
    ]
    roomy, tight = Admission(KEY, VAULT), Admission(KEY, VAULT, cached=2)
    assert admit(*records, admission=roomy).rows.tobytes() == admit(*records, admission=tight).rows.tobytes()


SHARED = Admission(KEY, VAULT)
_header = st.tuples(
    st.sampled_from(["af-history", "af-control", "ce_id"]) | st.text(max_size=3), st.binary(max_size=20)
)


@settings(max_examples=1_000, deadline=None)
@given(
    st.lists(
        st.builds(
            KafkaRecord,
            st.none() | st.binary(max_size=200) | values(),
            st.lists(_header, max_size=2).map(tuple),
            st.integers(0, 2**62),
            st.integers(-1, 2**62),
        ),
        max_size=4,
    ),
    st.sampled_from([TX, None]),
)
def test_no_input_escapes_as_an_exception(records: list[KafkaRecord], source: SourceTopic | None) -> None:
    for record in records:
        admitted = admit(record, source=source, admission=SHARED)
        signs = len(admitted.heartbeats) + len(admitted.reversals) + len(admitted.controls)
        # A record in bulk is many rows or entries of reference sets, or both.
        told = len(admitted.rows) > 0 or len(admitted.references) > 0
        assert told + len(admitted.rejected) + signs == 1
        assert admitted.rows.dtype == np.dtype(row.EVENT)
        assert Reason.INTERNAL not in [refused.reason for refused in admitted.rejected]
