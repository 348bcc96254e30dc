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

from collections.abc import Iterable, Mapping
from typing import Any, Final

import aiokafka
from faust.auth import Credentials, SASLCredentials, SSLCredentials
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.assignor import assignor_for
from streams.batch_settings import settings_of
from streams.batches import Batch, OpenBatches, cut
from streams.fetch_clock import TimedClient

FETCH_WAIT_MS: Final = 10  # a mark is at least this old when a source is quiet
FETCH_BYTES: Final = 1024 * 1024
MAX_RECORDS: Final = 4_000  # handed over by one fetch, over all partitions


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


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer thread with short fetch waits, our assignor and a clock on every fetch."""

    owned: set[TP]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.owned = set()

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        self._assignor = assignor_for(self, settings_of(self.app))
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
        fetcher._client = TimedClient(fetcher._client, settings_of(self.app).clock)


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
