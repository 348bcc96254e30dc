"""A bounded cache that forgets what was not asked for lately."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(dict[K, V]):
    """`recent[key]` makes a value once and keeps it while it is in use.

    Two generations stand in for an exact order of use: a hit costs one dictionary look-up, and no more than twice
    `limit` values are held. What `make` raises is not kept.

    >>> lengths = Recent(len, limit=1000)
    >>> lengths["abc"], "abc" in lengths
    (3, True)
    """

    __slots__ = ("_limit", "_make", "_older")

    def __init__(self, make: Callable[[K], V], *, limit: int) -> None:
        super().__init__()
        self._make = make
        self._limit = limit
        self._older: dict[K, V] = {}

    def __missing__(self, key: K) -> V:
        older = self._older
        value = older[key] if key in older else self._make(key)
        if len(self) >= self._limit:
            self._older = dict(self)
            self.clear()
        self[key] = value
        return value
