"""Operations are found by the account that was paid"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From 0005 to 0006."""
    known = sa.text("payee_account IS NOT NULL")
    op.create_index(
        "ix_operations_payee_account",
        "operations",
        ["payee_account", "occurred_at"],
        sqlite_where=known,
        postgresql_where=known,
    )
