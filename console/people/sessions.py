"""Sessions: who holds the secret of one is signed in, until 15 minutes of rest or 8 hours are over."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from console.store.tables import sessions, users

IDLE_MS: Final = 15 * 60_000
LONGEST_MS: Final = 8 * 3_600_000
TOUCH_MS: Final = 30_000  # a session's last use is written down no more often than this


@dataclass(frozen=True, slots=True)
class Session:
    """A running session and the account it belongs to."""

    session_hash: str
    csrf: str
    created_at: int
    seen_at: int
    username: str
    full_name: str
    role: str
    language: str
    has_code: bool  # the account has a one-time code generator
    by_provider: bool  # the account signs in elsewhere, by OpenID Connect


def begin(connection: Connection, username: str, now: int) -> str:
    """Begin a session and return its secret, which is kept nowhere here: the store has its SHA-256."""
    secret = secrets.token_urlsafe(32)
    row = {"session_hash": hash_of(secret), "username": username, "csrf": secrets.token_urlsafe(32)}
    connection.execute(insert(sessions).values(**row, created_at=now, seen_at=now))
    return secret


def find(connection: Connection, secret: str, now: int) -> Session | None:
    """The session with this secret, if it runs and its account may still be used."""
    query = (
        select(sessions, users.c.full_name, users.c.role, users.c.language, users.c.totp_sealed, users.c.oidc_subject)
        .join(users, users.c.username == sessions.c.username)
        .where(sessions.c.session_hash == hash_of(secret), users.c.enabled)
    )
    row = connection.execute(query).first()
    if row is None or now - row.seen_at > IDLE_MS or now - row.created_at > LONGEST_MS:
        return None
    return Session(
        row.session_hash,
        row.csrf,
        row.created_at,
        row.seen_at,
        row.username,
        row.full_name,
        row.role,
        row.language,
        row.totp_sealed is not None,
        row.oidc_subject is not None,
    )


def touch(connection: Connection, session_hash: str, now: int) -> None:
    """Write down that a session was used."""
    connection.execute(update(sessions).where(sessions.c.session_hash == session_hash).values(seen_at=now))


def end(connection: Connection, session_hash: str) -> None:
    """End one session."""
    connection.execute(delete(sessions).where(sessions.c.session_hash == session_hash))


def end_all(connection: Connection, username: str, but: str | None = None) -> int:
    """End every session of an account, except the one whose hash is `but`; returns how many."""
    chosen = delete(sessions).where(sessions.c.username == username)
    if but is not None:
        chosen = chosen.where(sessions.c.session_hash != but)
    return connection.execute(chosen).rowcount


def forget_ended(connection: Connection, now: int) -> None:
    """Delete the sessions whose time is over."""
    over = (sessions.c.seen_at < now - IDLE_MS) | (sessions.c.created_at < now - LONGEST_MS)
    connection.execute(delete(sessions).where(over))


def running(connection: Connection, username: str, now: int) -> list[tuple[str, int, int]]:
    """Of an account's running sessions: hash, begin and last use (ms UTC), the latest used first."""
    query = (
        select(sessions.c.session_hash, sessions.c.created_at, sessions.c.seen_at)
        .where(
            sessions.c.username == username,
            sessions.c.seen_at >= now - IDLE_MS,
            sessions.c.created_at >= now - LONGEST_MS,
        )
        .order_by(sessions.c.seen_at.desc())
    )
    return [(row.session_hash, row.created_at, row.seen_at) for row in connection.execute(query)]


def hash_of(secret: str) -> str:
    """What the store has of a session's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
