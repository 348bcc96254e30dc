"""Somebody of a role, for tests that call the store's functions as pages do."""

from __future__ import annotations

from dataclasses import dataclass

from console.people.roles import GRANTED, Role


@dataclass(frozen=True)
class Somebody:
    """An actor; his account is not needed to act."""

    username: str = "aigul"
    role: Role = "analyst"

    @property
    def permissions(self) -> frozenset[str]:
        """Those of the role."""
        return GRANTED[self.role]


AIGUL, BOLAT = Somebody(), Somebody("bolat")
SENIOR = Somebody("saule", "senior")
AUDITOR = Somebody("arman", "auditor")
COMPLIANCE = Somebody("dana", "compliance")
