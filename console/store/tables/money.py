"""The books of a case: claims, postings, recalls."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, String, Table, UniqueConstraint

from console.store.tables.base import metadata

claims = Table(  # what a victim says was lost, in a case
    "claims",
    metadata,
    Column("claim_id", BigInteger, primary_key=True, autoincrement=False),
    Column("case_id", BigInteger, ForeignKey("cases.case_id"), nullable=False),
    Column("claimant", BigInteger, nullable=False),
    Column("operation", BigInteger, nullable=False),  # the event that took it
    Column("amount", BigInteger, nullable=False),
    Column("state", String(9), nullable=False),  # open, withdrawn, settled
    Column("made_by", String(64), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    UniqueConstraint("case_id", "operation"),
    CheckConstraint("amount > 0", name="amount"),
)

ledger = Table(  # double entry: what is frozen, recovered, distributed; a transfer's postings add up to zero
    "ledger",
    metadata,
    Column("posting_id", BigInteger, primary_key=True, autoincrement=False),
    Column("transfer_id", BigInteger, nullable=False),
    Column("case_id", BigInteger, ForeignKey("cases.case_id"), nullable=False),
    Column("account", String(96), nullable=False),  # frozen:KEY, held:CASE, claimant:KEY, outside
    Column("amount", BigInteger, nullable=False),  # tiyn; positive into the account
    Column("cause", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(64), nullable=False),
    Index(None, "case_id", "account"),
    Index(None, "transfer_id"),
)

recalls = Table(  # camt.056 requests: they close themselves when the money comes back
    "recalls",
    metadata,
    Column("recall_id", BigInteger, primary_key=True, autoincrement=False),
    Column("case_id", BigInteger, ForeignKey("cases.case_id"), nullable=False),
    Column("operation", BigInteger, nullable=False, unique=True),
    Column("amount", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),  # open, part, closed, refused
    Column("made_at", BigInteger, nullable=False),
    Column("closed_by_event", BigInteger),
    Index(None, "state"),
)
