"""Identities are opened for somebody who may, with a reason, and never without an entry in the log before."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from sqlalchemy import insert, select

from console.people.roles import GRANTED, Role
from console.store.errors import NotAllowed, NotFound
from console.store.opening import Store
from console.store.tables import audit, identities
from console.vault import ReasonMissing, Unopenable, find_token, open_for, reveal
from streams.tokens import Vault, demo_keys

KEY, VAULT = demo_keys()
IIN = "791028302728"
TOKEN = find_token(KEY, "person", IIN)
REASON = "the bank asks whom to call"


@dataclass(frozen=True)
class Somebody:
    username: str = "aigul"
    role: Role = "analyst"

    @property
    def permissions(self) -> frozenset[str]:
        return GRANTED[self.role]


def sealed_in(store: Store, *, name: str | None = "Айгүл Серікқызы") -> None:
    rows = [(TOKEN, {"kind": "person", "id": IIN})]
    if name is not None:
        rows.append((f"{TOKEN}/name", {"kind": "person", "id": IIN, "name": name}))
    with store.writing() as connection:
        for key, plain in rows:
            sealed = VAULT.seal(key.encode(), json.dumps(plain).encode())
            connection.execute(insert(identities).values(record_key=key, sealed=sealed))


def logged(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as connection:
        rows = connection.execute(select(audit).order_by(audit.c.number))
        return [(row.actor, row.action, row.object_id) for row in rows]


def test_a_person_is_shown_with_the_name_and_the_log_has_token_and_reason(store: Store) -> None:
    sealed_in(store)
    person = reveal(store, VAULT, Somebody(), TOKEN, REASON)
    assert (person.kind, person.value, person.name) == ("person", IIN, "Айгүл Серікқызы")
    assert logged(store) == [("aigul", "identity.revealed", TOKEN)]
    with store.reading() as connection:
        written = str(connection.execute(select(audit)).mappings().one())
    assert REASON in written
    assert IIN not in written
    assert "Айгүл" not in written
    assert IIN not in repr(person)


def test_a_failed_opening_is_in_the_log_all_the_same(store: Store) -> None:
    """The entry is kept first: a crash after it hides nothing."""
    sealed_in(store)
    with pytest.raises(Unopenable):
        reveal(store, Vault("v2", bytes(range(32))), Somebody(), TOKEN, REASON)
    assert logged(store) == [("aigul", "identity.revealed", TOKEN)]


@pytest.mark.parametrize("role", ["compliance", "auditor", "admin"])
def test_who_may_not_is_refused_and_nothing_is_opened(store: Store, role: Role) -> None:
    """OWASP ASVS v5.0.0-8.2.1: function-level access is restricted to those with explicit permissions."""
    sealed_in(store)
    with pytest.raises(NotAllowed):
        reveal(store, VAULT, Somebody(role=role), TOKEN, REASON)
    with pytest.raises(NotAllowed), store.writing() as connection:
        open_for(connection, VAULT, Somebody(role=role), TOKEN, "a disposition")


def test_reasons_say_something_and_unknown_tokens_and_cases_are_not_found(store: Store) -> None:
    sealed_in(store, name=None)
    with pytest.raises(ReasonMissing):
        reveal(store, VAULT, Somebody(), TOKEN, "  because   ")
    with pytest.raises(NotFound):
        reveal(store, VAULT, Somebody(), f"{TOKEN}/name", REASON)
    with pytest.raises(NotFound):
        reveal(store, VAULT, Somebody(), TOKEN, REASON, case_id=404)
    assert logged(store) == []
    assert reveal(store, VAULT, Somebody(), TOKEN, REASON).name is None


def test_an_action_that_fails_has_used_no_identity(store: Store) -> None:
    sealed_in(store)
    with pytest.raises(ZeroDivisionError):
        _use_and_fail(store)
    assert logged(store) == []


def _use_and_fail(store: Store) -> None:
    with store.writing() as connection:
        assert open_for(connection, VAULT, Somebody(), TOKEN, "disposition").value == IIN
        raise ZeroDivisionError
