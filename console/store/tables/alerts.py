"""Suspicious operations, with what analysts do with them, and the campaigns that they make."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from console.store.tables.base import HASH, metadata

# What the queue sieves by; its indexes hold all of it, so that a filter that few alerts pass reads no row in vain.
_SIEVED: Final = (
    "typology", "institution", "assignee", "state", "snoozed_until", "subject_role", "occurred_at", "campaign_id",
)  # fmt: skip
# Filters that have indexes of their own.
_LED_BY: Final = ("typology", "institution", "assignee", "occurred_at", "campaign_id")
CONFIRMED: Final = ("confirmed", "mule", "victim", "returned_money")  # reason codes by which a fraud took place
# As SQLite compares it to a query's words, letter by letter: those that count confirmed frauds have this very text.
FRAUD_CONFIRMED: Final = text("reason_code IN ('confirmed', 'mule', 'victim', 'returned_money')")
_OPEN: Final = text("state <> 'closed'")
_RUNNING: Final = text("state <> 'closed' AND deadline_at IS NOT NULL")
_CLOSED: Final = text("state = 'closed'")

campaigns = Table(  # alerts that hang together: one payee, device, phone or text
    "campaigns",
    metadata,
    Column("campaign_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(8), nullable=False),  # payee, device, phone, text; payer where an event has no payee
    Column("key", BigInteger, nullable=False),
    Column("first_at", BigInteger, nullable=False),  # occurred_at of the first and the last alert
    Column("last_at", BigInteger, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("open_alerts", Integer, nullable=False),
    Column("severity", Integer, nullable=False),  # the highest of its open alerts
    Column("amount", BigInteger, nullable=False),  # of the events, each counted once
    Column("victims", Integer, nullable=False),  # different payers
    Column("typologies", String(200), nullable=False),  # ids in order, separated by a blank
    Column("case_id", BigInteger),
    Index(None, "kind", "key"),
    Index(None, "open_alerts", "severity", "last_at"),
)

campaign_links = Table(  # to which campaign alerts with this payee, device, phone or text went last
    "campaign_links",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("campaign_id", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),  # occurred_at of the last of them
    Index(None, "campaign_id"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", HASH, primary_key=True),
    Column("seq", BigInteger, nullable=False, unique=True),  # order of arrival in this store: the id of live events
    Column("typology", String(4), nullable=False),
    Column("typology_version", String(32), nullable=False),
    Column("status", String(6), nullable=False),  # active, shadow
    Column("rulebook_digest", String(128), nullable=False),
    Column("institution", String(11), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("appended_at", BigInteger, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("score", Float, nullable=False),
    Column("risk", Float, nullable=False),
    Column("severity", Integer, nullable=False),  # 0 low, 1 medium, 2 high, 3 critical: console.store.severity
    Column("decision", String(8)),  # warn, step_up, hold, block
    Column("subject_role", String(6), nullable=False),
    Column("subject", BigInteger, nullable=False),  # keys
    Column("payer", BigInteger),
    Column("payee", BigInteger),
    Column("device", BigInteger),
    Column("phone", BigInteger),
    Column("region", Integer),  # payer_region of its operation, else payee_region; none: its operation is not known
    Column("campaign_id", BigInteger, ForeignKey("campaigns.campaign_id")),
    Column("deadline_at", BigInteger),  # of the hold it caused, while one runs
    Column("document", Text, nullable=False),  # the alert as published
    # what analysts do with it
    Column("state", String(9), nullable=False),  # new, assigned, snoozed, escalated, closed
    Column("assignee", String(64)),
    Column("snoozed_until", BigInteger),
    Column("reason_code", String(32)),  # of the closing: console.store.dispositions
    Column("closed_at", BigInteger),
    Column("case_id", BigInteger),
    Column("version", Integer, nullable=False),  # raised by every change: a stale form is refused
    CheckConstraint("state IN ('new','assigned','snoozed','escalated','closed')", name="state"),
    Index(None, "typology", "state", "seq"),
    Index(None, "subject", "seq"),
    Index(None, "campaign_id", "seq"),
    Index(None, "case_id"),
    Index(None, "institution", "event_id"),
    # Statistics read these three alone: a million alerts are counted without touching their documents.
    Index("ix_alerts_counted", "occurred_at", "status", "typology", "institution", "region", "reason_code", "amount"),
    Index("ix_alerts_grouped", "status", "typology", "institution", "region", "occurred_at", "reason_code", "amount"),
    Index(
        "ix_alerts_confirmed",
        "institution",
        "event_id",
        "occurred_at",
        "status",
        "amount",
        "reason_code",
        sqlite_where=FRAUD_CONFIRMED,
        postgresql_where=FRAUD_CONFIRMED,
    ),
    Index(
        "ix_alerts_queue",
        "status",
        "severity",
        "amount",
        "seq",
        "deadline_at",
        *_SIEVED,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index(
        "ix_alerts_clock",
        "status",
        "severity",
        "deadline_at",
        "amount",
        "seq",
        *_SIEVED,
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    ),
    Index(
        "ix_alerts_closed",
        "status",
        "severity",
        "seq",
        "amount",
        *_SIEVED,
        sqlite_where=_CLOSED,
        postgresql_where=_CLOSED,
    ),
)

for _first in _LED_BY:
    _rest = tuple(name for name in _SIEVED if name != _first)
    Index(
        f"ix_alerts_queue_{_first}",
        *[alerts.c[name] for name in (_first, "status", "severity", "amount", "seq", "deadline_at", *_rest)],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    Index(
        f"ix_alerts_closed_{_first}",
        *[alerts.c[name] for name in (_first, "status", "severity", "seq", "amount", *_rest)],
        sqlite_where=_CLOSED,
        postgresql_where=_CLOSED,
    )

alert_parties = Table(  # whom an alert concerns, in whatever role: the subject page looks here
    "alert_parties",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("role", String(6), nullable=False),
)
