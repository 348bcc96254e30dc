"""The state of one partition of `facts`, as a pure function of its log: order by marks, histories, views, judgements.

`Partition` takes the records of `facts` q and `views` q and returns what they caused. It knows no clock and does no
input or output: the same records give the same state and the same judgements, however they are grouped into batches.
The agent around it is streams/screen.py.
"""

from __future__ import annotations

from collections import deque
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
from streams.engine import EVIDENCE, NEW, Engine, Judgement, Parts, homes_of, in_order, joined, runs_of_generation
from streams.following import Mark

BEFORE_ALL: Final[Mark] = (-(2**63), -(2**63))
DECISIONS: Final = 20_000  # remembered for events that come again
RUN_ROWS: Final = 2_000  # judged together at the most: what they cause has to fit into one record
Reference = tuple[int, int, int, int]


class GapError(RuntimeError):
    """A frame that should have come before this one is missing: state can no longer be a function of the log."""


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


@dataclass(slots=True)
class _Waiting:
    """Events at their home that wait for the views of subjects living elsewhere; all of one generation."""

    rows: Events
    parts: Parts
    missing: NDArray[np.uint8]  # bit per role
    place: dict[Reference, int]
    evidence: dict[int, NDArray[np.void]] = field(default_factory=dict)  # row → EVIDENCE that views brought


@dataclass(slots=True)
class _Piece:
    """Rows, or entries of reference sets, that wait for marks, with the mark at which the first of them may go."""

    first: Mark
    rows: NDArray[np.void]

    @classmethod
    def of(cls, rows: NDArray[np.void]) -> _Piece:
        epoch = rows["epoch"].min()
        return cls((int(epoch), int(rows["order_time"][rows["epoch"] == epoch].min())), rows)


_ORDER_OF_REFERENCES: Final = ("key", "number", "offset", "order_time", "epoch")


def _ready(pieces: list[_Piece], mark: Mark) -> tuple[NDArray[np.void], list[_Piece]]:
    """What may go at this mark, and the pieces that go on waiting."""
    # Piece by piece: a source far ahead leaves many rows waiting, and most of its pieces need no look.
    epoch, time = mark
    waiting: list[_Piece] = []
    chosen: list[NDArray[np.void]] = []
    for piece in pieces:
        if piece.first > mark:
            waiting.append(piece)
            continue
        rows = piece.rows
        ready = (rows["epoch"] < epoch) | ((rows["epoch"] == epoch) & (rows["order_time"] <= time))
        chosen.append(rows[ready])
        if not ready.all():
            waiting.append(_Piece.of(rows[~ready]))
    return joined(chosen) if chosen else _NOTHING, waiting


_NOTHING: Final[Events] = np.empty(0, EVENT)


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
        self._pending: list[_Piece] = []  # arrived, above the lowest mark
        self._pending_rows = 0
        self._pending_references: list[_Piece] = []
        self._waiting: deque[_Waiting] = deque()
        # Event → the decision sent for it, so that an event that comes again gets the same answer again.
        self.decided: dict[int, list[bytes]] = {}
        self._views_sent: dict[int, int] = {}
        self._views_seen: dict[int, int] = {}
        self._early_views: dict[Reference, list[tuple[int, Any]]] = {}

    # -- what arrives -------------------------------------------------------------------------------------------------

    def take_facts(self, values: Iterable[tuple[int, bytes]]) -> Progress:
        """Take records of `facts` as (offset, value) in offset order; records seen before are skipped.

        Raises:
            GapError: an offset, or a source's span, does not follow on what was seen.
            streams.frames.FrameError: a record is no frame.
        """
        progress = Progress()
        for offset, value in values:
            if offset < self.facts_offset:
                continue
            if offset > self.facts_offset:
                raise GapError(
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
            GapError: a view is missing between what was seen and what came.
        """
        progress = Progress()
        for offset, value in values:
            if offset < self.views_offset:
                continue
            if offset > self.views_offset:
                raise GapError(
                    f"views/{self.number}: expected offset {self.views_offset}, the log continues at {offset}"
                )
            self.views_offset = offset + 1
            self._take_view(*frames.decode_arrays(value))
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
                raise GapError(
                    f"facts/{self.number}: {span.topic}/{span.partition} continues at {span.start}, "
                    f"seen up to {source.seen}"
                )
            source.seen = max(source.seen, span.end)
            source.mark = max(source.mark, (span.epoch, span.time))
            source.passed_over = False
        if len(references):
            self._pending_references.append(_Piece.of(references))
        if len(rows):
            self._pending.append(_Piece.of(rows))
            self._pending_rows += len(rows)
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
        references, self._pending_references = _ready(self._pending_references, mark)
        rows, self._pending = _ready(self._pending, mark)
        if len(references):
            # References before rows of the same key. All at once may go first: no event sees what its key has not.
            references = references[np.lexsort([references[name] for name in _ORDER_OF_REFERENCES])]
            self.engine.references.insert(self._named(references))
        if len(rows):
            self._pending_rows -= len(rows)
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
        self._send_views(rows, parts, lives, home, progress)
        here = home == self.number
        if here.any():
            self._wait(rows[here], parts.take(here), lives[here])

    # -- views --------------------------------------------------------------------------------------------------------

    def _references(self, rows: Events) -> NDArray[np.int64]:
        """How views name events, the same in every partition: (event, content, offset, number of its tx partition)."""
        numbers = np.array([source.partition for source in self.sources], np.int64)[rows["source"]]
        columns = [rows[name].astype(np.int64) for name in ("event", "content", "offset")]
        return np.stack([*columns, numbers], axis=1)

    def _send_views(
        self, rows: Events, parts: Parts, lives: NDArray[np.int64], home: NDArray[np.int64], progress: Progress
    ) -> None:
        for target in range(self.partitions):
            chosen = np.flatnonzero((home == target) & (target != self.number))
            if not len(chosen):
                continue
            number = self._views_sent.get(target, 0)
            self._views_sent[target] = number + 1
            some = parts.take(chosen)
            rulebook = self.rulebook_of(int(rows["generation"][0]))
            evidence, evidence_row = self.engine.evidence_for(rows[chosen], some, rulebook)
            progress.views.setdefault(target, []).append(
                frames.encode_arrays(
                    frames.VIEWS,
                    {
                        "from": self.number,
                        "number": number,
                        "sources": [(source.topic, source.partition) for source in self.sources],
                    },
                    {
                        "reference": self._references(rows[chosen]),
                        "here": lives[chosen] == self.number,
                        "values": some.values,
                        "statistics": some.statistics,
                        "verdict": some.verdict,
                        "scores": some.scores,
                        "evidence": evidence.view(np.uint8),
                        "evidence_row": evidence_row,
                    },
                )
            )

    def _take_view(self, meta: Mapping[str, Any], view: Mapping[str, NDArray[Any]]) -> None:
        sender, number = int(meta["from"]), int(meta["number"])
        expected = self._views_seen.get(sender, 0)
        if number < expected:
            return  # sent again after a crash
        if number > expected:
            raise GapError(f"views/{self.number}: from partition {sender} expected number {expected}, got {number}")
        self._views_seen[sender] = number + 1
        evidence = view["evidence"].copy().view(EVIDENCE)
        if len(evidence):
            # The sender numbers its sources in the order it met them in.
            here = [self._source(topic, partition) for topic, partition in meta["sources"]]
            evidence["source"] = np.array(here, np.uint16)[evidence["source"]]
        view = {**view, "evidence": evidence}
        for i, reference in enumerate(map(tuple, view["reference"].tolist())):
            for block in self._waiting:
                place = block.place.get(reference)
                if place is not None:
                    self._merge(block, place, view, i)
                    break
            else:
                apart = ("reference", "evidence", "evidence_row")
                kept = {name: view[name][i : i + 1].copy() for name in view if name not in apart}
                kept["evidence"] = evidence[view["evidence_row"] == i]
                kept["evidence_row"] = np.zeros(len(kept["evidence"]), np.int64)
                self._early_views.setdefault(reference, []).append((sender, kept))

    @staticmethod
    def _merge(block: _Waiting, place: int, view: Mapping[str, NDArray[Any]], i: int) -> None:
        here = view["here"][i]
        parts = block.parts
        parts.verdict[place, here] = view["verdict"][i, here]
        parts.statistics[place, here] = view["statistics"][i, here]
        parts.scores[place, here[:2]] = view["scores"][i, here[:2]]
        given = ~np.isnan(view["values"][i])
        parts.values[place, given] = view["values"][i, given]
        proof = view["evidence"][view["evidence_row"] == i]
        if len(proof):
            known = block.evidence.get(place)
            block.evidence[place] = proof if known is None else np.concatenate([known, proof])
        block.missing[place] &= ~np.uint8((here << np.arange(4)).sum())

    def _wait(self, rows: Events, parts: Parts, lives: NDArray[np.int64]) -> None:
        elsewhere = (lives >= 0) & (lives != self.number)
        missing = (elsewhere << np.arange(4)).sum(axis=1).astype(np.uint8)
        references = map(tuple, self._references(rows).tolist())
        block = _Waiting(rows, parts, missing, {reference: i for i, reference in enumerate(references)})
        if self._early_views:
            for reference, place in block.place.items():
                for _, kept in self._early_views.pop(reference, ()):
                    self._merge(block, place, kept, 0)
        self._waiting.append(block)

    def _judge_complete(self, progress: Progress) -> None:
        """Judge the longest prefix of waiting events that have all their views."""
        while self._waiting:
            block = self._waiting[0]
            incomplete = np.flatnonzero(block.missing)
            count = int(incomplete[0]) if len(incomplete) else len(block.rows)
            if count:
                rulebook = self.rulebook_of(int(block.rows["generation"][0]))
                done = slice(0, count)
                parts = block.parts.take(done)
                self._judged(self.engine.judge(block.rows[done], parts, rulebook, block.evidence), progress)
            if len(incomplete):
                if count:
                    rest = slice(count, None)
                    place = {reference: i - count for reference, i in block.place.items() if i >= count}
                    evidence = {i - count: proof for i, proof in block.evidence.items() if i >= count}
                    self._waiting[0] = _Waiting(
                        block.rows[rest], block.parts.take(rest), block.missing[rest], place, evidence
                    )
                return
            self._waiting.popleft()

    def _judged(self, judgement: Judgement, progress: Progress) -> None:
        self.judged_count += len(judgement.rows)
        self.engine.remember(judgement)
        progress.repeated += int((judgement.state != NEW).sum())
        progress.judgements.append(judgement)

    # -- what institutions may know -----------------------------------------------------------------------------------

    @property
    def pending_rows(self) -> int:
        """Rows that wait for marks."""
        return self._pending_rows

    @property
    def waiting_rows(self) -> int:
        """Events at their home that wait for views."""
        return sum(len(block.rows) for block in self._waiting)

    @property
    def mark(self) -> Mark:
        """Every event with its home here whose (epoch, order_time) is at or below it is judged; late ones apart.

        It never goes back: what waits for views is in order but for late events, and those the mark has passed before.
        """
        for block in self._waiting:
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
        for rows in [*(piece.rows for piece in self._pending), *(block.rows for block in self._waiting)]:
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
        pending = joined([piece.rows for piece in self._pending]) if self._pending else np.empty(0, EVENT)
        arrays = {f"engine.{name}": array for name, array in self.engine.state().items()}
        arrays["pending"] = pending
        references = [piece.rows for piece in self._pending_references]
        arrays["pending_references"] = joined(references) if references else np.empty(0, ENTRY)
        for i, block in enumerate(self._waiting):
            arrays[f"waiting.{i}.rows"] = block.rows
            arrays[f"waiting.{i}.missing"] = block.missing
            for place, proof in block.evidence.items():
                arrays[f"waiting.{i}.evidence.{place}"] = proof
            for name in ("needed", "values", "statistics", "verdict", "scores"):
                arrays[f"waiting.{i}.{name}"] = getattr(block.parts, name)
        early: list[tuple[Reference, int]] = []
        for reference, views in self._early_views.items():
            for sender, kept in views:
                for name, array in kept.items():
                    arrays[f"early.{len(early)}.{name}"] = array
                early.append((reference, sender))
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
            "views_sent": self._views_sent,
            "views_seen": self._views_seen,
            "waiting": len(self._waiting),
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
        self._views_sent = dict(said["views_sent"])
        self._views_seen = dict(said["views_seen"])
        if len(arrays["pending"]):
            self._pending = [_Piece.of(np.array(arrays["pending"]))]
            self._pending_rows = len(arrays["pending"])
        if len(arrays.get("pending_references", ())):
            self._pending_references = [_Piece.of(np.array(arrays["pending_references"]))]
        for i in range(said["waiting"]):
            names = ("needed", "values", "statistics", "verdict", "scores")
            parts = Parts(*(np.array(arrays[f"waiting.{i}.{name}"]) for name in names))
            rows = np.array(arrays[f"waiting.{i}.rows"])
            place = {tuple(reference): k for k, reference in enumerate(self._references(rows).tolist())}
            prefix = f"waiting.{i}.evidence."
            evidence = {int(n[len(prefix) :]): np.array(a) for n, a in arrays.items() if n.startswith(prefix)}
            self._waiting.append(_Waiting(rows, parts, np.array(arrays[f"waiting.{i}.missing"]), place, evidence))
        for i, (reference, sender) in enumerate(said["early"]):
            prefix = f"early.{i}."
            kept = {n[len(prefix) :]: np.array(a) for n, a in arrays.items() if n.startswith(prefix)}
            self._early_views.setdefault(tuple(reference), []).append((sender, kept))
        return self
