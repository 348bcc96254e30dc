"""The `rulebook` topic from the officer's side: read all generations, and add one after it was validated."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams.delivery import connection_options
from streams.generations import LEAD_MS, MOST_BYTES, TOPIC, Generation, GenerationRefused, Generations

# Above the ten seconds that the topic's readers rely on, for the time that sending takes.
MARGIN_MS: Final = 5_000
TIMEOUT_SECONDS: Final = 20


class RulebookTopic:
    """Use as a context manager. Errors of Kafka come out as they are, all of them `kafka.errors.KafkaError`."""

    def __init__(self, bootstrap_servers: str, topic: str = TOPIC, **security: Any) -> None:
        self._settings = {"bootstrap_servers": bootstrap_servers.split(","), **connection_options(security)}
        self._topic = topic
        self._sound: set[str] = set()  # digests of the rulebooks that compile

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Connections live only as long as a call."""

    def read(self) -> Generations:
        """Every valid generation on the topic; a record that is not one is passed over, as the workers do."""
        generations = Generations()
        consumer = KafkaConsumer(
            **self._settings,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            group_id=None,
            bootstrap_timeout_ms=TIMEOUT_SECONDS * 1000,
            max_partition_fetch_bytes=MOST_BYTES,
        )
        try:
            partition = TopicPartition(self._topic, 0)
            consumer.assign([partition])
            end = consumer.end_offsets([partition])[partition]
            consumer.seek_to_beginning(partition)
            while consumer.position(partition) < end:
                for record in (r for records in consumer.poll(timeout_ms=500).values() for r in records):
                    if record.value is None:
                        continue
                    try:
                        generation = Generation.from_record(record.value, record.timestamp)
                        if generation.digest not in self._sound:
                            generation.rulebook()
                            self._sound.add(generation.digest)
                        generations.add(generation)
                    except GenerationRefused:
                        continue
        finally:
            consumer.close()
        return generations

    def activate(
        self,
        documents: Mapping[str, str],
        *,
        activated_by: str,
        effective_at: int | None = None,
        rollback_of: int | None = None,
    ) -> Generation:
        """Validate a rulebook and send it as the next generation, acknowledged by the broker.

        Raises:
            GenerationRefused: the rulebook has errors, the instant is too near, or somebody else was faster.
        """
        known = self.read().all
        now = time.time_ns() // 1_000_000
        generation = Generation.new(
            documents,
            generation=known[-1].generation + 1 if known else 1,
            effective_at=effective_at if effective_at is not None else now + LEAD_MS + MARGIN_MS,
            activated_by=activated_by,
            now=now,
            rollback_of=rollback_of,
        )
        self._send(generation)
        # Two officers at once would both have taken the same number: then only the first record counts.
        stands = next((one for one in self.read().all if one.generation == generation.generation), None)
        if stands != generation:
            raise GenerationRefused("another generation was activated at the same moment: look at it, then try again")
        return generation

    def roll_back(self, *, activated_by: str, to: int | None = None, effective_at: int | None = None) -> Generation:
        """Send the documents of an earlier generation again, as a new one: the one before, or number `to`."""
        known = self.read()
        if not known.all:
            raise GenerationRefused("there is no generation to roll back")
        taken_back = known.all[-1]
        earlier = [one for one in known.all if one.digest != taken_back.digest]
        if to is not None:
            earlier = [one for one in known.all if one.generation == to]
        if not earlier:
            missing = "no earlier generation with other rules" if to is None else f"no generation {to}"
            raise GenerationRefused(f"there is {missing}")
        return self.activate(
            earlier[-1].documents,
            activated_by=activated_by,
            effective_at=effective_at,
            rollback_of=taken_back.generation,
        )

    def _send(self, generation: Generation) -> None:
        producer = KafkaProducer(
            **self._settings,
            acks="all",
            enable_idempotence=True,
            max_request_size=MOST_BYTES,
            delivery_timeout_ms=TIMEOUT_SECONDS * 1000,
            request_timeout_ms=TIMEOUT_SECONDS * 1000 // 3,
            max_block_ms=TIMEOUT_SECONDS * 1000,
            allow_auto_create_topics=False,
        )
        try:
            sent = producer.send(self._topic, generation.to_record(), key=generation.key(), partition=0)
            sent.get(timeout=TIMEOUT_SECONDS)
        finally:
            producer.close(timeout=TIMEOUT_SECONDS)
