"""Cases, what takes two persons, and what goes out to Kafka."""

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

cases = Table(
    "cases",
    metadata,
    Column("case_id", BigInteger, primary_key=True, autoincrement=False),
    Column("title", String(256), nullable=False),
    Column("state", String(8), nullable=False),  # open, filed, closed
    Column("owner", String(64), ForeignKey("users.username"), nullable=False),
    Column("opened_by", String(64), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("outcome", String(32)),
    Column("restricted", Boolean, nullable=False),  # need-to-know: only its members see it
    Column("version", Integer, nullable=False),
    CheckConstraint("state IN ('open','filed','closed')", name="state"),
    Index(None, "state", "opened_at"),
    Index(None, "owner", "state"),
)

case_members = Table(
    "case_members",
    metadata,
    Column("case_id", BigInteger, ForeignKey("cases.case_id"), primary_key=True),
    Column("username", String(64), ForeignKey("users.username"), primary_key=True),
    Column("added_by", String(64), nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Index(None, "username"),
)

case_notes = Table(
    "case_notes",
    metadata,
    Column("note_id", BigInteger, primary_key=True, autoincrement=False),
    Column("case_id", BigInteger, ForeignKey("cases.case_id"), nullable=False),
    Column("author", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Index(None, "case_id", "at"),
)

proposals = Table(  # everything that takes two persons: filing, list entry, freeze order, distribution, rulebook
    "proposals",
    metadata,
    Column("proposal_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),  # filing, list_entry, freeze, distribution, rulebook, recall
    Column("case_id", BigInteger),
    Column("state", String(9), nullable=False),  # proposed, approved, refused, withdrawn, failed
    Column("maker", String(64), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("document", Text, nullable=False),  # what exactly is proposed, JSON; identities sealed
    Column("digest", String(64), nullable=False),  # SHA-256 of the document: what the checker saw is what is done
    Column("checker", String(64)),
    Column("checked_at", BigInteger),
    Column("answer", Text),
    CheckConstraint("checker IS NULL OR checker <> maker", name="two_persons"),
    CheckConstraint("state IN ('proposed','approved','refused','withdrawn','failed')", name="state"),
    Index(None, "kind", "state", "made_at"),
    Index(None, "case_id"),
)

outbound = Table(  # what the console sends to Kafka: written with the action, sent after it, until acknowledged
    "outbound",
    metadata,
    Column("outbound_id", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", String(249), nullable=False),
    Column("record_key", String(128)),
    Column("value", LargeBinary, nullable=False),  # sealed where it names a person (console.outbound)
    Column("made_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("failure", String(256)),
    Index(None, "sent_at", "outbound_id"),
)

rulebook_drafts = Table(
    "rulebook_drafts",
    metadata,
    Column("draft_id", BigInteger, primary_key=True, autoincrement=False),
    Column("title", String(256), nullable=False),
    Column("author", String(64), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("base_digest", String(128), nullable=False),
    Column("files", Text, nullable=False),  # JSON: path → text, of what differs from the base
    Column("digest", String(128), nullable=False),
    Column("checked", Text),  # JSON: faults and examples as of `digest`
    Column("difference", Text),  # JSON: the diff report as of `digest`
    Column("state", String(9), nullable=False),  # draft, proposed, approved, refused
    Column("version", Integer, nullable=False),
)

rulebook_activations = Table(  # approved rulebooks on their way to the topic `rulebook`, and what became of them
    "rulebook_activations",
    metadata,
    Column("proposal_id", BigInteger, ForeignKey("proposals.proposal_id"), primary_key=True, autoincrement=False),
    Column("digest", String(128), nullable=False),
    Column("approved_at", BigInteger, nullable=False),
    Column("generation", BigInteger),  # once it is on the topic
    Column("effective_at", BigInteger),
    Column("failure", String(32)),  # why the last attempt did not succeed: away, refused
)
