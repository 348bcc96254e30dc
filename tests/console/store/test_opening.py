"""Opening a store, on both databases: its tables, one writer at a time, and what it says when it cannot."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from console.store import errors
from console.store.ids import next_of
from console.store.opening import Store
from console.store.tables import metadata, tokens
from tests.console.conftest import administer


def test_the_migrations_make_exactly_the_tables_that_are_described(store: Store) -> None:
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_store_opens_again_with_what_was_in_it(store_url: str) -> None:
    first = Store.open(store_url)
    with first.writing() as connection:
        add_tokens(connection, [7])
    first.close()
    again = Store.open(store_url)
    assert count(again) == 1
    again.close()


def test_a_store_of_a_newer_version_is_refused(store: Store, store_url: str) -> None:
    with store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(errors.StoreNewer, match="revision 9999"):
        Store.open(store_url)


def test_a_failed_change_leaves_nothing(store: Store) -> None:
    with pytest.raises(IntegrityError), store.writing() as connection:
        add_tokens(connection, [7, 8, 7])
    assert count(store) == 0


def test_writers_wait_for_each_other_and_numbers_are_given_once(store: Store) -> None:
    def write() -> None:
        for _ in range(20):
            with store.writing() as connection:
                add_tokens(connection, [next_of(connection, tokens.c.key)])

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as connection:
        assert list(connection.scalars(select(tokens.c.key).order_by(tokens.c.key))) == list(range(1, 81))


def test_a_reader_sees_one_state_while_others_write(store: Store) -> None:
    with store.reading() as reader:
        assert reader.scalar(select(func.count()).select_from(tokens)) == 0
        with store.writing() as writer:
            add_tokens(writer, [7])
        assert reader.scalar(select(func.count()).select_from(tokens)) == 0
    assert count(store) == 1


def test_another_process_that_writes_too_long_is_told(tmp_path: Path, empty_file: Path) -> None:
    file = tmp_path / "locked.db"
    file.write_bytes(empty_file.read_bytes())
    store = Store.open(f"sqlite:///{file}")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 10")
    with pytest.raises(errors.StoreLocked), store.writing():
        pass
    other.close()
    store.close()


def test_a_full_disk_is_told_and_nothing_is_kept(tmp_path: Path, empty_file: Path) -> None:
    file = tmp_path / "full.db"
    file.write_bytes(empty_file.read_bytes())
    store = Store.open(f"sqlite:///{file}")
    with store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(errors.StoreFull), store.writing() as connection:
        add_tokens(connection, range(5_000))
    assert count(store) == 0
    store.close()


def test_a_postgresql_that_breaks_off_is_told_and_reached_again(postgresql: str) -> None:
    administer(postgresql, "CREATE DATABASE broken TEMPLATE empty")
    store = Store.open(f"{postgresql}/broken")
    with pytest.raises(errors.StoreAway, match="does not answer"), store.writing() as connection:
        add_tokens(connection, broken_off(postgresql, [7, 8]))
    assert count(store) == 0
    store.close()


@pytest.mark.parametrize("url", ["mysql://host/x", "nonsense", "sqlite://", "postgresql://host/x"])
def test_what_is_no_store_is_refused_with_a_remedy(url: str) -> None:
    with pytest.raises(errors.StoreUnknown, match="postgresql\\+psycopg://"):
        Store.open(url)


def test_a_database_that_is_not_there_is_told() -> None:
    with pytest.raises(errors.StoreAway, match="ANTIFRAUD_STORE"):
        Store.open("postgresql+psycopg://console@127.0.0.1:1/cases")


def add_tokens(connection: Connection, keys: Iterable[int]) -> None:
    for key in keys:
        connection.execute(insert(tokens).values(key=key, token=f"k1:{key:032x}", kind="person"))


def broken_off(address: str, keys: list[int]) -> Iterator[int]:
    """The keys; before the last of them every connection to the database `broken` is ended."""
    yield from keys[:-1]
    administer(address, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'broken'")
    yield keys[-1]


def count(store: Store) -> int:
    with store.reading() as connection:
        return connection.execute(select(func.count()).select_from(tokens)).scalar_one()
