"""Hops of chains that alerts name stay in the store"""

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_CHAINS = "T15"  # no other typology had named operations of others by then


def upgrade() -> None:
    """From 0007 to 0008, with the hops of the alerts that are there."""
    table = op.create_table(
        "chain_events",
        sa.Column("event", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("event", name="pk_chain_events"),
    )
    chosen = sa.text("SELECT document FROM alerts WHERE typology = :typology")
    documents = op.get_bind().execute(chosen, {"typology": _CHAINS}).scalars()
    events = {event for document in documents for event in _hops(document)}
    if events:
        op.bulk_insert(table, [{"event": event} for event in sorted(events)])


def _hops(document: str) -> Iterator[int]:
    for each in json.loads(document)["evidence"]:
        if each.get("subject") is not None:
            yield int.from_bytes(bytes.fromhex(each["event"]), "big", signed=True)
