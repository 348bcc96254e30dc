"""What a checked expression is: a tree of numbers and conditions, which writes itself down as a little program.

A value that is not known (a feature that could not be computed, an account age nobody gave) is NaN. A comparison with
it is neither true nor false, and `and`, `or`, `not` follow three-valued logic: *no and unknown* is no, *yes or
unknown* is yes, anything else stays unknown. Truths are numbers too: 0 no, 1 yes, NaN unknown.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from rules import machine

Type = Literal["number", "truth", "text", "words"]

NO, YES, NOT_JUDGED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Name:
    """A name that expressions may use: its type, and what its values can be."""

    name: str
    type: Type
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    integral: bool = False
    options: tuple[str, ...] = ()
    value: float | None = None  # a parameter: the value is known before any event


@dataclass
class Program:
    """The programs of many conditions, one after the other, for `rules.machine` to run.

    `places` says where each name's value stands: an instruction that loads it, and its argument.
    """

    places: Mapping[str, tuple[int, int]]
    operations: list[int] = field(default_factory=list)
    arguments: list[int] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    depth: int = 0

    def write(self, condition: Condition) -> None:
        """Add the program of one condition."""
        self.depth = 0
        condition.write(self)
        assert self.depth == 1

    def add(self, operation: int, argument: int = 0, *, effect: int = 0) -> int:
        """Add one instruction that makes the stack so much higher; its place."""
        self.depth += effect
        assert 0 < self.depth <= machine.STACK
        self.operations.append(operation)
        self.arguments.append(argument)
        return len(self.operations) - 1

    def constant(self, value: float) -> int:
        """The place of a constant."""
        self.constants.append(value)
        return len(self.constants) - 1

    def load(self, name: str) -> None:
        """Put the value of a name on the stack."""
        operation, argument = self.places[name]
        self.add(operation, argument, effect=1)

    def one_of(self, values: tuple[float, ...]) -> None:
        """Replace the value on the stack by whether it is one of a few."""
        start = len(self.constants)
        self.constants.extend(values)
        self.add(machine.ONE_OF, start << 16 | len(values))

    def join(self, parts: tuple[Condition, ...], operation: int, jump: int) -> None:
        """The parts of an `and` or `or`, which stops as soon as it is settled."""
        parts[0].write(self)
        jumps = []
        for part in parts[1:]:
            jumps.append(self.add(jump))
            part.write(self)
            self.add(operation, effect=-1)
        for place in jumps:
            self.arguments[place] = len(self.operations)


class Part(ABC):
    """A part of an expression."""

    @abstractmethod
    def write(self, program: Program) -> None:
        """Add the instructions that leave the value of this part on the stack."""

    @abstractmethod
    def names(self) -> Iterator[str]:
        """The names that this part reads."""


class Number(Part):
    """A part that is a number."""


class Condition(Part):
    """A part that is true, false or unknown."""


@dataclass(frozen=True, slots=True)
class Constant(Number):
    value: float

    def write(self, program: Program) -> None:
        program.add(machine.CONSTANT, program.constant(self.value), effect=1)

    def names(self) -> Iterator[str]:
        return iter(())


@dataclass(frozen=True, slots=True)
class Column(Number):
    name: Name

    def write(self, program: Program) -> None:
        program.load(self.name.name)

    def names(self) -> Iterator[str]:
        yield self.name.name


def _divided(left: float, right: float) -> float:
    # Dividing by nothing gives no number to judge by: unknown, never infinite.
    return left / right if right else math.nan


def _remainder(left: float, right: float) -> float:
    return left % right if right else math.nan


# Instruction, and what it does: the second is for constants, which are computed once.
_ARITHMETIC: Final[dict[str, tuple[int, Callable[[float, float], float]]]] = {
    "+": (machine.ADD, lambda left, right: left + right),
    "-": (machine.SUBTRACT, lambda left, right: left - right),
    "*": (machine.MULTIPLY, lambda left, right: left * right),
    "/": (machine.DIVIDE, _divided),
    "%": (machine.REMAINDER, _remainder),
    "min": (machine.MINIMUM, min),
    "max": (machine.MAXIMUM, max),
}


@dataclass(frozen=True, slots=True)
class Arithmetic(Number):
    operator: str
    left: Number
    right: Number

    def write(self, program: Program) -> None:
        self.left.write(program)
        self.right.write(program)
        program.add(_ARITHMETIC[self.operator][0], effect=-1)

    def names(self) -> Iterator[str]:
        yield from self.left.names()
        yield from self.right.names()


@dataclass(frozen=True, slots=True)
class Magnitude(Number):
    """The size of a number without its sign."""

    of: Number

    def write(self, program: Program) -> None:
        self.of.write(program)
        program.add(machine.MAGNITUDE)

    def names(self) -> Iterator[str]:
        return self.of.names()


@dataclass(frozen=True, slots=True)
class Always(Condition):
    value: bool

    def write(self, program: Program) -> None:
        program.add(machine.CONSTANT, program.constant(float(self.value)), effect=1)

    def names(self) -> Iterator[str]:
        return iter(())


@dataclass(frozen=True, slots=True)
class Flag(Condition):
    name: Name

    def write(self, program: Program) -> None:
        program.load(self.name.name)

    def names(self) -> Iterator[str]:
        yield self.name.name


_COMPARISONS: Final = {
    "<": machine.LESS,
    "<=": machine.AT_MOST,
    ">": machine.MORE,
    ">=": machine.AT_LEAST,
    "==": machine.EQUAL,
    "!=": machine.UNEQUAL,
}


@dataclass(frozen=True, slots=True)
class Compare(Condition):
    operator: str
    left: Number
    right: Number

    def write(self, program: Program) -> None:
        self.left.write(program)
        self.right.write(program)
        program.add(_COMPARISONS[self.operator], effect=-1)

    def names(self) -> Iterator[str]:
        yield from self.left.names()
        yield from self.right.names()


@dataclass(frozen=True, slots=True)
class OneOf(Condition):
    """A number that is one of a few."""

    of: Number
    values: tuple[float, ...]

    def write(self, program: Program) -> None:
        self.of.write(program)
        program.one_of(self.values)

    def names(self) -> Iterator[str]:
        return self.of.names()


@dataclass(frozen=True, slots=True)
class TextIs(Condition):
    """A text that is one of a few; a text's value is its position among the name's options."""

    name: Name
    options: frozenset[str]

    def write(self, program: Program) -> None:
        program.load(self.name.name)
        program.one_of(tuple(float(place) for place, option in enumerate(self.name.options) if option in self.options))

    def names(self) -> Iterator[str]:
        yield self.name.name


def lexicon_place(lexicon: str) -> str:
    """The name under which "a word of this lexicon is in the purpose" has its place."""
    return f"lexicon:{lexicon}"


@dataclass(frozen=True, slots=True)
class HasWords(Condition):
    name: Name
    lexicon: str

    def write(self, program: Program) -> None:
        program.load(lexicon_place(self.lexicon))

    def names(self) -> Iterator[str]:
        yield self.name.name


@dataclass(frozen=True, slots=True)
class Known(Condition):
    """A value is there to judge by."""

    of: Part

    def write(self, program: Program) -> None:
        self.of.write(program)
        program.add(machine.KNOWN)

    def names(self) -> Iterator[str]:
        return self.of.names()


@dataclass(frozen=True, slots=True)
class Text(Part):
    """A text by itself, as only known(…) takes it."""

    name: Name

    def write(self, program: Program) -> None:
        program.load(self.name.name)

    def names(self) -> Iterator[str]:
        yield self.name.name


@dataclass(frozen=True, slots=True)
class Not(Condition):
    of: Condition

    def write(self, program: Program) -> None:
        self.of.write(program)
        program.add(machine.NOT)

    def names(self) -> Iterator[str]:
        return self.of.names()


@dataclass(frozen=True, slots=True)
class All(Condition):
    parts: tuple[Condition, ...]

    def write(self, program: Program) -> None:
        program.join(self.parts, machine.AND, machine.JUMP_IF_NO)

    def names(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.names()


@dataclass(frozen=True, slots=True)
class AnyOf(Condition):
    parts: tuple[Condition, ...]

    def write(self, program: Program) -> None:
        program.join(self.parts, machine.OR, machine.JUMP_IF_YES)

    def names(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.names()


def fold(number: Number) -> Number:
    """Compute now, once, what needs no event."""
    value = math.nan
    if isinstance(number, Arithmetic):
        if isinstance(number.left, Constant) and isinstance(number.right, Constant):
            value = _ARITHMETIC[number.operator][1](number.left.value, number.right.value)
    elif isinstance(number, Magnitude) and isinstance(number.of, Constant):
        value = abs(number.of.value)
    return Constant(value) if math.isfinite(value) else number


def kinds_named(condition: Condition, *, positively: bool = True) -> frozenset[str]:
    """The kinds of event that a condition asks for by name, as in event.kind == 'call_spoofed'."""
    if isinstance(condition, TextIs) and condition.name.name == "event.kind":
        return condition.options if positively else frozenset()
    if isinstance(condition, Not):
        return kinds_named(condition.of, positively=not positively)
    if isinstance(condition, All | AnyOf):
        return frozenset().union(*(kinds_named(part, positively=positively) for part in condition.parts))
    return frozenset()
