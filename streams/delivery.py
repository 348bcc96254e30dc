"""Opens kafka-python producers that never lose a record in silence, for the client and for `antifraud publish`."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import (
    AuthorizationError,
    BrokerResponseError,
    KafkaConfigurationError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from streams.kafka_security import KafkaSecurity, SecurityRefused

# Options of kafka-python that a caller may pass on: how to reach the broker and who one is, not how to deliver.
CONNECTION_OPTIONS: Final = frozenset(
    {
        "client_id",
        "security_protocol",
        "ssl_context",
        "ssl_check_hostname",
        "ssl_cafile",
        "ssl_certfile",
        "ssl_keyfile",
        "ssl_password",
        "ssl_crlfile",
        "ssl_ciphers",
        "sasl_mechanism",
        "sasl_plain_username",
        "sasl_plain_password",
        "sasl_kerberos_name",
        "sasl_kerberos_service_name",
        "sasl_kerberos_domain_name",
        "sasl_oauth_token_provider",
        "proxy_url",
        "socket_options",
        "connections_max_idle_ms",
        "metadata_max_age_ms",
    }
)
CONNECT_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 0.5

# At DEBUG kafka-python logs whole records, that is personal data; and without a handler every attempt to reconnect
# would land on stderr, where the errors below say it once, with the remedy.
logging.getLogger("kafka").setLevel(logging.INFO)
logging.getLogger("kafka").addHandler(logging.NullHandler())


class DeliveryError(Exception):
    """An event could not be handed over; says why, with the remedy."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


class BrokerUnreachable(DeliveryError):
    """No broker answered within the time that was allowed."""


class TopicMissing(DeliveryError):
    """The topic does not exist, or this client may not see it."""


class NotAllowed(DeliveryError):
    """The broker refused the client's identity."""


class EventTooLarge(DeliveryError):
    """The record is larger than the client or the topic accepts."""


class NotAcknowledged(DeliveryError):
    """No acknowledgement came within the delivery timeout; the broker may or may not hold the event."""


class BufferFull(DeliveryError):
    """Too many events are waiting for their acknowledgement, and none came in time."""


def connection_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, and where they name no security protocol what the environment says of it.

    Raises:
        ValueError: an option would change how records are delivered.
        NotAllowed: the environment's settings name no connection that could be made.
    """
    unknown = sorted(set(options) - CONNECTION_OPTIONS)
    if unknown:
        allowed = ", ".join(sorted(CONNECTION_OPTIONS))
        raise ValueError(f"not a connection option: {', '.join(unknown)}. Allowed: {allowed}.")
    if "security_protocol" in options:
        return dict(options)
    try:
        return {**KafkaSecurity.load().options(), **options}
    except SecurityRefused as error:
        raise NotAllowed(error.message, error.remedy) from None


def typed(error: BaseException, topic: str, delivery_seconds: float) -> DeliveryError:
    """The error of ours that says what an error of kafka-python means for the event."""
    if isinstance(error, DeliveryError):
        return error
    if isinstance(error, MessageSizeTooLargeError):
        return EventTooLarge(f"The event is too large for {topic}.", "An event has at most 64 KiB.")
    if isinstance(error, UnknownTopicOrPartitionError):
        return topic_missing(topic)
    if isinstance(error, (TopicAuthorizationFailedError, AuthorizationError)):
        return NotAllowed(
            f"The broker does not let this client write to {topic}.", "Check its credentials and the topic's ACL."
        )
    if isinstance(error, KafkaTimeoutError):
        return not_acknowledged(topic, delivery_seconds)
    return DeliveryError(
        f"The broker refused the event for {topic}: {type(error).__name__}.",
        "Publish it again: a repeat of the same event is recognised and counted once.",
    )


def not_acknowledged(topic: str, seconds: float) -> NotAcknowledged:
    """What is known of an event whose acknowledgement did not come."""
    return NotAcknowledged(
        f"The broker did not acknowledge the event for {topic} within {seconds:g} s.",
        "Publish it again: a repeat of the same event is recognised and counted once.",
    )


def topic_missing(topic: str) -> TopicMissing:
    """What to do where a topic is missing."""
    return TopicMissing(
        f"There is no topic {topic}, or this client may not see it.",
        "`antifraud topics apply` creates the topics; check the institution's name.",
    )


@contextlib.contextmanager
def reaching(bootstrap_servers: str) -> Iterator[None]:
    """Turns kafka-python's ways of failing to reach a broker into `BrokerUnreachable`."""
    try:
        yield
    except (KafkaTimeoutError, OSError) as error:
        raise BrokerUnreachable(
            f"No broker answers at {bootstrap_servers}.",
            "Check the address, the security settings, and that Kafka is running.",
        ) from error
    except (KafkaConfigurationError, BrokerResponseError, KafkaError) as error:
        raise NotAllowed(
            f"The broker at {bootstrap_servers} refused the connection: {type(error).__name__}.",
            "Check the security options.",
        ) from error


def open_producer(
    bootstrap_servers: str,
    options: Mapping[str, Any],
    *,
    delivery_seconds: float,
    linger_ms: int,
    batch_bytes: int,
    max_event_bytes: int,
    connect_seconds: float = CONNECT_SECONDS,
) -> Any:
    """A `KafkaProducer` with acks=all, idempotent, with a bounded time for every record."""
    with reaching(bootstrap_servers):
        return KafkaProducer(
            bootstrap_servers=bootstrap_servers,
            acks="all",
            enable_idempotence=True,
            delivery_timeout_ms=delivery_seconds * 1000,
            # Several attempts fit into the delivery timeout, so that a half-open connection is not fatal.
            request_timeout_ms=max(200, int(delivery_seconds * 1000 / 3) - linger_ms),
            reconnect_backoff_max_ms=1000,
            linger_ms=linger_ms,
            batch_size=batch_bytes,
            max_request_size=max_event_bytes,
            max_block_ms=int(connect_seconds * 1000),
            bootstrap_timeout_ms=int(connect_seconds * 1000),
            allow_auto_create_topics=False,
            metrics_enabled=False,
            **connection_options(options),
        )


def topic_partitions(
    bootstrap_servers: str, options: Mapping[str, Any], *, connect_seconds: float = CONNECT_SECONDS
) -> dict[str, int]:
    """How many partitions each visible topic has."""
    with reaching(bootstrap_servers):
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap_servers,
            bootstrap_timeout_ms=int(connect_seconds * 1000),
            allow_auto_create_topics=False,
            metrics_enabled=False,
            **connection_options(options),
        )
        try:
            return {topic: len(consumer.partitions_for_topic(topic) or ()) for topic in consumer.topics()}
        finally:
            consumer.close()


def close_producer(producer: Any, seconds: float) -> None:
    """Closes a producer; what the broker has not acknowledged within `seconds` is given up.

    kafka-python's own `close` raises in that case and leaves its thread running.
    """
    try:
        producer.close(timeout=seconds)
    except KafkaTimeoutError:
        producer._sender.force_close()
        producer._sender.join(1.0)
        with contextlib.suppress(KafkaError):
            producer.close(timeout=1.0)


class LastingProducer:
    """A producer that is replaced once it has given up a record, and whose `send` waits for its successor.

    After a delivery timeout of a record that was sent at least once, an idempotent producer of kafka-python 3.0.12
    drops its producer id, never asks for another, and never sends again: every later record would time out too.
    """

    def __init__(self, open_one: Callable[[], Any], delivery_seconds: float) -> None:
        self._open_one = open_one
        self._delivery_seconds = delivery_seconds
        self._changed = threading.Condition()
        self._closed = False
        self._current: Any = open_one()

    def partitions_for(self, topic: str) -> int:
        """How many partitions the topic has; 0 where it is not to be seen."""
        try:
            return len(self._current.partitions_for(topic) or ())
        except KafkaError:
            return 0

    def send(
        self, topic: str, value: bytes, key: bytes | None, headers: list[tuple[str, bytes]], patience: float
    ) -> tuple[Any, Any]:
        """kafka-python's future, and the producer that it comes from."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._current is not None or self._closed, patience):
                raise BrokerUnreachable("The broker does not answer.", "Publish the event again when it does.")
            producer = self._current
        if producer is None:
            raise RuntimeError("The client is closed.")
        return producer.send(topic, value, key=key, headers=headers), producer

    def give_up(self, producer: Any) -> None:
        """The producer did not deliver in time: another one takes its place as soon as a broker answers."""
        with self._changed:
            if self._closed or producer is not self._current:
                return
            self._current = None
        threading.Thread(target=self._replace, args=(producer,), name="replace-producer", daemon=True).start()

    def close(self, seconds: float) -> None:
        """Closes the producer; what is not acknowledged within `seconds` is given up."""
        with self._changed:
            self._closed = True
            producer, self._current = self._current, None
            self._changed.notify_all()
        if producer is not None:
            close_producer(producer, seconds)

    def _replace(self, old: Any) -> None:
        while not self._closed:
            try:
                new = self._open_one()
            except DeliveryError:
                time.sleep(RETRY_SECONDS)
                continue
            with self._changed:
                if not self._closed:
                    self._current, new = new, None
                    self._changed.notify_all()
            if new is not None:
                close_producer(new, 0.0)
            break
        # What it has under way may still arrive.
        close_producer(old, 0.0 if self._closed else self._delivery_seconds)
