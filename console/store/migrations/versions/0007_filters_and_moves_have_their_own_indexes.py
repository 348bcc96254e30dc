"""Filters of the queue and moves of subjects have indexes of their own"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SIEVED = (
    "typology",
    "institution",
    "assignee",
    "state",
    "snoozed_until",
    "subject_role",
    "occurred_at",
    "campaign_id",
)
_LED_BY = ("typology", "institution", "assignee", "occurred_at", "campaign_id")
_OPEN, _CLOSED = sa.text("state <> 'closed'"), sa.text("state = 'closed'")
_WITH_PHONE = sa.text("phone IS NOT NULL")


def upgrade() -> None:
    """From 0006 to 0007."""
    for first in _LED_BY:
        rest = [name for name in _SIEVED if name != first]
        in_order = [first, "status", "severity", "amount", "seq", "deadline_at", *rest]
        op.create_index(f"ix_alerts_queue_{first}", "alerts", in_order, sqlite_where=_OPEN, postgresql_where=_OPEN)
        by_arrival = [first, "status", "severity", "seq", "amount", *rest]
        op.create_index(
            f"ix_alerts_closed_{first}", "alerts", by_arrival, sqlite_where=_CLOSED, postgresql_where=_CLOSED
        )
    for unused in ("ix_alerts_assignee_state_seq", "ix_alerts_state_snoozed_until"):
        op.drop_index(unused, "alerts")
    for old in ("payer_occurred_at", "payee_occurred_at", "device_occurred_at", "phone"):
        op.drop_index(f"ix_operations_{old}", "operations")
    moved = ["occurred_at", "kind", "amount"]
    op.create_index("ix_operations_payer_moves", "operations", ["payer", *moved, "payee", "device", "phone"])
    op.create_index("ix_operations_payee_moves", "operations", ["payee", *moved, "payer"])
    op.create_index("ix_operations_device_uses", "operations", ["device", "occurred_at", "payer"])
    op.create_index(
        "ix_operations_phone_uses",
        "operations",
        ["phone", "occurred_at", "payer"],
        sqlite_where=_WITH_PHONE,
        postgresql_where=_WITH_PHONE,
    )
