"""The audit log only grows: the database itself refuses to change or delete an entry"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = ("audit", "audit_heads")
_FUNCTION = """
CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log only grows' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


def upgrade() -> None:
    """From 0001 to 0002."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute(_FUNCTION)
    for table in _TABLES:
        for statement in _for_postgresql(table) if postgresql else _for_sqlite(table):
            op.execute(statement)


def _for_postgresql(table: str) -> list[str]:
    refuse = "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()"
    return [f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} {refuse}"]


def _for_sqlite(table: str) -> list[str]:
    refuse = "BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END"
    # INSERT OR REPLACE deletes a row without asking the trigger for deletions.
    there = f"(SELECT 1 FROM {table} WHERE number = NEW.number)"  # noqa: S608 - names of ours
    return [
        f"CREATE TRIGGER {table}_not_changed BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_not_deleted BEFORE DELETE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_not_replaced BEFORE INSERT ON {table} WHEN EXISTS {there} {refuse}",
    ]
