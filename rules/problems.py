"""What is wrong with a rulebook file and where, in words its author can act on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault of one file; lines and columns count from 1.

    >>> print(Problem("t.yaml", 3, 9, "unknown name 'event.amuont'", "did you mean 'event.amount'?"))
    t.yaml:3:9: error: unknown name 'event.amuont'; did you mean 'event.amount'?
    """

    path: str
    line: int
    column: int
    message: str
    suggestion: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        tail = f"; {self.suggestion}" if self.suggestion else ""
        return f"{self.path}:{self.line}:{self.column}: {self.severity}: {self.message}{tail}"


class RulebookInvalid(ValueError):
    """A rulebook that has errors: nothing of it is used."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """The problems that stop a rulebook, in order of place."""
    return sorted(problem for problem in problems if problem.severity == "error")


def nearest(name: str, known: Iterable[str]) -> str:
    """A suggestion naming the closest known name, or nothing.

    >>> nearest("payee.payers_30", ["payee.payers_30d", "event.amount"])
    "did you mean 'payee.payers_30d'?"
    """
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {found[0]!r}?" if found else ""
