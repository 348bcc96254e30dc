"""The records that publishers send, as msgspec structures: the form of each contract, its values not yet checked."""

from __future__ import annotations

import msgspec


class Party(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """See streams.contracts.transaction.Party."""

    id: str | None = None
    account: str | None = None
    institution: str | None = None
    phone: str | None = None
    region: str | None = None
    name: str | None = None
    resident: bool | None = None
    account_opened_at: str | None = None


class Device(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """See streams.contracts.transaction.Device."""

    id: str | None = None
    ip: str | None = None


class Context(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """See streams.contracts.transaction.Context."""

    device_new: bool | None = None
    sim_changed_at: str | None = None
    remote_access: bool | None = None
    own_deposit_broken: bool | None = None
    card: str | None = None
    merchant_category: str | None = None


class Transaction(
    msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False, tag_field="type", tag="transaction"
):
    """See streams.contracts.transaction.Transaction."""

    event_id: str
    occurred_at: str
    institution: str
    kind: str
    amount: str
    currency: str
    payer: Party | None = None
    payee: Party | None = None
    channel: str | None = None
    device: Device | None = None
    purpose: str | None = None
    purpose_code: str | None = None
    end_to_end_id: str | None = None
    context: Context | None = None


class Heartbeat(
    msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False, tag_field="type", tag="heartbeat"
):
    """See streams.contracts.heartbeat.Heartbeat."""

    occurred_at: str
    institution: str | None = None
    operator: str | None = None
    publisher: str | None = None


class Reversal(
    msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False, tag_field="type", tag="reversal"
):
    """See streams.contracts.reversal.Reversal."""

    event_id: str
    of: str
    institution: str
    occurred_at: str


class NamedSubject(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """See streams.contracts.subject.NamedSubject."""

    id: str | None = None
    account: str | None = None
    phone: str | None = None
    wallet: str | None = None
    card: str | None = None


class Callee(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """See streams.contracts.call.Callee."""

    phone: str
    id: str | None = None


class Call(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False, tag_field="type", tag="call"):
    """See streams.contracts.call.Call."""

    event_id: str
    occurred_at: str
    operator: str
    sign: str
    callee: Callee
    caller: str | None = None
    duration_seconds: int | None = None


class Borrower(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """See streams.contracts.loan.Borrower."""

    id: str
    account: str | None = None
    phone: str | None = None
    region: str | None = None


class Loan(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False, tag_field="type", tag="loan"):
    """See streams.contracts.loan.Loan."""

    event_id: str
    occurred_at: str
    institution: str
    loan_id: str
    stage: str
    borrower: Borrower
    amount: str
    currency: str
    online: bool
    secured: bool


class CreditRefusal(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """See streams.contracts.credit_refusals.CreditRefusal."""

    id: str
    action: str
    valid_from: str
    sequence: int


class CreditRefusals(
    msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False, tag_field="type", tag="credit_refusals"
):
    """See streams.contracts.credit_refusals.CreditRefusals."""

    event_id: str
    occurred_at: str
    publisher: str
    entries: list[CreditRefusal]


class ListEntry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """See streams.contracts.list_entries.ListEntry."""

    entry_id: str
    list: str
    action: str
    subject: NamedSubject
    source: str
    reason: str
    proof: str
    valid_from: str
    valid_to: str | None = None
    sequence: int | None = None
    appeal: str | None = None


class ListEntries(
    msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False, tag_field="type", tag="list_entries"
):
    """See streams.contracts.list_entries.ListEntries."""

    event_id: str
    occurred_at: str
    publisher: str
    entries: list[ListEntry]


class Tied(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """See streams.contracts.blocked_resource.Tied."""

    ids: list[str] | None = None
    accounts: list[str] | None = None
    phones: list[str] | None = None
    cards: list[str] | None = None
    wallets: list[str] | None = None


class BlockedResource(
    msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False, tag_field="type", tag="blocked_resource"
):
    """See streams.contracts.blocked_resource.BlockedResource."""

    event_id: str
    occurred_at: str
    publisher: str
    resource: str
    resource_kind: str
    reason: str
    action: str
    source: str
    valid_from: str
    tied: Tied
    valid_to: str | None = None
    sequence: int | None = None


class Disposition(
    msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False, tag_field="type", tag="disposition"
):
    """See streams.contracts.disposition.Disposition."""

    event_id: str
    occurred_at: str
    publisher: str
    outcome: str
    subject: NamedSubject
    alert_id: str | None = None
    typology: str | None = None
    amount: str | None = None
    currency: str | None = None


Record = Transaction | Heartbeat | Reversal | Call | Loan | CreditRefusals | ListEntries | BlockedResource | Disposition
STRUCTS = (Transaction, Heartbeat, Reversal, Call, Loan, CreditRefusals, ListEntries, BlockedResource, Disposition)
PARTS = (Party, Device, Context, NamedSubject, Callee, Borrower, CreditRefusal, ListEntry, Tied)
TYPES = tuple(str(struct.__struct_config__.tag) for struct in STRUCTS)
