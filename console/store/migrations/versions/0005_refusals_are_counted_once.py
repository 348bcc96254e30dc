"""Credit refusals that are told again are not counted again"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From 0004 to 0005."""
    op.create_table(
        "refusal_records",
        sa.Column("publisher", sa.String(11), nullable=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("publisher", "event_id", name="pk_refusal_records"),
    )
