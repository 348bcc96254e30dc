"""The partitions of `judged` merged into one country-wide order, up to the lowest mark of all of them.

The order is that of `screen` with one partition: (epoch, order_time, occurred_at, institution, event_id, content). It
does not depend on how records are batched, nor, late events apart, on the number of partitions. A late event is one
that its partition's mark had passed before it came: it stands right behind that mark. Rows that a restarted worker
sent again are known by their number and dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules.events import Events
from rules.rulebook import Rulebook
from streams import frames
from streams.following import FINDING, JudgedBatch, Mark, SourceName
from streams.frames import GapError
from streams.screening import BEFORE_ALL

BATCH_ROWS: Final = 2_048
_COLUMNS: Final = ("rows", "risk", "scores", "typologies", "lists", "state", "late", "epoch", "time")


@dataclass(slots=True)
class _Piece:
    """Rows of one record that wait for the other partitions' marks; `epoch` and `time` say where they stand."""

    columns: dict[str, NDArray[Any]]
    findings: NDArray[np.void]  # FINDING, by row of this piece

    @property
    def generation(self) -> int:
        return int(self.columns["rows"]["generation"][0])

    def reached(self, mark: Mark) -> NDArray[np.bool_]:
        """Which rows a mark lets through: what is in time at it or below, what is late only below it."""
        epoch, time, late = (self.columns[name] for name in ("epoch", "time", "late"))
        reached: NDArray[np.bool_] = (epoch < mark[0]) | ((epoch == mark[0]) & (time <= mark[1] - late))
        return reached

    def take(self, chosen: NDArray[np.bool_]) -> _Piece:
        """The piece of some of the rows."""
        place = np.cumsum(chosen) - 1
        findings = self.findings[chosen[self.findings["row"]]].copy()
        findings["row"] = place[findings["row"]]
        return _Piece({name: column[chosen] for name, column in self.columns.items()}, findings)


@dataclass(slots=True)
class JudgedPartition:
    """One partition of `judged` as the merge knows it."""

    offset: int = 0  # the next record to take
    judged: int = -1  # events taken or known to be gone; -1 before the first record
    mark: Mark = BEFORE_ALL
    pieces: list[_Piece] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(len(piece.columns["rows"]) for piece in self.pieces)


class Merge:
    """See the module's docstring."""

    def __init__(self, partitions: int) -> None:
        self.partitions = [JudgedPartition() for _ in range(partitions)]
        self.mark: Mark = BEFORE_ALL  # up to where events were given
        self.sources: list[SourceName] = []
        self._index: dict[tuple[str, int], int] = {}

    def take(self, number: int, values: Iterable[tuple[int, bytes]]) -> None:
        """Take records of partition `number` as (offset, value) in offset order; those seen before are skipped.

        Raises:
            GapError: judged events are missing between what was taken and what came.
            streams.frames.FrameError: a record is no frame of this program's.
        """
        partition = self.partitions[number]
        for offset, value in values:
            if offset < partition.offset:
                continue
            partition.offset = offset + 1
            meta, arrays = frames.decode_arrays(value)
            first, count = int(meta["first"]), len(arrays["rows"])
            if partition.judged < 0:
                partition.judged = first  # the log's beginning: what was judged before is gone
            if first > partition.judged:
                raise GapError(f"judged/{number}: expected event {partition.judged}, the log continues at {first}")
            known = partition.judged - first
            if known < count:
                partition.pieces.append(self._piece(meta, arrays, known, partition.mark))
                partition.judged = first + count
            partition.mark = max(partition.mark, (meta["mark"][0], meta["mark"][1]))

    def _piece(self, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], known: int, mark: Mark) -> _Piece:
        rows = arrays["rows"][known:].copy()
        here = np.zeros(max((i for i, *_ in meta["sources"]), default=0) + 1, np.uint16)
        for i, topic, partition in meta["sources"]:
            name = SourceName(topic, partition)
            if name not in self._index:
                self._index[name] = len(self.sources)
                self.sources.append(name)
            here[i] = self._index[name]
        rows["source"] = here[rows["source"]]
        epoch, time = rows["epoch"].copy(), rows["order_time"].copy()
        late = (epoch < mark[0]) | ((epoch == mark[0]) & (time <= mark[1]))
        epoch[late], time[late] = mark
        findings = arrays["findings"].copy().view(FINDING)
        findings = findings[findings["row"] >= known].copy()
        findings["row"] -= known
        columns = {name: arrays[name][known:].copy() for name in ("risk", "scores", "typologies", "lists", "state")}
        return _Piece({"rows": rows, **columns, "late": late, "epoch": epoch, "time": time}, findings)

    def ready(self, rulebook_of: Callable[[int], Rulebook]) -> Iterator[JudgedBatch]:
        """What all partitions' marks let through now, in order, in batches of one generation and at most BATCH_ROWS.

        Take all of it: `self.mark` is moved before the first batch.
        """
        lowest = min(partition.mark for partition in self.partitions)
        if lowest <= self.mark:
            return
        self.mark = lowest
        chosen = []
        for partition in self.partitions:
            left = []
            for piece in partition.pieces:
                reached = piece.reached(lowest)
                if reached.all():
                    chosen.append(piece)
                elif reached.any():
                    chosen.append(piece.take(reached))
                    left.append(piece.take(~reached))
                else:
                    left.append(piece)
            partition.pieces = left
        if chosen:
            yield from self._in_order(chosen, rulebook_of)

    def _in_order(self, pieces: list[_Piece], rulebook_of: Callable[[int], Rulebook]) -> Iterator[JudgedBatch]:
        rows = np.concatenate([piece.columns["rows"] for piece in pieces])
        epoch, time, late = (np.concatenate([p.columns[name] for p in pieces]) for name in ("epoch", "time", "late"))
        sizes = [len(piece.columns["rows"]) for piece in pieces]
        of = np.repeat(np.arange(len(pieces)), sizes)
        place = np.concatenate([np.arange(size) for size in sizes])
        order = _sorted(rows, epoch, time, late)
        generation = rows["generation"][order]
        cuts = np.flatnonzero(generation[1:] != generation[:-1]) + 1
        for start, stop in zip([0, *cuts.tolist()], [*cuts.tolist(), len(order)], strict=True):
            for begin in range(start, stop, BATCH_ROWS):
                some = order[begin : min(begin + BATCH_ROWS, stop)]
                yield self._batch(pieces, rows[some], of[some], place[some], rulebook_of)

    def _batch(
        self,
        pieces: list[_Piece],
        rows: Events,
        of: NDArray[np.intp],
        place: NDArray[np.intp],
        rulebook_of: Callable[[int], Rulebook],
    ) -> JudgedBatch:
        gathered: dict[str, NDArray[Any]] = {}
        findings = []
        for number in np.unique(of).tolist():
            piece = pieces[number]
            here = np.flatnonzero(of == number)
            for name in ("risk", "scores", "typologies", "lists", "state", "late"):
                column = piece.columns[name]
                if name not in gathered:
                    gathered[name] = np.empty((len(rows), *column.shape[1:]), column.dtype)
                gathered[name][here] = column[place[here]]
            if len(piece.findings):
                position = np.full(len(piece.columns["rows"]), -1, np.int64)
                position[place[here]] = here
                found = piece.findings[position[piece.findings["row"]] >= 0].copy()
                found["row"] = position[found["row"]]
                findings.append(found)
        together = np.concatenate(findings) if findings else np.empty(0, FINDING)
        generation = int(rows["generation"][0])
        return JudgedBatch(
            rows=rows,
            **gathered,
            findings=together[np.lexsort((together["typology"], together["row"]))],
            generation=generation,
            rulebook=rulebook_of(generation),
            sources=self.sources,
        )

    @property
    def waiting_rows(self) -> int:
        """Rows that wait for a slower partition's mark."""
        return sum(partition.rows for partition in self.partitions)

    # -- snapshots ----------------------------------------------------------------------------------------------------

    def state(self) -> tuple[bytes, dict[str, NDArray[Any]]]:
        """The whole state: a MessagePack document and arrays."""
        arrays: dict[str, NDArray[Any]] = {}
        described = []
        for number, partition in enumerate(self.partitions):
            for i, piece in enumerate(partition.pieces):
                arrays |= {f"{number}.{i}.{name}": column for name, column in piece.columns.items()}
                arrays[f"{number}.{i}.findings"] = piece.findings.view(np.uint8)
            described.append((partition.offset, partition.judged, partition.mark, len(partition.pieces)))
        return msgspec.msgpack.encode({"partitions": described, "mark": self.mark, "sources": self.sources}), arrays

    @classmethod
    def restore(cls, document: bytes, arrays: Mapping[str, NDArray[Any]]) -> Merge:
        """The merge whose `state()` this was."""
        said = msgspec.msgpack.decode(document)
        self = cls(len(said["partitions"]))
        self.mark = (said["mark"][0], said["mark"][1])
        self.sources = [SourceName(*name) for name in said["sources"]]
        self._index = {name: i for i, name in enumerate(self.sources)}
        for number, (offset, judged, mark, pieces) in enumerate(said["partitions"]):
            kept = [
                _Piece(
                    {name: np.array(arrays[f"{number}.{i}.{name}"]) for name in _COLUMNS},
                    np.array(arrays[f"{number}.{i}.findings"]).view(FINDING),
                )
                for i in range(pieces)
            ]
            self.partitions[number] = JudgedPartition(offset, judged, (mark[0], mark[1]), kept)
        return self


def _sorted(
    rows: Events, epoch: NDArray[np.int64], time: NDArray[np.int64], late: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Positions that put rows in the country-wide order; text settles only what time leaves open."""
    order = np.lexsort((rows["occurred_at"], late, time, epoch))
    keys = np.stack([column[order] for column in (epoch, time, late.astype(np.int64), rows["occurred_at"])])
    if not (keys[:, 1:] == keys[:, :-1]).all(axis=0).any():
        return order
    return np.lexsort((rows["content"], rows["event_id"], rows["institution"], rows["occurred_at"], late, time, epoch))
