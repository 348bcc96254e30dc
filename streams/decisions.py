"""Reads an institution's decisions and progress marks, and says what is known of an event that it published."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, LogTruncationError, NoOffsetForPartitionError, OffsetOutOfRangeError
from pydantic import ValidationError

from streams.contracts.decision import Decision
from streams.delivery import CONNECT_SECONDS, connection_options, reaching, topic_missing

NOTHING_JUDGED: Final = -1
REMEMBERED: Final = 10_000
LOOK_BACK: Final = 2_000  # records of each partition that are read again at the start, for their decisions only
POLL_MS: Final = 200
RETRY_SECONDS: Final = 1.0


SourcePartition = tuple[str, int]  # topic and partition


class Progress:
    """Up to which offset of each source partition everything is judged: the least over all screen partitions.

    >>> progress = Progress(screen_partitions=2)
    >>> progress.mark(screen=0, source=("tx.CASPKZKA", 0), offset=17)
    >>> progress.reached(("tx.CASPKZKA", 0))
    -1
    >>> progress.mark(screen=1, source=("tx.CASPKZKA", 0), offset=12)
    >>> progress.reached(("tx.CASPKZKA", 0))
    12
    """

    def __init__(self, screen_partitions: int) -> None:
        self._screens = screen_partitions
        self._marks: dict[SourcePartition, list[int]] = {}

    def mark(self, screen: int, source: SourcePartition, offset: int) -> None:
        """Screen partition `screen` has judged `source` up to and including `offset`; marks never go back."""
        marks = self._marks.setdefault(source, [NOTHING_JUDGED] * self._screens)
        marks[screen] = max(marks[screen], offset)

    def reached(self, source: SourcePartition) -> int:
        """Everything of `source` up to and including this offset is judged."""
        marks = self._marks.get(source)
        return min(marks) if marks else NOTHING_JUDGED


class Ticket:
    """One caller's wait for what becomes of one event."""

    __slots__ = ("_known", "decision", "event_id", "failure", "judged", "position", "sight")

    def __init__(self, event_id: str, sight: int) -> None:
        self.event_id = event_id
        self.sight = sight
        self.position: tuple[SourcePartition, int] | None = None
        self.decision: Decision | None = None
        self.judged = False  # by progress: no decision means that it may go ahead
        self.failure: Exception | None = None  # it was not published
        self._known = threading.Event()

    def known(self) -> None:
        """Lets the caller go on."""
        self._known.set()

    def wait(self, seconds: float) -> None:
        """Until something is known of the event, or the time is over."""
        self._known.wait(max(0.0, seconds))


class _Judged(msgspec.Struct):
    partition: int
    offset: int


class _Mark(msgspec.Struct):
    """What is needed of a record in `decisions.<institution>` to tell what it is."""

    type: str
    topic: str = ""
    judged: list[_Judged] = []


class DecisionReader:
    """Follows all partitions of `decisions.<institution>` in a thread of its own, without a consumer group.

    Its positions are fixed when the constructor returns, so that no decision on an event published later is missed.
    Should it lose sight of the topic (records gone before it read them, or not to be understood), no event published
    until then is ever taken as allowed by progress: `sight` counts those losses, and each ticket knows its own.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        institution: str,
        options: Mapping[str, Any],
        *,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        self._institution = institution
        self._topic = f"decisions.{institution}"
        self._lock = threading.Lock()
        self._tickets: dict[str, set[Ticket]] = {}
        self._remembered: OrderedDict[str, Decision] = OrderedDict()
        self._sight = 0
        self._live_from: dict[int, int] = {}
        self._closing = threading.Event()
        with reaching(bootstrap_servers):
            self._consumer = KafkaConsumer(
                bootstrap_servers=bootstrap_servers,
                bootstrap_timeout_ms=int(connect_seconds * 1000),
                enable_auto_commit=False,
                auto_offset_reset="none",  # a jump over lost records must be noticed
                allow_auto_create_topics=False,
                reconnect_backoff_max_ms=1000,
                max_poll_records=2000,
                metrics_enabled=False,
                **connection_options(options),
            )
        try:
            with reaching(bootstrap_servers):
                numbers = sorted(self._consumer.partitions_for_topic(self._topic) or ())
                if not numbers:
                    raise topic_missing(self._topic)
                self._partitions = [TopicPartition(self._topic, number) for number in numbers]
                self._progress = Progress(len(numbers))
                self._fix_positions(LOOK_BACK)
        except BaseException:
            self._consumer.close()
            raise
        self._thread = threading.Thread(target=self._run, name=f"decisions-{institution}", daemon=True)
        self._thread.start()

    def expect(self, event_id: str) -> Ticket:
        """A ticket for an event that is about to be published."""
        with self._lock:
            ticket = Ticket(event_id, self._sight)
            decision = self._remembered.get(event_id)
            if decision is not None:  # a repeat is not judged again: what was decided then holds
                ticket.decision = decision
                ticket.known()
            self._tickets.setdefault(event_id, set()).add(ticket)
            return ticket

    def published(self, ticket: Ticket, topic: str, partition: int, offset: int) -> None:
        """The broker has the event at this place."""
        with self._lock:
            ticket.position = ((topic, partition), offset)
            self._settle(ticket)

    def forget(self, ticket: Ticket) -> None:
        """The caller waits no longer."""
        with self._lock:
            tickets = self._tickets.get(ticket.event_id)
            if tickets is not None:
                tickets.discard(ticket)
                if not tickets:
                    del self._tickets[ticket.event_id]

    def close(self) -> None:
        """Ends the thread and lets go of the broker; whoever still waits is answered by the policy."""
        self._closing.set()
        self._thread.join()
        with self._lock:
            for tickets in self._tickets.values():
                for ticket in tickets:
                    ticket.known()

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                try:
                    for partition, records in self._consumer.poll(timeout_ms=POLL_MS).items():
                        self._take(partition.partition, records)
                except (OffsetOutOfRangeError, NoOffsetForPartitionError, LogTruncationError):
                    self._find_again()
                except KafkaError:  # kafka-python reconnects by itself; this is what it does not retry
                    self._closing.wait(RETRY_SECONDS)
        finally:
            self._consumer.close()

    def _take(self, screen: int, records: list[Any]) -> None:
        with self._lock:
            moved: set[SourcePartition] = set()
            for record in records:
                try:
                    mark = _decode_mark(record.value or b"")
                    if mark.type == "decision":
                        self._decided(Decision.model_validate_json(record.value))
                    elif mark.type == "progress" and record.offset >= self._live_from[screen]:
                        for judged in mark.judged:
                            source = (mark.topic, judged.partition)
                            self._progress.mark(screen, source, judged.offset)
                            moved.add(source)
                except (msgspec.DecodeError, ValidationError, UnicodeDecodeError):
                    # It may have been a decision on any event: none that is under way can be taken as allowed.
                    self._lose_sight()
            if moved:
                for tickets in self._tickets.values():
                    for ticket in tickets:
                        if ticket.position is not None and ticket.position[0] in moved:
                            self._settle(ticket)

    def _decided(self, decision: Decision) -> None:
        if decision.institution != self._institution:
            return  # a hold that concerns us as the payee's institution: not an event of ours
        self._remembered[decision.event_id] = decision
        self._remembered.move_to_end(decision.event_id)
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        for ticket in self._tickets.get(decision.event_id, ()):
            ticket.decision = decision
            ticket.known()

    def _settle(self, ticket: Ticket) -> None:
        if ticket.position is None or ticket.sight != self._sight:
            return
        source, offset = ticket.position
        if self._progress.reached(source) >= offset:
            ticket.judged = True
            ticket.known()

    def _lose_sight(self) -> None:
        self._sight += 1
        self._progress = Progress(len(self._partitions))

    def _find_again(self) -> None:
        """Records were gone before they were read: begin anew at the end."""
        while not self._closing.is_set():
            try:
                self._fix_positions(0)
            except KafkaError:
                self._closing.wait(RETRY_SECONDS)
                continue
            with self._lock:
                self._lose_sight()
            return

    def _fix_positions(self, look_back: int) -> None:
        consumer = self._consumer
        consumer.assign(self._partitions)
        beginnings = consumer.beginning_offsets(self._partitions)
        ends = consumer.end_offsets(self._partitions)
        for partition in self._partitions:
            self._live_from[partition.partition] = ends[partition]
            consumer.seek(partition, max(beginnings[partition], ends[partition] - look_back))


_decode_mark = msgspec.json.Decoder(_Mark).decode
