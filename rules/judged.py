"""What a rulebook says about events: of a batch in numbers, of one event in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.conditions import NOT_JUDGED
from rules.events import Events
from rules.texts import Language
from rules.typology import Action, Typology

Value = float | str | bool | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rulebook says about n events."""

    score: NDArray[np.float64]  # [n, typologies]; 0 where the typology does not apply
    signals: NDArray[np.uint8]  # [n, signals of all typologies]: 0 no, 1 yes, 2 not judged
    rows: Events
    needed: NDArray[np.uint64]
    values: NDArray[np.float64]
    statistics: NDArray[np.float64]
    scores: NDArray[np.float64]
    lists: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class DescribedSignal:
    """One signal of a finding, in words."""

    id: str
    state: int  # 0 no, 1 yes, 2 not judged
    weight: float
    contribution: float
    text: dict[Language, str]


@dataclass(frozen=True, slots=True)
class Description:
    """Why a typology gave an event its score."""

    typology: Typology
    score: float
    signals: tuple[DescribedSignal, ...]
    values: dict[str, tuple[Value, str]]  # what the true signals looked at: name → (value, unit)
    summary: dict[Language, str]
    advice: dict[Language, str]
    action: Action | None

    @property
    def not_judged(self) -> tuple[str, ...]:
        """The signals that could not be judged: the score may be too low by their weights."""
        return tuple(signal.id for signal in self.signals if signal.state == NOT_JUDGED)
