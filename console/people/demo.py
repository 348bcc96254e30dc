"""The people of the demo, each role at least once, with a password that everybody knows: there are none outside it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from console import audit
from console.keyring import Keyring
from console.people import passwords, users
from console.people.passwords import DEMO_PASSWORD
from console.people.roles import Role
from console.store.errors import NotAllowed

PEOPLE: Final[tuple[tuple[str, str, Role], ...]] = (
    ("analyst", "Айгерім Сәдуақасова", "analyst"),
    ("second", "Данияр Ахметов", "analyst"),
    ("senior", "Гүлнар Қасымова", "senior"),
    ("compliance", "Тимур Сериков", "compliance"),
    ("officer", "Сәуле Бекова", "compliance"),  # a rulebook takes two
    ("auditor", "Жанна Омарова", "auditor"),
    ("admin", "Ерлан Нұрланов", "admin"),
)


def add_people(connection: Connection, keys: Keyring, now: int) -> list[tuple[str, Role]]:
    """Make those who are not there yet; returns username and role of all. Their password is `DEMO_PASSWORD`.

    Raises:
        NotAllowed: this is no demo.
    """
    if not keys.demo:
        raise NotAllowed(
            "There are no demo accounts outside the demo.", "Set ANTIFRAUD_DEMO=1, with invented data only."
        )
    there = {user.username for user in users.everybody(connection)}
    missing = [person for person in PEOPLE if person[0] not in there]
    hashed = passwords.hash_of(DEMO_PASSWORD) if missing else None
    for username, full_name, role in missing:
        users.insert_user(connection, username, full_name, role, "ru", now, password_hash=hashed)
        audit.write(connection, audit.System(), "people.added", "user", username, role=role, by="demo")
    return [(username, role) for username, _, role in PEOPLE]
