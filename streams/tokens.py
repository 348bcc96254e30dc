"""Keyed tokens that stand for people, accounts, phones and devices; and the vault that alone can turn them back.

A token is HMAC-SHA256 under a key kept outside the data, cut to 128 bits: without the key, two thousand million IINs
cannot simply be tried. Its text form names the key: `k1:` and 32 hexadecimal digits.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
import struct
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SubjectKind = Literal["person", "account", "phone", "device"]

TOKEN_VARIABLE: Final = "ANTIFRAUD_TOKEN_KEY"  # noqa: S105 - the name of a variable
VAULT_VARIABLE: Final = "ANTIFRAUD_VAULT_KEY"
RETIRED_VARIABLE: Final = "ANTIFRAUD_TOKEN_KEY_RETIRED"
DEMO_VARIABLE: Final = "ANTIFRAUD_DEMO"

_DEMO_TOKEN_SECRET: Final = hashlib.sha256(b"anti-fraud center, demo token key: protects nothing").digest()
_DEMO_VAULT_SECRET: Final = hashlib.sha256(b"anti-fraud center, demo vault key: protects nothing").digest()
_KEY_TEXT: Final = re.compile(r"(?:([a-z][a-z0-9]{0,7}):)?([0-9a-f]{64,128})")
_HALVES: Final = struct.Struct("<QQ")
_NONCE_BYTES: Final = 12
_MARK_BITS: Final = 0xFF


class KeyRefused(Exception):
    """A key that is missing, too weak or not kept safe; `remedy` says what to do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


class SealBroken(Exception):
    """What was sealed cannot be opened: another key, another token, or changed bytes."""


class Token(NamedTuple):
    """128 bits as the event row holds them: the key of the history, and the rest."""

    key: int
    rest: int

    @property
    def raw(self) -> bytes:
        """The sixteen bytes."""
        return _HALVES.pack(self.key, self.rest)


class TokenKey:
    """Makes tokens and the keyed hashes of events, always the same for the same secret.

    >>> key = demo_keys()[0]
    >>> key.text(key.token("person", "791028302728")).startswith("demo:")
    True
    """

    def __init__(self, key_id: str, secret: bytes, *, retired: Collection[str] = ()) -> None:
        """`retired`: ids of earlier keys, whose tokens histories and logs still hold."""
        if not all(re.fullmatch(r"[a-z][a-z0-9]{0,7}", name) for name in (key_id, *retired)):
            raise KeyRefused("A key id must be a letter and up to 7 letters or digits.", "Name the key k1, k2, ….")
        _refuse_weak(secret)
        self.key_id = key_id
        self._secret = secret
        # Eight of a token's 128 bits tell by which key it was made.
        self._mark = _mark_of(key_id)
        self._made_by = {_mark_of(name): name for name in retired if name != key_id}
        if self._mark in self._made_by or len(self._made_by) != len({*retired} - {key_id}):
            raise KeyRefused(
                "The ids of two token keys cannot be told apart in tokens.", "Give the new key another id."
            )
        # blake2b has a keyed mode and short digests, and costs a quarter of an HMAC: fit for what is made per event.
        self._event = hashlib.blake2b(digest_size=8, key=self.derive(b"event"))
        self._content = hashlib.blake2b(digest_size=8, key=self.derive(b"content"))

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> TokenKey:
        """From the file named by ANTIFRAUD_TOKEN_KEY_FILE, or ANTIFRAUD_TOKEN_KEY itself; in the demo, fixed."""
        source = os.environ if environment is None else environment
        key_id, secret = load_secret(TOKEN_VARIABLE, source, _DEMO_TOKEN_SECRET)
        retired = source.get(RETIRED_VARIABLE, "")
        return cls(key_id, secret, retired=[name.strip() for name in retired.split(",") if name.strip()])

    def token(self, kind: SubjectKind, value: str) -> Token:
        """The token of an id, account, phone or device; equal values of different kinds have nothing in common.

        It costs about 2 µs; who meets the same values again keeps them (streams/admission.py does).
        """
        digest = hmac.digest(self._secret, f"{kind}\0{value}".encode(), "sha256")
        key, rest = _HALVES.unpack_from(digest)
        return Token(key, rest & ~_MARK_BITS | self._mark)

    def text(self, token: tuple[int, int]) -> str:
        """As alerts write it: the id of the key that made it, such as `k1:`, and 32 hexadecimal digits."""
        return f"{self._made_by.get(token[1] & _MARK_BITS, self.key_id)}:{_HALVES.pack(*token).hex()}"

    def first_halves(self, kind: SubjectKind, values: Sequence[str]) -> list[int]:
        """The first 64 bits of the tokens of many, for registries of millions."""
        begin, secret, digest = f"{kind}\0".encode(), self._secret, hmac.digest
        joined = b"".join([digest(secret, begin + value.encode(), "sha256")[:8] for value in values])
        return list(struct.unpack(f"<{len(values)}Q", joined))

    def prefix(self, key: int) -> str:
        """The text form of a token's first half alone, as a history knows its counterparties: by the key of today."""
        return f"{self.key_id}:{struct.pack('<Q', key).hex()}"

    def event_hash(self, institution: str, event_id: str) -> int:
        """64 bits that stand for (institution, event_id)."""
        state = self._event.copy()
        state.update(f"{institution}\0{event_id}".encode())
        return int.from_bytes(state.digest(), "little")

    def content_hash(self, canonical: bytes) -> int:
        """64 bits over the whole content, to tell a repeat from a contradiction."""
        state = self._content.copy()
        state.update(canonical)
        return int.from_bytes(state.digest(), "little")

    def derive(self, purpose: bytes) -> bytes:
        """A key for something else, of which nothing about this one can be learnt."""
        return hmac.digest(self._secret, b"derive\0" + purpose, "sha256")

    def __repr__(self) -> str:
        return f"TokenKey({self.key_id!r})"


class Vault:
    """Seals what stands behind a token, so that only who holds the vault's key reads it, and only under that token."""

    def __init__(self, key_id: str, secret: bytes) -> None:
        _refuse_weak(secret)
        self.key_id = key_id
        self._cipher = AESGCM(secret[:32])

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Vault:
        """From the file named by ANTIFRAUD_VAULT_KEY_FILE, or ANTIFRAUD_VAULT_KEY itself; in the demo, fixed."""
        source = os.environ if environment is None else environment
        key_id, secret = load_secret(VAULT_VARIABLE, source, _DEMO_VAULT_SECRET)
        return cls(key_id, secret)

    def seal(self, token: bytes, plain: bytes) -> bytes:
        """Key id, colon, nonce and ciphertext; `token` is bound to it and must be given again to open it."""
        nonce = os.urandom(_NONCE_BYTES)
        return self.key_id.encode() + b":" + nonce + self._cipher.encrypt(nonce, plain, token)

    def open(self, token: bytes, sealed: bytes) -> bytes:
        """What was sealed under this token; `SealBroken` where it was not."""
        key_id, _, content = sealed.partition(b":")
        if re.fullmatch(rb"[a-z][a-z0-9]{0,7}", key_id) and key_id != self.key_id.encode():
            raise SealBroken(f"This identity was sealed under key {key_id.decode()}, this is {self.key_id}.")
        try:
            return self._cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], token)
        except (InvalidTag, ValueError):
            raise SealBroken("This identity cannot be opened: wrong key, wrong token or changed bytes.") from None

    def __repr__(self) -> str:
        return f"Vault({self.key_id!r})"


def _mark_of(key_id: str) -> int:
    return hashlib.sha256(key_id.encode()).digest()[0]


def demo_keys() -> tuple[TokenKey, Vault]:
    """The fixed keys of the demo, tests and simulations over invented people."""
    return TokenKey("demo", _DEMO_TOKEN_SECRET), Vault("demo", _DEMO_VAULT_SECRET)


def parse_token(text: str) -> tuple[str, Token]:
    """Key id and token of a text form; `ValueError` where it is none."""
    key_id, _, digits = text.partition(":")
    if len(digits) != 32:
        raise ValueError("a token is a key id, a colon and 32 hexadecimal digits")
    return key_id, Token(*_HALVES.unpack(bytes.fromhex(digits)))


def load_secret(variable: str, environment: Mapping[str, str], demo_secret: bytes) -> tuple[str, bytes]:
    """Key id and secret from the file named by `variable`_FILE or from `variable`; in the demo, `demo_secret`.

    Raises:
        KeyRefused: there is none, it is no key, others can read its file, or it is the demo's without a demo.
    """
    demo = environment.get(DEMO_VARIABLE) == "1"
    file = environment.get(f"{variable}_FILE")
    if file:
        text = _read_private(Path(file))
    elif environment.get(variable):
        text = environment[variable]
    elif demo:
        return "demo", demo_secret
    else:
        raise KeyRefused(
            f"No key: neither {variable}_FILE nor {variable} is set.",
            f'Make one: (umask 077; echo "k1:$(openssl rand -hex 32)" > key), and set {variable}_FILE to it; '
            f"with invented data only, set {DEMO_VARIABLE}=1.",
        )
    found = _KEY_TEXT.fullmatch(text.strip())
    if not found or len(found[2]) % 2:
        raise KeyRefused(
            f"The key of {variable} is not a key id, a colon and at least 64 hexadecimal digits.",
            'Make one: echo "k1:$(openssl rand -hex 32)".',
        )
    key_id, secret = found[1] or "k1", bytes.fromhex(found[2])
    if not demo and (secret in (_DEMO_TOKEN_SECRET, _DEMO_VAULT_SECRET, demo_secret) or key_id == "demo"):
        raise KeyRefused("The demo key protects nothing.", f"Make a key of your own, or set {DEMO_VARIABLE}=1.")
    return key_id, secret


def _read_private(file: Path) -> str:
    try:
        if file.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            raise KeyRefused(f"Everybody can read or change the key file {file}.", f"Run: chmod 600 {file}")
        return file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyRefused(
            f"The key file {file} cannot be read ({type(error).__name__}).", "Check path and owner."
        ) from None


def _refuse_weak(secret: bytes) -> None:
    if len(secret) < 32 or len(set(secret)) < 8:
        raise KeyRefused("A key must be at least 32 random bytes.", 'Make one: echo "k1:$(openssl rand -hex 32)".')
