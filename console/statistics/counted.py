"""Keeps the tables of a block for a minute, with the time of their counting: a year of alerts takes seconds."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from console.statistics.blocks import BLOCKS, Block
from console.statistics.figures import Figures
from console.statistics.period import Step
from console.store.statistics import Choice

KEPT_MS: Final = 60_000
MOST: Final = 64  # countings that are kept

Key = tuple[Block, Choice, Step]


@dataclass(frozen=True, slots=True)
class Counted:
    """Tables as they were at `at`, ms UTC."""

    at: int
    tables: tuple[Figures, ...]


@dataclass(slots=True)
class _Turn:
    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: int = 0  # by how many threads: the one that counts and those that wait for it


class Counting:
    """Counts what is not kept, for any thread; who asks for the same at once is counted for once."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """`clock` tells ms UTC."""
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Counted] = OrderedDict()
        self._turns: dict[Key, _Turn] = {}

    def tables(self, connection: Connection, block: Block, choice: Choice, step: Step) -> Counted:
        """The tables of a block, counted no longer than KEPT_MS ago."""
        key = (block, choice, step)
        with self._turn(key):
            kept = self._kept.get(key)
            if kept is not None and self._clock() - kept.at < KEPT_MS:
                return kept
            counted = Counted(self._clock(), tuple(BLOCKS[block](connection, choice, step)))
            self._keep(key, counted)
        return counted

    @contextmanager
    def _turn(self, key: Key) -> Iterator[None]:
        """The turn to count, which is gone with the last who asked for it, also where the counting failed."""
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.asked += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._lock:
                turn.asked -= 1
                if not turn.asked:
                    del self._turns[key]

    def _keep(self, key: Key, counted: Counted) -> None:
        with self._lock:
            self._kept[key] = counted
            self._kept.move_to_end(key)
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
