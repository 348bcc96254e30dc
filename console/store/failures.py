"""Tells the failures of SQLite and PostgreSQL apart, and says each in the store's own words."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Final

import psycopg.errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from console.store.errors import StoreAway, StoreError, StoreFull, StoreLocked

_PRIMARY_CODE: Final = 0xFF  # the rest of an SQLite error code says more than is needed


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise the store's own error for what the database failed at; what breaks a constraint stays what it is."""
    try:
        yield
    except NoConnectionFree:
        raise StoreLocked from None
    except DBAPIError as error:
        known = failure_of(error.orig)
        if known is None:
            raise
        raise known from error


def failure_of(error: BaseException | None) -> StoreError | None:
    """The store's error for one of a driver; None where it is a mistake of the program or a broken constraint."""
    if isinstance(error, sqlite3.OperationalError):
        return _of_sqlite(error)
    if isinstance(error, psycopg.errors.DiskFull):
        return StoreFull()
    if isinstance(
        error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure
    ):
        return StoreLocked()
    if isinstance(error, psycopg.OperationalError):
        return StoreAway(type(error).__name__)
    return None


def _of_sqlite(error: sqlite3.OperationalError) -> StoreError | None:
    # Errors raised by the driver itself carry no code.
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    if code == sqlite3.SQLITE_FULL:
        return StoreFull()
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreLocked()
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY):
        return StoreAway(error.sqlite_errorname)
    return None
