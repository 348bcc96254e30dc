"""How much an operation takes in the case store, with its indexes: those of the demo, put into an empty store in lots.

python load-tests/console_growth.py [sqlite:///var/demo/cases.db]
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, func, select, text

from console.store.opening import Store
from console.store.tables import operations
from console.store.upserts import Row, add, chunks
from tests.tools import postgresql

LOT = 1_000


def fill(store: Store, rows: list[Row]) -> None:
    for some in chunks(rows, LOT):
        with store.writing() as connection:
            add(connection, operations, some)


def in_sqlite(rows: list[Row]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.db"
        store = Store.open(f"sqlite:///{file}")
        fill(store, rows)
        store.close()
        with sqlite3.connect(file) as connection:
            (size,) = connection.execute("SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%operations%'").fetchone()
        return int(size)


def in_postgresql(rows: list[Row]) -> int:
    with postgresql.running() as address:
        store = Store.open(f"{address}/postgres")
        fill(store, rows)
        with store.reading() as connection:
            size = connection.scalar(text("SELECT pg_total_relation_size('operations')"))
        store.close()
        return int(size or 0)


def main() -> None:
    source = create_engine(sys.argv[1] if len(sys.argv) > 1 else "sqlite:///var/demo/cases.db")
    with source.connect() as connection:
        found = connection.execute(select(operations).order_by(operations.c.appended_at, operations.c.event))
        rows = [dict(row) for row in found.mappings()]
        assert len(rows) == connection.scalar(select(func.count()).select_from(operations))
    for name, measure in (("SQLite", in_sqlite), ("PostgreSQL", in_postgresql)):
        size = measure(rows)
        print(f"{name}: {len(rows):,} operations take {size / 1e6:.1f} MB, {size / len(rows):.0f} bytes each")


if __name__ == "__main__":
    main()
