"""Writes many rows at once, of which some may be there already; the same words for SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import Connection, Dialect, Table, case
from sqlalchemy.dialects import postgresql, sqlite

Row = dict[str, Any]
Item = TypeVar("Item")
ASKED_AT_ONCE: Final = 500  # values in one IN: both databases take more, and plan it no better
_SHAPES: Final = 256  # of statements that are kept

Condition = tuple[str, Callable[[Any, Any], Any]]  # a column, and what of `operator` is to hold


class _Change(NamedTuple):
    """What becomes of a row that is there; see `put`."""

    keep: frozenset[str]
    adding: frozenset[str]
    raising: frozenset[str]
    where: Condition | None


def add(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows whose primary key, or other unique column, is not there yet."""
    if rows:
        _run(connection, _Shape(connection.dialect, table, tuple(rows[0])), rows)


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
    stays. `where=("number", operator.lt)`: a row that comes counts only where the number there is below its own.
    """
    if rows:
        change = _Change(frozenset(keep), frozenset(adding), frozenset(raising), where)
        _run(connection, _Shape(connection.dialect, table, tuple(rows[0]), change), rows)


def chunks(items: Iterable[Item], size: int = ASKED_AT_ONCE) -> Iterator[list[Item]]:
    """The items in lists of `size`, the last one shorter.

    >>> list(chunks("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


class _Shape(NamedTuple):
    """Statements of one shape are the same text."""

    dialect: Dialect
    table: Table
    columns: tuple[str, ...]
    change: _Change | None = None


def _run(connection: Connection, shape: _Shape, rows: Sequence[Row]) -> None:
    """Give the rows to the driver as they are: what SQLAlchemy would do with each of them costs as much as the insert.

    None of the store's types needs it: numbers, texts, booleans and bytes are the drivers' own.
    """
    words, names = _written(shape)
    if names is None:
        connection.exec_driver_sql(words, list(rows))
        return
    connection.exec_driver_sql(words, [tuple([row[name] for name in names]) for row in rows])


@lru_cache(maxsize=_SHAPES)
def _written(shape: _Shape) -> tuple[str, Sequence[str] | None]:
    """The statement, and the order of its values where they have no names; it takes as long as a hundred inserts."""
    dialect, table, columns, change = shape
    statement = (sqlite if dialect.name == "sqlite" else postgresql).insert(table)
    if change is None:
        told: Any = statement.on_conflict_do_nothing()
    else:
        told = _changing(statement, table, columns, change)
    compiled = told.compile(dialect=dialect, column_keys=list(columns))
    return str(compiled), compiled.positiontup


def _changing(statement: Any, table: Table, columns: Sequence[str], change: _Change) -> Any:
    new = statement.excluded
    keys = [column.name for column in table.primary_key.columns]
    changed = {name: new[name] for name in columns if name not in keys and name not in change.keep}
    changed |= {name: table.c[name] + new[name] for name in change.adding}
    changed |= {name: case((table.c[name] < new[name], new[name]), else_=table.c[name]) for name in change.raising}
    condition = None
    if change.where is not None:
        name, holds = change.where
        condition = holds(table.c[name], new[name])
    return statement.on_conflict_do_update(index_elements=keys, set_=changed, where=condition)
