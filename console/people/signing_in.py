"""Signing in with a name, a password and a one-time code: one answer for everything that is wrong, and a lockout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select, update

from console import audit
from console.audit import Somebody, System
from console.people import passwords, sessions, totp
from console.people.passwords import DEMO_PASSWORD
from console.store.opening import Store
from console.store.tables import users
from streams.tokens import SealBroken, Vault

FAILURES: Final = 5  # in a row: after them, the account rests
_FIRST_REST_MS: Final = 60_000
_LONGEST_REST_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody typed at the door."""

    username: str
    password: str
    code: str = ""


def sign_in(store: Store, key: Vault, attempt: Attempt, now: int, *, demo: bool) -> str | None:
    """The secret of a new session; None where anything is wrong, without saying what.

    Whether there is the account, a password, a lock or a code makes no difference to the work that is done.
    """
    with store.reading() as connection:
        stored = connection.scalar(select(users.c.password_hash).where(users.c.username == attempt.username))
    right = passwords.matches(stored, attempt.password)
    if attempt.password == DEMO_PASSWORD and not demo:
        right = False
    with store.writing() as connection:
        return _decide(connection, key, attempt, now, right=right, checked=stored)


def rest_after(failures: int) -> int:
    """How long an account rests after so many failures in a row, in milliseconds: doubled by each after the fifth.

    >>> rest_after(4), rest_after(5), rest_after(7), rest_after(50)
    (0, 60000, 240000, 3600000)
    """
    if failures < FAILURES:
        return 0
    return min(_FIRST_REST_MS << min(failures - FAILURES, 10), _LONGEST_REST_MS)


def _decide(
    connection: Connection, key: Vault, attempt: Attempt, now: int, *, right: bool, checked: str | None
) -> str | None:
    row = connection.execute(select(users).where(users.c.username == attempt.username)).mappings().first()
    if row is None or row["password_hash"] != checked:
        # The name is not written down: people type their password into the wrong field.
        audit.write(connection, System(), "session.refused", "user", "unknown")
        return None
    resting = row["locked_until"] is not None and row["locked_until"] > now
    step = _step(key, row["username"], row["totp_sealed"], attempt.code, now, row["totp_last"])
    if not right or resting or not row["enabled"] or (row["totp_sealed"] is not None and step is None):
        failures = row["failures"] + (0 if resting else 1)
        rest = rest_after(failures)
        until = row["locked_until"] if resting or not rest else now + rest
        _change(connection, row["username"], failures=failures, locked_until=until)
        audit.write(connection, System(), "session.refused", "user", row["username"], failures=failures)
        return None
    _change(connection, row["username"], failures=0, locked_until=None, totp_last=step or row["totp_last"])
    sessions.forget_ended(connection, now)
    secret = sessions.begin(connection, row["username"], now)
    audit.write(connection, Somebody(row["username"], row["role"]), "session.begun", "user", row["username"])
    return secret


def _step(key: Vault, username: str, sealed: bytes | None, code: str, now: int, last: int | None) -> int | None:
    if sealed is None:
        return None
    try:
        return totp.used_step(totp.unseal(key, username, sealed), code, now, last)
    except SealBroken:
        return None  # another console key: an administrator resets the account


def _change(connection: Connection, username: str, **values: int | None) -> None:
    connection.execute(update(users).where(users.c.username == username).values(**values))
