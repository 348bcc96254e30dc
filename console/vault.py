"""Opens what stands behind a token, for one person with a reason; that it will be opened is written down before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from console import audit
from console.people.roles import may_see_case
from console.store.actor import Actor, need
from console.store.errors import NotFound, StoreError
from console.store.opening import Store
from console.store.tables import identities, tokens
from streams.contracts.fields import check_account, check_party_id, check_phone
from streams.subjects import canonical_account
from streams.tokens import SealBroken, SubjectKind, TokenKey, Vault

SHORTEST_REASON, LONGEST_REASON = 10, 500
_TOKEN_LENGTHS: Final = range(34, 42)
_IDENTIFIERS: Final[dict[str, tuple[SubjectKind, Callable[[str], str]]]] = {
    "person": ("person", check_party_id),
    "account": ("account", check_account),
    "phone": ("phone", check_phone),
}


class ReasonMissing(StoreError):
    """Nobody's identity is opened without a reason that says something."""

    def __init__(self) -> None:
        super().__init__(f"A reason has at least {SHORTEST_REASON} letters.", "Say what it is needed for.")


class NoIdentifier(StoreError):
    """What was typed is no identifier of that kind."""

    def __init__(self) -> None:
        super().__init__("That is no identifier of this kind.", "Check the digits.")


class Unopenable(StoreError):
    """The identity is there, and this key does not open it."""

    def __init__(self) -> None:
        super().__init__("The vault's key does not open this identity.", "Ask who runs the center for the right key.")


@dataclass(frozen=True, slots=True)
class Identity:
    """What stands behind a token. Never kept: it is shown once, or sent to where the law says."""

    token: str
    kind: str  # person, account, phone, device
    value: str  # the IIN or BIN, account, phone number or device
    name: str | None

    def __repr__(self) -> str:
        return f"Identity({self.token!r})"


def reveal(store: Store, vault: Vault, viewer: Actor, token: str, reason: str, case_id: int | None = None) -> Identity:
    """Open one identity for somebody who will see it. Call it outside of any transaction.

    The audit entry is kept before anything is opened: there is no sight of a person without one.

    Raises:
        NotAllowed: the viewer may reveal nobody.
        NotFound: there is no such identity, or no such case for this viewer.
        ReasonMissing: the reason says nothing.
        Unopenable: the key is another.
    """
    need(viewer, "identities.reveal")
    if len(reason.strip()) < SHORTEST_REASON:
        raise ReasonMissing
    with store.writing() as connection:
        if case_id is not None and not may_see_case(connection, viewer, case_id):
            raise NotFound("case")
        if not _sealed(connection, token):
            raise NotFound("identity")
        audit.write(connection, viewer, "identity.revealed", "subject", token, reason.strip(), case=case_id)
    with store.reading() as connection:
        return _opened(connection, vault, token)


def open_for(
    connection: Connection, vault: Vault, viewer: Actor, token: str, purpose: str, case_id: int | None = None
) -> Identity:
    """Open one identity inside an action whose record goes where the law says (a disposition, an order, a report).

    The audit entry is part of the action's transaction: they are kept together or not at all. Not for showing.

    Raises: as `reveal`.
    """
    need(viewer, "identities.reveal")
    if case_id is not None and not may_see_case(connection, viewer, case_id):
        raise NotFound("case")
    audit.write(connection, viewer, "identity.used", "subject", token, purpose, case=case_id)
    return _opened(connection, vault, token)


def find_token(key: TokenKey, kind: str, value: str) -> str:
    """The token of an IIN or BIN (`person`), account or phone that somebody typed; nothing is looked up or kept.

    Raises:
        NoIdentifier: it is none: another form, or a wrong check digit.

    >>> from streams.tokens import demo_keys
    >>> key = demo_keys()[0]
    >>> find_token(key, "account", "kz86 125K zt50 0410 0100") == find_token(key, "account", "KZ86125KZT5004100100")
    True
    """
    plain = "".join(value.split())
    try:
        subject, check = _IDENTIFIERS[kind]
        plain = check(plain)
    except (KeyError, ValueError):
        raise NoIdentifier from None
    return key.text(key.token(subject, canonical_account(plain) if subject == "account" else plain))


def is_met(connection: Connection, token: str) -> bool:
    """Whether this store has met a token at all."""
    return connection.execute(select(tokens.c.key).where(tokens.c.token == token)).first() is not None


def _sealed(connection: Connection, token: str) -> dict[str, bytes]:
    """The records behind a token: the one with the name after the one without."""
    if len(token) not in _TOKEN_LENGTHS:
        return {}
    keys = (token, f"{token}/name")
    rows = connection.execute(
        select(identities).where(identities.c.record_key.in_(keys)).order_by(identities.c.record_key)
    )
    return {row.record_key: row.sealed for row in rows}


def _opened(connection: Connection, vault: Vault, token: str) -> Identity:
    plain: dict[str, str] = {}
    sealed = _sealed(connection, token)
    if not sealed:
        raise NotFound("identity")
    for key, value in sealed.items():
        try:
            plain |= msgspec.json.decode(vault.open(key.encode(), value), type=dict[str, str])
        except (SealBroken, msgspec.DecodeError):
            raise Unopenable from None
    kind = plain["kind"]
    return Identity(token, kind, plain["id" if kind == "person" else kind], plain.get("name"))
