"""The lint of a rulebook: everything that is wrong with it before it judges anybody, with file, line and column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rules.problems import Problem, errors
from rules.rulebook import Reading, Rulebook


@dataclass(frozen=True, slots=True)
class Checked:
    """A rulebook, if it has no errors, and all problems in order of place."""

    rulebook: Rulebook | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> list[Problem]:
        return errors(self.problems)


def check(documents: Mapping[str, str]) -> Checked:
    """Read and lint the files of a rulebook, path → text."""
    reading = Reading(documents)
    problems = tuple(reading.problems)
    return Checked(None if errors(problems) else reading.rulebook, problems)
