"""The screen agent: facts in order of time become judgements, alerts, decisions and progress marks.

All of its state is in `streams.screening.Partition`, a pure function of the log. This file does what a pure function
cannot: it sends what a judgement caused, takes snapshots, acknowledges what they cover, and restores on assignment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from faust.types import TP

from rules.references import ReferenceSets
from streams import frames
from streams.batches import Batch
from streams.covering import Covering, Snapshot
from streams.engine import Engine, Judgement, marked_frame
from streams.findings import Findings, progress_record
from streams.following import Mark
from streams.memory import AfterBulks
from streams.metrics import WorkerMetrics
from streams.outbox import Outbox
from streams.rulebook_feed import RulebookFeed
from streams.screening import BEFORE_ALL, Partition, Progress
from streams.snapshots import SnapshotError, SnapshotStore
from streams.sources import answered
from streams.verdicts import CONTRADICTION, NEW

log = structlog.get_logger(__name__)

FACTS: Final = "facts"
VIEWS: Final = "views"
PROGRESS_SECONDS: Final = 0.1
SILENT_SECONDS: Final = 60.0
STALLED_SECONDS: Final = 5.0
WAITING_ROWS: Final = 50_000  # events that wait for views of slower partitions, from which on `facts` is held back


@dataclass(slots=True)
class _Held:
    """A partition with what its next snapshot will cover."""

    partition: Partition
    covering: Covering
    marks_at: dict[int, tuple[tuple[int, int], float]] = field(default_factory=dict)  # source → (mark, when it moved)
    moved_at: float = field(default_factory=time.monotonic)  # when any source's mark moved last
    control_sent_at: float = 0.0
    mark_sent: Mark = BEFORE_ALL  # with the last record for `judged`


class Screen:
    """The partitions of `facts` that this worker owns; see the module's docstring."""

    def __init__(
        self,
        outbox: Outbox,
        feed: RulebookFeed,
        findings: Findings,
        store: SnapshotStore,
        metrics: WorkerMetrics,
        *,
        partitions: int,
        sources: Sequence[tuple[str, int]],
        snapshot_seconds: float,
        held_back: set[TP],
    ) -> None:
        """`sources`: all declared source partitions; `held_back` is filled with partitions of `facts` not to read."""
        self.outbox = outbox
        self.feed = feed
        self.findings = findings
        self.store = store
        self.metrics = metrics
        self.partitions = partitions
        self.sources = list(sources)
        self.snapshot_seconds = snapshot_seconds
        self.held_back = held_back
        self.references = ReferenceSets()  # broadcast, so the partitions of a worker share them
        self.held: dict[int, _Held] = {}
        self.batches = 0
        self._after_bulks = AfterBulks()

    # -- which partitions ---------------------------------------------------------------------------------------------

    async def assigned(self, numbers: set[int], log_start: Mapping[int, int]) -> None:
        """Keep the partitions that stay, drop those that left, restore those that came.

        Raises:
            SnapshotError: the log no longer reaches back to where the state begins.
        """
        self.held_back.clear()
        for number in sorted(set(self.held) - numbers):
            left = self.held.pop(number)
            self.metrics.forget(number)
            left.covering.give_up()
        for number in sorted(numbers):
            if number in self.held:
                self.held[number].covering.events.clear()  # their batches are handed over again or are behind the state
                continue
            partition = await asyncio.get_running_loop().run_in_executor(None, self._restored, number)
            start = log_start.get(number, 0)
            if partition.facts_offset < start:
                raise SnapshotError(
                    f"facts/{number} begins at offset {start}, the state stands at {partition.facts_offset}: the log "
                    f"no longer reaches back that far. Put back a snapshot from offset {start} or later "
                    "(docs/operations.md)."
                )
            self.held[number] = self.hold(partition)
            log.info("partition taken over", partition=number, facts_offset=partition.facts_offset)

    def hold(self, partition: Partition) -> _Held:
        """The partition with what its next snapshot will cover: nothing yet."""

        def written(seconds: float, pause: float) -> None:
            self.metrics.snapshot(seconds)
            self.metrics.snapshot_pause(pause)

        covering = Covering(
            self.store,
            self.outbox,
            lambda: Snapshot(partition.number, partition.facts_offset, *partition.state()),
            seconds=self.snapshot_seconds,
            written=written,
            failed=self.metrics.snapshot_failed,
            partition=partition.number,
        )
        return _Held(partition, covering)

    def _restored(self, number: int) -> Partition:
        found = self.store.newest(number)
        if found is None:
            return Partition(number, self.partitions, self.feed.rulebook, Engine(references=self.references))
        document, arrays, _ = found
        partition = Partition.restore(document, arrays, self.feed.rulebook, self.references)
        if partition.partitions != self.partitions:
            raise SnapshotError(
                f"the snapshot of partition {number} was taken with {partition.partitions} partitions, now there are "
                f"{self.partitions}: subjects would have moved. See 'What to do when' in docs/operations.md."
            )
        return partition

    def start_of(self, tp: TP) -> int | None:
        """Where to read `facts` and `views` from: where the state stands."""
        held = self.held.get(tp.partition)
        if held is None or tp.topic not in (FACTS, VIEWS):
            return None
        return held.partition.facts_offset if tp.topic == FACTS else held.partition.views_offset

    # -- what arrives -------------------------------------------------------------------------------------------------

    async def take(self, batch: Batch, event: Any) -> None:
        """Apply a batch of `facts` or `views` and send what it caused."""
        held = self.held.get(batch.partition)
        if held is None:
            return  # the partition has moved away
        await self.feed.fresh()
        values = ((record.offset, record.value) for record in batch.records)
        began = time.perf_counter()
        take = held.partition.take_facts if batch.topic == FACTS else held.partition.take_views
        progress = take(values)
        held.covering.events.append(event)
        self.batches += 1
        self.metrics.applied(time.perf_counter() - began)
        self._keep_step(held.partition)
        held.covering.ahead = True
        await self._send(held, progress)
        held.covering.ahead = False

    def _keep_step(self, partition: Partition) -> None:
        """Hold back a partition of `facts` that is far ahead of those whose views it waits for.

        `views` are always read. The partition that is furthest behind waits for none that was not sent, so it is never
        held for long, and the others follow.
        """
        waiting = partition.waiting_rows
        if waiting > WAITING_ROWS:
            self.held_back.add(TP(FACTS, partition.number))
        elif waiting < WAITING_ROWS // 2:
            self.held_back.discard(TP(FACTS, partition.number))

    def slowest_mark(self) -> tuple[int, int] | None:
        """The lowest mark of any source that is waited for, of any worker, as far as these partitions have read."""
        return min(
            (
                source.mark
                for held in self.held.values()
                for source in held.partition.sources
                if source.known and not source.passed_over
            ),
            default=None,
        )

    async def _send(self, held: _Held, progress: Progress) -> None:
        partition = held.partition
        for target, views in progress.views.items():
            for view in views:
                await self.outbox.send(VIEWS, view, partition=target)
        if progress.late:
            self.metrics.late(progress.late)
        first = partition.judged_count - sum(len(judgement.rows) for judgement in progress.judgements)
        for number, judgement in enumerate(progress.judgements, start=1):
            if number == len(progress.judgements):
                held.mark_sent = max(held.mark_sent, partition.mark)  # the mark stands behind all that it speaks of
            await self._send_judgement(partition, judgement, first, held.mark_sent)
            first += len(judgement.rows)
        for judgement in progress.again:
            for record in self.findings.alert_records(judgement, partition):
                await self.outbox.send(record.topic, record.value, key=record.key, headers=record.headers)

    async def _send_judgement(self, partition: Partition, judgement: Judgement, first: int, mark: Mark) -> None:
        for record in self.findings.records(judgement, partition):
            answer = record.appended_at > 0
            future = await self.outbox.send(
                record.topic,
                record.value,
                key=record.key,
                partition=partition.number if answer else None,
                headers=record.headers,
            )
            if answer:
                self.metrics.time_decision(future, record.appended_at)
        written = await self.outbox.send(
            "judged",
            judgement.frame(first, mark, [(source.topic, source.partition) for source in partition.sources]),
            partition=partition.number,
        )
        self._on_write(written, judgement)

    def _on_write(self, written: asyncio.Future[Any], judgement: Judgement) -> None:
        """Count a judgement when the broker has it: the latency is that of what institutions can see."""
        state = judgement.state
        self.metrics.repeats(int((state != NEW).sum()), int((state == CONTRADICTION).sum()))

        def acknowledged(future: asyncio.Future[Any]) -> None:
            if not future.cancelled() and future.exception() is None:
                self.metrics.judged(judgement, now_ms=time.time() * 1000.0)

        written.add_done_callback(acknowledged)

    # -- on the clock -------------------------------------------------------------------------------------------------

    async def send_marks(self) -> None:
        """To `judged`: how far each partition has judged, where that moved on with nothing to judge."""
        for number, held in self.held.items():
            mark = held.partition.mark
            if mark > held.mark_sent and not held.covering.ahead:
                held.mark_sent = mark
                await self.outbox.send("judged", marked_frame(held.partition.judged_count, mark), partition=number)

    async def send_progress(self) -> None:
        """Progress marks to every institution of which something was judged since the last call."""
        for number, held in self.held.items():
            if held.covering.ahead:
                continue
            judged: dict[str, list[tuple[int, int]]] = {}
            for topic, source, offset in held.partition.progress():
                judged.setdefault(topic, []).append((source, offset))
            for topic, places in judged.items():
                institution = answered(topic)
                if institution is None:
                    continue
                record = progress_record(institution, topic, number, places)
                # The same producer, topic and partition as the decisions: the log keeps them before this mark.
                await self.outbox.send(record.topic, record.value, partition=number, headers=record.headers)

    async def send_control(self, ends: Mapping[int, int]) -> None:
        """Declare the known sources at the end of `facts`, and pass over one that has been silent for a minute."""
        now = time.monotonic()
        for number, held in self.held.items():
            partition = held.partition
            if partition.facts_offset < ends.get(number, 0) or now - held.control_sent_at < 5.0:
                continue
            known = {(source.topic, source.partition) for source in partition.sources if source.known}
            missing = [source for source in self.sources if source not in known]
            silent = self._silent(held, now)
            if missing or silent:
                held.control_sent_at = now
                value = frames.encode_control(sorted(known.union(self.sources)), silent)
                await self.outbox.send(FACTS, value, partition=number)
                log.info("sources declared", partition=number, known=len(known) + len(missing), passed_over=len(silent))

    @staticmethod
    def _silent(held: _Held, now: float) -> list[tuple[str, int]]:
        """Sources whose mark has not moved for SILENT_SECONDS; none where that would be all of them."""
        silent, new = [], 0
        moved = [i for i, s in enumerate(held.partition.sources) if held.marks_at.get(i, (None,))[0] != s.mark]
        if moved:
            if now - held.moved_at > STALLED_SECONDS:
                # Nothing moved at all: Kafka was away, or we were. Whoever comes back second has not been silent.
                held.marks_at = {index: (mark, now) for index, (mark, _) in held.marks_at.items()}
            held.moved_at = now
            held.marks_at |= {index: (held.partition.sources[index].mark, now) for index in moved}
        for index, source in enumerate(held.partition.sources):
            _, since = held.marks_at[index]
            if source.known and now - since > SILENT_SECONDS:
                silent.append((source.topic, source.partition))
                new += not source.passed_over
        return silent if new and len(silent) < len(held.partition.sources) else []

    async def snapshot_due(self) -> None:
        """Begin a snapshot of each partition whose time has come and that has moved since the last one."""
        for held in self.held.values():
            held.covering.begin_if_due()

    async def last_snapshots(self) -> None:
        """Snapshot everything once more before an orderly end."""
        for held in list(self.held.values()):
            await held.covering.take_last()

    def measure(self, ends: Mapping[int, int]) -> None:
        """Bring the gauges up to date, and let go of what a bulk has left.

        `ends`: the known end of each partition of `facts`.
        """
        self.metrics.references(len(self.references), self.references.memory_bytes)
        self._after_bulks.note(len(self.references))
        for number, held in self.held.items():
            engine = held.partition.engine
            self.metrics.state(
                number,
                subjects=len(engine.histories),
                state_bytes=engine.histories.memory_bytes,
                pending=held.partition.pending_rows + held.partition.waiting_rows,
                lag=max(0, ends.get(number, 0) - held.partition.facts_offset),
                snapshot_age=held.covering.age,
                drift_alarms=engine.detectors.drift_alarms_total,
            )
