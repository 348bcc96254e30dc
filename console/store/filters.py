"""Filters of the queue that somebody saved under a name: the query part of the queue's address."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, insert, select

from console.store.actor import Actor
from console.store.errors import NotFound
from console.store.tables import saved_filters

MOST: Final = 50  # that one person may keep


class TooMany(ValueError):
    """Somebody has saved as many filters as there may be."""


def of(connection: Connection, actor: Actor) -> dict[str, str]:
    """Name → query of the filters that somebody saved, by name."""
    chosen = (
        select(saved_filters.c.name, saved_filters.c.query)
        .where(saved_filters.c.username == actor.username)
        .order_by(saved_filters.c.name)
    )
    return {row.name: row.query for row in connection.execute(chosen)}


def save(connection: Connection, actor: Actor, name: str, query: str) -> None:
    """Keep a query under a name, in place of the one that had it; TooMany."""
    kept = of(connection, actor)
    if name not in kept and len(kept) >= MOST:
        raise TooMany(f"nobody keeps more than {MOST} filters")
    mine = (saved_filters.c.username == actor.username) & (saved_filters.c.name == name)
    connection.execute(delete(saved_filters).where(mine))
    connection.execute(insert(saved_filters).values(username=actor.username, name=name, query=query))


def forget(connection: Connection, actor: Actor, name: str) -> None:
    """Delete a saved filter; NotFound."""
    mine = (saved_filters.c.username == actor.username) & (saved_filters.c.name == name)
    if connection.execute(delete(saved_filters).where(mine)).rowcount != 1:
        raise NotFound(f"saved filter {name}")
