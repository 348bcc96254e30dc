"""What registries, lenders, operators and verdicts say, as fact rows of their subjects and as reference entries.

Everything here works on records whose values have been checked (streams/decode_references.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.events import EVENT, HISTORY, KINDS, LOAN_ONLINE, LOAN_SECURED, NO_TIME, PAYEE_NON_RESIDENT, Events
from rules.references import ENTRY, LISTS, SET
from streams.decode_references import Listed, Refusals
from streams.records import Call, Disposition, Loan
from streams.subjects import Subjects
from streams.tokens import TokenKey

_CALLS: Final = {"spoofed": "call_spoofed", "scam": "call_scam", "sim_box": "call_sim_box", "sim_swap": "sim_swap"}
_LOANS: Final = {
    "application": "loan_application",
    "approval": "loan_approval",
    "contract": "loan_contract",
    "disbursement": "loan_paid_out",
    "consent": "loan_consent",
}
_VERDICTS: Final = {
    "confirmed": "marked_confirmed",
    "false_positive": "marked_false_positive",
    "victim": "marked_victim",
    "mule": "marked_mule",
    "returned_money": "marked_returned",
}
CALL_KINDS: Final = {sign: KINDS.index(kind) for sign, kind in _CALLS.items()}
STAGE_KINDS: Final = {stage: KINDS.index(kind) for stage, kind in _LOANS.items()}
VERDICT_KINDS: Final = {outcome: KINDS.index(kind) for outcome, kind in _VERDICTS.items()}
LISTING: Final = KINDS.index("listing")
REFUSAL: Final = LISTS.index("refusal")
_NOT_GIVEN: Final = 255  # EVENT["channel"]
_EVENT_ID_BYTES: Final = EVENT["event_id"].itemsize

References = NDArray[np.void]  # dtype rules.references.ENTRY


class Place(NamedTuple):
    """Where a record stands in the log, and in the order of time."""

    source: int
    offset: int
    epoch: int  # live: the append time; history: the instant its replay was opened at
    order_time: int  # live: 0; history: occurred_at
    occurred_at: int
    appended_at: int
    historic: bool


class Facts:
    """Makes the rows and entries of one worker's records; equal records make equal bytes."""

    def __init__(self, key: TokenKey, subjects: Subjects) -> None:
        self._key = key
        self._subjects = subjects

    def call(self, record: Call, canonical: bytes, place: Place) -> Events:
        """EVENT[1]: the callee is the payer where the operator names the person; the phone is the callee's."""
        row = self._row(place, record.operator, record.event_id, canonical, CALL_KINDS[record.sign])
        if record.callee.id is not None:
            kind, token, _, _ = self._subjects.parties[record.callee.id, None, None]
            row["payer_kind"], (row["payer"], row["payer_rest"]) = kind, token
        row["phone"], row["phone_rest"] = self._subjects.phones[record.callee.phone]
        return row

    def loan(self, record: Loan, canonical: bytes, amount: int, region: int, place: Place) -> Events:
        """EVENT[1]: the borrower is the payee and nobody pays; `amount` is the principal in minor units."""
        row = self._row(place, record.institution, record.event_id, canonical, STAGE_KINDS[record.stage])
        borrower = record.borrower
        kind, token, account, abroad = self._subjects.parties[borrower.id, borrower.account, None]
        row["payee_kind"], (row["payee"], row["payee_rest"]), row["payee_account"] = kind, token, account
        row["payee_region"] = region
        row["payer_institution"] = record.institution.encode()
        row["flags"] |= (
            (LOAN_ONLINE if record.online else 0)
            | (LOAN_SECURED if record.secured else 0)
            | (PAYEE_NON_RESIDENT if abroad else 0)
        )
        if borrower.phone is not None:
            row["phone"], row["phone_rest"] = self._subjects.phones[borrower.phone]
        row["amount"], row["currency"] = amount, record.currency.encode()
        return row

    def disposition(
        self, record: Disposition, canonical: bytes, amount: int, subject: tuple[str, str], place: Place
    ) -> Events:
        """EVENT[1]: the subject is the payee; `amount` is what was returned, in minor units."""
        row = self._row(place, record.publisher, record.event_id, canonical, VERDICT_KINDS[record.outcome])
        kind, token, account = self._subjects.named(*subject)
        row["payee_kind"], (row["payee"], row["payee_rest"]), row["payee_account"] = kind, token, account
        row["amount"], row["currency"] = amount, (record.currency or "KZT").encode()
        return row

    def listed(self, publisher: str, entries: Sequence[Listed], place: Place) -> tuple[Events, References]:
        """An entry for each of them, and a listing row for each that is set: a withdrawal happens to nobody.

        An entry is its own event, known by its entry_id; what makes it the same event again is its list and subject, so
        that a new state of an appeal, or a new end, contradicts nothing.
        """
        references = self._references(place, len(entries))
        rows = np.zeros(sum(entry.action == SET for entry in entries), EVENT)
        self._head(rows, place, publisher, LISTING)
        number = 0
        for i, entry in enumerate(entries):
            kind, token, account = self._subjects.named(entry.kind, entry.subject)
            references[i : i + 1][
                ["key", "list", "action", "proof", "appeal", "valid_from", "valid_to", "sequence"]
            ] = (
                token[0],
                entry.list,
                entry.action,
                entry.proof,
                entry.appeal,
                entry.valid_from,
                entry.valid_to,
                entry.sequence,
            )
            if entry.action != SET:
                continue
            row = rows[number : number + 1]
            number += 1
            row["event"] = self._key.event_hash(publisher, entry.entry_id)
            row["content"] = self._key.content_hash(f"{entry.list}\0{entry.kind}\0{entry.subject}".encode())
            row["event_id"] = entry.entry_id.encode()[:_EVENT_ID_BYTES]
            row["payee_kind"], (row["payee"], row["payee_rest"]), row["payee_account"] = kind, token, account
            row["words"][:, 0] = entry.list + 1
        return rows, references

    def refusals(self, entries: Refusals, place: Place) -> References:
        """ENTRY[n]: entries only, and no identities: citizens who refuse credit are nobody's subject of inquiry."""
        references = self._references(place, len(entries.ids))
        references["key"] = self._key.first_halves("person", entries.ids)
        references["list"] = REFUSAL
        references["action"] = entries.action
        references["valid_from"] = entries.valid_from
        references["valid_to"] = NO_TIME
        references["sequence"] = entries.sequence
        return references

    def _row(self, place: Place, publisher: str, event_id: str, canonical: bytes, kind: int) -> Events:
        row = np.zeros(1, EVENT)
        self._head(row, place, publisher, kind)
        row["event"] = self._key.event_hash(publisher, event_id)
        row["content"] = self._key.content_hash(canonical)
        row["event_id"] = event_id.encode()
        return row

    @staticmethod
    def _head(rows: Events, place: Place, publisher: str, kind: int) -> None:
        rows["institution"] = publisher.encode()
        for name in ("source", "offset", "epoch", "order_time", "occurred_at", "appended_at"):
            rows[name] = getattr(place, name)
        rows["kind"] = kind
        rows["channel"] = _NOT_GIVEN
        rows["flags"] = HISTORY if place.historic else 0
        rows["currency"] = b"KZT"
        for name in ("sim_changed_at", "payer_account_opened_at", "payee_account_opened_at"):
            rows[name] = NO_TIME

    @staticmethod
    def _references(place: Place, count: int) -> References:
        references = np.zeros(count, ENTRY)
        for name in ("source", "offset", "epoch", "order_time"):
            references[name] = getattr(place, name)
        references["number"] = np.arange(count)
        return references
