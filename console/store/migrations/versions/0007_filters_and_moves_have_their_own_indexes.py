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
_LED_BY = ("typology", "institution", "assignee", "campaign_id")
_OPEN, _CLOSED = sa.text("state <> 'closed'"), sa.text("state = 'closed'")


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
    for mine, other in (("payer", "payee"), ("payee", "payer")):
        op.drop_index(f"ix_operations_{mine}_occurred_at", "operations")
        op.create_index(f"ix_operations_{mine}_moves", "operations", [mine, "occurred_at", "kind", "amount", other])
