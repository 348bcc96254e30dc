"""Demo accounts exist in the demo alone, and are made once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.people import users
from console.people.demo import PEOPLE, add_people
from console.people.roles import ROLES
from console.store.errors import NotAllowed
from console.store.opening import Store
from tests.console.web.clients import KEYS


def test_the_demo_has_somebody_of_every_role_and_makes_them_once(store: Store) -> None:
    with store.writing() as connection:
        assert add_people(connection, KEYS, 0) == add_people(connection, KEYS, 1)
        assert {user.role for user in users.everybody(connection)} == set(ROLES)
        assert len(users.everybody(connection)) == len(PEOPLE)


def test_outside_the_demo_there_are_none(store: Store) -> None:
    """OWASP ASVS v5.0.0-6.3.2: default accounts are not present."""
    with pytest.raises(NotAllowed), store.writing() as connection:
        add_people(connection, replace(KEYS, demo=False), 0)
