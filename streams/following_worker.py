"""The process behind `judged`: a Faust app that merges its partitions and hands the events to the followers.

    asyncio.run(FollowingWorker(FollowSettings(), make_followers).run())

One process is at work, others stand by: the assignor gives all partitions of `judged` to one member of the group. Like
a worker it acknowledges only what a snapshot covers, no exception leaves its agent, and whatever is unexpected ends the
process: the next one goes on from the last snapshot, and what it sends again carries the same ids.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiokafka.errors
import faust
import msgspec
import structlog
from faust.types import TP
from numpy.typing import NDArray
from pydantic import Field

from streams.batch_settings import BatchSettings
from streams.batches import Batch
from streams.covering import Covering, Snapshot
from streams.following import Follower, Outgoing
from streams.following_merge import Merge
from streams.following_metrics import FollowerMetrics
from streams.kafka_security import KafkaSecurity
from streams.metrics import MetricsServer
from streams.outbox import Outbox
from streams.rulebook_feed import RulebookFeed
from streams.snapshots import SnapshotError, SnapshotStore
from streams.tokens import TokenKey
from streams.topics import TopicSettings
from streams.transport import credentials_of
from streams.watchdog import Watchdog
from streams.worker import HEALTHY_SECONDS, SOFTWARE_FAULT, WorkerSettings, _BatchSchema

log = structlog.get_logger(__name__)

JUDGED: Final = "judged"
TICK_SECONDS: Final = 0.1
WAITING_ROWS: Final = 100_000  # of a partition ahead of the slowest, from which on it is not read further

Followers = Callable[[TokenKey, TopicSettings], Sequence[Follower]]


class FollowSettings(WorkerSettings):
    """Settings of `antifraud follow`; those of a worker, with a group, a name and a snapshot folder of their own."""

    group: str = Field(
        default="center.followers", validation_alias="ANTIFRAUD_FOLLOWERS_GROUP", description="consumer group"
    )
    name: str = Field(default="follower-1", description="for logs and metrics")


class State:
    """The merge and the followers, and what goes into one snapshot of them."""

    def __init__(self, merge: Merge, followers: Sequence[Follower]) -> None:
        self.merge = merge
        self.followers = followers

    @property
    def steps(self) -> int:
        """Records taken of all partitions: what snapshots are told apart by."""
        return sum(partition.offset for partition in self.merge.partitions)

    def state(self) -> tuple[bytes, dict[str, NDArray[Any]]]:
        """One document and the arrays of all parts."""
        said, merged = self.merge.state()
        documents: dict[str, bytes] = {}
        arrays = {f"merge/{name}": array for name, array in merged.items()}
        for follower in self.followers:
            documents[follower.name], own = follower.state()
            arrays |= {f"{follower.name}/{name}": array for name, array in own.items()}
        return msgspec.msgpack.encode({"merge": said, "followers": documents}), arrays

    @classmethod
    def restore(cls, document: bytes, arrays: Mapping[str, NDArray[Any]], followers: Sequence[Follower]) -> State:
        """The state whose `state()` this was; a follower that it does not know begins with what comes."""
        said = msgspec.msgpack.decode(document)

        def part(name: str) -> dict[str, NDArray[Any]]:
            return {key[len(name) + 1 :]: array for key, array in arrays.items() if key.startswith(f"{name}/")}

        for follower in followers:
            if follower.name in said["followers"]:
                follower.restore(said["followers"][follower.name], part(follower.name))
            else:
                log.warning("follower has no state in the snapshot and begins with what comes", follower=follower.name)
        return cls(Merge.restore(said["merge"], part("merge")), followers)


class FollowingWorker:
    """See the module's docstring."""

    def __init__(
        self,
        settings: FollowSettings,
        followers: Followers,
        topics: TopicSettings | None = None,
        *,
        key: TokenKey | None = None,
    ) -> None:
        self.settings = settings
        self.topics = topics or TopicSettings()
        self.key = key or TokenKey.load()
        self.metrics = FollowerMetrics(settings.name)
        self.security = KafkaSecurity.load().options()
        self.batches = BatchSettings(whole=(JUDGED,))
        self.state: State | None = None  # None: standing by
        self._make = followers
        self._stop = asyncio.Event()
        self._scratch = tempfile.TemporaryDirectory(prefix="antifraud-faust-")
        self._joined = False
        self._covering: Covering | None = None  # of the state
        self._batches_taken = 0
        self._ticks = 0
        self._ticked_at = time.monotonic()

    async def run(self) -> None:
        """Work, or stand by, until SIGTERM or SIGINT."""
        settings = self.settings
        self.outbox = Outbox(settings.bootstrap_servers, on_failure=self._die, **self.security)
        await self._patiently(self.outbox.start)
        self.feed = RulebookFeed(settings.bootstrap_servers, **self.security)
        await self._patiently(self.feed.start)
        cluster = await self.outbox.cluster()
        self.store = SnapshotStore(f"{settings.snapshots}/followers", self.key.derive(b"snapshot"), cluster)
        self.batches.positions = self
        app = self._app()
        self.watchdog = Watchdog(
            lambda: self._batches_taken + self._ticks, lambda: True, seconds=settings.watchdog_seconds
        )
        server = MetricsServer(settings.metrics_port, ready=self._ready, healthy=self._healthy, metrics=self.metrics)
        server.start()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        await app.start()
        self.watchdog.start(loop)
        log.info("follower started", worker=settings.name, metrics_port=server.port)
        ticks = asyncio.create_task(self._tick())
        try:
            await self._stop.wait()
        finally:
            ticks.cancel()
            if self._covering is not None:
                await self._covering.take_last()
            await app.stop()
            await self.feed.stop()
            await self.outbox.stop()
            self.watchdog.stop()
            server.stop()
            self.store.close()
            self._scratch.cleanup()
        log.info("follower ended", worker=settings.name)

    def _app(self) -> Any:
        settings = self.settings
        app = faust.App(
            settings.group,
            broker=f"batched://{settings.bootstrap_servers}",
            broker_credentials=credentials_of(self.security),
            broker_session_timeout=10.0,
            broker_heartbeat_interval=3.0,
            broker_max_poll_interval=300.0,
            broker_commit_interval=1.0,
            consumer_auto_offset_reset="earliest",
            stream_wait_empty=False,
            consumer_group_instance_id=f"{settings.group}-{settings.name}",
            stream_buffer_maxsize=16,
            topic_allow_declare=False,
            topic_disable_leader=True,
            processing_guarantee="at_least_once",
            store="memory://",
            web_enabled=False,
            datadir=Path(self._scratch.name),
        )
        app.batches = self.batches

        @app.agent(app.topic(JUDGED, schema=_BatchSchema()), name="follow")  # type: ignore[untyped-decorator]
        async def follow(stream: Any) -> None:
            async for event in stream.noack().events():
                await self._guarded(self._take(event.value, event))

        return app

    # -- what arrives -------------------------------------------------------------------------------------------------

    async def _take(self, batch: Batch, event: Any) -> None:
        state, covering = self.state, self._covering
        if state is None or covering is None:
            return  # the partitions have moved away
        await self.feed.fresh()
        covering.ahead = True
        began = time.perf_counter()
        merge, before = state.merge, state.merge.mark
        merge.take(batch.partition, ((record.offset, record.value) for record in batch.records))
        for judged in merge.ready(self.feed.rulebook):
            for follower in state.followers:
                await self._send(follower, follower.take(judged))
            self.metrics.taken(len(judged))
            await asyncio.sleep(0)  # a long backlog must not keep heartbeats waiting
        if merge.mark > before:
            for follower in state.followers:
                await self._send(follower, follower.advance(merge.mark))
        covering.events.append(event)
        self._batches_taken += 1
        self._keep_step(merge)
        self.metrics.batch(time.perf_counter() - began)
        covering.ahead = False

    async def _send(self, follower: Follower, records: Sequence[Outgoing]) -> None:
        for record in records:
            await self.outbox.send(
                record.topic, record.value, key=record.key, partition=record.partition, headers=record.headers
            )
        if records:
            self.metrics.sent(follower.name, len(records))

    def _keep_step(self, merge: Merge) -> None:
        """Hold back partitions that are far ahead of the slowest, which itself is never held."""
        slowest = min(range(len(merge.partitions)), key=lambda number: merge.partitions[number].mark)
        for number, partition in enumerate(merge.partitions):
            if number != slowest and partition.rows > WAITING_ROWS:
                self.batches.held_facts.add(TP(JUDGED, number))
            elif number == slowest or partition.rows < WAITING_ROWS // 2:
                self.batches.held_facts.discard(TP(JUDGED, number))

    # -- positions (streams.batch_settings.Positions) -----------------------------------------------------------------

    async def assigned(self, positions: Mapping[TP, int], log_start: Mapping[TP, int]) -> None:
        """Take over all partitions, from the newest snapshot, or stand by."""
        try:
            numbers = sorted(tp.partition for tp in positions if tp.topic == JUDGED)
            self.batches.held_facts.clear()
            if self._covering is not None:
                self._covering.events.clear()
            if not numbers:
                self._stand_by()
            elif self.state is None:
                starts = {tp.partition: at for tp, at in log_start.items() if tp.topic == JUDGED}
                self.state = await asyncio.get_running_loop().run_in_executor(None, self._restored, numbers, starts)
                self._covering = self._covering_of(self.state)
                log.info(
                    "followers at work", records=self.state.steps, followers=[f.name for f in self.state.followers]
                )
        except Exception as error:
            self._die(error)
        self._joined = True

    def _stand_by(self) -> None:
        if self._covering is not None:
            self._covering.give_up()
        self.state = self._covering = None

    def _covering_of(self, state: State) -> Covering:
        return Covering(
            self.store,
            self.outbox,
            lambda: Snapshot(0, state.steps, *state.state()),
            seconds=self.settings.snapshot_seconds,
            written=lambda seconds, _: self.metrics.snapshot(seconds),
            failed=self.metrics.snapshot_failed,
        )

    def _restored(self, numbers: Sequence[int], starts: Mapping[int, int]) -> State:
        followers = self._make(self.key, self.topics)
        found = self.store.newest(0)
        if found is None:
            state = State(Merge(len(numbers)), followers)
            for number, partition in enumerate(state.merge.partitions):
                partition.offset = starts.get(number, 0)  # what the log no longer holds, nobody can follow
            return state
        state = State.restore(found[0], found[1], followers)
        if len(state.merge.partitions) != len(numbers):
            raise SnapshotError(
                f"the snapshot of the followers is of {len(state.merge.partitions)} partitions, {JUDGED} has "
                f"{len(numbers)}. See 'What to do when' in docs/operations.md."
            )
        for number, partition in enumerate(state.merge.partitions):
            if partition.offset < starts.get(number, 0):
                raise SnapshotError(
                    f"{JUDGED}/{number} begins at offset {starts[number]}, the followers stand at {partition.offset}: "
                    "the log no longer reaches back that far. Put back a later snapshot (docs/operations.md)."
                )
        return state

    def start_of(self, partition: TP) -> int | None:
        """Where the state stands."""
        if self.state is None or partition.topic != JUDGED:
            return None
        return self.state.merge.partitions[int(partition.partition)].offset

    # -- on the clock -------------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self._covering is not None:
                self._covering.begin_if_due()
            self._measure()
            self._ticks += 1
            self._ticked_at = time.monotonic()

    def _measure(self) -> None:
        state = self.state
        lag = 0
        if state is not None:
            for number, partition in enumerate(state.merge.partitions):
                lag += max(0, (self.batches.clock.end_of(JUDGED, number) or 0) - partition.offset)
        self.metrics.state(
            at_work=state is not None,
            lag=lag,
            waiting=state.merge.waiting_rows if state is not None else 0,
            mark_ms=state.merge.mark[0] if state is not None else 0,
            snapshot_age=self._covering.age if self._covering is not None else 0.0,
        )

    # -- health, start and end ----------------------------------------------------------------------------------------

    def _ready(self) -> tuple[bool, dict[str, Any]]:
        return self._joined, {"at_work": self.state is not None}

    def _healthy(self) -> tuple[bool, dict[str, Any]]:
        stalled = time.monotonic() - self._ticked_at
        return stalled < HEALTHY_SECONDS, {"stalled_seconds": round(stalled, 1), "unsent": self.outbox.unacknowledged}

    async def _guarded(self, work: Awaitable[None]) -> None:
        """No exception leaves an agent: Faust would acknowledge the event that raised it."""
        try:
            await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._die(error)

    async def _patiently(self, act: Callable[[], Awaitable[None]]) -> None:
        """Try to reach Kafka for `start_seconds`, with one line for each try."""
        deadline = time.monotonic() + self.settings.start_seconds
        while True:
            try:
                await act()
                return
            except aiokafka.errors.KafkaError as error:
                if time.monotonic() > deadline:
                    raise
                log.warning("Kafka does not answer, trying again", cause=repr(error))
                await asyncio.sleep(2.0)

    def _die(self, error: BaseException) -> None:
        log.critical("follower ends itself: nothing unwritten was acknowledged", cause=repr(error), exc_info=error)
        os._exit(SOFTWARE_FAULT)
