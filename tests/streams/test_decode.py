"""Reading records on the hot path: what is refused, with which reason, and that pydantic agrees."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Union, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from idnumbers.nationalid.KAZ import IndividualIDNumber
from pydantic import Field, TypeAdapter, ValidationError

from rules.events import CHANNELS, TRANSACTION_KINDS
from rules.references import LISTS
from streams import decode, facts, records
from streams import decode_references as checks
from streams.contracts.call import Sign
from streams.contracts.disposition import Outcome
from streams.contracts.fields import BULK_BYTES, MAX_BYTES, check_digit_is_valid, check_iin
from streams.contracts.generate import CONTRACTS, INCOMING
from streams.contracts.list_entries import ListName
from streams.contracts.loan import Stage
from streams.contracts.reasons import FieldError, Reason
from streams.contracts.transaction import Transaction
from tests.streams.events import ENTRIES, FIELDS, NEAR, TEXTS, document, valid_id, values, written

CONTRACT: TypeAdapter[Any] = TypeAdapter(
    Annotated[Union[tuple(CONTRACTS[name] for name in INCOMING)], Field(discriminator="type")]  # noqa: UP007
)
CHECKS: dict[type, Callable[[Any], Any]] = {
    records.Transaction: decode.check_transaction,
    records.Heartbeat: decode.check_heartbeat,
    records.Reversal: decode.check_reversal,
    records.Call: checks.check_call,
    records.Loan: checks.check_loan,
    records.CreditRefusals: checks.check_credit_refusals,
    records.ListEntries: checks.check_list_entries,
    records.BlockedResource: checks.check_blocked_resource,
    records.Disposition: checks.check_disposition,
}


def read(value: bytes) -> decode.Record:
    """Form and values, as admission checks them."""
    record, _ = decode.read(value)
    CHECKS[type(record)](record)
    return record


def refusal(value: bytes) -> decode.Rejected:
    """The reason why not."""
    with pytest.raises(decode.Rejected) as caught:
        read(value)
    return caught.value


def contract_accepts(value: bytes) -> bool:
    """The contracts' own answer, with the two rules that are about bytes and not about values."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a field is there twice")
        return dict(pairs)

    try:
        CONTRACT.validate_json(value)
        json.loads(value, object_pairs_hook=once)
    except (ValidationError, ValueError, RecursionError):
        return False
    return len(value) <= MAX_BYTES


def hot_path_accepts(value: bytes) -> bool:
    try:
        read(value)
    except decode.Rejected:
        return False
    return True


@settings(max_examples=2_500, deadline=None)
@given(values())
def test_the_hot_path_and_the_contracts_accept_the_same(value: bytes) -> None:
    assert hot_path_accepts(value) == contract_accepts(value)


PLACES = {
    **{name: (name, "", FIELDS[name]) for name in INCOMING},
    **{part: ("transaction", f"{part}.", FIELDS[part]) for part in ("payer", "payee", "device", "context")},
    "callee": ("call", "callee.", FIELDS["callee"]),
    "borrower": ("loan", "borrower.", FIELDS["borrower"]),
    "subject": ("disposition", "subject.", FIELDS["subject"]),
    "tied": ("blocked_resource", "tied.", FIELDS["tied"]),
    "refusal": ("credit_refusals", "entries.1.", ENTRIES["credit_refusals"]),
    "entry": ("list_entries", "entries.0.", ENTRIES["list_entries"]),
    "withdrawal": ("list_entries", "entries.1.", ENTRIES["list_entries"]),
    "listed": ("list_entries", "entries.0.subject.", FIELDS["subject"]),
}


@pytest.mark.parametrize("place", PLACES)
def test_every_field_with_every_border_value(place: str) -> None:
    name, path, names = PLACES[place]
    accepted = 0
    for field in names:
        for near in [*NEAR.get(field, []), *TEXTS, None, True, 0, [], {}]:
            value = json.dumps(document(path + field, near, name=name)).encode()
            accepted += contract_accepts(value)
            assert hot_path_accepts(value) == contract_accepts(value), (field, near)
    assert accepted


@pytest.mark.parametrize("kind", TRANSACTION_KINDS)
def test_every_kind_with_every_choice_of_parties(kind: str) -> None:
    for payer in (None, {"account": "1"}, {}):
        for payee in (None, {"id": "UZ:1"}, {"phone": "+77010000001"}):
            value = written(document() | {"kind": kind, "payer": payer, "payee": payee})
            assert hot_path_accepts(value) == contract_accepts(value)


@pytest.mark.parametrize("name", INCOMING)
def test_the_examples_are_accepted(name: str) -> None:
    value = written(document(name=name))
    assert read(value)
    assert contract_accepts(value)


def test_one_definition_of_kinds_and_channels() -> None:
    assert Transaction.model_fields["kind"].annotation.__args__ == TRANSACTION_KINDS  # type: ignore[union-attr]
    assert Transaction.model_fields["channel"].annotation.__args__[0].__args__ == CHANNELS  # type: ignore[union-attr]


def test_both_definitions_have_the_same_fields() -> None:
    for struct in records.STRUCTS:
        name = str(struct.__struct_config__.tag)
        assert set(struct.__struct_fields__) | {"type"} == set(CONTRACTS[name].model_fields)
    assert records.TYPES == INCOMING
    assert get_args(Stage) == tuple(facts.STAGE_KINDS)
    assert get_args(Sign) == tuple(facts.CALL_KINDS)
    assert get_args(Outcome) == tuple(facts.VERDICT_KINDS)
    assert set(get_args(ListName)) == set(LISTS) - {"refusal", "blocked_resource"}


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("event_id", "", Reason.INVALID_VALUE),
        ("event_id", "ә" * 33, Reason.INVALID_VALUE),
        ("event_id", "a\x00b", Reason.INVALID_VALUE),
        ("event_id", 7, Reason.WRONG_TYPE),
        ("occurred_at", "2026-11-23T10:00:00", Reason.BAD_TIME),
        ("occurred_at", "2026-02-30T10:00:00Z", Reason.BAD_TIME),
        ("occurred_at", 1795410000, Reason.WRONG_TYPE),
        ("institution", "Kaspi", Reason.INVALID_VALUE),
        ("kind", "gift", Reason.INVALID_VALUE),
        ("amount", 150000.0, Reason.WRONG_TYPE),
        ("amount", "1e5", Reason.BAD_AMOUNT),
        ("amount", "0.00", Reason.BAD_AMOUNT),
        ("amount", "-5.00", Reason.BAD_AMOUNT),
        ("amount", "1.001", Reason.BAD_AMOUNT),
        ("amount", "9223372036854775808", Reason.BAD_AMOUNT),
        ("amount", "NaN", Reason.BAD_AMOUNT),
        ("currency", "ZZZ", Reason.INVALID_VALUE),
        ("payer.id", "791028302729", Reason.BAD_CHECK_DIGIT),
        ("payer.id", "111111111111", Reason.BAD_CHECK_DIGIT),
        ("payer.id", "KZ:791028302728", Reason.INVALID_VALUE),
        ("payer.id", None, None),  # the account remains
        ("payer.account", "a b", Reason.INVALID_VALUE),
        ("payer.institution", "x", Reason.INVALID_VALUE),
        ("payer.phone", "87010000001", Reason.INVALID_VALUE),
        ("payer.region", "75", Reason.INVALID_VALUE),
        ("payer.resident", "yes", Reason.WRONG_TYPE),
        ("payer.name", "a\x00", Reason.INVALID_VALUE),
        ("payee.account_opened_at", "yesterday", Reason.BAD_TIME),
        ("channel", "pigeon", Reason.INVALID_VALUE),
        ("device.ip", "localhost", Reason.INVALID_VALUE),
        ("device.id", "\x00", Reason.INVALID_VALUE),
        ("purpose", "a\x00", Reason.INVALID_VALUE),
        ("purpose_code", "34", Reason.INVALID_VALUE),
        ("end_to_end_id", "", Reason.INVALID_VALUE),
        ("context.sim_changed_at", "2026-02-30", Reason.BAD_TIME),
        ("context.merchant_category", "54", Reason.INVALID_VALUE),
    ],
)
def test_a_wrong_value_is_refused_where_it_stands(path: str, value: Any, reason: Reason | None) -> None:
    content = written(document(path, value))
    if reason is None:
        assert read(content)
        return
    refused = refusal(content)
    assert (refused.reason, refused.path) == (reason, f"$.{path}")
    assert not contract_accepts(content)


@pytest.mark.parametrize(
    ("name", "path", "value", "reason", "told"),
    [
        ("call", "operator", "CASPKZKA", Reason.INVALID_VALUE, "$.operator"),
        ("call", "callee.id", "UZ:1", Reason.INVALID_VALUE, "$.callee.id"),
        ("call", "duration_seconds", -1, Reason.INVALID_VALUE, "$.duration_seconds"),
        ("loan", "borrower.id", "791028302729", Reason.BAD_CHECK_DIGIT, "$.borrower.id"),
        ("loan", "borrower", {"account": "1"}, Reason.MISSING_FIELD, "$.borrower.id"),
        ("loan", "amount", "0.00", Reason.BAD_AMOUNT, "$.amount"),
        ("loan", "online", None, Reason.WRONG_TYPE, "$.online"),
        ("credit_refusals", "entries.1.id", "791028302729", Reason.BAD_CHECK_DIGIT, "$.entries[1].id"),
        ("credit_refusals", "entries.1.id", "7910283027２8", Reason.INVALID_VALUE, "$.entries[1].id"),
        ("credit_refusals", "entries.1.id", 7, Reason.WRONG_TYPE, "$.entries[1].id"),
        ("credit_refusals", "entries.1.note", "x", Reason.UNKNOWN_FIELD, "$.entries[1]"),
        ("credit_refusals", "entries", [], Reason.INVALID_VALUE, "$.entries"),
        ("list_entries", "entries.0.valid_to", None, Reason.MISSING_FIELD, "$.entries[0].valid_to"),
        ("list_entries", "entries.0.valid_to", "2019-05-31", Reason.BAD_TIME, "$.entries[0].valid_to"),
        ("list_entries", "entries.0.source", "", Reason.INVALID_VALUE, "$.entries[0].source"),
        ("list_entries", "entries.0.list", "refusal", Reason.INVALID_VALUE, "$.entries[0].list"),
        ("list_entries", "entries.0.subject", {}, Reason.MISSING_FIELD, "$.entries[0].subject"),
        ("blocked_resource", "valid_to", None, Reason.MISSING_FIELD, "$.valid_to"),
        ("blocked_resource", "tied.ids", ["UZ:1", "1"], Reason.INVALID_VALUE, "$.tied.ids[1]"),
        ("disposition", "currency", None, Reason.MISSING_FIELD, "$.currency"),
        ("disposition", "subject", {"id": "UZ:1", "phone": "+77010000001"}, Reason.MISSING_FIELD, "$.subject"),
        ("heartbeat", "operator", "KCELL", Reason.MISSING_FIELD, "$"),
    ],
)
def test_a_reference_record_is_refused_where_it_is_wrong(
    name: str, path: str, value: Any, reason: Reason, told: str
) -> None:
    content = written(document(path, value, name=name))
    refused = refusal(content)
    assert (refused.reason, refused.path) == (reason, told)
    assert not contract_accepts(content)


@pytest.mark.parametrize("field", ["source", "reason", "proof", "valid_from", "entry_id"])
def test_no_list_entry_without_source_reason_proof_and_times(field: str) -> None:
    refused = refusal(written(document(f"entries.1.{field}", remove=True, name="list_entries")))
    assert (refused.reason, refused.path) == (Reason.MISSING_FIELD, f"$.entries[1].{field}")


def test_a_bulk_record_holds_a_thousand_entries() -> None:
    content = document(name="credit_refusals")
    content["entries"] = content["entries"] * 500
    record, _ = decode.read(written(content), BULK_BYTES)
    assert isinstance(record, records.CreditRefusals)
    _, refusals = checks.check_credit_refusals(record)
    assert len(refusals.ids) == 1_000
    content["entries"].append(content["entries"][0])
    record, _ = decode.read(written(content), BULK_BYTES)
    assert isinstance(record, records.CreditRefusals)
    with pytest.raises(decode.Rejected) as refused:
        checks.check_credit_refusals(record)
    assert refused.value.path == "$.entries"
    with pytest.raises(decode.Rejected) as too_large:
        decode.read(b" " * BULK_BYTES + written(content), BULK_BYTES)
    assert too_large.value.reason is Reason.TOO_LARGE


@given(st.lists(st.integers(0, 10**11 - 1), min_size=1, max_size=30), st.data())
def test_check_digits_of_many_are_those_of_each(numbers: list[int], data: st.DataObject) -> None:
    values = [valid_id(f"{number:011d}") or f"{number:011d}0" for number in numbers]
    if data.draw(st.booleans()):
        values[data.draw(st.integers(0, len(values) - 1))] = data.draw(st.text(max_size=13))

    def bad(value: str) -> bool:
        try:
            check_iin(value)
        except FieldError:
            return True
        return False

    assert checks.first_bad_iin(values) == next((i for i, value in enumerate(values) if bad(value)), None)


@pytest.mark.parametrize(
    ("kind", "absent", "accepted"),
    [
        ("transfer", "payee", False),
        ("card_payment", "payer", False),
        ("loan_repayment", "payee", False),
        ("top_up", "payer", False),
        ("crypto_exchange", "payee", False),
        ("cash_withdrawal", "payee", True),
        ("cash_withdrawal", "payer", False),
        ("cash_deposit", "payer", True),
        ("cash_deposit", "payee", False),
        ("loan_disbursement", "payer", True),
        ("loan_disbursement", "payee", False),
    ],
)
def test_the_parties_that_a_kind_needs(kind: str, absent: str, accepted: bool) -> None:
    content = document("kind", kind)
    del content[absent]
    if accepted:
        assert read(written(content))
    else:
        refused = refusal(written(content))
        assert (refused.reason, refused.path) == (Reason.MISSING_FIELD, f"$.{absent}")


_GOOD = written(document())


@pytest.mark.parametrize(
    ("value", "reason", "path"),
    [
        (b"", Reason.NOT_JSON, "$"),
        (b"{", Reason.NOT_JSON, "$"),
        (_GOOD + b" x", Reason.NOT_JSON, "$"),
        (b"\xef\xbb\xbf" + _GOOD, Reason.NOT_JSON, "$"),
        (_GOOD.replace(b'"150000.00"', b"NaN"), Reason.NOT_JSON, "$"),
        (_GOOD.replace(b'"150000.00"', b"-Infinity"), Reason.NOT_JSON, "$"),
        (_GOOD.replace(b'"150000.00"', b"9223372036854775808"), Reason.WRONG_TYPE, "$.amount"),
        (_GOOD.replace(b'"E2E-0001"', b'"\\ud800"'), Reason.NOT_JSON, "$"),
        (_GOOD.replace(b'"E2E-0001"', b'"\\udc00\\ud800"'), Reason.NOT_JSON, "$"),
        (_GOOD.replace(b"E2E-0001", b"\xed\xa0\x80"), Reason.NOT_UTF8, "$"),
        (_GOOD.replace(b"E2E-0001", b"\xff"), Reason.NOT_UTF8, "$"),
        (_GOOD.replace(b"E2E-0001", b"\x00"), Reason.NOT_JSON, "$"),
        (b"[" * 60_000, Reason.WRONG_TYPE, "$"),
        (b'{"event_id":' + b'{"a":' * 12_000 + b"1" + b"}" * 12_001, None, None),
        (b"null", Reason.WRONG_TYPE, "$"),
        (b" " * MAX_BYTES + _GOOD, Reason.TOO_LARGE, "$"),
        (b"{" * 10_000_000, Reason.TOO_LARGE, "$"),
        (written(document("type", "gift")), Reason.UNKNOWN_TYPE, "$.type"),
        (written(document("type", remove=True)), Reason.MISSING_FIELD, "$.type"),
        (written(document("event_id", remove=True)), Reason.MISSING_FIELD, "$.event_id"),
        (written(document("payer.surname", "x")), Reason.UNKNOWN_FIELD, "$.payer"),
        (_GOOD[:-1] + b',"amount":"1.00"}', Reason.DUPLICATE_FIELD, "$"),
        (_GOOD[:-1] + b',"type":"transaction"}', Reason.DUPLICATE_FIELD, "$"),
        (_GOOD[:-1] + b',"\\u0061mount":"1.00"}', Reason.DUPLICATE_FIELD, "$"),
        (_GOOD.replace(b'"account": "KZ86', b'"account": null, "account": "KZ86'), Reason.DUPLICATE_FIELD, "$"),
    ],
)
def test_what_is_no_such_document_is_refused(value: bytes, reason: Reason | None, path: str | None) -> None:
    start = time.perf_counter()
    refused = refusal(value)
    assert time.perf_counter() - start < 0.5
    if reason is not None:
        assert (refused.reason, refused.path) == (reason, path)


def test_a_misspelt_field_is_named_by_its_right_name_only() -> None:
    content = document()
    content["ammount"] = content.pop("amount")
    assert refusal(written(content)).message == "the contract has no such field; is `amount` meant?"


@pytest.mark.parametrize("place", ["791028302728", "payer 791028302728", "x` - at `$.791028302728"])
def test_a_refusal_never_repeats_what_it_refuses(place: str) -> None:
    at_the_top, in_a_party = document(), document()
    at_the_top[place] = in_a_party["payer"][place] = "x"
    for content in (at_the_top, in_a_party, document("kind", place), document("payer.id", place + "x")):
        refused = refusal(written(content))
        assert "791028302728" not in refused.message + refused.path


def test_a_field_twice_is_found_behind_colons_nulls_and_escapes() -> None:
    for purpose in ("12:30", "null", "a\\b", 'a":"b', "\u003a"):
        content = written(document("purpose", purpose))
        assert read(content)
        assert refusal(content[:-1] + b',"purpose":null}').reason is Reason.DUPLICATE_FIELD


@pytest.mark.parametrize("place", ["payer", "device", "context"])
def test_a_null_hides_no_field_that_is_there_twice(place: str) -> None:
    for name in FIELDS[place]:
        content = document()
        content[place] = {"account": "1"} if place == "payer" else {}
        content[place][name] = None
        value = written(content)
        twice = value.replace(b'"%s": null' % name.encode(), b'"%s": null, "%s": null' % (name.encode(), name.encode()))
        assert twice != value
        assert hot_path_accepts(value) == contract_accepts(value)
        assert not hot_path_accepts(twice)


def test_check_digits_agree_with_another_implementation() -> None:
    for number in range(0, 99_999_999_999, 7_654_321):
        eleven = f"{number:011d}"
        oracle = IndividualIDNumber.checksum(eleven + "0")
        assert (valid_id(eleven) or "x")[-1] == ("x" if oracle is None else str(oracle))
        for last in "0123456789":
            expected = oracle is not None and last == str(oracle) and number != 0
            assert check_digit_is_valid(eleven + last) == expected


@pytest.mark.parametrize(("number", "valid"), [("791028302728", True), ("061211600012", True), ("111111111111", False)])
def test_known_numbers(number: str, valid: bool) -> None:
    assert check_digit_is_valid(number) == valid


def test_a_seventh_digit_of_zero_is_accepted() -> None:
    number = valid_id("80010101234")
    assert number is not None
    assert read(written(document("payer.id", number)))


@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)), st.integers(-1439, 1439), st.integers(0, 9))
def test_instants_are_exact_in_every_way_of_writing_them(moment: datetime, offset: int, digits: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    fraction = f".{moment.microsecond:06d}000"[: digits + 1] if digits else ""
    value = moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + aware.isoformat()[-6:]
    kept = int((fraction[1:] + "000")[:3])
    assert decode.instant_ms(value) == int(aware.replace(microsecond=0).timestamp()) * 1_000 + kept


@given(st.text())
def test_the_canonical_writing_is_the_shortest(text: str) -> None:
    shortest = json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert len(msgspec.json.encode(text)) <= len(shortest)


@pytest.mark.parametrize(
    ("currency", "amount", "units"), [("KZT", "1.5", 150), ("JPY", "7", 7), ("KWD", "1.001", 1001)]
)
def test_amounts_become_minor_units(currency: str, amount: str, units: int) -> None:
    content = document("currency", currency)
    content["amount"] = amount
    record, _ = decode.read(written(content))
    assert isinstance(record, decode.Transaction)
    assert decode.check_transaction(record)[1] == units
