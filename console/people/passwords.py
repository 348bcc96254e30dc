"""Passwords: hashed with Argon2id, checked in the same time whether the account exists or not."""

from __future__ import annotations

import secrets
import threading
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 256
DEMO_PASSWORD: Final = "demo-of-the-center"  # noqa: S105 - known to everybody, and refused outside the demo
_hasher: Final = PasswordHasher()  # the second recommended option of RFC 9106: 64 MiB, three passes
_NOBODY: Final = _hasher.hash(secrets.token_hex(16))
# Each takes 64 MiB: a crowd at the door must not take the memory of the machine.
_at_once: Final = threading.BoundedSemaphore(4)


def hash_of(password: str) -> str:
    """What is stored of a password."""
    with _at_once:
        return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether it is the password; for an account without one the same work is done for nothing."""
    with _at_once:
        try:
            return _hasher.verify(stored or _NOBODY, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def weakness(password: str, username: str) -> str | None:
    """The key of the text that says why a new password will not do; None where it will.

    >>> weakness("short", "aigul"), weakness("aigul-aigul-aigul", "aigul"), weakness("a river in the steppe", "aigul")
    ('account.password_short', 'account.password_guessable', None)
    """
    if len(password) < SHORTEST:
        return "account.password_short"
    if len(password) > LONGEST:
        return "account.password_long"
    rest = password.lower().replace(username.lower(), "")
    if len(set(rest)) < 5 or password == DEMO_PASSWORD:
        return "account.password_guessable"
    return None


def one_time() -> str:
    """A password for the first sign-in of a new account: 100 bits, in groups that can be read aloud.

    >>> len(one_time())
    23
    """
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))
