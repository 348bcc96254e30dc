"""What was judged, and how far the feed has read: written by the feed, and by nobody else."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, text

from console.store.tables.base import TOKEN, metadata

_WITH_PHONE: Final = text("phone IS NOT NULL")
_WITH_ACCOUNT: Final = text("payee_account IS NOT NULL")

feed_offsets = Table(
    "feed_offsets",
    metadata,
    Column("topic", String(249), primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),  # written in the transaction of the rows it covers
    Column("cluster", String(64), nullable=False),  # offsets mean nothing in another cluster
    Column("next_number", BigInteger),  # of `judged`: the number of the next event; what comes again is told by it
)

tokens = Table(  # every token met, by its first half
    "tokens",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("token", TOKEN, nullable=False, unique=True),
    Column("kind", String(8), nullable=False),  # person, company, foreign, account, device, phone
)

operations = Table(  # one judged transaction or fact (rules.events.KINDS), as the center judged it
    "operations",
    metadata,
    Column("event", BigInteger, primary_key=True, autoincrement=False),  # EVENT["event"], signed
    Column("event_id", String(64), nullable=False),
    Column("institution", String(11), nullable=False),
    Column("topic", String(249), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("appended_at", BigInteger, nullable=False),
    Column("kind", Integer, nullable=False),  # index into rules.events.KINDS
    Column("channel", Integer, nullable=False),  # index into rules.events.CHANNELS; 255 not given
    Column("flags", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),  # tiyn, by the rates in force
    Column("purpose_code", Integer, nullable=False),
    Column("words", BigInteger, nullable=False),  # four 16-bit hashes of the purpose's first words, packed; 0: none
    Column("payer", BigInteger),  # keys
    Column("payee", BigInteger),
    Column("device", BigInteger),
    Column("phone", BigInteger),
    Column("payer_account", BigInteger),
    Column("payee_account", BigInteger),
    Column("payer_region", Integer, nullable=False),  # number of the ISO 3166-2:KZ region; 0 not given, 255 abroad
    Column("payee_region", Integer, nullable=False),
    Column("payer_institution", String(11)),
    Column("payee_institution", String(11)),
    Column("risk", Float, nullable=False),
    # With what the history of a subject needs, so that two thousand moves are read without their rows.
    Index("ix_operations_payer_moves", "payer", "occurred_at", "kind", "amount", "payee", "device", "phone"),
    Index("ix_operations_payee_moves", "payee", "occurred_at", "kind", "amount", "payer"),
    Index("ix_operations_device_uses", "device", "occurred_at", "payer"),
    Index(
        "ix_operations_phone_uses",
        "phone",
        "occurred_at",
        "payer",
        sqlite_where=_WITH_PHONE,
        postgresql_where=_WITH_PHONE,
    ),
    Index(
        "ix_operations_payee_account",  # a listed account is screened again by it
        "payee_account",
        "occurred_at",
        sqlite_where=_WITH_ACCOUNT,
        postgresql_where=_WITH_ACCOUNT,
    ),
    Index(None, "institution", "event_id"),
    Index(None, "occurred_at"),
)

chain_events = Table(  # hops of chains that alerts name: operations of people whom no alert concerns, and which stay
    "chain_events",
    metadata,
    Column("event", BigInteger, primary_key=True, autoincrement=False),
)

activity = Table(  # judged transactions by day and institution: the share that is late, and what it moved
    "activity",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("institution", String(11), primary_key=True),
    Column("events", Integer, nullable=False),
    Column("late", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
)
