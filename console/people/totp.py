"""One-time codes of RFC 6238: a secret sealed in the store, and codes of which each works once."""

from __future__ import annotations

import hmac
from typing import Final

import pyotp

from streams.tokens import Vault

STEP_MS: Final = 30_000
_AROUND: Final = (-1, 0, 1)  # clocks of telephones differ by half a minute
ISSUER: Final = "Anti-Fraud Center"


def new_secret() -> str:
    """A secret of 160 bits in base 32, as telephones take it."""
    return str(pyotp.random_base32())


def address(secret: str, username: str) -> str:
    """The otpauth:// address that the picture for the telephone holds."""
    return str(pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER))


def used_step(secret: str, code: str, now: int, last: int | None) -> int | None:
    """The step whose code this is, if it is one of now and later than the last that was used; None otherwise."""
    generator, found = pyotp.TOTP(secret), None
    for offset in _AROUND:
        step = now // STEP_MS + offset
        same = hmac.compare_digest(str(generator.generate_otp(step)).encode(), code.strip().encode())
        if same and (last is None or step > last):
            found = step
    return found


def seal(key: Vault, username: str, secret: str) -> bytes:
    """The secret as the store holds it, bound to the account."""
    return key.seal(_bound(username), secret.encode())


def unseal(key: Vault, username: str, sealed: bytes) -> str:
    """The secret; streams.tokens.SealBroken where the store's key is another, or the row is of another account."""
    return key.open(_bound(username), sealed).decode()


def _bound(username: str) -> bytes:
    return b"totp\0" + username.encode()
