"""An empty case store for every test that asks for one, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from sqlalchemy import create_engine, text

from console.people import passwords
from console.store.opening import Store
from tests.tools import postgresql as private_postgresql

_NUMBERS = itertools.count(1)

# Before any test module hashes a password: a tenth of a second at every door is Argon2's work, not the console's.
passwords._hasher = PasswordHasher.from_parameters(CHEAPEST)
passwords._NOBODY = passwords.hash_of("nobody knows this one")


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables, from which each test has a copy: migrating costs more than most tests."""
    file = tmp_path_factory.mktemp("store") / "empty.db"
    Store.open(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL of this session's own, with a database `empty` that has all tables."""
    with private_postgresql.running() as address:
        administer(address, "CREATE DATABASE empty")
        Store.open(f"{address}/empty").close()
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a store with all tables and no rows; `-k "not postgresql"` leaves the second out."""
    if request.param == "sqlite":
        file = tmp_path / "cases.db"
        shutil.copy(request.getfixturevalue("empty_file"), file)
        yield f"sqlite:///{file}"
        return
    address, name = request.getfixturevalue("postgresql"), f"test_{next(_NUMBERS)}"
    administer(address, f"CREATE DATABASE {name} TEMPLATE empty")
    yield f"{address}/{name}"
    administer(address, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open, empty store."""
    opened = Store.open(store_url)
    yield opened
    opened.close()


def administer(address: str, statement: str) -> None:
    """Run a statement that PostgreSQL allows in no transaction."""
    engine = create_engine(f"{address}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
