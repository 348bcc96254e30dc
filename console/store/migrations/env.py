"""What Alembic runs: on the connection of the store that is being opened, or by hand on the one that `-x` names."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine

from console.store.tables import metadata


def migrate(connection: Connection) -> None:
    """Run what was asked for in the transaction of `connection`."""
    # SQLite changes a column by copying its table.
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with create_engine(context.get_x_argument(as_dictionary=True)["store"]).begin() as opened:
        migrate(opened)
