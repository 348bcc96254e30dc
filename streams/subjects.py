"""Turns the identifiers in records into tokens, and seals what stands behind a token when it is first seen."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import msgspec

from rules.events import PARTY_KINDS
from streams.recent import Recent
from streams.tokens import SubjectKind, Token, TokenKey, Vault

ABSENT, PERSON, COMPANY, FOREIGN, ACCOUNT = range(len(PARTY_KINDS))
_NO_TOKEN: Final = (0, 0)
_IBAN: Final = re.compile(r"[A-Za-z]{2}[0-9]{2}[A-Za-z0-9]{11,30}")

# What is kept in the caches are plain tuples of numbers, which the garbage collector need not walk through.
Halves = tuple[int, int]
PartyNames = tuple[str | None, str | None, str | None]  # id, account, name
PartyTokens = tuple[int, Halves, int, bool]  # kind, token, account, non-resident unless said otherwise


class Identity(NamedTuple):
    """What stands behind a token, sealed: the key and value of one record of the `identities` topic."""

    key: bytes  # the token's text form; with `/name` behind it for the record that also has the name
    sealed: bytes


class Subjects:
    """`parties`, `phones` and `devices` look up, or make, the tokens of identifiers whose form has been checked."""

    def __init__(self, key: TokenKey, vault: Vault | None, *, cached: int) -> None:
        """Without a vault no identities come out."""
        self._key = key
        self._vault = vault
        self.parties: Recent[PartyNames, PartyTokens] = Recent(self._party, limit=cached)
        self.phones: Recent[str, Halves] = Recent(self._phone, limit=cached)
        self.devices: Recent[str, Halves] = Recent(self._device, limit=cached)
        # Sealing is for the first sight only; a repeat after this many others costs the compacted topic nothing.
        self._told: Recent[int, bool] = Recent(lambda _: False, limit=8 * cached)
        self._identities: list[Identity] = []

    def named(self, kind: str, value: str) -> tuple[int, Halves, int]:
        """(party kind, token, account) of a subject named by id, account, phone, wallet or card.

        Wallets and cards are accounts. A phone is a subject of its own, known as an account is: by a number alone.
        """
        if kind == "id":
            party, token, _, _ = self.parties[value, None, None]
            return party, token, 0
        if kind == "phone":
            return ACCOUNT, self.phones[value], 0
        party, token, account, _ = self.parties[None, value, None]
        return party, token, account

    def identities(self) -> list[Identity]:
        """Those of tokens seen for the first time since the last call."""
        told, self._identities = self._identities, []
        return told

    def _party(self, party: PartyNames) -> PartyTokens:
        identifier, account, name = party
        account_token: Halves = _NO_TOKEN
        if account is not None:
            account_token = _plain(self._key.token("account", canonical_account(account)))
            self._tell("account", account_token, account, name if identifier is None else None)
        if identifier is None:
            return ACCOUNT, account_token, account_token[0], False
        token = _plain(self._key.token("person", identifier))
        self._tell("person", token, identifier, name)
        if identifier[2] == ":":
            return FOREIGN, token, account_token[0], True
        fifth = identifier[4]
        return COMPANY if fifth >= "4" else PERSON, token, account_token[0], fifth == "5"

    def _phone(self, number: str) -> Halves:
        token = _plain(self._key.token("phone", number))
        self._tell("phone", token, number, None)
        return token

    def _device(self, identifier: str) -> Halves:
        token = _plain(self._key.token("device", identifier))
        self._tell("device", token, identifier, None)
        return token

    def _tell(self, kind: SubjectKind, token: Halves, value: str, name: str | None) -> None:
        """Seal what stands behind a token the first time it is seen, and once more when first seen with a name."""
        if self._vault is None:
            return
        sight = token[0] if name is None else ~token[0]
        if self._told[sight]:
            return
        self._told[sight] = True
        text = self._key.text(token)
        # A record of its own for the name: on a compacted topic a later sight without a name must not wipe it out.
        key = f"{text}/name".encode() if name is not None else text.encode()
        plain = {"kind": kind, "id" if kind == "person" else kind: value}
        if name is not None:
            plain["name"] = name
        self._identities.append(Identity(key, self._vault.seal(key, msgspec.json.encode(plain))))


def _plain(token: Token) -> Halves:
    return token.key, token.rest


def canonical_account(account: str) -> str:
    """What is hashed: an IBAN is the same account in small letters, any other account is taken as it is."""
    return account.upper() if _IBAN.fullmatch(account) else account
