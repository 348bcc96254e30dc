"""Money that is never held: pensions, benefits, stipends and salary coming in; taxes, utilities and loans going out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from rules.events import FIRST_FACT, KINDS, PARTY_KINDS, Events, word_hash
from rules.procedure import Procedure, Protected

Truths = NDArray[np.bool_]
_COMPANY: Final = PARTY_KINDS.index("company")


@dataclass(frozen=True, slots=True)
class _Marks:
    """How protected money of one direction is known: a table for each field of the event that may tell it."""

    purpose_codes: Truths
    words: Truths
    merchant_categories: Truths
    kinds: Truths

    @classmethod
    def of(cls, entries: Iterable[Protected]) -> _Marks:
        marks = cls(np.zeros(1 << 16, bool), np.zeros(1 << 16, bool), np.zeros(1 << 16, bool), np.zeros(256, bool))
        for entry in entries:
            marks.purpose_codes[entry.purpose_codes] = True
            marks.words[[word_hash(word) for word in entry.words]] = True
            marks.merchant_categories[entry.merchant_categories] = True
            marks.kinds[[KINDS.index(kind) for kind in entry.kinds]] = True
        marks.words[0] = False  # 0 stands for "no word"
        return marks

    def on(self, rows: Events) -> Truths:
        found: Truths = self.purpose_codes[rows["purpose_code"]] | self.words[rows["words"]].any(axis=1)
        found |= self.merchant_categories[rows["merchant_category"]] | self.kinds[rows["kind"]]
        found &= rows["kind"] < FIRST_FACT
        return found


class ProtectedMoney:
    """Tells protected money by the event alone; `listed` says which of the other sides are on the list `protected`.

    A purpose is easily written by a fraudster, so the other side has to be a company (its BIN was checked) or a body on
    that list: nobody's transfer to a friend becomes a pension by its purpose.
    """

    def __init__(self, procedure: Procedure) -> None:
        self._marks = {
            direction: _Marks.of(entry for entry in procedure.protected if entry.direction == direction)
            for direction in ("in", "out")
        }

    def incoming(self, rows: Events, listed: Truths | None = None) -> Truths:
        """Which events are protected income of their payee: bool[n]. `listed`: the payer is on the list, bool[n]."""
        income: Truths = self._passing("in", rows, "payer_kind", listed) & (rows["payee_kind"] != _COMPANY)
        return income

    def outgoing(self, rows: Events, listed: Truths | None = None) -> Truths:
        """Which events are payments their payer may go on making: bool[n]. `listed`: the payee is on the list."""
        return self._passing("out", rows, "payee_kind", listed)

    def _passing(self, direction: Literal["in", "out"], rows: Events, other: str, listed: Truths | None) -> Truths:
        known: Truths = rows[other] == _COMPANY
        if listed is not None:
            known = known | listed
        passing: Truths = self._marks[direction].on(rows) & known
        return passing
