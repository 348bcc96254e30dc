"""Signs documents with the center's Ed25519 key, and checks such signatures: over the canonical JSON, nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from streams.tokens import KeyRefused, load_secret

SIGNING_VARIABLE: Final = "ANTIFRAUD_SIGNING_KEY"
ALGORITHM: Final = "Ed25519"
_DEMO_SECRET: Final = hashlib.sha256(b"anti-fraud center, demo signing key: proves nothing").digest()
_PUBLIC: Final = re.compile(r"[0-9a-f]{64}")


class NotSigned(ValueError):
    """A file that is no signed document, or was changed since it was signed; the message says which."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The center's key: what signs, and the public half that anybody may have."""

    key_id: str
    private: Ed25519PrivateKey

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> SigningKey:
        """From the file named by ANTIFRAUD_SIGNING_KEY_FILE, or ANTIFRAUD_SIGNING_KEY itself; in the demo, fixed.

        Raises:
            KeyRefused: there is none, it is not 32 bytes, or everybody can read it.
        """
        source = os.environ if environment is None else environment
        key_id, secret = load_secret(SIGNING_VARIABLE, source, _DEMO_SECRET)
        if len(secret) != 32:
            raise KeyRefused(
                f"The key of {SIGNING_VARIABLE} is not exactly 32 bytes.",
                'Make one: echo "s1:$(openssl rand -hex 32)".',
            )
        return cls(key_id, Ed25519PrivateKey.from_private_bytes(secret))

    @property
    def public(self) -> str:
        """The public key, 64 hexadecimal digits."""
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def canonical(document: Any) -> bytes:
    """The one form of a document: UTF-8, keys sorted, no spaces. A document has no fractions, whose form is not one.

    >>> canonical({"b": 1, "a": "ә"}).decode()
    '{"a":"ә","b":1}'
    """
    _refuse_fractions(document)
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(document: Any) -> str:
    """SHA-256 over the canonical form: `sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(canonical(document)).hexdigest()}"


def sign(document: dict[str, Any], key: SigningKey) -> dict[str, Any]:
    """The document with its digest and signature."""
    return {
        "document": document,
        "digest": digest(document),
        "signature": {
            "algorithm": ALGORITHM,
            "key_id": key.key_id,
            "public_key": key.public,
            "value": key.private.sign(canonical(document)).hex(),
        },
    }


def verify(signed: Any, public_key: str) -> dict[str, Any]:
    """The document of a signed package, if this public key signed it and nothing was changed since.

    The public key that the package itself names proves nothing: give the one that the center has made known.

    Raises:
        NotSigned: it is not so; says why.
    """
    if not _PUBLIC.fullmatch(public_key):
        raise NotSigned("a public key is 64 hexadecimal digits")
    try:
        document, told, signature = signed["document"], signed["digest"], signed["signature"]
        value, algorithm = bytes.fromhex(signature["value"]), signature["algorithm"]
        named = signature["public_key"]
        form = canonical(document)
    except (KeyError, TypeError, ValueError):
        raise NotSigned("this is no signed document of the center") from None
    if algorithm != ALGORITHM or not isinstance(document, dict):
        raise NotSigned("this is no signed document of the center")
    if digest(document) != told:
        raise NotSigned("the document was changed: its digest is another")
    if named != public_key:
        raise NotSigned("it is signed by another key than the one given")
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(value, form)
    except InvalidSignature:
        raise NotSigned("the signature does not belong to this document and key") from None
    return document


def _refuse_fractions(value: Any) -> None:
    if isinstance(value, float):
        raise ValueError("a document holds no fractions: write them as text")
    if isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str):
                raise ValueError("the names of a document's fields are texts")
            _refuse_fractions(each)
    elif isinstance(value, list | tuple):
        for each in value:
            _refuse_fractions(each)
