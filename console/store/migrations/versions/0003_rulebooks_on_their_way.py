"""Approved rulebooks on their way to the topic"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From 0002 to 0003."""
    op.create_table(
        "rulebook_activations",
        sa.Column("proposal_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(128), nullable=False),
        sa.Column("approved_at", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger()),
        sa.Column("effective_at", sa.BigInteger()),
        sa.Column("failure", sa.String(32)),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name="fk_rulebook_activations_proposal_id"),
        sa.PrimaryKeyConstraint("proposal_id", name="pk_rulebook_activations"),
    )
