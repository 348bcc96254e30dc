"""From the store to Kafka: what an action publishes is written with the action, and sent after it until acknowledged.

The record key names the word that is spoken, always the same for the same action: what is sent twice, because the
acknowledgement was lost, is recognised by whoever reads. What names a person is sealed while it waits, and not kept
once it is sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog
from kafka.errors import KafkaTimeoutError
from sqlalchemy import Connection, RowMapping, insert, select, update

from console.store.errors import StoreError
from console.store.ids import next_id
from console.store.opening import Store
from console.store.tables import outbound
from streams.contracts.headers import CENTER, CloudEvent, cloud_event_type
from streams.contracts.headers import write as written
from streams.delivery import DeliveryError, LastingProducer, open_producer, topic_missing, typed
from streams.tokens import SealBroken, Vault

log = structlog.get_logger(__name__)

DELIVERY_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.3
_RETRY_SECONDS: Final = 5.0
_CONNECT_SECONDS: Final = 3.0  # also how long a topic is looked for: others wait meanwhile
_AT_ONCE: Final = 200
_LARGEST: Final = 512 * 1024
_LONGEST_FAILURE: Final = 256

Clock = Callable[[], int]


def put(
    connection: Connection, topic: str, value: bytes, *, record_key: str, now: int, seal: Vault | None = None
) -> int:
    """Have a JSON document sent once the transaction of `connection` is kept; the number of the row.

    `seal`: the vault, where the document names a person. `now` is in ms UTC.
    """
    number = next_id(connection, outbound)
    if seal is not None:
        value = seal.seal(_bound_to(topic, record_key), value)
    row = {"outbound_id": number, "topic": topic, "record_key": record_key, "value": value, "made_at": now}
    connection.execute(insert(outbound).values(**row))
    return number


class Sender:
    """The thread that sends what waits, in order within each topic; `failure` says what keeps it from doing so."""

    def __init__(self, store: Store, servers: str, vault: Vault, clock: Clock, options: Mapping[str, Any]) -> None:
        """`options` of kafka-python say how to reach the broker; `clock` tells ms UTC."""
        self.failure: DeliveryError | StoreError | None = None
        self._store = store
        self._servers = servers
        self._vault = vault
        self._clock = clock
        self._options = dict(options)
        self._producer: LastingProducer | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbound", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is not acknowledged is sent again after the next start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(DELIVERY_SECONDS)
        if self._producer is not None:
            self._producer.close(0.0)

    def send_waiting(self) -> int:
        """Send what waits, once; how many were acknowledged.

        Raises:
            DeliveryError: no broker answers; of topics that refuse a record only `failure` tells.
            StoreError: the store cannot be read, or cannot keep what became of it: it is sent again.
        """
        sent, failed = 0, None
        with self._store.reading() as connection:
            waiting = _waiting(connection)
        for rows in waiting:
            delivered, failure = self._deliver(rows)
            with self._store.writing() as connection:
                _mark(connection, rows, delivered, failure, self._clock())
            sent, failed = sent + delivered, failed or failure
        self.failure = failed
        return sent

    def _run(self) -> None:
        said = ""
        while not self._stopping.is_set():
            try:
                self.send_waiting()
            except (DeliveryError, StoreError) as error:
                self.failure = error
            message = "" if self.failure is None else self.failure.message
            if message and message != said:
                log.warning("outbound", reason=message)
            said = message
            self._stopping.wait(LOOK_SECONDS if self.failure is None else _RETRY_SECONDS)

    def _deliver(self, rows: Sequence[RowMapping]) -> tuple[int, DeliveryError | None]:
        """Send rows of one topic: how many of them, from the first, were acknowledged, and why no more."""
        producer = self._opened()
        under_way: list[tuple[Any, Any]] = []
        topic = rows[0]["topic"]
        if not producer.partitions_for(topic):
            return 0, topic_missing(topic)
        try:
            for row in rows:
                value = self._plain(row)
                under_way.append(
                    producer.send(topic, value, row["record_key"].encode(), _headers(row, value), DELIVERY_SECONDS)
                )
        except Exception as error:  # kafka-python raises many kinds; each is told in our words
            failure: DeliveryError | None = typed(error, topic, DELIVERY_SECONDS)
        else:
            failure = None
        for place, (future, current) in enumerate(under_way):
            try:
                future.get(timeout=DELIVERY_SECONDS + 1)
            except Exception as error:
                if isinstance(error, KafkaTimeoutError):
                    producer.give_up(current)
                return place, typed(error, topic, DELIVERY_SECONDS)
        return len(under_way), failure

    def _opened(self) -> LastingProducer:
        if self._producer is None:
            self._producer = LastingProducer(
                lambda: open_producer(
                    self._servers,
                    self._options,
                    delivery_seconds=DELIVERY_SECONDS,
                    linger_ms=0,
                    batch_bytes=64 * 1024,
                    max_event_bytes=_LARGEST,
                    connect_seconds=_CONNECT_SECONDS,
                ),
                DELIVERY_SECONDS,
            )
        return self._producer

    def _plain(self, row: RowMapping) -> bytes:
        if not _is_sealed(row["value"]):
            return bytes(row["value"])
        try:
            return self._vault.open(_bound_to(row["topic"], row["record_key"]), row["value"])
        except SealBroken:
            raise DeliveryError(
                f"What waits for {row['topic']} was sealed with another vault key.",
                "Start the console with the key it was sealed with.",
            ) from None


def _waiting(connection: Connection) -> list[list[RowMapping]]:
    """What is not yet sent: of each topic the first so many, in order."""
    unsent = outbound.c.sent_at.is_(None)
    topics = connection.scalars(select(outbound.c.topic).where(unsent).distinct().order_by(outbound.c.topic))
    chosen = select(outbound).where(unsent).order_by(outbound.c.outbound_id).limit(_AT_ONCE)
    return [list(connection.execute(chosen.where(outbound.c.topic == topic)).mappings()) for topic in list(topics)]


def _mark(
    connection: Connection, rows: Sequence[RowMapping], delivered: int, failure: DeliveryError | None, now: int
) -> None:
    for place, row in enumerate(rows[: delivered + 1]):
        if place < delivered:
            kept = b"" if _is_sealed(row["value"]) else row["value"]
            changed: dict[str, Any] = {"sent_at": now, "failure": None, "value": kept}
        elif failure is not None:
            changed = {"failure": failure.message[:_LONGEST_FAILURE]}
        else:
            continue
        connection.execute(update(outbound).where(outbound.c.outbound_id == row["outbound_id"]).values(changed))


def _headers(row: RowMapping, value: bytes) -> list[tuple[str, bytes]]:
    kind = msgspec.json.decode(value)["type"]
    return written(CloudEvent(row["record_key"], CENTER, cloud_event_type(kind)))


def _is_sealed(value: bytes) -> bool:
    """Whether it is no JSON object but what a vault made."""
    return not value.startswith(b"{")


def _bound_to(topic: str, record_key: str) -> bytes:
    return f"{topic}/{record_key}".encode()
