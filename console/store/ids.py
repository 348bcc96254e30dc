"""How rows that the console itself makes get their numbers: 1, 2, 3, … in each table."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Table, func, select


def next_id(connection: Connection, table: Table) -> int:
    """The number of the next row of a table with a one-column number for its key; call it in `Store.writing`.

    There is one writer at a time, in both databases, so that nobody else takes the same number before this
    transaction ends.
    """
    return next_of(connection, table.primary_key.columns[0])


def next_of(connection: Connection, column: Column[int]) -> int:
    """One more than the highest number in a column that counts rows up; call it in `Store.writing`."""
    return int(connection.scalar(select(func.coalesce(func.max(column), 0))) or 0) + 1
