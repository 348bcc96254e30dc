"""What people change about their own account: the password, and the generator of one-time codes."""

from __future__ import annotations

import hmac
from typing import Final

from sqlalchemy import Connection, select, update

from console import audit
from console.people import passwords, sessions, totp
from console.store.actor import Actor
from console.store.opening import Store
from console.store.tables import users
from streams.tokens import SealBroken, Vault

_OFFER: Final = b"totp-offer\0"


class Wrong(ValueError):
    """What was typed will not do; `field` is where, `key` the text that says why."""

    def __init__(self, field: str, key: str) -> None:
        super().__init__(key)
        self.field = field
        self.key = key


def offer(key: Vault, username: str) -> tuple[str, str]:
    """A new secret for a telephone: itself, and sealed for the form that comes back with a code of it."""
    secret = totp.new_secret()
    return secret, key.seal(_OFFER + username.encode(), secret.encode()).hex()


def offered(key: Vault, username: str, sealed: str) -> str:
    """The secret of a form's offer.

    Raises:
        Wrong: it was not made for this account.
    """
    try:
        return key.open(_OFFER + username.encode(), bytes.fromhex(sealed)).decode()
    except (SealBroken, ValueError):
        raise Wrong("code", "account.code_wrong") from None


def check_password(store: Store, username: str, password: str) -> None:
    """Whether somebody knows the present password of the account.

    Raises:
        Wrong: no.
    """
    with store.reading() as connection:
        stored = connection.scalar(select(users.c.password_hash).where(users.c.username == username))
    if not passwords.matches(stored, password):
        raise Wrong("password", "account.password_wrong")


def check_new(username: str, new: str, again: str) -> None:
    """Whether a new password will do.

    Raises:
        Wrong: it is weak, or was typed differently the second time.
    """
    weak = passwords.weakness(new, username)
    if weak is not None:
        raise Wrong("new_password", weak)
    if not hmac.compare_digest(new.encode(), again.encode()):
        raise Wrong("again", "account.password_differs")


def set_password(connection: Connection, actor: Actor, new_hash: str, session_hash: str) -> None:
    """Give the account the password with this hash; every other session of it ends."""
    connection.execute(update(users).where(users.c.username == actor.username).values(password_hash=new_hash))
    sessions.end_all(connection, actor.username, but=session_hash)
    audit.write(connection, actor, "account.password_changed", "user", actor.username)


def set_code(connection: Connection, actor: Actor, key: Vault, secret: str, code: str, now: int) -> None:
    """Make `secret` the account's generator, once a code of it has come back.

    Raises:
        Wrong: the code is not of this secret, or not of now.
    """
    step = totp.used_step(secret, code, now, None)
    if step is None:
        raise Wrong("code", "account.code_wrong")
    sealed = totp.seal(key, actor.username, secret)
    row = update(users).where(users.c.username == actor.username)
    connection.execute(row.values(totp_sealed=sealed, totp_last=step))
    audit.write(connection, actor, "account.code_set", "user", actor.username)
