"""Loans that are remembered, so that a refusal of credit which becomes known too late still finds the loan it forbade.

A loan given against a refusal does not burden the citizen, whenever the registry tells of the refusal. So every entry
of the list `refusal` is held against the loans of its person that were judged before it was known, and what the lists
say now is judged again. The alert is the one that would have come at once: its id is made of the loan.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from rules.events import DAY_MS, EVENT, KINDS, ROLES, Events
from rules.judged import Judged
from rules.references import LISTS, Entries, ReferenceSets
from rules.rulebook import Rulebook
from rules.statistic_kernels import STATISTICS

CONTRACT, PAID_OUT = KINDS.index("loan_contract"), KINDS.index("loan_paid_out")
REMEMBERED_MS: Final = 400 * DAY_MS  # before the borrower's newest
MOST_OF_ONE: Final = 32  # rows of one borrower
MOST_BORROWERS: Final = 100_000
REFUSAL: Final = LISTS.index("refusal")
_ALERTED: Final = "payer_rest"  # a loan has no payer: in a row that is remembered, the typologies that alerted of it


def is_loan_given(rows: Events) -> NDArray[np.bool_]:
    """Whether each row says that a loan was agreed or paid out, and not only asked for."""
    given: NDArray[np.bool_] = (rows["kind"] == CONTRACT) | (rows["kind"] == PAID_OUT)
    return given


class Loans:
    """The loans given to the borrowers who live in one partition: the latest of each, of the latest borrowers.

    Memory: about 450 bytes a row.
    """

    def __init__(self, most_borrowers: int = MOST_BORROWERS) -> None:
        self.most_borrowers = most_borrowers
        # Rows as bytes, one after the other: a dict of numbers and bytes is nothing for the garbage collector to walk.
        self._rows: dict[int, bytes] = {}  # in the order of the borrowers' latest loans
        self.forgotten = 0  # borrowers

    def __len__(self) -> int:
        """Number of borrowers."""
        return len(self._rows)

    def add(self, rows: Events, wanted: NDArray[np.bool_] | None = None) -> None:
        """Remember the rows that are loans given, in order; of those that are wanted, bool[n]."""
        given = is_loan_given(rows)
        for i in np.flatnonzero(given if wanted is None else given & wanted).tolist():
            row = rows[i : i + 1]
            borrower = int(row["payee"][0])
            held = np.frombuffer(self._rows.pop(borrower, b"") + row.tobytes(), EVENT)
            kept = held["occurred_at"] > held["occurred_at"].max() - REMEMBERED_MS
            self._rows[borrower] = held[kept][-MOST_OF_ONE:].tobytes()
            if len(self._rows) > self.most_borrowers:
                del self._rows[next(iter(self._rows))]
                self.forgotten += 1

    def concerned(self, entries: Entries, late: NDArray[np.bool_] | None = None) -> tuple[Events, NDArray[np.int64]]:
        """The loans that each entry, in order, may change: rows, and the order key int64[n, 2] to judge them at.

        Those given in the order of the log before the entry was known; of a late entry (`late` bool[n]) all of them.
        """
        found, known_at = [np.empty(0, EVENT)], [np.empty((0, 2), np.int64)]
        for i in np.flatnonzero(entries["list"] == REFUSAL).tolist() if self._rows else ():
            entry = entries[i]
            held = self._rows.get(int(entry["key"]))
            if held is None:
                continue
            rows = np.frombuffer(held, EVENT)
            keys = np.stack([rows["epoch"], rows["order_time"]], axis=1)
            known = np.array([entry["epoch"], entry["order_time"]], np.int64)
            before = (keys[:, 0] < known[0]) | ((keys[:, 0] == known[0]) & (keys[:, 1] < known[1]))
            chosen = rows["occurred_at"] >= entry["valid_from"]
            chosen &= before if late is None or not late[i] else True
            rows = rows[chosen]
            rows[_ALERTED] = 0
            found.append(rows)
            known_at.append(np.where(before[:, None], known, keys)[chosen])
        return np.concatenate(found), np.concatenate(known_at)

    def mark(self, row: np.void, typologies: int) -> int:
        """Note of which typologies a loan was alerted, by their bits; which of them were not noted before.

        0 for a loan that is not remembered.
        """
        borrower = int(row["payee"])
        held = np.frombuffer(self._rows.get(borrower, b""), EVENT).copy()
        same = np.flatnonzero(held["event"] == row["event"])
        if not len(same):
            return 0
        known = int(held[_ALERTED][same[0]])
        held[_ALERTED][same[0]] = known | typologies
        self._rows[borrower] = held.tobytes()
        return typologies & ~known

    def state(self) -> Events:
        """All rows, in the order of their borrowers."""
        return np.frombuffer(b"".join(self._rows.values()), EVENT)

    @classmethod
    def restore(cls, state: Events, most_borrowers: int = MOST_BORROWERS) -> Loans:
        """The loans whose `state()` this was."""
        loans = cls(most_borrowers)
        edges = np.flatnonzero(state["payee"][1:] != state["payee"][:-1]) + 1
        for rows in np.split(state, edges):
            if len(rows):
                loans._rows[int(rows["payee"][0])] = rows.tobytes()
        return loans


def judge_again(
    rulebook: Rulebook, rows: Events, known_at: NDArray[np.int64], references: ReferenceSets
) -> tuple[Judged, NDArray[np.bool_]]:
    """Judge loans by what the lists say of them as known at `known_at` int64[n, 2], and who alerts bool[n, typologies].

    Only typologies that read lists are judged. The histories have moved on: a signal that reads them is not judged.
    """
    needed = rulebook.applicable(rows) & np.uint64(sum(1 << int(t) for t in np.flatnonzero(rulebook.reads_lists)))
    values = np.full((len(rows), len(rulebook.features)), np.nan)
    statistics, scores = np.full((len(rows), 4, len(STATISTICS)), np.nan), np.full((len(rows), 2), np.nan)
    lists = references.of_events(rows, (1 << len(ROLES)) - 1, known_at)
    judged = rulebook.judge(rows, needed, values, statistics, scores, lists)
    return judged, (judged.score >= rulebook.alert_at) & rulebook.applies(needed)
