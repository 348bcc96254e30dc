"""Rows, or entries of reference sets, that have arrived and wait for the marks of their sources."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streams.engine import joined
from streams.following import Mark


@dataclass(slots=True)
class _Piece:
    """Rows of one frame, with the mark at which the first of them may go."""

    first: Mark
    rows: NDArray[np.void]

    @classmethod
    def of(cls, rows: NDArray[np.void]) -> _Piece:
        epoch = rows["epoch"].min()
        return cls((int(epoch), int(rows["order_time"][rows["epoch"] == epoch].min())), rows)


@dataclass(slots=True)
class Pending:
    """What waits, all of one dtype, in the pieces it came in."""

    dtype: np.dtype[np.void]
    _pieces: list[_Piece] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(len(piece.rows) for piece in self._pieces)

    def add(self, rows: NDArray[np.void]) -> None:
        """Let rows wait; none is none."""
        if len(rows):
            self._pieces.append(_Piece.of(rows))

    def take(self, mark: Mark) -> NDArray[np.void]:
        """What may go at this mark; it waits no longer."""
        # Piece by piece: a source far ahead leaves many rows waiting, and most of its pieces need no look.
        epoch, time = mark
        waiting: list[_Piece] = []
        chosen: list[NDArray[np.void]] = []
        for piece in self._pieces:
            if piece.first > mark:
                waiting.append(piece)
                continue
            rows = piece.rows
            ready = (rows["epoch"] < epoch) | ((rows["epoch"] == epoch) & (rows["order_time"] <= time))
            chosen.append(rows[ready])
            if not ready.all():
                waiting.append(_Piece.of(rows[~ready]))
        self._pieces = waiting
        return joined(chosen) if chosen else np.empty(0, self.dtype)

    def pieces(self) -> list[NDArray[np.void]]:
        """The rows that wait, as they came."""
        return [piece.rows for piece in self._pieces]

    def rows(self) -> NDArray[np.void]:
        """All rows that wait."""
        return joined(self.pieces()) if self._pieces else np.empty(0, self.dtype)
