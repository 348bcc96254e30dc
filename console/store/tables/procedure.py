"""What follows from alerts, as the topics tell it: holds, notices, warnings, and the pyramid meter."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text

from console.store.tables.base import HASH, metadata

hold_events = Table(  # every state that a hold went through
    "hold_events",
    metadata,
    Column("hold_id", HASH, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(10), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)

holds = Table(  # the latest of them
    "holds",
    metadata,
    Column("hold_id", HASH, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("decision", String(8), nullable=False),
    Column("state", String(10), nullable=False),
    Column("open", Boolean, nullable=False),
    Column("cause", String(48), nullable=False),
    Column("institution", String(11), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("payer", BigInteger),
    Column("payee", BigInteger),
    Column("since", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("clock", String(48), nullable=False),
    Column("deadline_at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "open", "deadline_at"),
    Index("ix_holds_counted", "since", "decision", "state", "institution", "amount", "open", "hold_id"),
    Index(None, "institution", "event_id"),
    Index(None, "payee"),
    Index(None, "payer"),
)

notices = Table(
    "notices",
    metadata,
    Column("notice_id", HASH, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("outcome", String(10), nullable=False),  # open, done, withdrawn, unanswered
    Column("measure", String(48), nullable=False),
    Column("addressee", String(48), nullable=False),
    Column("typology", String(4), nullable=False),
    Column("alert_id", HASH, nullable=False),
    Column("subject", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("deadline_at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Column("answer", String(10)),  # what an analyst wrote down of the addressee's answer: done, refused
    Column("answered_by", String(64)),
    Column("answered_at", BigInteger),
    Index(None, "outcome", "deadline_at"),
    Index(None, "subject"),
)

warnings = Table(
    "warnings",
    metadata,
    Column("warning_id", HASH, primary_key=True),
    Column("payer", BigInteger, nullable=False),
    Column("payee", BigInteger, nullable=False),
    Column("institution", String(11), nullable=False),
    Column("rule", String(48), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "payee", "at"),
    Index(None, "payer", "at"),
    Index("ix_warnings_counted", "at", "rule", "institution"),
)

warning_effects = Table(  # the latest measurement for each payee and rule
    "warning_effects",
    metadata,
    Column("payee", BigInteger, primary_key=True, autoincrement=False),
    Column("rule", String(48), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)

meter_readings = Table(  # the pyramid meter over time
    "meter_readings",
    metadata,
    Column("collector", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("index", Float, nullable=False),
    Column("above", Boolean, nullable=False),
    Column("people", Integer, nullable=False),
    Column("money_in", BigInteger, nullable=False),
    Column("money_out", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index("ix_meter_readings_counted", "at", "above", "collector", "people", "money_in"),
)

meters = Table(  # the latest reading
    "meters",
    metadata,
    Column("collector", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("index", Float, nullable=False),
    Column("above", Boolean, nullable=False),
    Column("highest", Float, nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "index"),
)

necessity = Table(
    "necessity",
    metadata,
    Column("record_id", HASH, primary_key=True),
    Column("list", String(48), nullable=False),
    Column("typology", String(4), nullable=False),
    Column("alert_id", HASH, nullable=False),
    Column("subject", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "subject", "at"),
)
