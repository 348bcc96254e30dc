"""Who acts on the store, as far as the store has to know: a name, a role and what the role may do."""

from __future__ import annotations

from collections.abc import Container
from typing import Protocol

from console.store.errors import NotAllowed


class Actor(Protocol):
    """A signed-in person; the web's viewer is one."""

    @property
    def username(self) -> str:
        """The account's name, as the audit log writes it."""

    @property
    def role(self) -> str:
        """analyst, senior, compliance, auditor or admin."""

    @property
    def permissions(self) -> Container[str]:
        """What the role may do, in the words of console.people.roles."""


def need(actor: Actor, permission: str) -> None:
    """Refuse whoever lacks the permission with NotAllowed."""
    if permission not in actor.permissions:
        raise NotAllowed(
            f"The role {actor.role} may not do this ({permission}).",
            "Ask somebody whose role may, or an administrator.",
        )
