"""The pure heart of intake: records of one source in, event rows and refusals out.

What comes out is a function of the records alone (value, headers, offset, append time) and of the keys; only the
random nonces of sealed identities differ from run to run.
"""

from __future__ import annotations

import hashlib
import re
import struct
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol

import msgspec
import numpy as np

from rules.events import (
    DEVICE_NEW,
    EVENT,
    HISTORY,
    NO_TIME,
    OWN_DEPOSIT_BROKEN,
    PARTY_KINDS,
    PAYEE_NON_RESIDENT,
    PAYER_NON_RESIDENT,
    REMOTE_ACCESS,
    Events,
    word_hash,
)
from streams import decode
from streams.contracts import headers
from streams.contracts.fields import FUTURE_MS, from_milliseconds
from streams.contracts.reasons import FieldError, Reason
from streams.contracts.rejected import RejectedEvent
from streams.contracts.source import Source
from streams.decode import Rejected
from streams.recent import Recent
from streams.tokens import SubjectKind, Token, TokenKey, Vault

_ABSENT, _PERSON, _COMPANY, _FOREIGN, _ACCOUNT = range(len(PARTY_KINDS))
# Where a topic takes its writers' clocks, a record may carry any time; a refusal must still be writable.
_LAST_INSTANT: Final = 253_402_300_799_999
_NO_TOKEN: Final = (0, 0)
_NO_WORDS: Final = (0, 0, 0, 0)
_NOT_GIVEN: Final = 255  # EVENT["channel"]
_ABROAD: Final = 255  # EVENT["payer_region"]
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_IBAN: Final = re.compile(r"[A-Za-z]{2}[0-9]{2}[A-Za-z0-9]{11,30}")
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


class SourceRecord(Protocol):
    """What Kafka clients call a record, as far as it is used here."""

    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...


class Identity(NamedTuple):
    """What stands behind a token, sealed: the key and value of one record of the `identities` topic."""

    key: bytes  # the token's text form; with `/name` behind it for the record that also has the name
    sealed: bytes


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
    """What a batch of records came to; each is in one of rows, rejected, heartbeats, reversals and controls."""

    rows: Events
    rejected: list[RejectedEvent] = field(default_factory=list)
    identities: list[Identity] = field(default_factory=list)
    heartbeats: list[HeartbeatSeen] = field(default_factory=list)
    reversals: list[ReversalSeen] = field(default_factory=list)
    controls: list[ControlSeen] = field(default_factory=list)


# What is kept in the caches are plain tuples of numbers, which the garbage collector need not walk through.
_Halves = tuple[int, int]
_PartyNames = tuple[str | None, str | None, str | None]  # id, account, name
_PartyTokens = tuple[int, _Halves, int, bool]  # kind, token, account, non-resident unless said otherwise


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
        self._vault = vault
        self._institutions = None if institutions is None else frozenset(institutions)
        self._parties: Recent[_PartyNames, _PartyTokens] = Recent(self._party, limit=cached)
        self._phones: Recent[str, _Halves] = Recent(self._phone, limit=cached)
        self._devices: Recent[str, _Halves] = Recent(self._device, limit=cached)
        self._words: Recent[str, tuple[int, int, int, int]] = Recent(first_words, limit=10_000)
        self._regions: Recent[str, int] = Recent(region_number, limit=2_000)
        # Sealing is for the first sight only; a repeat after this many others costs the compacted topic nothing.
        self._told: Recent[int, bool] = Recent(lambda _: False, limit=8 * cached)
        self._identities: list[Identity] = []

    def admit(
        self,
        records: Iterable[SourceRecord],
        *,
        institution: str | None,
        source_index: int,
        topic: str | None = None,
        partition: int = 0,
    ) -> Admitted:
        """Judge nothing, admit or refuse everything: `institution` owns the source, None where the source has many."""
        rows: list[bytes] = []
        admitted = Admitted(rows=np.zeros(0, EVENT))
        topic = topic or f"tx.{institution or 'all'}"
        for record in records:
            try:
                row = self._admit_one(record, institution, source_index, admitted)
            except Rejected as refusal:
                admitted.rejected.append(_refused(record, refusal, institution, topic, partition))
            except MemoryError:
                raise
            except Exception as failure:
                # Total by design: one record that finds a bug here must not stop every other institution's.
                words = f"the center failed on this record ({type(failure).__name__})"
                unread = Rejected(Reason.INTERNAL, "$", words)
                admitted.rejected.append(_refused(record, unread, institution, topic, partition))
            else:
                if row is not None:
                    rows.append(row)
        admitted.rows = np.frombuffer(bytearray(b"".join(rows)), dtype=EVENT)
        admitted.identities, self._identities = self._identities, []
        return admitted

    def _admit_one(
        self, record: SourceRecord, institution: str | None, source_index: int, admitted: Admitted
    ) -> bytes | None:
        epoch = None
        if record.headers:
            epoch, control = _history(record)
            if control is not None and epoch is not None:
                admitted.controls.append(ControlSeen(record.offset, control, epoch))
                return None
        read, canonical = decode.read(record.value or b"")
        if type(read) is decode.Transaction:
            occurred_at, amount = decode.check_transaction(read)
            self._check_sender(read.institution, institution, occurred_at, record.timestamp)
            return self._row(read, canonical, occurred_at, amount, epoch, record, source_index)
        if type(read) is decode.Heartbeat:
            occurred_at = decode.check_heartbeat(read)
            self._check_sender(read.institution, institution, occurred_at, record.timestamp)
            admitted.heartbeats.append(HeartbeatSeen(record.offset, read.institution, occurred_at, epoch))
            return None
        assert isinstance(read, decode.Reversal)
        occurred_at = decode.check_reversal(read)
        self._check_sender(read.institution, institution, occurred_at, record.timestamp)
        event_hash = self._key.event_hash
        event, of = event_hash(read.institution, read.event_id), event_hash(read.institution, read.of)
        admitted.reversals.append(ReversalSeen(record.offset, read.institution, event, of, occurred_at))
        return None

    def _check_sender(self, sender: str, owner: str | None, occurred_at: int, appended_at: int) -> None:
        if owner is not None:
            if sender != owner:
                raise Rejected(Reason.WRONG_INSTITUTION, "$.institution", "another institution owns this topic")
        elif self._institutions is not None and sender not in self._institutions:
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
        payer_kind = payee_kind = _ABSENT
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

    def _party(self, party: _PartyNames) -> _PartyTokens:
        identifier, account, name = party
        account_token: _Halves = _NO_TOKEN
        if account is not None:
            account_token = _plain(self._key.token("account", canonical_account(account)))
            self._tell("account", account_token, account, name if identifier is None else None)
        if identifier is None:
            return _ACCOUNT, account_token, account_token[0], False
        token = _plain(self._key.token("person", identifier))
        self._tell("person", token, identifier, name)
        if identifier[2] == ":":
            return _FOREIGN, token, account_token[0], True
        fifth = identifier[4]
        return _COMPANY if fifth >= "4" else _PERSON, token, account_token[0], fifth == "5"

    def _phone(self, number: str) -> _Halves:
        token = _plain(self._key.token("phone", number))
        self._tell("phone", token, number, None)
        return token

    def _device(self, identifier: str) -> _Halves:
        token = _plain(self._key.token("device", identifier))
        self._tell("device", token, identifier, None)
        return token

    def _tell(self, kind: SubjectKind, token: _Halves, value: str, name: str | None) -> None:
        """Seal what stands behind a token the first time it is seen, and once more when first seen with a name."""
        if self._vault is None:
            return
        sight = token[0] if name is None else ~token[0]
        if self._told[sight]:
            return
        self._told[sight] = True
        text = self._key.text(token)
        # A record of its own for the name: on a compacted topic a later sight without a name must not wipe it out.
        key = f"{text}/name".encode() if name is not None else text.encode()
        plain = {"kind": kind, "id" if kind == "person" else kind: value}
        if name is not None:
            plain["name"] = name
        self._identities.append(Identity(key, self._vault.seal(key, msgspec.json.encode(plain))))


def _plain(token: Token) -> _Halves:
    return token.key, token.rest


def canonical_account(account: str) -> str:
    """What is hashed: an IBAN is the same account in small letters, any other account is taken as it is."""
    return account.upper() if _IBAN.fullmatch(account) else account


def region_number(region: str) -> int:
    """The number of a region of Kazakhstan; 255 for any other country.

    >>> region_number("KZ-75"), region_number("RU-MOW")
    (75, 255)
    """
    return int(region[3:]) if region.startswith("KZ-") else _ABROAD


def first_words(purpose: str) -> tuple[int, int, int, int]:
    """Hashes of the first four words of three letters or more, 0 where there are fewer."""
    words = _WORD.findall(unicodedata.normalize("NFC", purpose).casefold())[:4]
    first, second, third, fourth = [*map(word_hash, words), 0, 0, 0, 0][:4]
    return first, second, third, fourth


def _history(record: SourceRecord) -> tuple[int | None, Literal["open", "close"] | None]:
    try:
        return headers.read_history(record.headers, record.timestamp)
    except FieldError as error:
        raise Rejected(error.reason, "$", error.message) from None


def _refused(
    record: SourceRecord, refusal: Rejected, institution: str | None, topic: str, partition: int
) -> RejectedEvent:
    value = record.value or b""
    return RejectedEvent(
        type="rejected",
        institution=institution,
        reason=refusal.reason,
        path=refusal.path,
        message=refusal.message,
        source=Source(topic=topic, partition=partition, offset=record.offset),
        appended_at=from_milliseconds(min(max(0, record.timestamp), _LAST_INSTANT)),
        size=len(value),
        sha256=hashlib.sha256(value).hexdigest(),
    )
