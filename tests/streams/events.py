"""Documents and records for the tests of intake, over invented people."""

from __future__ import annotations

import copy
import json
from typing import Any, NamedTuple

from hypothesis import strategies as st

from streams.contracts.blocked_resource import Tied
from streams.contracts.call import Callee
from streams.contracts.credit_refusals import CreditRefusal
from streams.contracts.examples import EXAMPLES
from streams.contracts.generate import CONTRACTS, INCOMING
from streams.contracts.list_entries import ListEntry
from streams.contracts.loan import Borrower
from streams.contracts.subject import NamedSubject
from streams.contracts.transaction import Context, Device, Party

APPENDED_AT = 1_795_410_000_500  # a little after the example's occurred_at, 2026-11-23T10:00:00.123+05:00


class KafkaRecord(NamedTuple):
    """What admission reads of a record."""

    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    offset: int = 0
    timestamp: int = APPENDED_AT


def document(path: str = "", value: Any = None, *, name: str = "transaction", remove: bool = False) -> dict[str, Any]:
    """The example of a contract, with the field at a dotted path set or removed."""
    made = copy.deepcopy(EXAMPLES[name])
    if path:
        *parents, last = path.split(".")
        place = made
        for parent in parents:
            place = place[int(parent) if parent.isdigit() else parent]
        if remove:
            del place[last]
        else:
            place[last] = value
    return made


def written(content: Any) -> bytes:
    """As a publisher would write it."""
    return json.dumps(content, ensure_ascii=False).encode()


def valid_id(first_eleven: str) -> str | None:
    """An IIN or BIN that begins so, or None where none is ever issued."""
    digits = [int(character) for character in first_eleven]
    check = sum(position * digit for position, digit in enumerate(digits, start=1)) % 11
    if check == 10:
        check = (
            sum(weight * digit for weight, digit in zip([3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2], digits, strict=True)) % 11
        )
    return None if check == 10 else first_eleven + str(check)


_json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
# Values near the borders of what the fields allow: where two readers would differ, they differ here.
_INSTANTS = [
    "2026-11-23T10:00:00.123+05:00", "2026-11-23T10:00:60.123+05:00", "2026-11-23T10:00:00.1２3+05:00",
    "2026-11-23T10:00:00.123+24:00", "1969-12-31T23:59:59.999+00:00", "1970-01-01T00:00:00.000-00:00",
    "2026-11-23T10:00:00+05:00", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00", "2026-11-23T10:00:00.123456789Z",
    "2026-11-23T10:00:00.1234567891Z", "2026-11-23T24:00:00Z", "2026-02-30T10:00:00Z", "2026-02-30", "2026-11-23",
    "1969-12-31", "1970-01-01", "1970-01-02", "0000-01-01", "1970-01-01T00:00:00+05:00", "1970-01-01T05:00:00+05:00",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-11-23t10:00:00z", "2026-11-23 10:00:00Z",
    "20261123T100000Z", "2026-11-23T10:00:60Z", "2026-W48-1", "1795410000", "2026-11-23T10:00:00-00:00", "",
]  # fmt: skip
TEXTS = [
    "", " ", "a", "a" * 64, "a" * 65, "a" * 128, "a" * 129, "a" * 256, "a" * 257, "a" * 2048, "a" * 2049, "ә" * 32,
    "ә" * 33, "\x00", "a\x7f", "a\x85", "a\nb", "a\tb", "a\u200bb", "a\u2028b", "\ud800", "\udc00", "😀", "😀" * 16,
    "😀" * 17, "a:b", 'a":"b', "null", "\\",
]  # fmt: skip
NEAR: dict[str, list[Any]] = {
    "type": [*INCOMING, "Transaction"],
    "kind": ["transfer", "cash_deposit", "cash_withdrawal", "top_up", "loan_disbursement", "Transfer"],
    "channel": ["mobile", "atm", "Atm", None],
    "amount": [
        "0", "0.00", "0.01", "1", "1.", ".5", "01", "1.5", "1.55", "1.555", "1e3", "-1", "+1", "１", "1\n", " 1",
        "999999999999999.99", "9999999999999999", "9223372036854775808", 9223372036854775808, 1.5,
    ],
    "currency": ["KZT", "kzt", "USD", "JPY", "KWD", "XXX", "KZT ", None],
    "id": [
        "791028302728", "791028302729", "061211600012", "111111111111", "000000000000", "791078302728",
        "7910283027281", "79102830272", "RU:4509", "KZ:1", "ru:1", "RU:", "RU:a b", "CN:" + "9" * 62, "CN:" + "9" * 63,
        "７91028302728", None, *TEXTS,
    ],
    "account": ["KZ86125KZT5004100100", "kz86125kzt5004100100", "4" * 64, "4" * 65, "0xAbC", "a b", "-1", None],
    "institution": ["CASPKZKA", "CASPKZKAXXX", "CASPKZK", "caspkzka", "CASPKZKAXX", "C4SPKZKA", None],
    "region": ["KZ-75", "KZ-00", "KZ-7", "KZ-ALA", "RU-MOW", "RU-", "kz-75", "GB-1234", None],
    "phone": ["+77010000001", "+0701", "77010000001", "+7" * 9, "+1234567", "+123456", None],
    "occurred_at": _INSTANTS,
    "account_opened_at": [*_INSTANTS, None],
    "sim_changed_at": [*_INSTANTS, None],
    "purpose_code": ["343", "34", "000", "３43", None],
    "merchant_category": ["5411", "541", "54111", None],
    "ip": ["192.0.2.1", "2001:db8::1", "192.0.2.256", "fe80::1%eth0", "1", "192.0.2.01", None],
    "resident": [True, False, 1, 0, "true", None],
    "payer": [{"account": "1"}, {}, None, []],
    "payee": [{"id": "UZ:AB1"}, {"account": None}, None],
    "device": [{}, None, {"id": None}],
    "context": [{}, None, {"card": "4400"}],
    "operator": ["KCELL", "K", "KCELLKZ", "KCELLKZK", "kcell", "1KCEL", None],
    "publisher": ["AFM", "AF", "KIBERNADZOR", "KIBERNADZORS", "afm", None],
    "sign": ["spoofed", "scam", "sim_box", "sim_swap", "Scam"],
    "stage": ["application", "disbursement", "consent", "paid_out"],
    "outcome": ["confirmed", "victim", "returned_money", "guilty"],
    "callee": [{"phone": "+77010000001"}, {}, None, {"id": "791028302728"}],
    "caller": ["+77270000102", "8727", None],
    "duration_seconds": [0, 312, -1, 2**53 - 1, 2**53, 2**70, 1.0, True, None],
    "sequence": [0, 17, -1, 2**53 - 1, 2**53, 2**70, 17.0, "17", None],
    "borrower": [{"id": "791028302728"}, {"account": "1"}, {"id": None}, {}],
    "online": [True, False, 1, None],
    "secured": [True, False, "no", None],
    "loan_id": ["loan-1", None],
    "action": ["set", "withdrawn", "Set", None],
    "list": ["convicted", "grey", "refusal", "blocked_resource", "white"],
    "proof": ["reasonable_grounds", "court_judgment", "rumour", None],
    "appeal": ["none", "open", "upheld", "maybe", None],
    "subject": [{"id": "791028302728"}, {"phone": "+77010000001"}, {"id": "UZ:1", "phone": None}, {}, None,
                {"id": "UZ:1", "wallet": "w"}],
    "wallet": ["w", "a b", None],
    "card": ["4400", "4400 43", None],
    "valid_from": _INSTANTS,
    "valid_to": [*_INSTANTS, "2030-01-01", "2010-01-01", None],
    "resource": ["https://shop.example/", "", "a" * 2048, "a" * 2049, "a\x00"],
    "resource_kind": ["site", "social_account", "shop"],
    "alert_id": ["0" * 32, "0" * 31, "G" * 32, None],
    "typology": ["T03", "T003", "T3", "t03", None],
    "entries": [[], None, [{}]],
    "ids": [[], ["791028302728"], ["791028302729"], ["UZ:1"] * 201, [None], None],
    "accounts": [["KZ75125KZT1001300335"], ["a b"], "KZ75", None],
    "phones": [["+77010000001"], ["7701"], None],
    "cards": [["4400"], [4400], None],
    "wallets": [["w"] * 200, ["w"] * 201, None],
    "tied": [{}, None, {"ids": ["791028302728"]}],
}  # fmt: skip


# The objects of the contracts, by their type or by the field that holds them.
FIELDS: dict[Any, list[str]] = {
    **{name: list(CONTRACTS[name].model_fields) for name in INCOMING},
    "payer": list(Party.model_fields),
    "payee": list(Party.model_fields),
    "device": list(Device.model_fields),
    "context": list(Context.model_fields),
    "callee": list(Callee.model_fields),
    "borrower": list(Borrower.model_fields),
    "subject": list(NamedSubject.model_fields),
    "tied": list(Tied.model_fields),
}
ENTRIES = {"credit_refusals": list(CreditRefusal.model_fields), "list_entries": list(ListEntry.model_fields)}


def _values_for(name: str) -> st.SearchStrategy[Any]:
    near = st.sampled_from(NEAR.get(name, TEXTS))
    return near | near | near | st.sampled_from(TEXTS) | _json_values


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """The example of a contract with a few things changed, taken away or added anywhere."""
    made: Any = document(name=draw(st.sampled_from(["transaction", "transaction", *INCOMING])))
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 3]))):
        kind = str(made.get("type"))
        entries = [entry for entry in _list(made.get("entries")) if isinstance(entry, dict)]
        if kind in ENTRIES and entries and draw(st.booleans()):
            entry, name = draw(st.sampled_from(entries)), draw(st.sampled_from(ENTRIES[kind]))
            entry[name] = copy.deepcopy(draw(_values_for(name)))
            continue
        where = draw(st.sampled_from(["", "", *(name for name in FIELDS if isinstance(made.get(name), dict))]))
        place = made[where] if where else made
        if place and draw(st.integers(0, 5)) == 0:
            del place[draw(st.sampled_from(sorted(place)))]
            continue
        known = FIELDS[where] if where else FIELDS.get(str(made.get("type")), FIELDS["transaction"])
        name = draw(st.sampled_from(known)) if draw(st.integers(0, 9)) else draw(st.text(max_size=5))
        # Copied, since a later change may reach into what an earlier one put in.
        place[name] = copy.deepcopy(draw(_values_for(name)))
    return made


@st.composite
def values(draw: st.DrawFn) -> bytes:
    """A document as bytes, now and then damaged."""
    escaped = draw(st.booleans())
    # An unpaired surrogate cannot be written as UTF-8, so it is written as an escape, as a careless publisher would.
    value = json.dumps(draw(documents()), ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 0, 1]))):
        at = draw(st.integers(0, len(value)))
        value = (
            value[:at]
            + draw(st.binary(max_size=4) | st.sampled_from([b'"', b"\\", b"{", b"null", b"\\ud800"]))
            + value[at + draw(st.integers(0, 4)) :]
        )
    return value
