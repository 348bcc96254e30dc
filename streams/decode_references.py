"""Checks the values of calls, loans, registries' records and verdicts, as streams/decode.py does for transactions.

What stands here accepts and refuses exactly what the pydantic contracts do. A record is accepted or refused as a whole:
the refusal of a bulk record names its first bad entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules.events import NO_TIME
from rules.references import APPEALS, LISTS, PROOFS, SET, WITHDRAWN
from streams.contracts import blocked_resource, call, disposition, fields, list_entries, loan
from streams.contracts.reasons import FieldError, Reason
from streams.decode import Rejected, checked_account, checked_id, checked_phone, instant_ms, milliseconds_of
from streams.recent import Recent
from streams.records import (
    BlockedResource,
    Borrower,
    Call,
    Callee,
    CreditRefusals,
    Disposition,
    ListEntries,
    Loan,
    NamedSubject,
)

SIGNS: Final = get_args(call.Sign)
STAGES: Final = get_args(loan.Stage)
OUTCOMES: Final = get_args(disposition.Outcome)
_LISTS: Final = {name: LISTS.index(name) for name in get_args(list_entries.ListName)}
_PROOFS: Final = {name: PROOFS.index(name) for name in get_args(list_entries.Proof)}
_APPEALS: Final = {name: APPEALS.index(name) for name in get_args(list_entries.Appeal)}
_ACTIONS: Final = {"set": SET, "withdrawn": WITHDRAWN}
_RESOURCE_KINDS: Final = get_args(blocked_resource.ResourceKind)
_OFFENCES: Final = get_args(blocked_resource.Offence)
_WEIGHTS_FIRST: Final = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], np.int32)
_WEIGHTS_SECOND: Final = np.array([3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2], np.int32)
# A few only: dates alone come again and again in a bulk, instants hardly ever, and millions of them pass.
_since: Recent[str, int] = Recent(lambda value: fields.milliseconds(fields.instant_or_date(value)), limit=1_000)


class Refusals(NamedTuple):
    """The n entries of a record of credit refusals, in columns."""

    ids: list[str]
    action: NDArray[np.uint8]  # [n] index into rules.references.ACTIONS
    valid_from: NDArray[np.int64]  # [n] milliseconds since 1970 UTC
    sequence: NDArray[np.int64]  # [n]


class Listed(NamedTuple):
    """One subject set on, or withdrawn from, a list; numbers are indices into the tuples of rules.references."""

    entry_id: str
    list: int
    action: int
    kind: str  # the field that names the subject: id, account, phone, wallet or card
    subject: str
    proof: int
    appeal: int
    valid_from: int
    valid_to: int  # or NO_TIME
    sequence: int


def check_call(record: Call) -> int:
    """`occurred_at` in milliseconds of a call whose values keep the contract."""
    check = _Check()
    try:
        occurred_at = check.head(record, "operator", fields.check_operator)
        check.one_of("sign", record.sign, SIGNS)
        callee: Callee = record.callee
        check.path = "$.callee.phone"
        checked_phone[callee.phone]
        if callee.id is not None:
            check.path = "$.callee.id"
            fields.check_iin(callee.id)
        if record.caller is not None:
            check.path = "$.caller"
            checked_phone[record.caller]
        if record.duration_seconds is not None:
            check.path = "$.duration_seconds"
            fields.check_count(record.duration_seconds)
    except FieldError as error:
        raise Rejected(error.reason, check.path, error.message) from None
    return occurred_at


def check_loan(record: Loan) -> tuple[int, int]:
    """`occurred_at` in milliseconds and the principal in minor units of a loan whose values keep the contract."""
    check = _Check()
    try:
        occurred_at = check.head(record, "institution", fields.check_institution)
        check.path = "$.loan_id"
        fields.check_short_text(record.loan_id)
        check.one_of("stage", record.stage, STAGES)
        borrower: Borrower = record.borrower
        check.path = "$.borrower.id"
        checked_id[borrower.id]
        if borrower.account is not None:
            check.path = "$.borrower.account"
            checked_account[borrower.account]
        if borrower.phone is not None:
            check.path = "$.borrower.phone"
            checked_phone[borrower.phone]
        if borrower.region is not None:
            check.path = "$.borrower.region"
            fields.check_region(borrower.region)
        amount = check.amount(record.amount, record.currency)
    except FieldError as error:
        raise Rejected(error.reason, check.path, error.message) from None
    return occurred_at, amount


def check_disposition(record: Disposition) -> tuple[int, int, tuple[str, str]]:
    """`occurred_at`, the amount in minor units (0 where none is given) and the subject as (field, value)."""
    check = _Check()
    try:
        occurred_at = check.head(record, "publisher", fields.check_state_body)
        check.one_of("outcome", record.outcome, OUTCOMES)
        subject = check.subject(record.subject, "$.subject")
        if record.alert_id is not None:
            check.path = "$.alert_id"
            fields.check_alert_id(record.alert_id)
        if record.typology is not None:
            check.path = "$.typology"
            fields.check_typology(record.typology)
        amount = 0
        if record.amount is not None:
            if record.currency is None:
                check.path = "$.currency"
                raise FieldError(Reason.MISSING_FIELD, "an amount needs a currency")
            amount = check.amount(record.amount, record.currency)
        elif record.currency is not None:
            check.path = "$.currency"
            fields.check_currency(record.currency)
    except FieldError as error:
        raise Rejected(error.reason, check.path, error.message) from None
    return occurred_at, amount, subject


def check_credit_refusals(record: CreditRefusals) -> tuple[int, Refusals]:
    """`occurred_at` in milliseconds and the entries in columns; a thousand entries cost about 2 ms."""
    check = _Check()
    try:
        occurred_at = check.head(record, "publisher", fields.check_state_body)
        entries = record.entries
        check.count(entries)
        ids = [entry.id for entry in entries]
        bad = first_bad_iin(ids)
        if bad is not None:
            check.path = f"$.entries[{bad}].id"
            fields.check_iin(ids[bad])
            raise AssertionError("the two checks of an IIN differ")
        action = np.empty(len(entries), np.uint8)
        valid_from = np.empty(len(entries), np.int64)
        sequence = np.empty(len(entries), np.int64)
        for number, entry in enumerate(entries):
            if entry.action not in _ACTIONS:
                check.one_of(f"entries[{number}].action", entry.action, _ACTIONS)
            action[number] = _ACTIONS[entry.action]
            try:
                valid_from[number] = _since[entry.valid_from]
            except FieldError:
                check.path = f"$.entries[{number}].valid_from"
                raise
            if not 0 <= entry.sequence <= fields.LARGEST_INTEGER:
                check.path = f"$.entries[{number}].sequence"
                fields.check_count(entry.sequence)
            sequence[number] = entry.sequence
    except FieldError as error:
        raise Rejected(error.reason, check.path, error.message) from None
    return occurred_at, Refusals(ids, action, valid_from, sequence)


def check_list_entries(record: ListEntries) -> tuple[int, list[Listed]]:
    """`occurred_at` in milliseconds and the entries."""
    check = _Check()
    try:
        occurred_at = check.head(record, "publisher", fields.check_state_body)
        check.count(record.entries)
        listed = []
        for number, entry in enumerate(record.entries):
            place = f"entries[{number}]"
            check.path = f"$.{place}.entry_id"
            fields.check_event_id(entry.entry_id)
            check.one_of(f"{place}.list", entry.list, _LISTS)
            check.one_of(f"{place}.action", entry.action, _ACTIONS)
            kind, subject = check.subject(entry.subject, f"$.{place}.subject")
            check.path = f"$.{place}.source"
            fields.check_short_text(entry.source)
            check.path = f"$.{place}.reason"
            fields.check_name(entry.reason)
            check.one_of(f"{place}.proof", entry.proof, _PROOFS)
            valid_from, valid_to = check.validity(entry, f"$.{place}")
            appeal = "none"
            if entry.appeal is not None:
                check.one_of(f"{place}.appeal", entry.appeal, _APPEALS)
                appeal = entry.appeal
            listed.append(
                Listed(
                    entry.entry_id,
                    _LISTS[entry.list],
                    _ACTIONS[entry.action],
                    kind,
                    subject,
                    _PROOFS[entry.proof],
                    _APPEALS[appeal],
                    valid_from,
                    valid_to,
                    check.sequence(entry.sequence, f"$.{place}.sequence"),
                )
            )
    except FieldError as error:
        raise Rejected(error.reason, check.path, error.message) from None
    return occurred_at, listed


def check_blocked_resource(record: BlockedResource) -> tuple[int, list[Listed]]:
    """`occurred_at` in milliseconds and an entry for each subject that is tied to the resource, in order."""
    check = _Check()
    try:
        occurred_at = check.head(record, "publisher", fields.check_state_body)
        check.path = "$.resource"
        fields.check_resource(record.resource)
        check.one_of("resource_kind", record.resource_kind, _RESOURCE_KINDS)
        check.one_of("reason", record.reason, _OFFENCES)
        check.one_of("action", record.action, _ACTIONS)
        check.path = "$.source"
        fields.check_short_text(record.source)
        valid_from, valid_to = check.validity(record, "$")
        sequence = check.sequence(record.sequence, "$.sequence")
        listed: list[Listed] = []
        for kind, name in (
            ("id", "ids"),
            ("account", "accounts"),
            ("phone", "phones"),
            ("card", "cards"),
            ("wallet", "wallets"),
        ):
            values: list[str] = getattr(record.tied, name) or []
            check.path = f"$.tied.{name}"
            if len(values) > blocked_resource.TIED_EACH:
                raise FieldError(Reason.INVALID_VALUE, f"must hold at most {blocked_resource.TIED_EACH}")
            for number, value in enumerate(values):
                check.path = f"$.tied.{name}[{number}]"
                _SUBJECT_CHECKS[kind](value)
                entry = (LISTS.index("blocked_resource"), _ACTIONS[record.action], kind, value)
                # The entry of a block is the block with the place of the subject in it.
                entry_id = f"{record.event_id}#{len(listed)}"
                listed.append(Listed(entry_id, *entry, 0, 0, valid_from, valid_to, sequence))
    except FieldError as error:
        raise Rejected(error.reason, check.path, error.message) from None
    return occurred_at, listed


def first_bad_iin(ids: Sequence[str]) -> int | None:
    """The place of the first that is no IIN with a valid check digit, or None where all are.

    >>> first_bad_iin(["791028302728", "791028302729"]), first_bad_iin(["791028302728"])
    (1, None)
    """
    text = "".join(ids)
    if text.isascii() and all(len(value) == 12 for value in ids):
        bad = _bad_iins(text)
        return int(bad[0]) if len(bad) else None
    return next(i for i, value in enumerate(ids) if len(value) != 12 or not value.isascii() or len(_bad_iins(value)))


def _bad_iins(text: str) -> NDArray[np.int64]:
    digits = np.frombuffer(text.encode(), np.uint8).reshape(-1, 12).astype(np.int32) - 48
    good = ((digits >= 0) & (digits <= 9)).all(axis=1) & (digits[:, 4] <= 3) & digits.any(axis=1)
    check = digits[:, :11] @ _WEIGHTS_FIRST % 11
    check = np.where(check == 10, digits[:, :11] @ _WEIGHTS_SECOND % 11, check)
    return np.flatnonzero(~(good & (check == digits[:, 11])))


class _Check:
    """Checks one record; `path` is that of the field in hand, for the refusal."""

    path = "$.event_id"

    def head(self, record: Any, publisher: str, check: Callable[[str], str]) -> int:
        fields.check_event_id(record.event_id)
        self.path = f"$.{publisher}"
        check(getattr(record, publisher))
        self.path = "$.occurred_at"
        return instant_ms(record.occurred_at)

    def one_of(self, place: str, value: str, known: Any) -> None:
        if value not in known:
            self.path = f"$.{place}"
            raise FieldError(Reason.INVALID_VALUE, "must be one of " + ", ".join(known))

    def count(self, entries: Sequence[msgspec.Struct]) -> None:
        self.path = "$.entries"
        if not 1 <= len(entries) <= fields.BULK_ENTRIES:
            raise FieldError(Reason.INVALID_VALUE, f"must hold 1 to {fields.BULK_ENTRIES} entries")

    def amount(self, amount: str, currency: str) -> int:
        self.path = "$.currency"
        fields.check_currency(currency)
        self.path = "$.amount"
        return fields.minor_units(amount, currency)

    def subject(self, subject: NamedSubject, path: str) -> tuple[str, str]:
        named = [(kind, value) for kind in subject.__struct_fields__ if (value := getattr(subject, kind)) is not None]
        self.path = path
        if len(named) != 1:
            raise FieldError(Reason.MISSING_FIELD, "exactly one of id, account, phone, wallet and card is required")
        ((kind, value),) = named
        self.path = f"{path}.{kind}"
        _SUBJECT_CHECKS[kind](value)
        return kind, value

    def validity(self, record: Any, path: str) -> tuple[int, int]:
        self.path = f"{path}.valid_from"
        valid_from = milliseconds_of[record.valid_from]
        self.path = f"{path}.valid_to"
        if record.valid_to is None:
            if record.action == "set":
                raise FieldError(Reason.MISSING_FIELD, "an entry that is set needs valid_to")
            return valid_from, NO_TIME
        valid_to = milliseconds_of[record.valid_to]
        # Compared to the millisecond, to which the center works.
        if valid_to <= valid_from:
            raise FieldError(Reason.BAD_TIME, "valid_to must be after valid_from")
        return valid_from, valid_to

    def sequence(self, sequence: int | None, path: str) -> int:
        self.path = path
        return 0 if sequence is None else fields.check_count(sequence)


_SUBJECT_CHECKS: Final[dict[str, Callable[[str], str]]] = {
    "id": checked_id.__getitem__,
    "account": checked_account.__getitem__,
    "phone": checked_phone.__getitem__,
    "wallet": checked_account.__getitem__,
    "card": checked_account.__getitem__,
}
