"""A Faust transport that hands an agent whole batches of records: one Faust message for each group of a fetch.

Faust pays about 130 µs of asyncio bookkeeping for every message (two tasks each in `Consumer._drain_messages`). Here a
message is a `Batch` of up to `BATCH_RECORDS` records of one partition, so that the price is paid once for hundreds of
events. Registered under the entry point `faust.transports`; the broker URL is `batched://host:port`.

Three more things differ from Faust's own transport, each because its default loses or delays events
(../shared/faust-facts.md):

- Offsets: an ordered list of open batches for each partition replaces Faust's acked-offset lists and its interval tree.
  A partition's committed offset is the end of the longest prefix of acknowledged batches, whatever gaps compaction or
  control records left between records.
- Positions: after every rebalance the stateful partitions are sought to where their state stands
  (`Positions.start_of`), which may lie before or after the committed offset.
- Time: for every partition the transport remembers when a fetch was *sent* and which end of log the broker reported
  for it. Whoever has handled everything below that end knows all records appended before that instant.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import aiokafka
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)
from faust.auth import Credentials, SASLCredentials, SSLCredentials
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

BATCH_RECORDS: Final = 500
BATCH_BYTES: Final = 4 * 1024 * 1024
FETCH_WAIT_MS: Final = 10  # a mark is at least this old when a source is quiet
FETCH_BYTES: Final = 1024 * 1024
BROKEN_MS: Final = 1_000  # between two fetches: the broker did not answer
MAX_RECORDS: Final = 4_000  # handed over by one fetch, over all partitions


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition, in offset order: what an agent receives as one event's value."""

    topic: str
    partition: int
    records: Sequence[Any]  # aiokafka.ConsumerRecord: .offset .timestamp .headers .key .value

    @property
    def tp(self) -> TP:
        return TP(self.topic, self.partition)

    @property
    def first_offset(self) -> int:
        return int(self.records[0].offset)

    @property
    def next_offset(self) -> int:
        """One past the last record's offset."""
        return int(self.records[-1].offset) + 1


def cut(
    records: Sequence[Any], *, max_records: int = BATCH_RECORDS, max_bytes: int = BATCH_BYTES
) -> list[Sequence[Any]]:
    """Cut records into runs of at most `max_records` and about `max_bytes` of values; a larger record stands alone."""
    runs: list[Sequence[Any]] = []
    start = size = 0
    for index, record in enumerate(records):
        length = len(record.value) if record.value else 0
        if index > start and (index - start >= max_records or size + length > max_bytes):
            runs.append(records[start:index])
            start, size = index, 0
        size += length
    if start < len(records):
        runs.append(records[start:])
    return runs


class OpenBatches:
    """The batches of one partition that were handed over and are not yet covered, oldest first."""

    __slots__ = ("_acknowledged", "_order")

    def __init__(self) -> None:
        self._order: deque[int] = deque()  # last offset of each open batch
        self._acknowledged: set[int] = set()

    def __len__(self) -> int:
        return len(self._order)

    def open(self, last_offset: int) -> None:
        """Note a batch; a batch handed over again after a seek is noted once."""
        if not self._order or last_offset > self._order[-1]:
            self._order.append(last_offset)

    def acknowledge(self, last_offset: int) -> bool:
        """Mark a batch as done; False where it is not open (already covered, or revoked)."""
        if not self._order or last_offset < self._order[0] or last_offset in self._acknowledged:
            return False
        self._acknowledged.add(last_offset)
        return True

    def committable(self) -> int | None:
        """Take the acknowledged prefix; return the offset to commit (one past its end), or None."""
        offset = None
        while self._order and self._order[0] in self._acknowledged:
            last = self._order.popleft()
            self._acknowledged.discard(last)
            offset = last + 1
        return offset


class FetchClock:
    """When was a fetch sent, and where did the broker say the log ended? (end offset, sent ms) for each partition.

    Written by the consumer's thread, read by the event loop's: deque operations are atomic.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], deque[tuple[int, float]]] = {}
        self._steady: dict[tuple[str, int], tuple[float, float]] = {}  # first and last fetch of an unbroken run

    def note(self, topic: str, partition: int, end_offset: int, sent_ms: float) -> None:
        seen = self._seen.get((topic, partition))
        if seen is None:
            seen = self._seen[topic, partition] = deque(maxlen=256)
        since, last = self._steady.get((topic, partition), (sent_ms, sent_ms))
        self._steady[topic, partition] = (since if sent_ms - last <= BROKEN_MS else sent_ms, sent_ms)
        if seen and seen[-1][0] == end_offset:
            seen[-1] = (end_offset, sent_ms)
        else:
            seen.append((end_offset, sent_ms))

    def read_up_to(self, topic: str, partition: int, next_offset: int) -> float | None:
        """Milliseconds (our clock): every record appended before this instant has an offset below `next_offset`.

        None where nothing is known yet. Never goes back for a growing `next_offset`.
        """
        seen = self._seen.get((topic, partition))
        if not seen:
            return None
        known = None
        while seen and seen[0][0] <= next_offset:
            known = seen[0][1]
            if len(seen) == 1:
                break
            if seen[1][0] > next_offset:
                break
            seen.popleft()
        return known

    def end_of(self, topic: str, partition: int) -> int | None:
        """The newest known end of the log."""
        seen = self._seen.get((topic, partition))
        return seen[-1][0] if seen else None

    def steady_since(self, topic: str, partition: int) -> float:
        """Since when (ms) the broker has answered fetches without a break: it may have been away before."""
        return self._steady.get((topic, partition), (0.0, 0.0))[0]

    def forget(self, topic: str, partition: int) -> None:
        self._seen.pop((topic, partition), None)
        self._steady.pop((topic, partition), None)


class _TimedClient:
    """aiokafka's client as the fetcher sees it, which notes when each fetch was sent and what end of log it found."""

    def __init__(self, client: Any, clock: FetchClock) -> None:
        self._wrapped = client
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    async def send(self, node_id: int, request: Any, **options: Any) -> Any:
        sent_ms = time.time() * 1000.0
        response = await self._wrapped.send(node_id, request, **options)
        if type(response).__name__.startswith("FetchResponse"):
            for topic, partitions in response.topics:
                for partition, error_code, end_offset, *_ in partitions:
                    if error_code == 0:
                        self._clock.note(topic, partition, end_offset, sent_ms)
        return response


class Positions(Protocol):
    """Where the stateful partitions stand; the worker gives one to the transport."""

    async def assigned(self, positions: Mapping[TP, int], log_start: Mapping[TP, int]) -> None:
        """Prepare the state of these partitions (restore snapshots) and drop that of all others.

        `positions` are the committed offsets (or the log's start), `log_start` the earliest offsets that Kafka keeps.
        """

    def start_of(self, partition: TP) -> int | None:
        """The offset to read next, or None for the committed one."""


@dataclass(slots=True)
class BatchSettings:
    """What the worker may change; set on the Faust app as `app.batches` before it starts."""

    together: tuple[str, ...] = ()  # topics of which equal partition numbers go to one worker, and stay there
    whole: tuple[str, ...] = ()  # topics of which one worker has all partitions; the others stand by
    positions: Positions | None = None
    clock: FetchClock = field(default_factory=FetchClock)
    # Not to be read for now: sources far ahead of the slowest, partitions of `facts` far ahead of their views.
    held_sources: set[TP] = field(default_factory=set)
    held_facts: set[TP] = field(default_factory=set)
    max_records: int = BATCH_RECORDS
    max_bytes: int = BATCH_BYTES


def settings_of(app: Any) -> BatchSettings:
    """The app's batch settings, made with defaults where the app has none (a plain `faust -A` application)."""
    found = getattr(app, "batches", None)
    if found is None:
        found = app.batches = BatchSettings()
    assert isinstance(found, BatchSettings)
    return found


def assign(
    members: Mapping[str, tuple[set[str], Mapping[str, set[int]]]],
    partitions_of: Mapping[str, Iterable[int]],
    together: Sequence[str],
    whole: Sequence[str] = (),
) -> dict[str, dict[str, list[int]]]:
    """Spread partitions over members: those of `together` by number and sticky, all others one by one.

    All partitions of the `whole` topics go to one member, which is the one that owns most of them now.

    `members` maps a member to (topics it subscribes to, partitions it owns now). Every number of the `together` topics
    stays with the member that owns it while that member has no more than its share, so that state moves only when it
    must. The result is a function of the arguments alone.
    """
    order = sorted(members)
    result: dict[str, dict[str, list[int]]] = {member: {} for member in order}
    numbers = sorted({n for topic in together for n in partitions_of.get(topic, ())})
    able = [m for m in order if any(topic in members[m][0] for topic in together)]
    if able and numbers:
        share, extra = divmod(len(numbers), len(able))
        taken: dict[int, str] = {}
        load = dict.fromkeys(able, 0)
        above = 0
        for number in numbers:
            for member in able:
                owned = any(number in members[member][1].get(topic, ()) for topic in together)
                room = load[member] < share or (load[member] == share and above < extra)
                if owned and number not in taken and room:
                    above += load[member] == share
                    taken[number] = member
                    load[member] += 1
        for number in numbers:
            if number not in taken:
                member = min(able, key=lambda m: (load[m], m))
                taken[number] = member
                load[member] += 1
        for number, member in taken.items():
            for topic in together:
                if number in partitions_of.get(topic, ()):
                    result[member].setdefault(topic, []).append(number)
    turn = 0
    able = [m for m in order if any(topic in members[m][0] for topic in whole)]
    if able:
        holds = {m: sum(len(members[m][1].get(topic, ())) for topic in whole) for m in able}
        chosen = min(able, key=lambda m: (-holds[m], m))
        result[chosen] |= {topic: sorted(partitions_of[topic]) for topic in whole if topic in partitions_of}
    for topic in sorted(t for t in partitions_of if t not in (*together, *whole)):
        able = [m for m in order if topic in members[m][0]]
        for number in sorted(partitions_of[topic]):
            if able:
                result[able[turn % len(able)]].setdefault(topic, []).append(number)
                turn += 1
    return result


def credentials_of(security: Mapping[str, Any]) -> Credentials | None:
    """What Faust is told of `streams.kafka_security.KafkaSecurity.options`; None for a plain connection."""
    if not security:
        return None
    if "sasl_mechanism" not in security:
        return SSLCredentials(security["ssl_context"])
    return SASLCredentials(
        username=security["sasl_plain_username"],
        password=security["sasl_plain_password"],
        mechanism=security["sasl_mechanism"],
        ssl_context=security.get("ssl_context"),
    )


def _assignor_for(thread: ConsumerThread) -> type[AbstractPartitionAssignor]:
    """aiokafka wants a class with class methods; this one speaks for one consumer thread."""

    class SameNumbersTogether(AbstractPartitionAssignor):  # type: ignore[misc]
        name = "antifraud-together"
        version = 0

        @classmethod
        def metadata(cls, topics: Iterable[str]) -> Any:
            owned = ",".join(f"{tp.topic}:{tp.partition}" for tp in sorted(thread.owned))
            return ConsumerProtocolMemberMetadata(cls.version, sorted(topics), owned.encode())

        @classmethod
        def assign(cls, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
            described = {}
            for member, metadata in members.items():
                owned: dict[str, set[int]] = {}
                for item in filter(None, (metadata.user_data or b"").decode().split(",")):
                    topic, _, number = item.rpartition(":")
                    owned.setdefault(topic, set()).add(int(number))
                described[member] = (set(metadata.subscription), owned)
            topics = {topic for subscribed, _ in described.values() for topic in subscribed}
            partitions = {topic: cluster.partitions_for_topic(topic) or set() for topic in topics}
            settings = settings_of(thread.app)
            spread = assign(described, partitions, settings.together, settings.whole)
            return {
                member: ConsumerProtocolMemberAssignment(cls.version, sorted(of.items()), b"")
                for member, of in spread.items()
            }

        @classmethod
        def on_assignment(cls, assignment: Any) -> None:
            thread.owned = {TP(topic, number) for topic, numbers in assignment.assignment for number in numbers}

    return SameNumbersTogether


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer thread with short fetch waits, our assignor and a clock on every fetch."""

    owned: set[TP]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.owned = set()

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        self._assignor = _assignor_for(self)
        credentials: Credentials | None = conf.broker_credentials
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset=conf.consumer_auto_offset_reset,
            max_poll_records=MAX_RECORDS,
            max_poll_interval_ms=int((conf.broker_max_poll_interval or 120) * 1000),
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            retry_backoff_ms=200,
            **driver.credentials_to_aiokafka_auth(credentials, conf.ssl_context),
        )

    async def on_start(self) -> None:
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher
        # By default records that nobody took yet hold up the next fetch from the same broker, of all other partitions,
        # for up to 100 ms: most of the way from an event to its alert.
        fetcher._prefetch_backoff = 0.0
        # A fetch that ends in the same turn of the loop in which records are taken is still counted as in flight: no
        # other is sent until this time-out, 200 ms by default, has passed. Nothing is lost by looking more often.
        fetcher._fetcher_timeout = FETCH_WAIT_MS / 1000
        fetcher._client = _TimedClient(fetcher._client, settings_of(self.app).clock)


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Faust's consumer with batches for messages and exact offsets."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._batches = settings_of(self.app)
        self._open: dict[TP, OpenBatches] = {}

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Batch]]:
        held = self._batches.held_sources | self._batches.held_facts
        if held and active_partitions is not None:
            active_partitions = active_partitions - held
            if not active_partitions:
                await self.sleep(0.005)
                return {}
            timeout = min(timeout, 0.05)  # a hold may end while we wait
        fetched = await super()._getmany(active_partitions, timeout)
        return {
            tp: [
                Batch(tp.topic, tp.partition, run)
                for run in cut(records, max_records=self._batches.max_records, max_bytes=self._batches.max_bytes)
            ]
            for tp, records in fetched.items()
        }

    def _to_message(self, tp: TP, record: Batch) -> Any:
        last = record.records[-1]
        message = super()._to_message(tp, last)
        message.value = record
        message.key = None
        message.headers = None
        # Opened here and not when the stream takes it: a batch that a rebalance drops from a queue was handed over.
        self._open.setdefault(TP(tp.topic, tp.partition), OpenBatches()).open(last.offset)
        return message

    def ack(self, message: Any) -> bool:
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        open_batches = self._open.get(TP(message.topic, message.partition))
        return open_batches is not None and open_batches.acknowledge(message.offset)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterable[TP]:
        return [tp for tp in self._open if topics is None or tp in topics or tp.topic in topics]

    def _new_offset(self, tp: TP) -> int | None:
        open_batches = self._open.get(TP(tp.topic, tp.partition))
        return open_batches.committable() if open_batches is not None else None

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Offsets that compaction left out need no bookkeeping: open batches are ordered by their ends."""

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        for tp in revoked:
            self._open.pop(TP(tp.topic, tp.partition), None)
            self._batches.clock.forget(tp.topic, tp.partition)
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        # Faust seeks nothing where nothing is assigned, and a worker that lost all must know that too.
        if not assigned and self._batches.positions is not None:
            await self._batches.positions.assigned({}, {})
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Seek every partition: stateful ones to where their state stands, others to the committed offset.

        Faust's own leaves a partition without a commit where it is, which after a rebalance is past what was dropped.
        """
        self._open.clear()
        assigned = sorted(TP(tp.topic, tp.partition) for tp in self.assignment())
        if not assigned:
            return
        committed = {TP(tp.topic, tp.partition): at for tp, at in (await self.seek_to_committed()).items()}
        log_start = {TP(tp.topic, tp.partition): at for tp, at in (await self.earliest_offsets(*assigned)).items()}
        starts = {tp: max(committed.get(tp) or 0, log_start.get(tp, 0)) for tp in assigned}
        positions = self._batches.positions
        if positions is not None:
            await positions.assigned(starts, log_start)
        for tp in assigned:
            start = positions.start_of(tp) if positions is not None else None
            await self.seek(tp, starts[tp] if start is None else start)
            self._committed_offset[tp] = committed.get(tp) or None


class Transport(driver.Transport):  # type: ignore[misc]
    """What `batched://` names."""

    Consumer = Consumer
