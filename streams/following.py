"""What an agent behind `judged` is: a pure state that takes judged events in one country-wide order, and marks of time.

`antifraud follow` (streams/following_worker.py) merges the partitions of `judged` into that order
(streams/following_merge.py) and hands batches to every follower. A follower is a function of what it was handed: no
clock, no random number, no lookup elsewhere but the rulebook that judged the events.

Two laws hold for every follower, because events come in whatever batches Kafka happened to give:

1. `take(a); take(b)` leaves the same state and gives the same records as `take(a + b)`.
2. A timer that is due at T fires as of T: before the first row that is later than T, or in `advance` with the first
   mark at or after T, whichever is first; what it sends, and its ids, depend on T and not on which of the two it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from rules.events import NO_TIME, Events
from rules.rulebook import Rulebook

Mark = tuple[int, int]  # (epoch, order_time)

# What a finding asks for, by rising gravity; FINDING["decision"] is an index into it.
DECISIONS: Final = ("none", "warn", "step_up", "hold", "block")
FINDING: Final = np.dtype(
    [
        ("row", "<u4"),  # which of the batch's rows
        ("typology", "<u2"),  # index into the rulebook's typologies, and column of the batch's `typologies`
        ("decision", "u1"),  # index into DECISIONS: what the typology's action asks for at this score
        ("shadow", "u1"),  # 1 where the typology is on trial: nobody acts on it
        ("score", "<f8"),
    ]
)


_BEYOND: Final = 2**62  # an order_time of a mark, and of no event: after (or, negative, before) all of its epoch


class SourceName(NamedTuple):
    """Where a row's record stands; with EVENT["offset"] it names the record."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class JudgedBatch:
    """n judged events in country-wide order, all judged by one rulebook generation.

    Rows of all kinds come: transactions and the facts of subjects (rules.events.FACT_KINDS). Also repeats and
    contradictions come; only rows whose `state` is streams.verdicts.NEW say something new.
    """

    rows: Events  # [n]; rows["source"] indexes `sources`
    risk: NDArray[np.float64]  # [n] in [0, 1]
    scores: NDArray[np.float64]  # [n, 2] anomaly of the payer's and the payee's side
    typologies: NDArray[np.float32]  # [n, typologies] score of each; 0 where it does not apply
    lists: NDArray[np.uint32]  # [n, 4] bit l: the subject in this role was on rules.references.LISTS[l]
    state: NDArray[np.uint8]  # [n] streams.verdicts.NEW, REPEAT or CONTRADICTION
    findings: NDArray[np.void]  # FINDING[m], by row, then typology
    late: NDArray[np.bool_]  # [n] came after the mark had passed it: it stands here, in its place of arrival
    generation: int
    rulebook: Rulebook
    sources: Sequence[SourceName]

    def __len__(self) -> int:
        return len(self.rows)


class Outgoing(NamedTuple):
    """One record for Kafka. It may be sent again after a crash, the same bytes: its reader tells by the key's id."""

    topic: str
    value: bytes
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None  # None: by key


class Follower(Protocol):
    """A pure state behind `judged`; see the module's docstring for the laws it keeps."""

    name: str  # of its part of the snapshot, its metrics and log lines: lower case, for good

    def take(self, batch: JudgedBatch) -> list[Outgoing]:
        """Take the next events; return what they cause, in order. Raise nothing: a fault ends the process."""
        ...

    def advance(self, mark: Mark) -> list[Outgoing]:
        """Order time has reached `mark`: every event at or below it was taken, late ones apart. Timers fire."""
        ...

    def state(self) -> tuple[bytes, Mapping[str, NDArray[Any]]]:
        """The whole state: a document (MessagePack) and arrays by name; arrays may be views, they are read at once."""
        ...

    def restore(self, document: bytes, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the follower whose `state()` this was. The arrays may be kept: nobody else writes to them."""
        ...


def moment(mark: Mark) -> int:
    """The event time that a mark stands for, milliseconds since 1970 UTC; NO_TIME where none is known yet.

    Of live events it is the broker's append time; inside a replay of history it is occurred_at. It never goes back
    within one epoch, but a replay opened later may tell of earlier days.

    >>> moment((1_767_225_600_000, 0)), moment((1_767_225_600_000, 1_735_689_600_000))
    (1767225600000, 1735689600000)
    """
    epoch, order_time = mark
    if order_time == -1:  # just below a live event
        return epoch - 1
    if order_time <= -_BEYOND:
        return NO_TIME
    return epoch if order_time == 0 or order_time >= _BEYOND else order_time


def moments(rows: Events) -> NDArray[np.int64]:
    """`moment` of every row: int64[n]."""
    return np.where(rows["order_time"] != 0, rows["order_time"], rows["epoch"])
