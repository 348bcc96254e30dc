"""What a checked expression computes: a tree of numbers and conditions over columns, one row for each event.

A value that is not known (a feature that could not be computed, an account age nobody gave) is NaN. A comparison with
it is neither true nor false, and `and`, `or`, `not` follow three-valued logic: *no and unknown* is no, *yes or
unknown* is yes, anything else stays unknown. So every truth is a pair of arrays, (must, may): surely and possibly true.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Type = Literal["number", "truth", "text", "words"]
Numbers = NDArray[np.float64] | float
Booleans = NDArray[np.bool_]
Truth = tuple[Booleans, Booleans]

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


class Columns(Protocol):
    """Where an expression finds its values: one column for each name, one row for each event."""

    def numbers(self, name: str) -> NDArray[np.float64]: ...

    def truths(self, name: str) -> Truth: ...

    def codes(self, name: str) -> NDArray[np.intp]:
        """For a text: the position in the name's options, or -1 where it is not known."""
        ...

    def has_words(self, lexicon: str) -> Booleans: ...

    def __len__(self) -> int: ...


class Number(ABC):
    """A part of an expression that is a number."""

    @abstractmethod
    def evaluate(self, columns: Columns) -> Numbers: ...

    @abstractmethod
    def names(self) -> Iterator[str]: ...


class Condition(ABC):
    """A part of an expression that is true, false or unknown."""

    @abstractmethod
    def evaluate(self, columns: Columns) -> Truth: ...

    @abstractmethod
    def names(self) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class Constant(Number):
    value: float

    def evaluate(self, columns: Columns) -> Numbers:  # noqa: ARG002
        return self.value

    def names(self) -> Iterator[str]:
        return iter(())


@dataclass(frozen=True, slots=True)
class Column(Number):
    name: Name

    def evaluate(self, columns: Columns) -> Numbers:
        return columns.numbers(self.name.name)

    def names(self) -> Iterator[str]:
        yield self.name.name


def _divide(left: Any, right: Any) -> Any:
    # Dividing by nothing gives no number to judge by: unknown, never infinite.
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(left, np.where(np.equal(right, 0), np.nan, right))


def _remainder(left: Any, right: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.fmod(left, np.where(np.equal(right, 0), np.nan, right))


_ARITHMETIC: Final[dict[str, Callable[..., Any]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": _divide,
    "%": _remainder,
    "min": np.minimum,
    "max": np.maximum,
}


@dataclass(frozen=True, slots=True)
class Arithmetic(Number):
    operator: str
    left: Number
    right: Number

    def evaluate(self, columns: Columns) -> Numbers:
        value: Numbers = _ARITHMETIC[self.operator](self.left.evaluate(columns), self.right.evaluate(columns))
        return value

    def names(self) -> Iterator[str]:
        yield from self.left.names()
        yield from self.right.names()


@dataclass(frozen=True, slots=True)
class Magnitude(Number):
    """The size of a number without its sign."""

    of: Number

    def evaluate(self, columns: Columns) -> Numbers:
        value: Numbers = np.abs(self.of.evaluate(columns))
        return value

    def names(self) -> Iterator[str]:
        return self.of.names()


@dataclass(frozen=True, slots=True)
class Always(Condition):
    value: bool

    def evaluate(self, columns: Columns) -> Truth:
        same = np.full(len(columns), self.value)
        return same, same

    def names(self) -> Iterator[str]:
        return iter(())


@dataclass(frozen=True, slots=True)
class Flag(Condition):
    name: Name

    def evaluate(self, columns: Columns) -> Truth:
        return columns.truths(self.name.name)

    def names(self) -> Iterator[str]:
        yield self.name.name


_COMPARISONS: Final[dict[str, Callable[..., Any]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


@dataclass(frozen=True, slots=True)
class Compare(Condition):
    operator: str
    left: Number
    right: Number

    def evaluate(self, columns: Columns) -> Truth:
        left, right = self.left.evaluate(columns), self.right.evaluate(columns)
        must = np.broadcast_to(_COMPARISONS[self.operator](left, right), len(columns))
        unknown = np.not_equal(left, left) | np.not_equal(right, right)
        if not unknown.any():
            return must, must
        return must & ~unknown, must | unknown

    def names(self) -> Iterator[str]:
        yield from self.left.names()
        yield from self.right.names()


@dataclass(frozen=True, slots=True)
class OneOf(Condition):
    """A number that is one of a few."""

    of: Number
    values: tuple[float, ...]

    def evaluate(self, columns: Columns) -> Truth:
        value = np.broadcast_to(np.asarray(self.of.evaluate(columns), np.float64), len(columns))
        must = np.isin(value, self.values)
        return must, must | np.isnan(value)

    def names(self) -> Iterator[str]:
        return self.of.names()


@dataclass(frozen=True, slots=True)
class TextIs(Condition):
    """A text that is one of a few."""

    name: Name
    options: frozenset[str]

    def evaluate(self, columns: Columns) -> Truth:
        codes = columns.codes(self.name.name)
        # One more place at the end, which code -1 (not known) falls on.
        wanted = np.array([option in self.options for option in self.name.options] + [False])
        must = wanted[codes]
        return must, must | (codes < 0)

    def names(self) -> Iterator[str]:
        yield self.name.name


@dataclass(frozen=True, slots=True)
class HasWords(Condition):
    name: Name
    lexicon: str

    def evaluate(self, columns: Columns) -> Truth:
        has = columns.has_words(self.lexicon)
        return has, has

    def names(self) -> Iterator[str]:
        yield self.name.name


@dataclass(frozen=True, slots=True)
class Known(Condition):
    """A value is there to judge by."""

    of: Number | Condition

    def evaluate(self, columns: Columns) -> Truth:
        if isinstance(self.of, Number):
            value = np.broadcast_to(np.asarray(self.of.evaluate(columns), np.float64), len(columns))
            known = ~np.isnan(value)
        else:
            must, may = self.of.evaluate(columns)
            known = must == may
        return known, known

    def names(self) -> Iterator[str]:
        return self.of.names()


@dataclass(frozen=True, slots=True)
class KnownText(Condition):
    name: Name

    def evaluate(self, columns: Columns) -> Truth:
        known = columns.codes(self.name.name) >= 0
        return known, known

    def names(self) -> Iterator[str]:
        yield self.name.name


@dataclass(frozen=True, slots=True)
class Not(Condition):
    of: Condition

    def evaluate(self, columns: Columns) -> Truth:
        must, may = self.of.evaluate(columns)
        if must is may:
            opposite = ~must
            return opposite, opposite
        return ~may, ~must

    def names(self) -> Iterator[str]:
        return self.of.names()


@dataclass(frozen=True, slots=True)
class All(Condition):
    parts: tuple[Condition, ...]

    def evaluate(self, columns: Columns) -> Truth:
        must, may = self.parts[0].evaluate(columns)
        for part in self.parts[1:]:
            if not may.any():
                return may, may
            next_must, next_may = part.evaluate(columns)
            if must is may and next_must is next_may:
                must = may = must & next_must
            else:
                must, may = must & next_must, may & next_may
        return must, may

    def names(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.names()


@dataclass(frozen=True, slots=True)
class AnyOf(Condition):
    parts: tuple[Condition, ...]

    def evaluate(self, columns: Columns) -> Truth:
        must, may = self.parts[0].evaluate(columns)
        for part in self.parts[1:]:
            if must.all():
                return must, must
            next_must, next_may = part.evaluate(columns)
            if must is may and next_must is next_may:
                must = may = must | next_must
            else:
                must, may = must | next_must, may | next_may
        return must, may

    def names(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.names()


def fold(number: Number) -> Number:
    """Compute now, once, what needs no event."""
    parts = (
        (number.left, number.right)
        if isinstance(number, Arithmetic)
        else (number.of,)
        if isinstance(number, Magnitude)
        else ()
    )
    if all(isinstance(part, Constant) for part in parts):
        value = float(number.evaluate(_NOTHING))
        if math.isfinite(value):
            return Constant(value)
    return number


class _Nothing:
    """Columns for what needs none."""

    def numbers(self, name: str) -> NDArray[np.float64]:
        raise KeyError(name)

    def truths(self, name: str) -> Truth:
        raise KeyError(name)

    def codes(self, name: str) -> NDArray[np.intp]:
        raise KeyError(name)

    def has_words(self, lexicon: str) -> Booleans:
        raise KeyError(lexicon)

    def __len__(self) -> int:
        return 1


_NOTHING: Final = _Nothing()
