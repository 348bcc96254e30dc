"""Publishes files of events to their publishers' topics, as history or live, and knows the fate of every line."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from kafka.errors import KafkaError, KafkaTimeoutError

from streams.delivery import DeliveryError, close_producer, open_producer, topic_missing, topic_partitions, typed
from streams.event_files import NO_TIME, Line, Place, Survey, read_files, routes, survey
from streams.history_protocol import HistoryProtocol, Record

HEARTBEAT_SECONDS: Final = 0.15  # the protocol promises 0.3 s of wall time
DELIVERY_SECONDS: Final = 30.0
MAX_EVENT_BYTES: Final = 16 * 1024 * 1024  # far above the contract's 64 KiB: intake rejects, and says why
WINDOW_RECORDS: Final = 20_000
WINDOW_BYTES: Final = 64 * 1024 * 1024

Progress = Callable[[int], None]


class NotDelivered(DeliveryError):
    """Publishing stopped: this is the first line that was not acknowledged."""

    def __init__(self, place: Place, acknowledged: int, reason: str) -> None:
        super().__init__(
            f"{place} was not acknowledged; {acknowledged} events were. {reason}",
            "Publish the file again: events that have arrived already are recognised and counted once.",
        )
        self.place = place
        self.acknowledged = acknowledged
        self.reason = reason


class Unsorted(DeliveryError):
    """History that is not in order of time."""

    def __init__(self, place: Place) -> None:
        super().__init__(
            f"{place} is older than the line before it.",
            "History must be sorted by occurred_at: sort the file, or let such lines be judged late with --late.",
        )
        self.place = place


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast events leave: as fast as they can, `rate` events a second, or `speed` times their own time."""

    rate: float | None = None
    speed: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether events have to wait for their turn."""
        return self.rate is not None or self.speed is not None

    def due(self, started: float, index: int, occurred_at: int, first: int) -> float:
        """When (on the monotonic clock) the event with this index in the whole stream is to be sent."""
        if self.rate:
            return started + index / self.rate
        if self.speed:
            return started + max(0, occurred_at - first) / (1000 * self.speed)
        return started


@dataclass(frozen=True, slots=True)
class Published:
    """What became of the files."""

    survey: Survey
    acknowledged: int
    seconds: float
    history: int | None  # when the replay was opened at; None where the events were published live


class _Sender:
    """Sends records in order through one producer, and knows which lines have not been acknowledged yet."""

    def __init__(self, producer: Any, progress: Progress) -> None:
        self._producer = producer
        self._progress = progress
        self._waiting: deque[tuple[Place, int, bool, Any]] = deque()
        self._waiting_bytes = 0
        self._reported = time.monotonic()
        self.acknowledged = 0

    def send(self, place: Place, record: Record, *, event: bool) -> None:
        """Hands one record to the producer; waits where too many are under way."""
        try:
            future = self._producer.send(record.topic, record.value, headers=record.headers, partition=record.partition)
        except Exception as error:
            self.settle(records=0, size=0)  # an earlier line may have failed too: then that one is the first
            raise NotDelivered(place, self.acknowledged, _why(error, record.topic)) from error
        self._waiting.append((place, len(record.value), event, future))
        self._waiting_bytes += len(record.value)
        if len(self._waiting) & 255 == 0 or self._waiting_bytes > WINDOW_BYTES:
            self.settle()

    def settle(self, records: int = WINDOW_RECORDS, size: int = WINDOW_BYTES) -> None:
        """Takes note of acknowledgements, and waits for them while more is under way than is allowed."""
        waiting = self._waiting
        while waiting:
            place, length, event, future = waiting[0]
            if not future.is_done:
                if len(waiting) <= records and self._waiting_bytes <= size:
                    break
                with suppress(Exception):  # its failure is looked at below, where the line is known
                    future.get(timeout=DELIVERY_SECONDS + 5)
            if not future.is_done or not future.succeeded():
                error = future.exception if future.is_done else None
                raise NotDelivered(place, self.acknowledged, _why(error or KafkaTimeoutError(), "its topic"))
            waiting.popleft()
            self._waiting_bytes -= length
            self.acknowledged += event
            if self.acknowledged & 1023 == 0:
                self._report()
        self._report()

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported > 0.1:
            self._reported = now
            self._progress(self.acknowledged)


def _why(error: BaseException, topic: str) -> str:
    return typed(error, topic, DELIVERY_SECONDS).message


class Sends(Protocol):
    """What carries records to Kafka in order, whichever library it is built on."""

    def send(self, place: Place, record: Record, *, event: bool) -> None:
        """Hands over one record; `event` is False for heartbeats."""

    def settle(self) -> None:
        """Takes note of acknowledgements; called while there is time."""


def send_lines(
    sender: Sends,
    lines: Iterable[Line],
    partitions: Mapping[str, int],
    protocol: HistoryProtocol | None,
    pace: Pace,
    first: int,
) -> None:
    """Sends every line that has a topic, over that topic's partitions in turn, at its pace, with heartbeats."""
    sources = [(topic, partition) for topic, count in partitions.items() for partition in range(count)]
    headers = protocol.headers() if protocol else []
    turn = dict.fromkeys(partitions, 0)
    reached = NO_TIME
    index = 0
    started = beaten = time.monotonic()
    for line in lines:
        topic = line.topic
        if topic is None or topic not in partitions:
            continue
        partition = turn[topic]
        turn[topic] = (partition + 1) % partitions[topic]
        reached = max(reached, line.occurred_at)
        due = pace.due(started, index, line.occurred_at, first)
        index += 1
        while True:
            now = time.monotonic()
            if protocol and now - beaten >= HEARTBEAT_SECONDS and reached != NO_TIME:
                # All that is older than this line has been sent: the files are sorted.
                for beat in protocol.heartbeats(sources, reached):
                    sender.send(line.place, beat, event=False)
                beaten = now
            if now >= due:
                break
            sender.settle()
            time.sleep(min(due - now, HEARTBEAT_SECONDS / 2))
        sender.send(line.place, Record(topic, partition, line.value, headers), event=True)


def _control(producer: Any, records: Iterable[Record], seconds: float = DELIVERY_SECONDS + 5) -> None:
    """Sends control records, and waits until each of them is acknowledged."""
    topic = "the publishers' topics"
    try:
        futures = [
            producer.send(record.topic, record.value, headers=record.headers, partition=record.partition)
            for record in records
        ]
        for future in futures:
            future.get(timeout=seconds)
    except KafkaError as error:
        raise typed(error, topic, DELIVERY_SECONDS) from error


def publish_files(
    paths: Sequence[Path],
    *,
    bootstrap_servers: str,
    institution: str | None = None,
    only: Collection[str] = (),
    live: bool = False,
    late: bool = False,
    pace: Pace | None = None,
    options: Mapping[str, Any] | None = None,
    surveyed: Callable[[Survey], None] | None = None,
    progress: Progress | None = None,
) -> Published:
    """Publishes every line that has a topic to go to, and returns when all of them are acknowledged.

    Each line goes to the topic of its type and publisher, or all to `institution`'s topics, over the partitions in
    turn; `only` names the types to publish, all where empty. Raises
    `NotDelivered` with the first line that was not acknowledged, `Unsorted` for history out of order (unless `late`
    lets such events be judged late), or another `DeliveryError`. `surveyed` is told what the files hold before
    anything is sent.
    """
    options, pace, progress = options or {}, pace or Pace(), progress or (lambda _: None)
    topics = topic_partitions(bootstrap_servers, options)
    partitions = {topic: count for topic, count in topics.items() if routes().owner_of(topic) is not None}
    if institution is not None and f"tx.{institution}" not in partitions:
        raise topic_missing(f"tx.{institution}")
    found = survey(paths, institution, partitions, only)
    if surveyed:
        surveyed(found)
    if found.unsorted and not live and not late:
        raise Unsorted(found.unsorted)
    involved = found.involved(partitions)
    if not involved:
        return Published(found, 0, 0.0, None)
    producer = open_producer(
        bootstrap_servers,
        options,
        delivery_seconds=DELIVERY_SECONDS,
        linger_ms=2 if pace.is_set else 20,
        batch_bytes=256 * 1024,
        max_event_bytes=MAX_EVENT_BYTES,
    )
    protocol = None if live else HistoryProtocol.soon()
    sender = _Sender(producer, progress)
    try:
        if protocol:
            _control(producer, protocol.opening(involved))
            protocol.wait()
        started = time.monotonic()
        send_lines(sender, read_files(paths, institution, only), involved, protocol, pace, found.first or 0)
        sender.settle(records=0, size=0)
        seconds = time.monotonic() - started
    except BaseException:
        if protocol:
            # Nothing of this replay follows; left open, it would hold back the live sources.
            with suppress(Exception):
                _control(producer, protocol.closing(involved), seconds=5.0)
        close_producer(producer, 0.0)
        raise
    if protocol:
        _control(producer, protocol.closing(involved))
    close_producer(producer, DELIVERY_SECONDS)
    return Published(found, sender.acknowledged, seconds, protocol.opened_at if protocol else None)
