"""Keeps the whole text of every token that is met, so that a page can name whom it only knows by key."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from console.store.keys import key_of
from console.store.tables import tokens
from console.store.upserts import add, put

PARTY: Final = "person"  # what a party is until a judged event says better
OF_ROLE: Final = {"payer": PARTY, "payee": PARTY, "device": "device", "phone": "phone"}


def guess(connection: Connection, kinds: Mapping[str, str]) -> None:
    """Add tokens, by text, of whose kind nobody can be sure; what the store knows already stays."""
    add(connection, tokens, [{"key": key_of(text), "token": text, "kind": kind} for text, kind in kinds.items()])


def know(connection: Connection, kinds: Mapping[str, str]) -> None:
    """Add tokens whose kind is known; a guess is put right."""
    rows = [{"key": key_of(text), "token": text, "kind": kind} for text, kind in kinds.items()]
    put(connection, tokens, rows, where=("kind", operator.ne))
