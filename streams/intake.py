"""The intake agent: raw records of the institutions' topics become facts, with the marks that order them.

It keeps no state of its own: what it sends is a function of the records. `SourceReader` is one source partition,
`Intake` all those of a worker. On a short tick everything that arrived since the last one goes out as one frame for
each partition of `facts`; a batch is acknowledged to Faust when every frame and rejection that it caused is written.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import structlog
from faust.types import TP
from numpy.typing import NDArray

from rules.events import EVENT, HISTORY, Events
from rules.references import ENTRY
from streams import frames
from streams.admission import Admission, Admitted
from streams.batches import Batch
from streams.contracts.rejected import RejectedEvent
from streams.engine import joined, spread
from streams.facts import References
from streams.fetch_clock import FetchClock
from streams.findings import rejection_record
from streams.metrics import WorkerMetrics
from streams.outbox import Outbox
from streams.sources import SourceTopic
from streams.subjects import Identity

log = structlog.get_logger(__name__)

TICK_SECONDS: Final = 0.005
IDLE_MARK_SECONDS: Final = 0.1
FRAME_ROWS: Final = 2_000
ENTRIES_A_ROW: Final = 8  # so many entries of reference sets are as large as a row
HISTORY_IDLE_SECONDS: Final = 5.0  # a replayed source read to its end this long ago is live again
STEP_MS: Final = 60_000
STEP_ROWS: Final = 20_000
_LAST: Final = 2**62
_FIRST: Final = -(2**62)

Mark = tuple[int, int]  # (epoch, order_time)
GenerationAt = Callable[[NDArray[np.int64]], Awaitable[NDArray[np.uint32]]]


@dataclass(slots=True)
class _Unit:
    """One admitted batch on its way out."""

    start: int
    end: int
    rows: Events
    references: References


@dataclass(slots=True)
class SourceReader:
    """One source partition: what was read, what was sent, and up to when everything is known to be sent."""

    tp: TP
    next_offset: int
    sent_offset: int
    sent_mark: tuple[int, int] = (-(2**63), -(2**63))
    epoch: int | None = None  # the instant of the open replay; None when live
    settled: bool = False  # False until it is clear whether a replay is open (after an assignment)
    history_mark: tuple[int, int] | None = None
    live_mark: int | None = None
    last_record: float = field(default_factory=time.monotonic)
    last_record_ms: float = field(default_factory=lambda: time.time() * 1000.0)
    ready: deque[_Unit] = field(default_factory=deque)
    ahead: deque[tuple[int, int]] = field(default_factory=deque)  # (order ms, rows) sent, not yet passed by the slowest

    def note(self, batch: Batch, admitted: Admitted) -> None:
        """Follow replays opening and closing, and the marks that records and heartbeats give."""
        rows = admitted.rows
        closed_at = -1
        for control in admitted.controls:
            if control.control == "close":
                closed_at, self.epoch = control.offset, None
            else:
                self.epoch, self.history_mark = control.epoch, (control.epoch, _FIRST)
        historic = ((rows["flags"] & HISTORY) != 0) & (rows["offset"] > closed_at)
        if historic.any():
            self._read_of_history(int(rows["epoch"][historic].max()), int(rows["occurred_at"][historic].max()))
        for beat in admitted.heartbeats:
            if beat.epoch is not None and beat.offset > closed_at:
                self._read_of_history(beat.epoch, beat.occurred_at)
        if self.epoch is None:
            self.history_mark = None
            self.settled = self.settled or closed_at >= 0 or len(rows) > 0
        # Append times grow within a partition, so all earlier instants are known once this record is read.
        self.live_mark = int(batch.records[-1].timestamp) - 1
        self.last_record = time.monotonic()
        self.last_record_ms = time.time() * 1000.0

    def _read_of_history(self, epoch: int, occurred_at: int) -> None:
        self.epoch = epoch
        self.history_mark = max(self.history_mark or (epoch, _FIRST), (epoch, occurred_at - 1))

    def mark(self, clock: FetchClock, margin_ms: float) -> tuple[int, int] | None:
        """Up to which (epoch, order_time) everything of this source was read, or None where that is not known."""
        sent = clock.read_up_to(self.tp.topic, self.tp.partition, self.next_offset)
        # Silence counts while the broker answers only: while it is away nobody can publish, and nobody has left.
        since = max(self.last_record_ms, clock.steady_since(self.tp.topic, self.tp.partition))
        at_end = (clock.end_of(self.tp.topic, self.tp.partition) or 0) <= self.next_offset
        silent_ms = sent - max(since, self.epoch or 0) if sent is not None and at_end else 0.0
        quiet = silent_ms > HISTORY_IDLE_SECONDS * 1000
        if quiet and self.epoch is not None:
            log.warning("replay left open by its publisher; the source is live again", topic=self.tp.topic)
            self.epoch, self.history_mark = None, None
        if quiet:
            self.settled = True
        if self.epoch is not None and self.history_mark is not None and self.history_mark[1] != _FIRST:
            return self.history_mark
        if not self.settled and self.epoch is None:
            return None
        known = -1 if sent is None else int(sent - margin_ms) - 1
        known = max(known, self.live_mark if self.live_mark is not None else -1)
        if known < 0:
            return None
        # Opened and not begun: live records may still come until the instant of the replay.
        return (known, _LAST) if self.history_mark is None else min(self.history_mark, (known, _LAST))


class Intake:
    """The sources of one worker; see the module's docstring."""

    def __init__(
        self,
        admission: Admission,
        outbox: Outbox,
        clock: FetchClock,
        metrics: WorkerMetrics,
        *,
        partitions: int,
        generation_at: GenerationAt,
        held: set[TP],
        sources: Mapping[str, SourceTopic],
        slowest: Callable[[], Mark | None] = lambda: None,
    ) -> None:
        """`sources` are the topics that publishers write, by name. `held` is filled with the sources to hold back;
        `slowest` is the lowest mark of any source of any worker, as
        this worker's partitions of `facts` know it, or None where they know of none."""
        self.admission = admission
        self.outbox = outbox
        self.clock = clock
        self.metrics = metrics
        self.partitions = partitions
        self.generation_at = generation_at
        self.held = held
        self.sources = sources
        self.slowest = slowest
        self.margin_ms = 1.0
        self.readers: dict[TP, SourceReader] = {}
        self._covered: list[tuple[Any, list[asyncio.Future[Any]]]] = []  # events and what they caused, unsent
        self._identities: list[Identity] = []  # of covered events, unsent
        self._acknowledging: deque[tuple[Any, list[asyncio.Future[Any]]]] = deque()
        self._last_frame = 0.0
        self.batches = 0

    def assigned(self, positions: dict[TP, int]) -> None:
        """Begin anew at these positions; what was read and not sent is read again."""
        self.readers = {tp: SourceReader(tp, offset, offset) for tp, offset in positions.items()}
        self._covered.clear()  # identities stay: admission tells each of them once
        self._acknowledging.clear()
        self.held.clear()
        self.metrics.forget_marks()

    async def take(self, batch: Batch, event: Any) -> None:
        """Admit a batch; its rows go out with the next tick."""
        reader = self.readers.get(batch.tp)
        if reader is None:
            return  # the partition has moved away
        if batch.next_offset <= reader.next_offset:
            # Its records were taken with an earlier batch; one that nobody acknowledges would end the commits.
            self._covered.append((event, []))
            return
        if batch.first_offset > reader.next_offset:
            lost = batch.first_offset - reader.next_offset
            log.error("records lost before intake read them", topic=batch.topic, partition=batch.partition, lost=lost)
            self.metrics.lost(lost)
        source = self.sources[batch.topic]
        admitted = self.admission.admit(batch.records, source=source, source_index=0, partition=batch.partition)
        rows = admitted.rows
        futures = [await self._reject(rejected, source) for rejected in admitted.rejected]
        self._identities += admitted.identities
        if len(rows):
            rows["generation"] = await self.generation_at(rows["appended_at"])
        if self.readers.get(batch.tp) is not reader:
            return  # a rebalance came while we waited: the batch is read again, by whoever has the partition now
        reader.note(batch, admitted)
        start, reader.next_offset = reader.next_offset, batch.next_offset
        reader.ready.append(_Unit(start, batch.next_offset, rows, admitted.references))
        self._covered.append((event, futures))
        self.batches += 1
        self.metrics.events(source.owner, len(rows) + len(admitted.references))

    async def _reject(self, rejected: RejectedEvent, source: SourceTopic) -> asyncio.Future[Any]:
        publisher = rejected.institution or source.owner
        self.metrics.rejected(publisher, rejected.reason.value)
        record = rejection_record(rejected, publisher)
        return await self.outbox.send(record.topic, record.value, key=record.key, headers=record.headers)

    async def tick(self) -> None:
        """Send what arrived since the last tick, with the newest marks; acknowledge what is written."""
        self._acknowledge()
        if self.held:
            self._keep_step()  # whoever is waited for may be another worker's: nothing of ours need move
        now = time.monotonic()
        ready = any(reader.ready for reader in self.readers.values())
        if not ready and now - self._last_frame < 2 * TICK_SECONDS:
            return
        marks = {}
        moved = False
        for tp, reader in self.readers.items():
            mark = reader.mark(self.clock, self.margin_ms)
            marks[tp] = reader.sent_mark if mark is None else max(mark, reader.sent_mark)
            moved = moved or marks[tp] > reader.sent_mark
        if not ready and not moved:
            return
        if not ready and now - self._last_frame < IDLE_MARK_SECONDS and not self._traffic(now):
            return
        await self._send(marks)
        self._measure(marks)
        self._last_frame = now
        self._keep_step()

    def _measure(self, marks: dict[TP, tuple[int, int]]) -> None:
        now_ms = time.time() * 1000.0
        for tp, (epoch, _) in marks.items():
            if epoch > 0:
                self.metrics.mark(f"{tp.topic}/{tp.partition}", max(0.0, (now_ms - epoch) / 1000))

    def _traffic(self, now: float) -> bool:
        """Whether any source had a record lately, so that fresh marks are worth a frame."""
        return any(now - reader.last_record < 1.0 for reader in self.readers.values())

    async def _send(self, marks: dict[TP, tuple[int, int]]) -> None:
        covered, self._covered = self._covered, []
        identities, self._identities = self._identities, []
        futures: list[asyncio.Future[Any]] = []
        if identities:
            futures += await self.outbox.send_many("identities", identities, partition=0)
        readers = list(self.readers.values())
        while True:
            rows, references, spans, last = self._next_frame(readers, marks)
            parts = dict(spread(rows, self.partitions)) if len(rows) else {}
            empty = rows[:0]
            for partition in range(self.partitions):
                # What stands on a list concerns subjects of every partition.
                value = frames.encode_facts(parts.get(partition, empty), spans, references)
                futures.append(await self.outbox.send("facts", value, partition=partition))
            if last:
                break
        for event, own in covered:
            self._acknowledging.append((event, own + futures))

    def _next_frame(
        self, readers: list[SourceReader], marks: dict[TP, tuple[int, int]]
    ) -> tuple[Events, References, list[frames.Span], bool]:
        """Up to FRAME_ROWS rows and the references of as many batches, with their spans.

        Marks go with the last frame of a tick, when all is sent.
        """
        chunks: list[Events] = []
        entries: list[References] = []
        count = 0
        spans_to: dict[TP, tuple[int, int]] = {}
        index = {reader.tp: i for i, reader in enumerate(readers)}
        for reader in readers:
            while reader.ready and count < FRAME_ROWS:
                unit = reader.ready.popleft()
                if len(unit.rows):
                    unit.rows["source"] = index[reader.tp]
                    chunks.append(unit.rows)
                    count += len(unit.rows)
                    self._note_order(reader, unit.rows)
                if len(unit.references):
                    unit.references["source"] = index[reader.tp]
                    entries.append(unit.references)
                    count += len(unit.references) // ENTRIES_A_ROW
                start = spans_to.get(reader.tp, (unit.start, 0))[0]
                spans_to[reader.tp] = (start, unit.end)
        last = not any(reader.ready for reader in readers)
        spans = []
        for reader in readers:
            start, end = spans_to.get(reader.tp, (reader.sent_offset, reader.sent_offset))
            reader.sent_offset = end
            if last:
                reader.sent_mark = marks[reader.tp]
            spans.append(frames.Span(reader.tp.topic, reader.tp.partition, start, end, *reader.sent_mark))
        rows = joined(chunks) if chunks else np.empty(0, EVENT)
        return rows, np.concatenate(entries) if entries else np.empty(0, ENTRY), spans, last

    @staticmethod
    def _note_order(reader: SourceReader, rows: Events) -> None:
        newest = int(rows["order_time"].max()) if reader.epoch is not None else int(rows["appended_at"].max())
        reader.ahead.append((newest, len(rows)))

    def _keep_step(self) -> None:
        """Hold back a source that is far ahead of the slowest, so that little waits in the memory of `screen`.

        The slowest may be read by another worker. Its mark comes through `facts`, as late as `screen` is: where that
        lags, sources wait as well. The slowest of all is never held, so nothing waits for ever.
        """
        marks = {tp: reader.sent_mark for tp, reader in self.readers.items()}
        if not marks:
            return
        elsewhere = self.slowest()
        slowest = min(marks.values()) if elsewhere is None else min(*marks.values(), elsewhere)
        self.held.clear()
        for tp, reader in self.readers.items():
            time_of = slowest[1] if reader.epoch is not None and slowest[0] == reader.epoch else slowest[0]
            while reader.ahead and reader.ahead[0][0] <= time_of:
                reader.ahead.popleft()
            if (
                marks[tp] > slowest
                and sum(rows for _, rows in reader.ahead) > STEP_ROWS
                and reader.ahead[-1][0] - time_of > STEP_MS
            ):
                self.held.add(tp)

    def _acknowledge(self) -> None:
        """Acknowledge, oldest first, the batches of which everything is written."""
        while self._acknowledging:
            event, futures = self._acknowledging[0]
            if not all(future.done() for future in futures):
                return
            self._acknowledging.popleft()
            event.ack()
