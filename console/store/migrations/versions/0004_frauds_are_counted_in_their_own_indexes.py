"""Frauds are counted in indexes of their own"""

from __future__ import annotations

from alembic import op

from console.store.tables import FRAUD_CONFIRMED

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From 0003 to 0004."""
    grouped = ["status", "typology", "institution", "region", "occurred_at", "reason_code", "amount"]
    op.create_index("ix_alerts_grouped", "alerts", grouped)
    op.create_index(
        "ix_alerts_confirmed",
        "alerts",
        ["institution", "event_id", "occurred_at", "status", "amount", "reason_code"],
        sqlite_where=FRAUD_CONFIRMED,
        postgresql_where=FRAUD_CONFIRMED,
    )
