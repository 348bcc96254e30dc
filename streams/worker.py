"""One worker process: a Faust app with the agents intake and screen, their clock ticks, health and orderly end.

    asyncio.run(Worker(WorkerSettings()).run())

Whatever is unexpected ends the process with code 70 before anything is acknowledged: the supervisor restarts it and
the log is read again from the last snapshot.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import aiokafka.errors
import faust
import structlog
from faust.types import TP
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.admission import Admission
from streams.batch_settings import BatchSettings
from streams.engine import warm_up
from streams.findings import Findings
from streams.intake import TICK_SECONDS, Intake
from streams.kafka_security import KafkaSecurity
from streams.metrics import MetricsServer, WorkerMetrics
from streams.outbox import Outbox
from streams.rulebook_feed import RulebookFeed
from streams.screen import FACTS, PROGRESS_SECONDS, VIEWS, Screen
from streams.snapshots import SnapshotStore
from streams.tokens import TokenKey, Vault
from streams.topics import Topics, TopicSettings
from streams.transport import credentials_of
from streams.watchdog import Watchdog

log = structlog.get_logger(__name__)

HEALTHY_SECONDS: Final = 15.0
SOFTWARE_FAULT: Final = 70  # EX_SOFTWARE: what the supervisor restarts


class WorkerSettings(BaseSettings):
    """Settings of a worker; each from ANTIFRAUD_<NAME> where not passed."""

    model_config = SettingsConfigDict(env_prefix="ANTIFRAUD_", extra="ignore")

    bootstrap_servers: str = Field(
        default="127.0.0.1:9092", validation_alias="KAFKA_BOOTSTRAP_SERVERS", description="Kafka"
    )
    group: str = Field(default="center.workers", description="consumer group of all workers")
    name: str = Field(default="worker-1", description="for logs and metrics")
    snapshots: str = Field(default="var/snapshots", description="folder or fsspec URL of the state's snapshots")
    snapshot_seconds: float = Field(default=10.0, gt=0, description="between two snapshots of a partition")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="of /metrics, /healthz, /readyz; 0: any free one")
    start_seconds: float = Field(default=60.0, gt=0, description="how long to try to reach Kafka at the start")
    watchdog_seconds: float = Field(default=60.0, gt=0, description="without progress until the process ends itself")


class _BatchSchema(faust.Schema):  # type: ignore[misc]
    """The value of a message is the batch itself; decoding is the agent's business, where a fault has a reason."""

    def loads_key(self, app: Any, message: Any, **options: Any) -> None:
        return None

    def loads_value(self, app: Any, message: Any, **options: Any) -> Any:
        return message.value


class Worker:
    """See the module's docstring."""

    def __init__(
        self,
        settings: WorkerSettings,
        topics: TopicSettings | None = None,
        *,
        key: TokenKey | None = None,
        vault: Vault | None = None,
    ) -> None:
        self.settings = settings
        self.topics = topics or TopicSettings()
        self.declared = Topics.of(self.topics)
        self.sources = {source.name: source for source in self.declared.sources}
        self.key = key or TokenKey.load()
        self.vault = vault or Vault.load()
        self.metrics = WorkerMetrics(settings.name)
        self.security = KafkaSecurity.load().options()
        self.batches = BatchSettings(together=(FACTS, VIEWS))
        self._stop = asyncio.Event()
        self._scratch = tempfile.TemporaryDirectory(
            prefix="antifraud-faust-"
        )  # Faust wants a folder and keeps it empty
        self._assigned = False
        self._ticks = 0
        self._ticked_at = time.monotonic()

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT."""
        settings = self.settings
        self.outbox = Outbox(settings.bootstrap_servers, on_failure=self._die, **self.security)
        await self._patiently(self.outbox.start)
        self.feed = RulebookFeed(settings.bootstrap_servers, **self.security)
        await self._patiently(self.feed.start)
        warm_up(self.feed.newest())
        cluster = await self.outbox.cluster()
        institutions = frozenset(self.topics.institutions)
        sources = [
            (source.name, partition)
            for source in self.sources.values()
            for partition in range(self.declared[source.name].partitions)
        ]
        self.screen = Screen(
            self.outbox,
            self.feed,
            Findings(self.key, institutions),
            SnapshotStore(settings.snapshots, self.key.derive(b"snapshot"), cluster),
            self.metrics,
            partitions=self.topics.partitions,
            sources=sources,
            snapshot_seconds=settings.snapshot_seconds,
            held_back=self.batches.held_facts,
        )
        self.intake = Intake(
            Admission(self.key, self.vault, institutions),
            self.outbox,
            self.batches.clock,
            self.metrics,
            partitions=self.topics.partitions,
            generation_at=self.feed.generation_at,
            held=self.batches.held_sources,
            sources=self.sources,
            slowest=self.screen.slowest_mark,
        )
        self.intake.margin_ms = await self.outbox.measure_clock_margin("clock")
        self.batches.positions = self
        app = self._app()
        self.watchdog = Watchdog(self._progress, lambda: True, seconds=settings.watchdog_seconds)
        server = MetricsServer(settings.metrics_port, ready=self._ready, healthy=self._healthy, metrics=self.metrics)
        server.start()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        await app.start()
        self.watchdog.start(loop)
        log.info("worker started", worker=settings.name, metrics_port=server.port)
        ticks = [
            asyncio.create_task(self._every(TICK_SECONDS, self.intake.tick)),
            asyncio.create_task(self._every(PROGRESS_SECONDS, self._slow_tick)),
        ]
        try:
            await self._stop.wait()
        finally:
            for task in ticks:
                task.cancel()
            await self.screen.last_snapshots()
            await app.stop()
            await self.feed.stop()
            await self.outbox.stop()
            self.watchdog.stop()
            server.stop()
            self.screen.store.close()
            self._scratch.cleanup()
        log.info("worker ended", worker=settings.name)

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
            # A static member: the same worker, started again, takes its place back without waiting for a time-out.
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
        published = app.topic(*self.sources, schema=_BatchSchema())
        inner = app.topic(FACTS, VIEWS, schema=_BatchSchema())

        @app.agent(published, name="intake")  # type: ignore[untyped-decorator]
        async def intake(stream: Any) -> None:
            async for event in stream.noack().events():
                await self._guarded(self.intake.take(event.value, event))

        @app.agent(inner, name="screen")  # type: ignore[untyped-decorator]
        async def screen(stream: Any) -> None:
            async for event in stream.noack().events():
                await self._guarded(self.screen.take(event.value, event))

        return app

    async def _guarded(self, work: Awaitable[None]) -> None:
        """No exception leaves an agent: Faust would acknowledge the event that raised it."""
        try:
            await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._die(error)

    async def _every(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            if self._assigned:
                await self._guarded(act())
            self._ticks += 1
            self._ticked_at = time.monotonic()

    async def _slow_tick(self) -> None:
        ends = {number: self.batches.clock.end_of(FACTS, number) or 0 for number in self.screen.held}
        await self.screen.send_progress()
        await self.screen.send_marks()
        await self.screen.send_control(ends)
        await self.screen.snapshot_due()
        self.screen.measure(ends)

    # -- positions (streams.batch_settings.Positions) -----------------------------------------------------------------

    async def assigned(self, positions: Mapping[TP, int], log_start: Mapping[TP, int]) -> None:
        """Restore what came, drop what left; called before anything is read."""
        self._assigned = False
        try:
            numbers = {tp.partition for tp in positions if tp.topic == FACTS}
            await self.screen.assigned(numbers, {tp.partition: at for tp, at in log_start.items() if tp.topic == FACTS})
        except Exception as error:
            self._die(error)
        self.intake.assigned({tp: at for tp, at in positions.items() if tp.topic not in (FACTS, VIEWS)})
        self._assigned = True

    def start_of(self, partition: TP) -> int | None:
        """Where a stateful partition's state stands."""
        return self.screen.start_of(partition)

    # -- health -------------------------------------------------------------------------------------------------------

    def _progress(self) -> int:
        # The ticks run in the event loop: one that does not turn, turns no counter.
        return self.intake.batches + self.screen.batches + self._ticks

    def _ready(self) -> tuple[bool, dict[str, Any]]:
        return self._assigned, {"partitions": sorted(self.screen.held), "sources": len(self.intake.readers)}

    def _healthy(self) -> tuple[bool, dict[str, Any]]:
        stalled = time.monotonic() - self._ticked_at
        return stalled < HEALTHY_SECONDS, {"stalled_seconds": round(stalled, 1), "unsent": self.outbox.unacknowledged}

    # -- start and end ------------------------------------------------------------------------------------------------

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
                log.warning(
                    "Kafka does not answer, trying again", servers=self.settings.bootstrap_servers, cause=repr(error)
                )
                await asyncio.sleep(2.0)

    def _die(self, error: BaseException) -> None:
        log.critical("worker ends itself: nothing unwritten was acknowledged", cause=repr(error), exc_info=error)
        os._exit(SOFTWARE_FAULT)
