"""The state of one partition of `facts`, as a pure function of its log: order by marks, histories, views, judgements.

`Partition` takes the records of `facts` q and `views` q and returns what they caused. It knows no clock and does no
input or output: the same records give the same state and the same judgements, however they are grouped into batches.
The agent around it is streams/screen.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules.events import EVENT, LATE, Events
from rules.loans import is_loan_given
from rules.references import ENTRY, Entries, ReferenceSets
from rules.rulebook import Rulebook
from streams import frames
from streams.engine import Engine, Judgement, homes_of, in_order, runs_of_generation
from streams.following import Mark
from streams.verdicts import NEW
from streams.views import Views
from streams.waiting import Pending

BEFORE_ALL: Final[Mark] = (-(2**63), -(2**63))
DECISIONS: Final = 20_000  # remembered for events that come again
RUN_ROWS: Final = 2_000  # judged together at the most: what they cause has to fit into one record


@dataclass(slots=True)
class Source:
    """One source partition as this partition of `facts` knows it."""

    topic: str
    partition: int
    seen: int = -1  # offsets below this have arrived here; -1 before the first frame
    mark: Mark = BEFORE_ALL
    known: bool = False
    passed_over: bool = False
    judged: int = -1  # progress: everything below with its home here is judged


@dataclass(slots=True)
class Progress:
    """What a call caused, in order of judgement."""

    judgements: list[Judgement] = field(default_factory=list)
    again: list[Judgement] = field(default_factory=list)  # of loans judged before: for their findings only
    views: dict[int, list[bytes]] = field(default_factory=dict)  # to partition → frames
    late: int = 0
    repeated: int = 0
    trimmed: int = 0


_ORDER_OF_REFERENCES: Final = ("key", "number", "offset", "order_time", "epoch")


class Partition:
    """Everything that partition `number` of `partitions` knows; see the module's docstring."""

    def __init__(
        self,
        number: int,
        partitions: int,
        rulebook_of: Callable[[int], Rulebook],
        engine: Engine | None = None,
    ) -> None:
        self.number = number
        self.partitions = partitions
        self.engine = engine if engine is not None else Engine()
        self.rulebook_of = rulebook_of
        self.facts_offset = 0  # the next record of `facts` to apply
        self.views_offset = 0
        self.judged_count = 0
        self.low: Mark = BEFORE_ALL
        self.sources: list[Source] = []
        self._index: dict[tuple[str, int], int] = {}
        self._declared = False
        self._pending = Pending(EVENT)  # arrived, above the lowest mark
        self._pending_references = Pending(ENTRY)
        self._views = Views(number, partitions)
        # Event → the decision sent for it, so that an event that comes again gets the same answer again.
        self.decided: dict[int, list[bytes]] = {}

    # -- what arrives -------------------------------------------------------------------------------------------------

    def take_facts(self, values: Iterable[tuple[int, bytes]]) -> Progress:
        """Take records of `facts` as (offset, value) in offset order; records seen before are skipped.

        Raises:
            streams.frames.GapError: an offset, or a source's span, does not follow on what was seen.
            streams.frames.FrameError: a record is no frame.
        """
        progress = Progress()
        for offset, value in values:
            if offset < self.facts_offset:
                continue
            if offset > self.facts_offset:
                raise frames.GapError(
                    f"facts/{self.number}: expected offset {self.facts_offset}, the log continues at {offset}"
                )
            self.facts_offset = offset + 1
            if frames.kind_of(value) == frames.CONTROL:
                self._take_control(frames.decode_control(value))
            else:
                self._take_frame(value, progress)
            if self.partitions > 1:
                # Record by record: which events share a view, and so its number, must not depend on batches. Read
                # again in others after a crash, a number known to its receiver would hold events that it never got.
                self._advance(progress)
        self._advance(progress)
        return progress

    def take_views(self, values: Iterable[tuple[int, bytes]]) -> Progress:
        """Take records of `views` as (offset, value); a view that comes before its fact is kept until it comes.

        Raises:
            streams.frames.GapError: a view is missing between what was seen and what came.
        """
        progress = Progress()
        for offset, value in values:
            if offset < self.views_offset:
                continue
            if offset > self.views_offset:
                raise frames.GapError(
                    f"views/{self.number}: expected offset {self.views_offset}, the log continues at {offset}"
                )
            self.views_offset = offset + 1
            self._views.take(*frames.decode_arrays(value), self._source)
        self._judge_complete(progress)
        return progress

    def _take_control(self, control: frames.ControlHeader) -> None:
        passed_over = set(control.passed_over)
        for topic, partition in control.known:
            source = self.sources[self._source(topic, partition)]
            source.known = True
            source.passed_over = (topic, partition) in passed_over
        self._declared = True

    def _source(self, topic: str, partition: int) -> int:
        index = self._index.get((topic, partition))
        if index is None:
            index = self._index[topic, partition] = len(self.sources)
            self.sources.append(Source(topic, partition, known=self._declared))
        return index

    def _take_frame(self, value: bytes, progress: Progress) -> None:
        header, rows, references = frames.decode_frame(value)
        indices = [self._source(span.topic, span.partition) for span in header.spans]
        arrived = len(rows)
        rows, references = self._fresh(rows, indices), self._fresh(references, indices)
        progress.trimmed += arrived - len(rows)
        late, late_references = self._late(rows), self._late(references)
        is_late = bool(late.any() or late_references.any())
        if is_late:
            # What is late is applied where the log has it: after everything the earlier marks let through.
            self._advance(progress)
            rows["flags"][late] |= LATE
            progress.late += int(late.sum()) + int(late_references.sum())
            self._take_late(references[late_references], progress)
            references = references[~late_references]
        for index, span in zip(indices, header.spans, strict=True):
            source = self.sources[index]
            if span.start > source.seen >= 0:
                raise frames.GapError(
                    f"facts/{self.number}: {span.topic}/{span.partition} continues at {span.start}, "
                    f"seen up to {source.seen}"
                )
            source.seen = max(source.seen, span.end)
            source.mark = max(source.mark, (span.epoch, span.time))
            source.passed_over = False
        self._pending_references.add(references)
        self._pending.add(rows)
        if is_late:
            late_rows = rows[late]
            self._advance(progress)
            self._judge_late_loans(late_rows, progress)

    def _fresh(self, rows: NDArray[np.void], indices: list[int]) -> NDArray[np.void]:
        """A copy of the rows or references that were not seen before, with the partition's own numbers of sources."""
        if not len(rows):
            return rows.copy()
        seen = np.array([self.sources[i].seen for i in indices], np.int64)
        rows = rows[rows["offset"] >= seen[rows["source"]]]
        rows["source"] = np.array(indices, np.uint16)[rows["source"]]
        return rows

    def _late(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        epoch, time = self._lowest_mark()
        result: NDArray[np.bool_] = (rows["epoch"] < epoch) | ((rows["epoch"] == epoch) & (rows["order_time"] <= time))
        return result

    # -- order by marks -----------------------------------------------------------------------------------------------

    def _lowest_mark(self) -> Mark:
        """Up to where facts may be applied; never goes back."""
        if self._declared:
            marks = [source.mark for source in self.sources if source.known and not source.passed_over]
            if marks:
                self.low = max(self.low, min(marks))
        return self.low

    def _advance(self, progress: Progress) -> None:
        mark = self._lowest_mark()
        references, rows = self._pending_references.take(mark), self._pending.take(mark)
        if len(references):
            # References before rows of the same key. All at once may go first: no event sees what its key has not.
            references = references[np.lexsort([references[name] for name in _ORDER_OF_REFERENCES])]
            self.engine.references.insert(self._named(references))
        if len(rows):
            rows = rows[in_order(rows)]
            for run in runs_of_generation(rows):
                for start in range(run.start, run.stop, RUN_ROWS):
                    self._apply(rows[start : min(start + RUN_ROWS, run.stop)], progress)
        if len(references):
            progress.again += self.engine.judge_loans_again(references, self.rulebook_of)
        self._judge_complete(progress)

    def _take_late(self, references: Entries, progress: Progress) -> None:
        self.engine.references.insert(self._named(references))
        progress.again += self.engine.judge_loans_again(references, self.rulebook_of, late=True)

    def _judge_late_loans(self, rows: Events, progress: Progress) -> None:
        """What came late was judged as of its own place in the order; a refusal behind that place forbids it too."""
        loans = rows[is_loan_given(rows) & (rows["home"] == 1)]
        progress.again += self.engine.judge_again(loans, np.full((len(loans), 2), self.low), self.rulebook_of)

    def _named(self, references: Entries) -> Entries:
        """The entries with the numbers of sources that all partitions of the worker share."""
        named = references.copy()
        numbers = [self.engine.references.source(source.topic, source.partition) for source in self.sources]
        named["source"] = np.array(numbers, np.uint16)[references["source"]]
        return named

    def _apply(self, rows: Events, progress: Progress) -> None:
        rulebook = self.rulebook_of(int(rows["generation"][0]))
        parts = self.engine.apply(rows, rulebook)
        if self.partitions == 1:
            self._judged(self.engine.judge(rows, parts, rulebook), progress)
            return
        lives, home = homes_of(rows, self.partitions)
        sources = self._source_names()
        outgoing = self._views.outgoing(
            rows, parts, lives, home, sources, lambda some, of: self.engine.evidence_for(some, of, rulebook)
        )
        for target, frame in outgoing:
            progress.views.setdefault(target, []).append(frame)
        here = home == self.number
        if here.any():
            self._views.wait(rows[here], parts.take(here), lives[here], sources)

    def _source_names(self) -> list[tuple[str, int]]:
        return [(source.topic, source.partition) for source in self.sources]

    def _judge_complete(self, progress: Progress) -> None:
        """Judge the longest prefix of waiting events that have all their views."""
        for rows, parts, evidence in self._views.complete():
            rulebook = self.rulebook_of(int(rows["generation"][0]))
            self._judged(self.engine.judge(rows, parts, rulebook, evidence), progress)

    def _judged(self, judgement: Judgement, progress: Progress) -> None:
        self.judged_count += len(judgement.rows)
        self.engine.remember(judgement)
        progress.repeated += int((judgement.state != NEW).sum())
        progress.judgements.append(judgement)

    # -- what institutions may know -----------------------------------------------------------------------------------

    @property
    def pending_rows(self) -> int:
        """Rows that wait for marks."""
        return len(self._pending)

    @property
    def waiting_rows(self) -> int:
        """Events at their home that wait for views."""
        return len(self._views)

    @property
    def mark(self) -> Mark:
        """Every event with its home here whose (epoch, order_time) is at or below it is judged; late ones apart.

        It never goes back: what waits for views is in order but for late events, and those the mark has passed before.
        """
        for block in self._views.waiting:
            in_time = np.flatnonzero(block.rows["flags"] & LATE == 0)
            if len(in_time):
                first = block.rows[in_time[0]]
                return min(self.low, (int(first["epoch"]), int(first["order_time"]) - 1))
        return self.low

    def remember(self, event: int, decision: list[bytes]) -> None:
        """Keep the decision for an event, the latest DECISIONS of them."""
        self.decided.pop(event, None)
        self.decided[event] = decision
        while len(self.decided) > DECISIONS:
            del self.decided[next(iter(self.decided))]

    def progress(self) -> list[tuple[str, int, int]]:
        """(topic, partition, N): every event of that source at an offset below N with its home here is judged."""
        judged = np.array([source.seen for source in self.sources], np.int64)
        for rows in [*self._pending.pieces(), *(block.rows for block in self._views.waiting)]:
            home = rows["home"] == 1
            np.minimum.at(judged, rows["source"][home].astype(np.intp), rows["offset"][home])
        result = []
        for source, offset in zip(self.sources, judged.tolist(), strict=True):
            if offset > source.judged:
                source.judged = offset
                result.append((source.topic, source.partition, offset))
        return result

    # -- snapshots ----------------------------------------------------------------------------------------------------

    def state(self) -> tuple[bytes, dict[str, NDArray[Any]]]:
        """The whole state: a MessagePack document and arrays (views where they are large)."""
        arrays = {f"engine.{name}": array for name, array in self.engine.state().items()}
        arrays["pending"] = self._pending.rows()
        arrays["pending_references"] = self._pending_references.rows()
        early = self._views.state(arrays)
        document = {
            "number": self.number,
            "partitions": self.partitions,
            "facts_offset": self.facts_offset,
            "views_offset": self.views_offset,
            "judged_count": self.judged_count,
            "low": self.low,
            "declared": self._declared,
            "sources": [
                (s.topic, s.partition, s.seen, s.mark[0], s.mark[1], s.known, s.passed_over) for s in self.sources
            ],
            "decided": self.decided,
            "views_sent": self._views.sent,
            "views_seen": self._views.seen,
            "waiting": len(self._views.waiting),
            "early": early,
        }
        return msgspec.msgpack.encode(document), arrays

    @classmethod
    def restore(
        cls,
        document: bytes,
        arrays: Mapping[str, NDArray[Any]],
        rulebook_of: Callable[[int], Rulebook],
        references: ReferenceSets | None = None,
    ) -> Partition:
        """The partition whose `state()` this was; `references`: those of the worker, see `Engine.restore`."""
        said = msgspec.msgpack.decode(document)
        state = {name[7:]: array for name, array in arrays.items() if name.startswith("engine.")}
        engine = Engine.restore(state, references)
        self = cls(said["number"], said["partitions"], rulebook_of, engine)
        self.facts_offset = said["facts_offset"]
        self.views_offset = said["views_offset"]
        self.judged_count = said["judged_count"]
        self.low = tuple(said["low"])
        self._declared = said["declared"]
        for topic, partition, seen, epoch, time, known, passed_over in said["sources"]:
            self._index[topic, partition] = len(self.sources)
            self.sources.append(Source(topic, partition, seen, (epoch, time), known, passed_over))
        self.decided = dict(said["decided"])
        self._pending.add(np.array(arrays["pending"]))
        self._pending_references.add(np.array(arrays.get("pending_references", ())))
        self._views.restore(said, arrays, self._source_names())
        return self
