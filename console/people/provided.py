"""Accounts of those who sign in at the organisation's provider: made at the first sign-in, with the role it tells."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from console import audit
from console.people import sessions
from console.people.oidc import Claims, ProviderRefused
from console.people.users import USERNAME, insert_user
from console.store.tables import users
from console.texts import Language


def enter(connection: Connection, claims: Claims, language: Language, now: int) -> str:
    """Begin a session for whom the provider named, in the caller's writing transaction; returns its secret.

    Raises:
        ProviderRefused: the account was shut here, or its name belongs to somebody else.
    """
    row = connection.execute(select(users).where(users.c.oidc_subject == claims.subject)).first()
    if row is None:
        username = _made(connection, claims, language, now)
    elif not row.enabled:
        raise ProviderRefused("shut")
    else:
        username = str(row.username)
        _follow_role(connection, username, row.role, claims)
    sessions.forget_ended(connection, now)
    secret = sessions.begin(connection, username, now)
    actor = audit.Somebody(username, claims.role)
    audit.write(connection, actor, "session.begun", "user", username, by="provider")
    return secret


def _made(connection: Connection, claims: Claims, language: Language, now: int) -> str:
    taken = select(users.c.username).where(users.c.username == claims.username)
    if not USERNAME.fullmatch(claims.username) or connection.execute(taken).first() is not None:
        # A local account of that name is not handed to whoever the provider calls so.
        raise ProviderRefused("name")
    insert_user(
        connection, claims.username, claims.full_name[:256], claims.role, language, now, oidc_subject=claims.subject
    )
    audit.write(connection, audit.System(), "people.added", "user", claims.username, role=claims.role, by="provider")
    return claims.username


def _follow_role(connection: Connection, username: str, before: str, claims: Claims) -> None:
    if before == claims.role:
        return
    connection.execute(update(users).where(users.c.username == username).values(role=claims.role))
    sessions.end_all(connection, username)
    audit.write(connection, audit.System(), "people.role_changed", "user", username, before=before, after=claims.role)
