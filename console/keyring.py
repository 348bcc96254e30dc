"""The keys that the console works with, each from its file or variable; in the demo, those that everybody knows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from streams.evidence.signing import SigningKey
from streams.tokens import DEMO_VARIABLE, TokenKey, Vault, load_secret

STORE_VARIABLE: Final = "ANTIFRAUD_CONSOLE_KEY"
_DEMO_SECRET: Final = hashlib.sha256(b"anti-fraud center, demo console key: protects nothing").digest()


@dataclass(frozen=True, slots=True)
class Keyring:
    """What opens and signs."""

    tokens: TokenKey  # finds the token of an identifier that somebody types
    vault: Vault  # opens identities
    store: Vault  # seals what the console itself keeps secret: one-time code generators, cookies
    signing: SigningKey  # signs the heads of the audit log and exports
    demo: bool

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Every key from the environment.

        Raises:
            KeyRefused: one is missing, weak or readable by everybody; says which, and what to do.
        """
        source = os.environ if environment is None else environment
        return cls(
            TokenKey.load(source),
            Vault.load(source),
            Vault(*load_secret(STORE_VARIABLE, source, _DEMO_SECRET)),
            SigningKey.load(source),
            source.get(DEMO_VARIABLE) == "1",
        )
