"""Opens the case store in SQLite or PostgreSQL: its pragmas, its migrations, one writer at a time, clear errors."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from console.store.errors import StoreUnknown
from console.store.failures import translated
from console.store.migrating import migrate
from console.store.turns import Turns

_BUSY_SECONDS: Final = 5.0
# Any number will do, as long as nothing else in the same database takes it.
_WRITERS_LOCK: Final = 0x616E7469
# As many threads as the web server has, the feed and the sender.
_CONNECTIONS: Final = 48
_SCHEMES: Final = ("sqlite", "postgresql+psycopg")


class Store:
    """The case store. Functions of `console.store` take the Connections that it lends.

    with store.writing() as connection:
        ...  # all of it is kept, or none
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sqlite = engine.dialect.name == "sqlite"
        # Of PostgreSQL only the threads of this process; the processes take turns at its advisory lock.
        self._turns = Turns(Path(f"{engine.url.database}-turn") if self._sqlite else None, _BUSY_SECONDS)

    @classmethod
    def open(cls, url: str) -> Self:
        """The store at `url`, made or brought up to date where need be.

        Raises:
            StoreUnknown: the address is of no database that a store can be in.
            StoreNewer: a newer version of the center has changed it.
            StoreAway: the database does not answer.
            StoreLocked: another process keeps it locked.
            StoreFull: its disk is full.
        """
        store = cls(_engine(_address(url)))
        try:
            with store.writing() as connection:
                migrate(connection)
        except BaseException:
            store.close()
            raise
        return store

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the store throughout, and changes nothing.

        Raises:
            StoreAway, StoreLocked: see console/store/errors.py.
        """
        with translated(), self.engine.connect() as connection:
            if not self._sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin() as transaction:
                yield connection
                transaction.rollback()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection whose changes are kept as one when the block ends, and undone when it raises.

        One writer at a time, in both databases: numbers count up and the audit chain has one order.

        Raises:
            StoreFull, StoreLocked, StoreAway: see console/store/errors.py; nothing was kept.
        """
        with self._turns.one(), translated(), self.engine.connect() as connection:
            connection.execution_options(antifraud_writes=True)
            with connection.begin():
                if not self._sqlite:
                    connection.execute(text("SET LOCAL lock_timeout = '5s'"))
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _WRITERS_LOCK})
                yield connection

    def close(self) -> None:
        """Close every connection; SQLite then folds its log into the file."""
        self.engine.dispose()


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        raise StoreUnknown("what is no address of a database") from None
    if address.drivername not in _SCHEMES:
        raise StoreUnknown(address.drivername)
    return address


def _engine(address: URL) -> Engine:
    if address.drivername != "sqlite":
        return create_engine(
            address, pool_size=_CONNECTIONS, max_overflow=0, pool_pre_ping=True, connect_args={"connect_timeout": 5}
        )
    if not address.database or address.database == ":memory:":
        raise StoreUnknown("memory")
    Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    # The connection that was used last is used next: each has a cache of its own, and few are warm.
    waits = {"timeout": _BUSY_SECONDS}
    engine = create_engine(address, pool_size=_CONNECTIONS, max_overflow=0, pool_use_lifo=True, connect_args=waits)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _: Any) -> None:
    """What every connection to SQLite needs."""
    # Python's driver would begin transactions as it thinks fit: `_begin` does.
    connection.isolation_level = None
    for pragma in (
        "busy_timeout = 5000",  # before the others: switching to WAL may have to wait already
        "journal_mode = WAL",  # who reads does not wait for who writes
        # A power cut may lose the last transactions, never part of one. What the feed wrote in them is read again,
        # since the offsets went with the rows.
        "synchronous = NORMAL",
        "wal_autocheckpoint = 8000",  # pages, 32 MB: one that many changes touch goes into the file once for them
        "foreign_keys = ON",
        "cache_size = -65536",  # 64 MiB: the indexes of a million alerts
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A transaction that only becomes a writer on the way may find that what it read has changed, and has to be undone.
    writes = connection.get_execution_options().get("antifraud_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
