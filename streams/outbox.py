"""The worker's only way out to Kafka: one idempotent producer whose every send has a known fate.

Faust's own producer is not idempotent and its send future is easily dropped (../shared/faust-facts.md, fact 7). Here a
send that fails ends the process before anything is acknowledged; the supervisor restarts it and the log is read again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import aiokafka
import aiokafka.admin
import structlog

log = structlog.get_logger(__name__)

MAX_REQUEST_BYTES: Final = 8 * 1024 * 1024
Headers = Sequence[tuple[str, bytes]]


class Outbox:
    """Sends records and keeps the futures of those that the broker has not acknowledged yet."""

    def __init__(self, bootstrap_servers: str, *, on_failure: Callable[[BaseException], None], **security: Any) -> None:
        self._on_failure = on_failure
        self._servers = bootstrap_servers
        self._security = security
        self._producer: aiokafka.AIOKafkaProducer | None = None
        self._open: set[asyncio.Future[Any]] = set()
        self.sent = 0

    async def start(self) -> None:
        """Connect.

        Raises:
            aiokafka.errors.KafkaConnectionError: no broker answers.
        """
        self._producer = aiokafka.AIOKafkaProducer(
            bootstrap_servers=self._servers,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=1024 * 1024,
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=120_000,  # a broker that restarts within two minutes costs nothing but time
            retry_backoff_ms=100,
            **self._security,
        )
        await self._producer.start()

    async def stop(self) -> None:
        if self._producer is not None:
            await self._producer.stop()

    async def cluster(self) -> str:
        """The id of the Kafka cluster: a snapshot of one is no use to another."""
        admin = aiokafka.admin.AIOKafkaAdminClient(bootstrap_servers=self._servers, **self._security)
        await admin.start()
        try:
            return str((await admin.describe_cluster())["cluster_id"])
        finally:
            await admin.close()

    @property
    def unacknowledged(self) -> int:
        return len(self._open)

    async def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Headers = (),
    ) -> asyncio.Future[Any]:
        """Hand a record to the producer; the returned future is done when the broker has it."""
        assert self._producer is not None
        future: asyncio.Future[Any] = await self._producer.send(
            topic, value, key=key, partition=partition, headers=list(headers)
        )
        self._open.add(future)
        future.add_done_callback(self._done)
        self.sent += 1
        return future

    async def send_many(self, topic: str, pairs: Sequence[tuple[bytes, bytes]], *, partition: int) -> list[Any]:
        """Hand many (key, value) records over as whole batches, at a twentieth of the price of one by one."""
        assert self._producer is not None
        futures = []
        waiting = deque(pairs)
        while waiting:
            builder = self._producer.create_batch()
            while waiting and builder.append(key=waiting[0][0], value=waiting[0][1], timestamp=None) is not None:
                waiting.popleft()
            builder.close()
            future: asyncio.Future[Any] = await self._producer.send_batch(builder, topic, partition=partition)
            self._open.add(future)
            future.add_done_callback(self._done)
            futures.append(future)
        return futures

    def _done(self, future: asyncio.Future[Any]) -> None:
        self._open.discard(future)
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            self._on_failure(error)

    def open_now(self) -> list[asyncio.Future[Any]]:
        """The sends not acknowledged at this moment: await these to know that all before is written."""
        return list(self._open)

    async def measure_clock_margin(self, topic: str, *, probes: int = 5) -> float:
        """By how much our clock may run ahead of the broker's, in milliseconds, plus 1.

        A probe is appended at broker time a and acknowledged at our time t; our clock is ahead by at most t - a. The
        smallest of several probes is the tightest bound. `topic` must use LogAppendTime.
        """
        assert self._producer is not None
        bounds = []
        for _ in range(probes):
            metadata = await self._producer.send_and_wait(topic, b"clock", key=b"clock")
            bounds.append(time.time() * 1000.0 - metadata.timestamp)
        margin: float = max(0.0, min(bounds)) + 1.0
        log.info("clock margin measured", margin_ms=round(margin, 1))
        return margin
