"""The hot path's reading of a record: bytes to a checked structure, or one reason why not.

It accepts and refuses exactly what the pydantic contracts do (plus size and repeated fields, which those never
see); tests/streams/test_decode.py compares the two on generated documents.
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from rules.events import CHANNELS, TRANSACTION_KINDS
from streams.contracts import fields
from streams.contracts.reasons import FieldError, Reason
from streams.contracts.transaction import NEEDS
from streams.recent import Recent
from streams.records import PARTS, STRUCTS, TYPES, Context, Device, Heartbeat, Party, Record, Reversal, Transaction

# Enough for what is in use at one time; a subject seen again later is simply checked again.
_CACHED: Final = 50_000


class Rejected(Exception):
    """A record that is not accepted: reason, JSONPath of the field, words without the offending value."""

    def __init__(self, reason: Reason, path: str, message: str) -> None:
        super().__init__(reason, path, message)
        self.reason = reason
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.reason} at {self.path}: {self.message}"


KIND_NUMBER: Final = {kind: number for number, kind in enumerate(TRANSACTION_KINDS)}
CHANNEL_NUMBER: Final = {channel: number for number, channel in enumerate(CHANNELS)}

_decode = msgspec.json.Decoder(Record).decode
_encode = msgspec.json.Encoder().encode
_NEEDS_PAYER: Final = frozenset(kind for kind, parties in NEEDS.items() if "payer" in parties)
_NEEDS_PAYEE: Final = frozenset(kind for kind, parties in NEEDS.items() if "payee" in parties)
_FIELD_NAMES: Final = sorted({name for struct in (*STRUCTS, *PARTS) for name in struct.__struct_fields__})

# Checked once while in use; streams/decode_references.py shares them.
checked_id: Recent[str, str] = Recent(fields.check_party_id, limit=_CACHED)
checked_account: Recent[str, str] = Recent(fields.check_account, limit=_CACHED)
checked_phone: Recent[str, str] = Recent(fields.check_phone, limit=_CACHED)
_institutions: Recent[str, str] = Recent(fields.check_institution, limit=2_000)
_regions: Recent[str, str] = Recent(fields.check_region, limit=2_000)
_purposes: Recent[str, str] = Recent(fields.check_purpose, limit=10_000)
_purpose_codes: Recent[str, str] = Recent(fields.check_purpose_code, limit=1_000)
_merchant_categories: Recent[str, str] = Recent(fields.check_merchant_category, limit=10_000)
_addresses: Recent[str, str] = Recent(fields.check_ip, limit=_CACHED)

_SECONDS: Final = {f"{second:02d}": second * 1_000 for second in range(60)}
_MILLISECONDS: Final = {f"{millisecond:03d}": millisecond for millisecond in range(1_000)}
_minutes: Recent[str, int] = Recent(
    lambda value: fields.milliseconds(fields.instant(f"{value[:17]}00{value[17:]}")), limit=10_000
)
# An instant or a date as milliseconds since 1970 UTC: when an account was opened is said with each of its events.
milliseconds_of: Recent[str, int] = Recent(
    lambda value: fields.milliseconds(fields.instant_or_date(value)), limit=_CACHED
)


def read(value: bytes, largest: int = fields.MAX_BYTES) -> tuple[Record, bytes]:
    """The record that the bytes stand for, and its canonical writing: fields in order, no blanks, no nulls.

    The form is right after this (types, known fields, required fields, no field twice); the values are not yet
    checked. Raises `Rejected` and nothing else. `largest`: the most bytes that the topic takes.
    """
    if len(value) > largest:
        raise Rejected(Reason.TOO_LARGE, "$", f"the record is larger than {largest} bytes")
    try:
        record = _decode(value)
        canonical = _encode(record)
    except msgspec.ValidationError as error:
        raise _form(error) from None
    except RecursionError:
        raise Rejected(Reason.TOO_DEEP, "$", "the document is nested too deeply") from None
    except UnicodeError:
        raise _not_text(value) from None
    except msgspec.DecodeError:
        raise _not_json(value) from None
    # A field that is there twice makes the document longer than its canonical writing, which is the shortest, and
    # counts a colon more. Nulls and colons written as \u003a change that count too; only then is more work needed.
    if len(value) != len(canonical) and (
        value.count(b":") != canonical.count(b":") or (b"\\" in value and b"\\u003" in value)
    ):
        _refuse_repeated_fields(value)
    return record, canonical


def check_transaction(transaction: Transaction) -> tuple[int, int]:
    """`occurred_at` in milliseconds and the amount in minor units of a transaction whose values keep the contract."""
    path = "$.event_id"
    try:
        fields.check_event_id(transaction.event_id)
        path = "$.occurred_at"
        occurred_at = instant_ms(transaction.occurred_at)
        path = "$.institution"
        _institutions[transaction.institution]
        path = "$.kind"
        kind = transaction.kind
        if kind not in KIND_NUMBER:
            raise FieldError(Reason.INVALID_VALUE, "must be one of " + ", ".join(TRANSACTION_KINDS))
        path = "$.currency"
        fields.check_currency(transaction.currency)
        path = "$.amount"
        amount = fields.minor_units(transaction.amount, transaction.currency)
        path = "$.payer"
        payer = transaction.payer
        if payer is not None:
            _check_party(payer, path)
        elif kind in _NEEDS_PAYER:
            raise FieldError(Reason.MISSING_FIELD, f"a {kind} needs a payer")
        path = "$.payee"
        payee = transaction.payee
        if payee is not None:
            _check_party(payee, path)
        elif kind in _NEEDS_PAYEE:
            raise FieldError(Reason.MISSING_FIELD, f"a {kind} needs a payee")
        path = "$.channel"
        if transaction.channel is not None and transaction.channel not in CHANNEL_NUMBER:
            raise FieldError(Reason.INVALID_VALUE, "must be one of " + ", ".join(CHANNELS))
        path = "$.purpose"
        if transaction.purpose is not None:
            _purposes[transaction.purpose]
        path = "$.purpose_code"
        if transaction.purpose_code is not None:
            _purpose_codes[transaction.purpose_code]
        path = "$.end_to_end_id"
        if transaction.end_to_end_id is not None:
            fields.check_short_text(transaction.end_to_end_id)
    except FieldError as error:
        raise Rejected(error.reason, path, error.message) from None
    if transaction.device is not None:
        _check_device(transaction.device)
    if transaction.context is not None:
        _check_context(transaction.context)
    return occurred_at, amount


def check_heartbeat(heartbeat: Heartbeat) -> int:
    """`occurred_at` in milliseconds of a heartbeat whose values keep the contract."""
    path = "$.institution"
    named = 0
    try:
        if heartbeat.institution is not None:
            named += 1
            _institutions[heartbeat.institution]
        if heartbeat.operator is not None:
            path = "$.operator"
            named += 1
            fields.check_operator(heartbeat.operator)
        if heartbeat.publisher is not None:
            path = "$.publisher"
            named += 1
            fields.check_state_body(heartbeat.publisher)
        if named != 1:
            path = "$"
            raise FieldError(Reason.MISSING_FIELD, "exactly one of institution, operator and publisher is required")
        path = "$.occurred_at"
        return instant_ms(heartbeat.occurred_at)
    except FieldError as error:
        raise Rejected(error.reason, path, error.message) from None


def check_reversal(reversal: Reversal) -> int:
    """`occurred_at` in milliseconds of a reversal whose values keep the contract."""
    path = "$.event_id"
    try:
        fields.check_event_id(reversal.event_id)
        path = "$.of"
        fields.check_event_id(reversal.of)
        path = "$.institution"
        _institutions[reversal.institution]
        path = "$.occurred_at"
        return instant_ms(reversal.occurred_at)
    except FieldError as error:
        raise Rejected(error.reason, path, error.message) from None


def instant_ms(value: str) -> int:
    """An instant as milliseconds since 1970 UTC.

    >>> instant_ms("2026-11-23T10:00:00.123+05:00"), instant_ms("2026-11-23T05:00:00.123Z")
    (1795410000123, 1795410000123)
    """
    # The usual form, 2026-11-23T10:00:00.123+05:00, is put together from its minute, which many events share.
    if len(value) == 29 and value[19] == ".":
        second, millisecond = _SECONDS.get(value[17:19]), _MILLISECONDS.get(value[20:23])
        if second is not None and millisecond is not None:
            return _minutes[value[:17] + value[23:]] + second + millisecond
    return fields.milliseconds(fields.instant(value))


def _check_party(party: Party, path: str) -> None:
    field = ""
    try:
        if party.id is not None:
            field = ".id"
            checked_id[party.id]
        elif party.account is None:
            raise FieldError(Reason.MISSING_FIELD, "at least one of id and account is required")
        if party.account is not None:
            field = ".account"
            checked_account[party.account]
        if party.institution is not None:
            field = ".institution"
            _institutions[party.institution]
        if party.phone is not None:
            field = ".phone"
            checked_phone[party.phone]
        if party.region is not None:
            field = ".region"
            _regions[party.region]
        if party.name is not None:
            field = ".name"
            fields.check_name(party.name)
        if party.account_opened_at is not None:
            field = ".account_opened_at"
            milliseconds_of[party.account_opened_at]
    except FieldError as error:
        raise Rejected(error.reason, path + field, error.message) from None


def _check_device(device: Device) -> None:
    path = "$.device.id"
    try:
        if device.id is not None:
            fields.check_short_text(device.id)
        path = "$.device.ip"
        if device.ip is not None:
            _addresses[device.ip]
    except FieldError as error:
        raise Rejected(error.reason, path, error.message) from None


def _check_context(context: Context) -> None:
    path = "$.context.sim_changed_at"
    try:
        if context.sim_changed_at is not None:
            milliseconds_of[context.sim_changed_at]
        path = "$.context.card"
        if context.card is not None:
            fields.check_short_text(context.card)
        path = "$.context.merchant_category"
        if context.merchant_category is not None:
            _merchant_categories[context.merchant_category]
    except FieldError as error:
        raise Rejected(error.reason, path, error.message) from None


def _form(error: msgspec.ValidationError) -> Rejected:
    """msgspec's words turned into ours: they quote unknown names and values, which may be personal data."""
    words = str(error)
    path = _our_path(words)
    if words.startswith("Object contains unknown field `"):
        name = words[len("Object contains unknown field `") :].split("`")[0]
        near = get_close_matches(name[:64], _FIELD_NAMES, n=1)
        meant = f"; is `{near[0]}` meant?" if near else ""
        return Rejected(Reason.UNKNOWN_FIELD, path, "the contract has no such field" + meant)
    if words.startswith("Object missing required field `"):
        name = words[len("Object missing required field `") :].split("`")[0]
        return Rejected(Reason.MISSING_FIELD, f"{path}.{name}", "this field is required")
    if words.startswith("Invalid value"):
        return Rejected(Reason.UNKNOWN_TYPE, "$.type", "must be one of " + ", ".join(TYPES))
    return Rejected(Reason.WRONG_TYPE, path, "must have the JSON type that the contract gives it")


def _our_path(words: str) -> str:
    _, found, path = words.rpartition(" - at `")
    path = path.removesuffix("`") if found else "$"
    # What stands behind the last "at" is msgspec's own path, of our field names only; anything else is not shown.
    return path if all(part in _KNOWN_PARTS for part in _PLACE.sub("", path).split(".")) else "$"


_PLACE: Final = re.compile(r"\[[0-9]+\](?=\.|$)")
_KNOWN_PARTS: Final = frozenset(["$", "type", *_FIELD_NAMES])


def _not_text(value: bytes) -> Rejected:
    try:
        value.decode()
    except UnicodeDecodeError:
        return Rejected(Reason.NOT_UTF8, "$", "the record is not UTF-8")
    return Rejected(Reason.NOT_JSON, "$", "a text holds half of a surrogate pair")


def _not_json(value: bytes) -> Rejected:
    if not value:
        return Rejected(Reason.NOT_JSON, "$", "the record is empty")
    try:
        value.decode()
    except UnicodeDecodeError:
        return Rejected(Reason.NOT_UTF8, "$", "the record is not UTF-8")
    return Rejected(Reason.NOT_JSON, "$", "the record is not one well-formed JSON document")


def _keeping_nulls(struct: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The same structure, which tells a null from a field that is not there."""
    fields_ = []
    for name, kind in get_type_hints(struct).items():
        inner = [_part_keeping_nulls(part) for part in (get_args(kind) if type(None) in get_args(kind) else (kind,))]
        fields_.append((name, Union[(*inner, msgspec.UnsetType)], msgspec.UNSET))
    config = struct.__struct_config__
    return msgspec.defstruct(struct.__name__, fields_, tag_field=config.tag_field, tag=config.tag)


def _part_keeping_nulls(part: Any) -> Any:
    if get_origin(part) is list:
        return list[_part_keeping_nulls(get_args(part)[0])]  # type: ignore[misc]
    return _keeping_nulls(part) if part in PARTS else part


_RecordKeepingNulls: Any = Union[tuple(_keeping_nulls(struct) for struct in STRUCTS)]  # noqa: UP007 - at run time
_decode_keeping_nulls = msgspec.json.Decoder(_RecordKeepingNulls).decode


def _refuse_repeated_fields(value: bytes) -> None:
    # The document is known to be of the right form here. With its nulls kept, the colons must be equal after all.
    if b"null" in value and b"\\u003" not in value:
        kept = _encode(_decode_keeping_nulls(value))
        if value.count(b":") == kept.count(b":"):
            return

    def once(pairs: list[tuple[str, Any]]) -> None:
        if len({name for name, _ in pairs}) != len(pairs):
            raise Rejected(Reason.DUPLICATE_FIELD, "$", "an object has the same field twice")

    try:
        json.loads(value, object_pairs_hook=once)
    except (ValueError, RecursionError):
        # Two readers of JSON disagree about this document, so it is no JSON to rely on.
        raise Rejected(Reason.NOT_JSON, "$", "the record is not one well-formed JSON document") from None


__all__ = [
    "CHANNEL_NUMBER",
    "KIND_NUMBER",
    "Context",
    "Device",
    "Heartbeat",
    "Party",
    "Record",
    "Rejected",
    "Reversal",
    "Transaction",
    "check_heartbeat",
    "check_reversal",
    "check_transaction",
    "instant_ms",
    "milliseconds_of",
    "read",
]
