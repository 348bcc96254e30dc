"""Lists, blocked resources, sealed identities, and counts of what was refused."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from console.store.tables.base import metadata

identities = Table(  # what stands behind a token, sealed as it came: only console.vault opens it
    "identities",
    metadata,
    Column("record_key", String(64), primary_key=True),  # the token, or the token and `/name`
    Column("sealed", LargeBinary, nullable=False),
)

registry_entries = Table(  # lists and blocked resources as their topics have them; identities stay in the topic
    "registry_entries",
    metadata,
    Column("registry", String(32), primary_key=True),  # lists, blocked_resources
    Column("entry_id", String(64), primary_key=True),
    Column("list", String(32), nullable=False),
    Column("subject", BigInteger, primary_key=True, autoincrement=False),
    Column("action", String(10), nullable=False),  # set, withdrawn
    Column("publisher", String(11), nullable=False),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proof", String(20)),
    Column("appeal", String(10)),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_to", BigInteger),
    Column("recorded_at", BigInteger, nullable=False),
    Index(None, "subject"),
    Index(None, "list", "valid_to"),
)

refusal_counts = Table(  # credit refusals are millions: the console keeps how many a day, never whose
    "refusal_counts",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),  # of Kazakhstan's calendar, counted from 1970
    Column("action", String(10), primary_key=True),
    Column("entries", Integer, nullable=False),
)

refusal_records = Table(  # the records that were counted in them: one that comes again says nothing new
    "refusal_records",
    metadata,
    Column("publisher", String(11), primary_key=True),
    Column("event_id", String(64), primary_key=True),
)

rejected_counts = Table(  # what intake refused, by day, publisher and reason
    "rejected_counts",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("publisher", String(11), primary_key=True),
    Column("reason", String(48), primary_key=True),
    Column("events", Integer, nullable=False),
)

rejected_places = Table(  # what was counted in them, while it may still be told again
    "rejected_places",
    metadata,
    Column("topic", String(249), primary_key=True),  # of the refused record
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, nullable=False),
    Index(None, "day"),
)
