"""Writes many rows at once, of which some may be there already; the same words for SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, case
from sqlalchemy.dialects import postgresql, sqlite

Row = dict[str, Any]
Item = TypeVar("Item")
ASKED_AT_ONCE: Final = 500  # values in one IN: both databases take more, and plan it no better

Condition = Callable[[Any], ColumnElement[bool]]


def add(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows whose primary key, or other unique column, is not there yet."""
    if rows:
        _run(connection, _insert(connection, table).on_conflict_do_nothing(), rows)


def put(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    *,
    keep: Collection[str] = (),
    adding: Collection[str] = (),
    raising: Collection[str] = (),
    where: Condition | None = None,
) -> None:
    """Insert rows, or change those that are there; all rows have the same columns.

    Columns in `keep` stay as they are; to those in `adding` what comes is added; of those in `raising` the higher one
    stays. `where` gets the columns of the row that comes and says whether it counts.
    """
    if not rows:
        return
    statement = _insert(connection, table)
    new = statement.excluded
    changed = {name: new[name] for name in rows[0] if name not in table.primary_key.columns and name not in keep}
    changed |= {name: table.c[name] + new[name] for name in adding}
    changed |= {name: case((table.c[name] < new[name], new[name]), else_=table.c[name]) for name in raising}
    keys = [column.name for column in table.primary_key.columns]
    condition = None if where is None else where(new)
    _run(connection, statement.on_conflict_do_update(index_elements=keys, set_=changed, where=condition), rows)


def chunks(items: Iterable[Item], size: int = ASKED_AT_ONCE) -> Iterator[list[Item]]:
    """The items in lists of `size`, the last one shorter.

    >>> list(chunks("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def _run(connection: Connection, statement: Any, rows: Sequence[Row]) -> None:
    """Give the rows to the driver as they are: what SQLAlchemy would do with each of them costs as much as the insert.

    None of the store's types needs it: numbers, texts, booleans and bytes are the drivers' own.
    """
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    if compiled.positiontup is None:
        connection.exec_driver_sql(str(compiled), list(rows))
        return
    names = compiled.positiontup
    connection.exec_driver_sql(str(compiled), [tuple([row[name] for name in names]) for row in rows])


def _insert(connection: Connection, table: Table) -> Any:
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
