"""Gives memory that a worker needed for a bulk, and needs no more, back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Final

WORTH_IT: Final = 10_000  # entries of reference sets: the buffers of ten bulk records


def give_back() -> None:
    """Return what C's allocator keeps for later; nothing where the C library cannot do it. Takes some milliseconds."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class AfterBulks:
    """Gives memory back when a bulk of entries has come to its end: fetches, frames and merges leave their buffers.

    >>> times = []
    >>> after = AfterBulks(lambda: times.append("given back"))
    >>> for entries in (0, 5_000, 5_000, 4_500_000, 4_500_000, 4_500_000):
    ...     after.note(entries)
    >>> times
    ['given back']
    """

    def __init__(self, act: Callable[[], object] = give_back) -> None:
        self._act = act
        self._last = 0
        self._given_back_at = 0

    def note(self, entries: int) -> None:
        """The number of entries now; to be told often."""
        grows, self._last = entries > self._last, entries
        if not grows and entries - self._given_back_at >= WORTH_IT:
            self._given_back_at = entries
            self._act()
