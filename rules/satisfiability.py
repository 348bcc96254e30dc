"""Whether conditions can be true together at all: what finds signals and typologies that can never fire.

It is sound in one direction: what it calls impossible is impossible. What it cannot decide it calls possible.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from rules.conditions import (
    All,
    Always,
    AnyOf,
    Arithmetic,
    Column,
    Compare,
    Condition,
    Constant,
    Flag,
    HasWords,
    Known,
    Magnitude,
    Name,
    Not,
    Number,
    OneOf,
    Text,
    TextIs,
)

MOST_STEPS: Final = 5_000  # beyond that a condition is too entangled to decide, and called possible
MOST_CHOICES: Final = 120  # one within the other: each is a call within a call
MOST_IN_ALL: Final = 50_000  # steps for all signals of a typology together: its author waits for the answer
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers from low to high; an open end is not one of them."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    @property
    def empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def narrowed(self, operator: str, value: float) -> Range:
        """The part of the range that stands in a relation to a value."""
        if operator == "!=":
            return Range(0, -1) if self.low == self.high == value else self
        low, low_open, high, high_open = self.low, self.low_open, self.high, self.high_open
        if operator in (">", ">=", "==") and (value, operator == ">") > (low, low_open):
            low, low_open = value, operator == ">"
        if operator in ("<", "<=", "==") and (value, operator != "<") < (high, not high_open):
            high, high_open = value, operator == "<"
        return Range(low, high, low_open, high_open)

    def whole(self) -> Range:
        """The whole numbers of the range."""
        low, high = self.low, self.high
        if math.isfinite(low):
            low = math.floor(low) + 1 if self.low_open else math.ceil(low)
        if math.isfinite(high):
            high = math.ceil(high) - 1 if self.high_open else math.floor(high)
        return Range(low, high)


@dataclass(slots=True)
class _World:
    """What has to hold so far."""

    ranges: dict[str, Range] = field(default_factory=dict)
    texts: dict[str, frozenset[str]] = field(default_factory=dict)
    truths: dict[str, bool] = field(default_factory=dict)  # flags, and "known …" of a name
    comparisons: tuple[tuple[str, Number, Number], ...] = ()

    def copy(self) -> _World:
        return replace(self, ranges=dict(self.ranges), texts=dict(self.texts), truths=dict(self.truths))

    def holds(self, key: str, value: bool) -> bool:
        return self.truths.setdefault(key, value) is value

    def known(self, name: Name) -> bool:
        return self.holds(f"known {name.name}", True)

    def range_of(self, name: Name) -> Range:
        return self.ranges.get(name.name, Range(name.low, name.high))


def possible(conditions: Sequence[Condition]) -> bool:
    """Whether all of the conditions can be true of one event."""
    return _Search().search([(condition, True) for condition in conditions], _World())


class _Search:
    def __init__(self) -> None:
        self.steps = 0

    def search(self, goals: list[tuple[Condition, bool]], world: _World, choices: int = 0) -> bool:
        while goals:
            self.steps += 1
            if self.steps > MOST_STEPS or choices > MOST_CHOICES:
                return True
            condition, wanted = goals.pop()
            if isinstance(condition, Not):
                goals.append((condition.of, not wanted))
            elif isinstance(condition, All | AnyOf):
                parts = [(part, wanted) for part in condition.parts]
                if isinstance(condition, All) is not wanted:
                    return any(self.search([*goals, part], world.copy(), choices + 1) for part in parts)
                goals.extend(parts)
            elif isinstance(condition, OneOf) and wanted:
                equal = [(Compare("==", condition.of, Constant(value)), True) for value in condition.values]
                return any(self.search([*goals, one], world.copy(), choices + 1) for one in equal)
            elif not _settle(condition, wanted, world):
                return False
        return all(_comparable(operator, left, right, world) for operator, left, right in world.comparisons)


def _settle(condition: Condition, wanted: bool, world: _World) -> bool:
    """Note what one simple condition asks; False where that contradicts what was noted before."""
    if isinstance(condition, Always):
        return condition.value is wanted
    if isinstance(condition, Flag):
        return world.known(condition.name) and world.holds(condition.name.name, wanted)
    if isinstance(condition, HasWords):
        return world.holds(f"lexicon {condition.lexicon}", wanted)
    if isinstance(condition, TextIs):
        options = world.texts.get(condition.name.name, frozenset(condition.name.options))
        options = options & condition.options if wanted else options - condition.options
        world.texts[condition.name.name] = options
        return bool(options) and world.known(condition.name)
    if isinstance(condition, Known):
        # Of a composed value it cannot be said which of its names is missing.
        simple = isinstance(condition.of, Column | Flag | Text)
        return not simple or world.holds(f"known {next(condition.of.names())}", wanted)
    if isinstance(condition, Compare):
        return _compare(condition if wanted else replace(condition, operator=_OPPOSITE[condition.operator]), world)
    return True


def _compare(condition: Compare, world: _World) -> bool:
    operator, left, right = condition.operator, condition.left, condition.right
    if isinstance(left, Constant) and isinstance(right, Column):
        operator, left, right = _MIRRORED[operator], right, left
    for side in (left, right):
        if isinstance(side, Column) and not world.known(side.name):
            return False
    if not (isinstance(left, Column) and isinstance(right, Constant)):
        world.comparisons = (*world.comparisons, (operator, left, right))
        return True
    narrowed = world.range_of(left.name).narrowed(operator, right.value)
    if left.name.integral:
        narrowed = narrowed.whole()
    world.ranges[left.name.name] = narrowed
    return not narrowed.empty


def _comparable(operator: str, left: Number, right: Number, world: _World) -> bool:
    """Whether two numbers can stand in this relation, as far as their ranges say."""
    one, other = _range(left, world), _range(right, world)
    if operator in ("<", "<="):
        return one.low < other.high or (operator == "<=" and one.low == other.high)
    if operator in (">", ">="):
        return one.high > other.low or (operator == ">=" and one.high == other.low)
    if operator == "==":
        return one.low <= other.high and other.low <= one.high
    return not (one.low == one.high == other.low == other.high)


def _range(number: Number, world: _World) -> Range:
    if isinstance(number, Constant):
        return Range(number.value, number.value)
    if isinstance(number, Column):
        return world.range_of(number.name)
    if isinstance(number, Magnitude):
        of = _range(number.of, world)
        return Range(0 if of.low <= 0 <= of.high else min(abs(of.low), abs(of.high)), max(abs(of.low), abs(of.high)))
    assert isinstance(number, Arithmetic)
    one, other = _range(number.left, world), _range(number.right, world)
    if number.operator == "+":
        return Range(one.low + other.low, one.high + other.high)
    if number.operator == "-":
        return Range(one.low - other.high, one.high - other.low)
    if number.operator == "min":
        return Range(min(one.low, other.low), min(one.high, other.high))
    if number.operator == "max":
        return Range(max(one.low, other.low), max(one.high, other.high))
    if number.operator == "*":
        ends = [_product(a, b) for a in (one.low, one.high) for b in (other.low, other.high)]
        return Range(min(ends), max(ends))
    if number.operator == "/" and one.low >= 0 and other.low >= 0:
        return Range(0, math.inf)
    return Range()


def _product(one: float, other: float) -> float:
    return 0.0 if one == 0 or other == 0 else one * other


def highest(when: Condition, signals: Sequence[Condition], thousandths: Sequence[int]) -> int:
    """The highest sum of weights of signals that can be true together with `when`; 0 if `when` itself cannot be."""
    if not possible([when]):
        return 0
    order = sorted(range(len(signals)), key=lambda place: -thousandths[place])
    best = tries = steps = 0

    def extend(position: int, chosen: list[Condition], total: int) -> None:
        nonlocal best, tries, steps
        best = max(best, total)
        rest = sum(thousandths[place] for place in order[position:])
        if not rest or total + rest <= best or best >= 1000:
            return
        tries += 1
        if tries > MOST_STEPS or steps > MOST_IN_ALL:
            best = total + rest  # undecided: no complaint
            return
        place = order[position]
        with_it = [*chosen, signals[place]]
        search = _Search()
        together = search.search([(condition, True) for condition in (when, *with_it)], _World())
        steps += search.steps
        if together:
            extend(position + 1, with_it, total + thousandths[place])
        extend(position + 1, chosen, total)

    extend(0, [], 0)
    return min(best, 1000)
