"""Who works here, who is signed in, and what everybody did."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from console.store.tables.base import metadata

users = Table(
    "users",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("full_name", String(256), nullable=False),
    Column("role", String(10), nullable=False),
    Column("language", String(2), nullable=False),
    Column("password_hash", String(256)),  # argon2id; none for those who come by OIDC
    Column("totp_sealed", LargeBinary),  # the secret, sealed by the store's key
    Column("totp_last", BigInteger),  # the last counter used: a code works once
    Column("oidc_subject", String(256), unique=True),
    Column("enabled", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    CheckConstraint("role IN ('analyst','senior','compliance','auditor','admin')", name="role"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_hash", String(64), primary_key=True),  # SHA-256 of the cookie: a stolen store opens no session
    Column("username", String(64), ForeignKey("users.username"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Index(None, "username"),
)

audit = Table(  # append-only; each entry's hash covers the one before
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("role", String(10), nullable=False),
    Column("action", String(64), nullable=False),
    Column("object_kind", String(32), nullable=False),
    Column("object_id", String(128), nullable=False),
    Column("reason", Text),
    Column("detail", Text, nullable=False),  # canonical JSON without personal data
    Column("request_id", String(36)),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Index(None, "actor", "at"),
    Index(None, "object_kind", "object_id"),
    Index(None, "action", "at"),
)

audit_heads = Table(  # signed from time to time, to be kept elsewhere as well
    "audit_heads",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("signed_at", BigInteger, nullable=False),
    Column("signature", String(128), nullable=False),  # Ed25519, hexadecimal
    Column("key_id", String(64), nullable=False),
)

saved_filters = Table(
    "saved_filters",
    metadata,
    Column("username", String(64), ForeignKey("users.username"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("query", Text, nullable=False),
)
