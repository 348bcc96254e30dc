"""What a worker knows of the `rulebook` topic: every generation, and which one was in force at an append time."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from typing import Any, Final

import aiokafka
import numpy as np
import structlog
from numpy.typing import NDArray

from rules.rulebook import Rulebook
from streams.generations import Generation, GenerationRefused, Generations

log = structlog.get_logger(__name__)

TOPIC: Final = "rulebook"
# A generation takes effect at least 10 s after it was appended; whoever read the topic this lately misses none.
FRESH_SECONDS: Final = 5.0


class NoRulebook(RuntimeError):
    """No rulebook generation has been activated."""


class RulebookFeed:
    """Follows the compacted `rulebook` topic without a consumer group."""

    def __init__(self, bootstrap_servers: str, **security: Any) -> None:
        self._servers = bootstrap_servers
        self._security = security
        self._consumer: aiokafka.AIOKafkaConsumer | None = None
        self._task: asyncio.Task[None] | None = None
        self._generations = Generations()
        self._compiled: dict[int, Rulebook] = {}
        self._read_at = -math.inf  # by the monotonic clock
        self.refused = 0

    async def start(self) -> None:
        """Read the topic to its end and go on reading.

        Raises:
            NoRulebook: the topic holds no valid generation.
        """
        self._consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **self._security,
        )
        await self._consumer.start()
        partition = aiokafka.TopicPartition(TOPIC, 0)
        self._consumer.assign([partition])
        end = (await self._consumer.end_offsets([partition]))[partition]
        await self._consumer.seek_to_beginning(partition)
        while await self._consumer.position(partition) < end:
            await self._read(timeout_ms=1_000)
        await self._note_how_fresh()
        if not self._generations.all:
            raise NoRulebook("no rulebook is active: run `antifraud rulebook activate` first")
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._consumer is not None:
            await self._consumer.stop()

    async def _follow(self) -> None:
        while True:
            await self._read(timeout_ms=1_000)
            await self._note_how_fresh()

    async def _note_how_fresh(self) -> None:
        """Read to its end when the broker last answered: an empty read of a broker that is away tells nothing."""
        assert self._consumer is not None
        partition = aiokafka.TopicPartition(TOPIC, 0)
        end, answered_ms = self._consumer.highwater(partition), self._consumer.last_poll_timestamp(partition)
        if end is None or answered_ms is None or await self._consumer.position(partition) < end:
            return
        self._read_at = time.monotonic() - max(0.0, time.time() - answered_ms / 1000)

    async def _read(self, *, timeout_ms: int) -> None:
        assert self._consumer is not None
        for records in (await self._consumer.getmany(timeout_ms=timeout_ms)).values():
            for record in records:
                if record.value is None:
                    continue
                try:
                    generation = Generation.from_record(record.value, record.timestamp)
                    rulebook = generation.rulebook()
                    self._generations.add(generation)
                except GenerationRefused as refused:
                    # Whoever may write the topic sent nonsense: the generations that stand are not touched by it.
                    self.refused += 1
                    log.error("rulebook generation refused", offset=record.offset, cause=str(refused))
                    continue
                self._compiled[generation.generation] = rulebook
                log.info("rulebook generation known", generation=generation.generation, digest=rulebook.digest)

    async def fresh(self) -> None:
        """Wait until the topic was read a moment ago, so that no generation in force is unknown."""
        while time.monotonic() - self._read_at > FRESH_SECONDS:
            await asyncio.sleep(0.05)

    async def generation_at(self, appended_at: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The generation in force at each append time (milliseconds): uint32[n]."""
        await self.fresh()
        return self._generations.in_force_at(appended_at)

    def newest(self) -> Rulebook:
        """The compiled rulebook of the highest generation."""
        return self._compiled[max(self._compiled)]

    def rulebook(self, generation: int) -> Rulebook:
        """The compiled rulebook of a generation.

        Raises:
            NoRulebook: the topic does not hold it.
        """
        found = self._compiled.get(generation)
        if found is None:
            raise NoRulebook(f"rulebook generation {generation} is not on the topic {TOPIC!r}")
        return found
