"""Accounts: who there is, with which role; added, changed and disabled by an administrator, never by oneself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, RowMapping, insert, select, update

from console import audit
from console.people import passwords, sessions
from console.people.roles import Role
from console.store.actor import Actor, need
from console.store.errors import NotAllowed, NotFound
from console.store.tables import users
from console.texts import Language

USERNAME: Final = re.compile(r"[a-z][a-z0-9._-]{1,63}")


@dataclass(frozen=True, slots=True)
class User:
    """An account as lists show it."""

    username: str
    full_name: str
    role: str
    language: str
    enabled: bool
    has_password: bool
    has_code: bool
    by_provider: bool
    locked_until: int | None
    created_at: int


class Taken(ValueError):
    """There is an account of that name already."""


def add(
    connection: Connection, actor: Actor, username: str, full_name: str, role: Role, language: Language, now: int
) -> str:
    """Make an account and return the password for its first sign-in, which is shown once.

    Raises:
        NotAllowed: the actor manages no people.
        Taken: the name is taken.
        ValueError: the name is no account's name.
    """
    need(actor, "people.manage")
    if not USERNAME.fullmatch(username):
        raise ValueError("small letters, digits, dots and dashes, beginning with a letter")
    if _row(connection, username) is not None:
        raise Taken(username)
    password = passwords.one_time()
    insert_user(connection, username, full_name, role, language, now, password_hash=passwords.hash_of(password))
    audit.write(connection, actor, "people.added", "user", username, role=role)
    return password


def insert_user(
    connection: Connection,
    username: str,
    full_name: str,
    role: str,
    language: str,
    now: int,
    *,
    password_hash: str | None = None,
    oidc_subject: str | None = None,
) -> None:
    """The row alone; whoever calls has checked the right to, and writes the audit entry."""
    values = {"username": username, "full_name": full_name, "role": role, "language": language, "created_at": now}
    connection.execute(
        insert(users).values(**values, enabled=True, failures=0, password_hash=password_hash, oidc_subject=oidc_subject)
    )


def change_role(connection: Connection, actor: Actor, username: str, role: Role) -> None:
    """Give an account another role; its sessions end.

    Raises:
        NotAllowed: the actor manages no people, or it is his own account.
        NotFound: there is no such account.
    """
    before = _somebody_else(connection, actor, username)
    connection.execute(update(users).where(users.c.username == username).values(role=role))
    sessions.end_all(connection, username)
    audit.write(connection, actor, "people.role_changed", "user", username, before=before["role"], after=role)


def set_enabled(connection: Connection, actor: Actor, username: str, enabled: bool) -> None:
    """Shut or open an account; see `change_role`."""
    _somebody_else(connection, actor, username)
    connection.execute(
        update(users).where(users.c.username == username).values(enabled=enabled, failures=0, locked_until=None)
    )
    sessions.end_all(connection, username)
    audit.write(connection, actor, "people.enabled" if enabled else "people.disabled", "user", username)


def reset(connection: Connection, actor: Actor, username: str) -> str:
    """Take away password and one-time codes; returns a password for one sign-in. See `change_role`."""
    _somebody_else(connection, actor, username)
    password = passwords.one_time()
    fresh = {"password_hash": passwords.hash_of(password), "totp_sealed": None, "totp_last": None}
    connection.execute(update(users).where(users.c.username == username).values(**fresh, failures=0, locked_until=None))
    sessions.end_all(connection, username)
    audit.write(connection, actor, "people.reset", "user", username)
    return password


def set_language(connection: Connection, username: str, language: Language) -> None:
    """The language that somebody reads."""
    connection.execute(update(users).where(users.c.username == username).values(language=language))


def find(connection: Connection, username: str) -> User:
    """The account.

    Raises:
        NotFound: there is none.
    """
    row = _row(connection, username)
    if row is None:
        raise NotFound("account")
    return _user(row)


def everybody(connection: Connection) -> list[User]:
    """All accounts by name."""
    return [_user(row) for row in connection.execute(select(users).order_by(users.c.username)).mappings()]


def names_with(connection: Connection, roles: tuple[Role, ...]) -> list[tuple[str, str]]:
    """Username and full name of those who have one of these roles and may sign in: whom work can be given to."""
    query = (
        select(users.c.username, users.c.full_name)
        .where(users.c.role.in_(roles), users.c.enabled)
        .order_by(users.c.full_name)
    )
    return [(row.username, row.full_name) for row in connection.execute(query)]


def any_there(connection: Connection) -> bool:
    """Whether anybody can sign in at all."""
    return connection.execute(select(users.c.username).limit(1)).first() is not None


def _somebody_else(connection: Connection, actor: Actor, username: str) -> RowMapping:
    need(actor, "people.manage")
    if username == actor.username:
        raise NotAllowed("Nobody changes the own account's rights.", "Ask another administrator.")
    row = _row(connection, username)
    if row is None:
        raise NotFound("account")
    return row


def _row(connection: Connection, username: str) -> RowMapping | None:
    return connection.execute(select(users).where(users.c.username == username)).mappings().first()


def _user(row: RowMapping) -> User:
    return User(
        row["username"],
        row["full_name"],
        row["role"],
        row["language"],
        row["enabled"],
        row["password_hash"] is not None,
        row["totp_sealed"] is not None,
        row["oidc_subject"] is not None,
        row["locked_until"],
        row["created_at"],
    )
