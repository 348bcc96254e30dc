"""Intake's sources: what a mark promises, frames without gaps, and nothing acknowledged that is not written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from faust.types import TP
from numpy.typing import NDArray

from streams import frames, intake
from streams.admission import Admission
from streams.batches import Batch
from streams.contracts.headers import write_history
from streams.fetch_clock import FetchClock
from streams.intake import HISTORY_IDLE_SECONDS, Intake, SourceReader
from streams.metrics import WorkerMetrics
from streams.sources import SourceTopic
from streams.tokens import demo_keys
from tests.streams.events import APPENDED_AT, KafkaRecord, document, written

TX = TP("tx.CASPKZKA", 0)
OTHER = TP("tx.HSBKKZKX", 0)
EPOCH = APPENDED_AT + 2_000
OCCURRED = 1_795_410_000_123  # of the example
FIRST, LAST = -(2**62), 2**62
KEY = demo_keys()[0]


def transaction(offset: int, *, history: bool = False, appended: int = APPENDED_AT, tp: TP = TX) -> KafkaRecord:
    said = document("event_id", f"event-{tp.topic}-{offset}")
    said["institution"] = tp.topic.partition(".")[2]
    return KafkaRecord(written(said), tuple(write_history(EPOCH)) if history else (), offset, appended)


def control(offset: int, what: Any) -> KafkaRecord:
    return KafkaRecord(b"", tuple(write_history(EPOCH, what)), offset)


def heartbeat(offset: int, occurred_at: str) -> KafkaRecord:
    said = document("occurred_at", occurred_at, name="heartbeat")
    return KafkaRecord(written(said), tuple(write_history(EPOCH)), offset)


def batch_of(*records: KafkaRecord, tp: TP = TX) -> Batch:
    return Batch(tp.topic, tp.partition, records)


class Source:
    """A reader with the clock and the time that a test gives it."""

    def __init__(self) -> None:
        self.reader = SourceReader(TX, 0, 0)
        self.clock = FetchClock()
        self.admission = Admission(KEY)

    def read(self, *records: KafkaRecord) -> None:
        admitted = self.admission.admit(records, source=SourceTopic.transactions("CASPKZKA"), source_index=0)
        assert not admitted.rejected
        self.reader.note(batch_of(*records), admitted)
        self.reader.next_offset = records[-1].offset + 1

    def mark(self, *, sent: float | None = None, end: int | None = None) -> tuple[int, int] | None:
        """The mark, after a fetch that was sent at `sent` and found the log's end."""
        if sent is not None:
            self.clock.note(*TX, self.reader.next_offset if end is None else end, sent)
        return self.reader.mark(self.clock, 3.0)

    def fetch(self, since: float, seconds: float) -> float:
        """Fetches that find nothing new, for so long; when the last one was sent."""
        for step in range(int(seconds * 2) + 1):
            self.clock.note(*TX, self.reader.next_offset, since + step * 500.0)
        return since + step * 500.0


def test_a_live_source_is_known_up_to_the_fetch_that_found_its_end() -> None:
    source = Source()
    assert source.mark(sent=5_000.0) is None, "a replay may be open whose opening is not read yet"
    source.read(transaction(0))
    assert source.mark() == (APPENDED_AT - 1, LAST), "another record may have the same append time"
    sent = APPENDED_AT + 250.0
    assert source.mark(sent=sent) == (int(sent) - 3 - 1, LAST), "less the clocks' margin, and strictly before"
    assert source.mark(sent=sent + 100, end=9) == (int(sent) - 4, LAST), "the end was not reached"


def test_a_source_in_which_nothing_happens_is_live_after_a_while() -> None:
    source = Source()
    began = source.reader.last_record_ms
    source.fetch(began, HISTORY_IDLE_SECONDS - 1)
    assert source.mark() is None
    last = source.fetch(began, HISTORY_IDLE_SECONDS + 1)
    assert source.mark() == (int(last) - 4, LAST)
    assert source.mark() is not None, "and stays so"


def test_a_replay_opens_runs_by_its_own_time_and_closes() -> None:
    source = Source()
    source.read(transaction(0), control(1, "open"))
    assert source.mark(sent=EPOCH - 100.0) == (EPOCH - 104, LAST), "until it begins, the source goes on live"
    assert source.mark(sent=EPOCH + 100.0) == (EPOCH, FIRST), "then it holds its place in the live order"
    source.read(transaction(2, history=True))
    assert source.mark(sent=EPOCH + 200.0) == (EPOCH, OCCURRED - 1), "another event may have the same time"
    source.read(heartbeat(3, "2026-11-23T10:00:05+05:00"))
    assert source.mark() == (EPOCH, 1_795_410_004_999)
    source.read(heartbeat(4, "2026-11-23T10:00:02+05:00"))
    assert source.mark() == (EPOCH, 1_795_410_004_999), "marks never go back"
    source.read(control(5, "close"))
    assert source.mark(sent=EPOCH + 900.0) == (EPOCH + 896, LAST)


def test_a_replay_that_opens_and_closes_in_one_batch_leaves_nothing_open() -> None:
    source = Source()
    source.read(control(0, "open"), transaction(1, history=True), control(2, "close"))
    assert source.reader.epoch is None
    assert source.reader.settled
    assert source.mark(sent=EPOCH + 900.0) == (EPOCH + 896, LAST)


def test_an_assignment_in_the_middle_of_a_replay_is_no_live_source() -> None:
    source = Source()
    source.read(transaction(7, history=True))
    assert source.mark(sent=EPOCH + 50.0) == (EPOCH, OCCURRED - 1)


def test_a_replay_left_open_holds_live_sources_up_for_seconds_only() -> None:
    source = Source()
    old = int(time.time() * 1000) - 60_000
    record = KafkaRecord(transaction(0).value, tuple(write_history(old)), 0, old)
    source.read(record)
    began = source.reader.last_record_ms
    source.fetch(began, HISTORY_IDLE_SECONDS - 1)
    assert source.mark() == (old, OCCURRED - 1)
    last = source.fetch(began, HISTORY_IDLE_SECONDS + 1)
    assert source.mark() == (int(last) - 4, LAST)


def test_a_broker_that_is_away_closes_no_replay() -> None:
    """Nobody can publish meanwhile, and the publisher has as long again when the broker is back."""
    source = Source()
    old = int(time.time() * 1000) - 60_000
    source.read(KafkaRecord(transaction(0).value, tuple(write_history(old)), 0, old))
    began = source.reader.last_record_ms
    source.fetch(began, 2)
    assert source.mark() == (old, OCCURRED - 1)
    source.fetch(began + 30_000, HISTORY_IDLE_SECONDS - 1)
    assert source.mark() == (old, OCCURRED - 1)
    source.fetch(began + 30_000, HISTORY_IDLE_SECONDS + 1)
    assert source.reader.epoch is not None
    assert source.mark() != (old, OCCURRED - 1)


class Outbox:
    """Keeps what is sent, and writes it when told to: what Intake sees of `streams.outbox.Outbox`."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int | None, bytes, asyncio.Future[None]]] = []

    async def send(
        self, topic: str, value: bytes, *, key: Any = None, partition: int | None = None, headers: Any = ()
    ) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent.append((topic, partition, value, future))
        return future

    def facts(self, partition: int = 0) -> list[tuple[Any, Any]]:
        return [frames.decode_facts(v) for topic, at, v, _ in self.sent if topic == "facts" and at == partition]

    def write(self, index: int) -> None:
        self.sent[index][3].set_result(None)


class Event:
    """A Faust event as far as intake uses it."""

    def __init__(self) -> None:
        self.acknowledged = False

    def ack(self) -> None:
        self.acknowledged = True


async def first_generation(appended_at: NDArray[np.int64]) -> NDArray[np.uint32]:
    return np.ones(len(appended_at), np.uint32)


def an_intake(
    *,
    partitions: int = 1,
    tps: Sequence[TP] = (TX,),
    generation_at: Any = first_generation,
    slowest: Any = lambda: None,
) -> Intake:
    outbox: Any = Outbox()
    made = Intake(
        Admission(KEY),
        outbox,
        FetchClock(),
        WorkerMetrics("test"),
        partitions=partitions,
        generation_at=generation_at,
        held=set(),
        sources={tp.topic: SourceTopic.transactions(tp.topic.partition(".")[2]) for tp in tps},
        slowest=slowest,
    )
    made.assigned(dict.fromkeys(tps, 0))
    return made


def sent_by(made: Intake) -> Outbox:
    assert isinstance(made.outbox, Outbox)
    return made.outbox


def test_frames_are_cut_and_their_spans_follow_on_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "FRAME_ROWS", 25)
    made = an_intake(partitions=2, tps=(TX, OTHER))

    async def run() -> None:
        for start in range(0, 60, 10):
            for tp in (TX, OTHER):
                records = [transaction(offset, tp=tp) for offset in range(start, start + 10)]
                await made.take(batch_of(*records, tp=tp), Event())
        await made.tick()
        await made.take(batch_of(*(transaction(offset) for offset in range(60, 65))), Event())
        await asyncio.sleep(0.02)
        await made.tick()

    asyncio.run(run())
    frames_of = [sent_by(made).facts(partition) for partition in (0, 1)]
    assert len(frames_of[0]) == len(frames_of[1]) == 5
    for kept in frames_of:
        seen = {TX.topic: 0, OTHER.topic: 0}
        marks: dict[str, tuple[int, int]] = {}
        for header, rows in kept:
            assert len(rows) <= 25 + 10, "a frame is closed by the batch that fills it"
            for index, span in enumerate(header.spans):
                assert span.start == seen[span.topic]
                assert marks.get(span.topic, (-(2**63), -(2**63))) <= (span.epoch, span.time)
                marks[span.topic] = (span.epoch, span.time)
                seen[span.topic] = span.end
                own = rows["offset"][rows["source"] == index]
                assert ((own >= span.start) & (own < span.end)).all()
        assert seen == {TX.topic: 65, OTHER.topic: 60}
        first_of_tick = kept[0][0].spans
        assert all(span.epoch < 0 for span in first_of_tick), "marks come with the last frame of a tick, not before"
    homes = sum(int((rows["home"] == 1).sum()) for kept in frames_of for _, rows in kept)
    assert homes == 125, "every event has one home"


def test_a_batch_is_acknowledged_when_all_that_it_caused_is_written_and_in_order() -> None:
    made = an_intake()
    events = [Event(), Event()]

    async def run() -> None:
        outbox = sent_by(made)
        bad = KafkaRecord(b"{", (), 1, APPENDED_AT)
        await made.take(batch_of(transaction(0), bad), events[0])
        await made.tick()
        await made.take(batch_of(transaction(2)), events[1])
        await made.tick()
        topics = [topic for topic, *_ in outbox.sent]
        assert topics == ["rejected.CASPKZKA", "facts", "facts"]

        async def acknowledged() -> list[bool]:
            await made.tick()
            return [event.acknowledged for event in events]

        assert await acknowledged() == [False, False]
        outbox.write(2)
        assert await acknowledged() == [False, False], "the older batch is not written"
        outbox.write(1)
        assert await acknowledged() == [False, False], "its rejection is not written"
        outbox.write(0)
        assert await acknowledged() == [True, True]

    asyncio.run(run())


def test_a_batch_that_comes_again_is_acknowledged_and_sent_once() -> None:
    made = an_intake()
    first, again = Event(), Event()

    async def run() -> None:
        outbox = sent_by(made)
        await made.take(batch_of(transaction(0), transaction(1)), first)
        await made.take(batch_of(transaction(0)), again)  # cut otherwise when it was read again after a seek
        await made.tick()
        assert [len(rows) for _, rows in outbox.facts()] == [2]
        assert not again.acknowledged
        outbox.write(0)
        await made.tick()
        assert first.acknowledged
        assert again.acknowledged, "a batch never acknowledged would stop the partition's commits for ever"

    asyncio.run(run())


def test_a_batch_that_a_rebalance_overtakes_is_not_acknowledged_by_the_frames_of_the_next() -> None:
    """While a batch waits for the rulebook the partitions are assigned anew: it will be read again from the log."""
    gate: asyncio.Event

    async def generation_at(appended_at: NDArray[np.int64]) -> NDArray[np.uint32]:
        await gate.wait()
        return await first_generation(appended_at)

    made = an_intake(generation_at=generation_at)
    overtaken, again = Event(), Event()

    async def run() -> None:
        nonlocal gate
        gate = asyncio.Event()
        outbox = sent_by(made)
        taking = asyncio.create_task(made.take(batch_of(transaction(0)), overtaken))
        await asyncio.sleep(0)
        made.assigned({TX: 0})
        gate.set()
        await taking
        await made.take(batch_of(transaction(0)), again)
        await made.tick()
        assert [rows["offset"].tolist() for _, rows in outbox.facts()] == [[0]]
        for index in range(len(outbox.sent)):
            outbox.write(index)
        await made.tick()
        assert again.acknowledged
        assert not overtaken.acknowledged, "nothing of it was sent in its name"

    asyncio.run(run())


def test_records_that_the_broker_deleted_unread_are_counted_and_not_waited_for() -> None:
    made = an_intake()

    async def run() -> None:
        await made.take(batch_of(transaction(5)), Event())
        await made.tick()

    asyncio.run(run())
    ((header, rows),) = sent_by(made).facts()
    assert [(span.start, span.end) for span in header.spans] == [(0, 6)]
    assert rows["offset"].tolist() == [5]
    assert made.metrics.registry.get_sample_value("antifraud_lost_total") == 5


def test_a_source_far_ahead_of_the_slowest_is_held_back_until_that_one_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "STEP_ROWS", 3)
    made = an_intake(tps=(TX, OTHER))

    async def run() -> None:
        await made.take(batch_of(transaction(0, tp=OTHER, appended=APPENDED_AT), tp=OTHER), Event())
        ahead = APPENDED_AT + intake.STEP_MS + 5_000
        await made.take(batch_of(*(transaction(offset, appended=ahead) for offset in range(5))), Event())
        await made.tick()
        assert made.held == {TX}
        await made.take(batch_of(transaction(1, tp=OTHER, appended=ahead + 1), tp=OTHER), Event())
        await made.tick()
        assert made.held == set()

    asyncio.run(run())


def test_a_source_far_ahead_of_another_workers_is_held_back_until_that_one_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "STEP_ROWS", 3)
    elsewhere = (APPENDED_AT, 0)
    made = an_intake(slowest=lambda: elsewhere)

    async def run() -> None:
        nonlocal elsewhere
        ahead = APPENDED_AT + intake.STEP_MS + 5_000
        await made.take(batch_of(*(transaction(offset, appended=ahead) for offset in range(5))), Event())
        await made.tick()
        assert made.held == {TX}
        elsewhere = (ahead, 0)
        await made.tick()
        assert made.held == set(), "it is let go though nothing of this worker moved"

    asyncio.run(run())


def test_a_batch_of_a_partition_that_has_moved_away_is_left_alone() -> None:
    made = an_intake()
    event = Event()
    asyncio.run(made.take(batch_of(transaction(0, tp=OTHER), tp=OTHER), event))
    assert not event.acknowledged
    assert sent_by(made).sent == []
