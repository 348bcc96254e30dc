"""The pure heart of intake: records of one source in, event rows and refusals out.

What comes out is a function of the records alone (value, headers, offset, append time) and of the keys; only the
random nonces of sealed identities differ from run to run.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import numpy as np

from rules.events import (
    DEVICE_NEW,
    EVENT,
    HISTORY,
    NO_TIME,
    OWN_DEPOSIT_BROKEN,
    PAYEE_NON_RESIDENT,
    PAYER_NON_RESIDENT,
    REMOTE_ACCESS,
    Events,
)
from rules.references import ENTRY
from rules.words import first_words
from streams import decode, records
from streams import decode_references as checks
from streams.contracts import headers
from streams.contracts.fields import BULK_BYTES, FUTURE_MS
from streams.contracts.reasons import FieldError, Reason
from streams.contracts.rejected import RejectedEvent
from streams.decode import Rejected
from streams.facts import Facts, Place, References
from streams.recent import Recent
from streams.refusals import SourceRecord, refused
from streams.sources import SourceTopic
from streams.subjects import ABSENT, Identity, Subjects
from streams.tokens import TokenKey, Vault

_NO_TOKEN: Final = (0, 0)
_NO_WORDS: Final = (0, 0, 0, 0)
_NOT_GIVEN: Final = 255  # EVENT["channel"]
_ABROAD: Final = 255  # EVENT["payer_region"]
_CODES: Final = {"<u8": "Q", "<i8": "q", "<u4": "I", "<u2": "H", "|u1": "B"}


def _row_format(dtype: np.dtype[np.void]) -> struct.Struct:
    """The struct format that writes one row, so that a row costs one call and no numpy."""
    codes = ["<"]
    for name in dtype.names or ():
        kind = dtype[name]
        if kind.subdtype:
            item, shape = kind.subdtype
            codes.append(_CODES[item.str] * shape[0])
        else:
            codes.append(f"{kind.itemsize}s" if kind.kind == "S" else _CODES[kind.str])
    row = struct.Struct("".join(codes))
    assert row.size == dtype.itemsize
    return row


_ROW: Final = _row_format(EVENT)


class HeartbeatSeen(NamedTuple):
    """Nothing that occurred before `occurred_at` follows in this source; `epoch` of its replay, or None when live."""

    offset: int
    institution: str
    occurred_at: int
    epoch: int | None


class ReversalSeen(NamedTuple):
    """A transaction was taken back."""

    offset: int
    institution: str
    event: int  # hash of the reversal's own event_id
    of: int  # hash of the event_id it takes back
    occurred_at: int


class ControlSeen(NamedTuple):
    """A replayed history opens or closes in this source."""

    offset: int
    control: Literal["open", "close"]
    epoch: int


@dataclass(slots=True)
class Admitted:
    """What a batch of records came to; each is in rows or references, or in one of the lists of signs and refusals."""

    rows: Events
    references: References = field(default_factory=lambda: np.zeros(0, ENTRY))
    rejected: list[RejectedEvent] = field(default_factory=list)
    identities: list[Identity] = field(default_factory=list)
    heartbeats: list[HeartbeatSeen] = field(default_factory=list)
    reversals: list[ReversalSeen] = field(default_factory=list)
    controls: list[ControlSeen] = field(default_factory=list)


class Admission:
    """Turns records into event rows, refuses the others with a reason, and never raises for what a record holds."""

    def __init__(
        self,
        key: TokenKey,
        vault: Vault | None = None,
        institutions: Collection[str] | None = None,
        *,
        cached: int = 50_000,
    ) -> None:
        """Without a vault no identities come out; `institutions` are those that a source of no one owner may name."""
        self._key = key
        self._institutions = None if institutions is None else frozenset(institutions)
        self._subjects = Subjects(key, vault, cached=cached)
        self._parties, self._phones = self._subjects.parties, self._subjects.phones
        self._devices = self._subjects.devices
        self._facts = Facts(key, self._subjects)
        self._words: Recent[str, tuple[int, int, int, int]] = Recent(first_words, limit=10_000)
        self._regions: Recent[str, int] = Recent(region_number, limit=2_000)

    def admit(
        self,
        records: Iterable[SourceRecord],
        *,
        source: SourceTopic | None,
        source_index: int,
        topic: str = "",
        partition: int = 0,
    ) -> Admitted:
        """Judge nothing, admit or refuse everything; `source` None for a file of records of every type and publisher.

        `topic` names the place of what is refused, where that is not a source topic.
        """
        rows: list[bytes] = []
        references: list[References] = []
        admitted = Admitted(rows=np.zeros(0, EVENT))
        topic = topic or (source.name if source is not None else "all")
        for record in records:
            try:
                row = self._admit_one(record, source, source_index, admitted, references)
            except Rejected as refusal:
                admitted.rejected.append(refused(record, refusal, source, topic, partition))
            except MemoryError:
                raise
            except Exception as failure:
                # Total by design: one record that finds a bug here must not stop every other institution's.
                words = f"the center failed on this record ({type(failure).__name__})"
                unread = Rejected(Reason.INTERNAL, "$", words)
                admitted.rejected.append(refused(record, unread, source, topic, partition))
            else:
                if row is not None:
                    rows.append(row)
        admitted.rows = np.frombuffer(bytearray(b"".join(rows)), dtype=EVENT)
        if references:
            admitted.references = np.concatenate(references)
        admitted.identities = self._subjects.identities()
        return admitted

    def _admit_one(
        self,
        record: SourceRecord,
        source: SourceTopic | None,
        source_index: int,
        admitted: Admitted,
        references: list[References],
    ) -> bytes | None:
        """The bytes of the rows that a record comes to, or None; what else it comes to is added to the last two."""
        epoch = None
        if record.headers:
            epoch, control = _history(record)
            if control is not None and epoch is not None:
                admitted.controls.append(ControlSeen(record.offset, control, epoch))
                return None
        read, canonical = decode.read(record.value or b"", BULK_BYTES if source is None else source.largest)
        if type(read) is decode.Transaction:
            self._check_topic("transaction", source)
            occurred_at, amount = decode.check_transaction(read)
            self._check_sender(read.institution, "institution", source, occurred_at, record.timestamp)
            return self._row(read, canonical, occurred_at, amount, epoch, record, source_index)
        self._check_topic(str(read.__struct_config__.tag), source)
        if type(read) is decode.Heartbeat:
            occurred_at = decode.check_heartbeat(read)
            field, sender = next(
                (name, value)
                for name in ("institution", "operator", "publisher")
                if (value := getattr(read, name)) is not None
            )
            self._check_sender(sender, field, source, occurred_at, record.timestamp)
            admitted.heartbeats.append(HeartbeatSeen(record.offset, sender, occurred_at, epoch))
            return None
        if type(read) is decode.Reversal:
            occurred_at = decode.check_reversal(read)
            self._check_sender(read.institution, "institution", source, occurred_at, record.timestamp)
            event_hash = self._key.event_hash
            event, of = event_hash(read.institution, read.event_id), event_hash(read.institution, read.of)
            admitted.reversals.append(ReversalSeen(record.offset, read.institution, event, of, occurred_at))
            return None
        return self._fact(read, canonical, epoch, record, source, source_index, references)

    def _fact(
        self,
        read: decode.Record,
        canonical: bytes,
        epoch: int | None,
        record: SourceRecord,
        source: SourceTopic | None,
        source_index: int,
        references: list[References],
    ) -> bytes | None:
        """What a record of the reference streams comes to."""

        def place(sender: str, field: str, occurred_at: int) -> Place:
            self._check_sender(sender, field, source, occurred_at, record.timestamp)
            live = (record.timestamp, 0, occurred_at, record.timestamp, False)
            historic = (epoch or 0, occurred_at, occurred_at, record.timestamp, True)
            return Place(source_index, record.offset, *(live if epoch is None else historic))

        if isinstance(read, records.Call):
            occurred_at = checks.check_call(read)
            return self._facts.call(read, canonical, place(read.operator, "operator", occurred_at)).tobytes()
        if isinstance(read, records.Loan):
            occurred_at, amount = checks.check_loan(read)
            region = 0 if read.borrower.region is None else self._regions[read.borrower.region]
            where = place(read.institution, "institution", occurred_at)
            return self._facts.loan(read, canonical, amount, region, where).tobytes()
        if isinstance(read, records.Disposition):
            occurred_at, amount, subject = checks.check_disposition(read)
            where = place(read.publisher, "publisher", occurred_at)
            return self._facts.disposition(read, canonical, amount, subject, where).tobytes()
        if isinstance(read, records.CreditRefusals):
            occurred_at, refusals = checks.check_credit_refusals(read)
            references.append(self._facts.refusals(refusals, place(read.publisher, "publisher", occurred_at)))
            return None
        if isinstance(read, records.ListEntries):
            occurred_at, listed = checks.check_list_entries(read)
        else:
            assert isinstance(read, records.BlockedResource)
            occurred_at, listed = checks.check_blocked_resource(read)
        rows, entries = self._facts.listed(read.publisher, listed, place(read.publisher, "publisher", occurred_at))
        references.append(entries)
        return rows.tobytes()

    @staticmethod
    def _check_topic(kind: str, source: SourceTopic | None) -> None:
        if source is not None and kind not in source.records:
            raise Rejected(Reason.WRONG_TOPIC, "$.type", f"a {kind} does not belong on this topic")

    def _check_sender(
        self, sender: str, field: str, source: SourceTopic | None, occurred_at: int, appended_at: int
    ) -> None:
        if source is not None:
            if sender not in source.publishers or field != source.field:
                reason = Reason.WRONG_INSTITUTION if field == "institution" else Reason.WRONG_PUBLISHER
                raise Rejected(reason, f"$.{field}", "may not publish on this topic, which is another's")
        elif field == "institution" and self._institutions is not None and sender not in self._institutions:
            raise Rejected(Reason.WRONG_INSTITUTION, "$.institution", "no publisher of that name is declared")
        if occurred_at > appended_at + FUTURE_MS:
            raise Rejected(Reason.FUTURE, "$.occurred_at", "is more than one hour after the record was appended")

    def _row(
        self,
        transaction: decode.Transaction,
        canonical: bytes,
        occurred_at: int,
        amount: int,
        epoch: int | None,
        record: SourceRecord,
        source_index: int,
    ) -> bytes:
        flags = 0
        order_time = 0
        if epoch is None:
            epoch = record.timestamp
        else:
            order_time = occurred_at
            flags = HISTORY

        payer, payee = transaction.payer, transaction.payee
        payer_kind = payee_kind = ABSENT
        payer_token = payee_token = _NO_TOKEN
        payer_account = payee_account = payer_region = payee_region = 0
        payer_institution = payee_institution = b""
        payer_opened = payee_opened = NO_TIME
        phone = None
        if payer is not None:
            payer_kind, payer_token, payer_account, abroad = self._parties[payer.id, payer.account, payer.name]
            if abroad if payer.resident is None else not payer.resident:
                flags |= PAYER_NON_RESIDENT
            if payer.region is not None:
                payer_region = self._regions[payer.region]
            if payer.institution is not None:
                payer_institution = payer.institution.encode()
            if payer.account_opened_at is not None:
                payer_opened = decode.milliseconds_of[payer.account_opened_at]
            phone = payer.phone
        if payee is not None:
            payee_kind, payee_token, payee_account, abroad = self._parties[payee.id, payee.account, payee.name]
            if abroad if payee.resident is None else not payee.resident:
                flags |= PAYEE_NON_RESIDENT
            if payee.region is not None:
                payee_region = self._regions[payee.region]
            if payee.institution is not None:
                payee_institution = payee.institution.encode()
            if payee.account_opened_at is not None:
                payee_opened = decode.milliseconds_of[payee.account_opened_at]
            # The phone in question is that of the customer who acts: the payee only where nobody pays.
            if payer is None:
                phone = payee.phone

        device = transaction.device
        context = transaction.context
        sim_changed_at = NO_TIME
        merchant_category = 0
        if context is not None:
            flags |= (
                (DEVICE_NEW if context.device_new else 0)
                | (REMOTE_ACCESS if context.remote_access else 0)
                | (OWN_DEPOSIT_BROKEN if context.own_deposit_broken else 0)
            )
            if context.sim_changed_at is not None:
                sim_changed_at = decode.milliseconds_of[context.sim_changed_at]
            if context.merchant_category is not None:
                merchant_category = int(context.merchant_category)

        key = self._key
        channel = transaction.channel
        purpose = transaction.purpose
        purpose_code = transaction.purpose_code
        return _ROW.pack(
            key.event_hash(transaction.institution, transaction.event_id),
            key.content_hash(canonical),
            transaction.event_id.encode(),
            transaction.institution.encode(),
            source_index,
            record.offset,
            epoch,
            order_time,
            occurred_at,
            record.timestamp,
            0,  # generation
            decode.KIND_NUMBER[transaction.kind],
            _NOT_GIVEN if channel is None else decode.CHANNEL_NUMBER[channel],
            flags,
            amount,
            transaction.currency.encode(),
            0,  # amount_kzt
            0 if purpose_code is None else int(purpose_code),
            merchant_category,
            *(self._words[purpose] if purpose else _NO_WORDS),
            sim_changed_at,
            *payer_token,
            *payee_token,
            *(self._devices[device.id] if device is not None and device.id is not None else _NO_TOKEN),
            *(self._phones[phone] if phone is not None else _NO_TOKEN),
            payer_account,
            payee_account,
            payer_kind,
            payee_kind,
            payer_region,
            payee_region,
            payer_institution,
            payee_institution,
            payer_opened,
            payee_opened,
            0,  # roles
            0,  # home
        )


def region_number(region: str) -> int:
    """The number of a region of Kazakhstan; 255 for any other country.

    >>> region_number("KZ-75"), region_number("RU-MOW")
    (75, 255)
    """
    return int(region[3:]) if region.startswith("KZ-") else _ABROAD


def _history(record: SourceRecord) -> tuple[int | None, Literal["open", "close"] | None]:
    try:
        return headers.read_history(record.headers, record.timestamp)
    except FieldError as error:
        raise Rejected(error.reason, "$", error.message) from None
