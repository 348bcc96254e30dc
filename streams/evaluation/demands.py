"""What an evaluation must reach: `recall=0.9,precision=0.8:T01,T03`, and whether it does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from streams.evaluation.figures import CaseFound, Figures, TypologyFigures

Reader = Callable[[TypologyFigures], float | None]

OF_TYPOLOGY: Final[Mapping[str, Reader]] = {
    "recall": lambda t: t.own.recall,
    "event_recall": lambda t: t.own.event_recall,
    "precision": lambda t: t.precision,
    "strict_precision": lambda t: t.strict_precision,
    "recoverable": lambda t: t.own.recoverable,
    "lead_days": lambda t: t.own.lead_days,
}
OF_ALL: Final[Mapping[str, Callable[[Figures], float | None]]] = {
    "recall": lambda f: f.all_cases.recall,
    "event_recall": lambda f: f.all_cases.event_recall,
    "precision": lambda f: f.precision,
    "recoverable": lambda f: f.all_cases.recoverable,
    "lead_days": lambda f: f.all_cases.lead_days,
    "average_precision": lambda f: f.ranking.average_precision,
    "recall_at_1_percent": lambda f: f.ranking.recall_at_1_percent,
    "honest_held": lambda f: f.innocents.share,
}
OF_CASE: Final[Mapping[str, Callable[[CaseFound], float | None]]] = {
    "findings_before_10_percent": lambda c: c.findings_before_10_percent,
    "recoverable": lambda c: c.recoverable,
}
AT_MOST: Final = frozenset({"lead_days", "honest_held"})  # of these, less is better
_TYPOLOGY: Final = re.compile(r"T[0-9]{2,3}")


class DemandInvalid(Exception):
    """A demand that cannot be understood; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Demand:
    """One figure that must be reached; `target` is a typology, a case or empty for everything together."""

    name: str
    bound: float
    target: str


@dataclass(frozen=True, slots=True)
class Unmet:
    """A demand that was not met, with the figure found; None where there is nothing to measure it on."""

    demand: Demand
    found: float | None

    def __str__(self) -> str:
        demand = self.demand
        of = f" of {demand.target}" if demand.target else ""
        if self.found is None:
            return f"{demand.name}{of} cannot be told: these events hold nothing to measure it on"
        return f"{demand.name}{of} is {self.found:g}, {'above' if demand.name in AT_MOST else 'below'} {demand.bound:g}"


def parse(text: str) -> list[Demand]:
    """Demands from `name=bound,…` and, after a colon, the typologies or cases that they are made of.

    A bound is the least that is good enough, or the most, of lead_days and honest_held.

    >>> [(each.name, each.bound, each.target) for each in parse("recall=0.9:T01,T03")]
    [('recall', 0.9, 'T01'), ('recall', 0.9, 'T03')]

    Raises:
        DemandInvalid: it cannot be understood.
    """
    left, _, right = text.partition(":")
    targets = right.split(",") if right else [""]
    demands = []
    for piece in left.split(","):
        name, equals, bound = piece.partition("=")
        try:
            number = float(bound)
        except ValueError:
            number = float("nan")
        if not equals or number != number:
            raise DemandInvalid(f"{text!r}: {piece!r} is not name=number")
        for target in targets:
            if ":" in target or (right and not target):
                raise DemandInvalid(f"{text!r}: after the colon come typologies or cases with commas between")
            known = _known(target)
            if name not in known:
                of = f"of {target}" if target else "of everything together; name typologies after a colon"
                raise DemandInvalid(f"{text!r}: there is no {name!r} {of}. Known: {', '.join(known)}")
            demands.append(Demand(name, number, target))
    return demands


def unmet(demands: list[Demand], found: Figures) -> list[Unmet]:
    """The demands that the figures do not meet, in order. Of a case in several runs, every run must meet it."""
    missed = []
    for demand in demands:
        for value in _values(demand, found):
            met = value is not None and (value <= demand.bound if demand.name in AT_MOST else value >= demand.bound)
            if not met:
                missed.append(Unmet(demand, value))
                break
    return missed


def _known(target: str) -> list[str]:
    if not target:
        return list(OF_ALL)
    return list(OF_TYPOLOGY if _TYPOLOGY.fullmatch(target) else OF_CASE)


def _values(demand: Demand, found: Figures) -> list[float | None]:
    if not demand.target:
        return [OF_ALL[demand.name](found)]
    if _TYPOLOGY.fullmatch(demand.target):
        return [OF_TYPOLOGY[demand.name](each) for each in found.typologies if each.id == demand.target] or [None]
    return [OF_CASE[demand.name](each) for each in found.case_list if each.case == demand.target] or [None]
