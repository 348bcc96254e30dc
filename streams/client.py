"""What an institution imports: publish events with a known fate, and ask what to do about a payment.

with Client("kafka:9092", "CASPKZKA", policy=WhenSilent("hold")) as client:
    client.publish(transaction).result(timeout=10)     # Delivered(partition, offset), or a typed error
    answer = client.decide(transaction, timeout=0.3)   # Answer(decision="allow", by="progress", …)
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Literal, NamedTuple, Self, get_args

from streams.contracts import headers
from streams.contracts.decision import Decision
from streams.contracts.fields import MAX_BYTES
from streams.contracts.reasons import Reason
from streams.contracts.suspicious_operation import DecisionKind
from streams.decisions import DecisionReader, Ticket
from streams.delivery import (
    CONNECT_SECONDS,
    BufferFull,
    DeliveryError,
    LastingProducer,
    NotAcknowledged,
    open_producer,
    topic_missing,
    typed,
)
from streams.own_events import Checked, Event, InvalidEvent, check, topics_of
from streams.receipts import RELEASE_SECONDS, Delivered, Receipt

__all__ = (
    "Answer", "Client", "Delivered", "Event", "Flushed", "InvalidEvent", "PublishFailed", "Receipt", "WhenSilent",
)  # fmt: skip

Silence = Literal["allow", "hold", "step_up"]


class PublishFailed(DeliveryError):
    """Some events since the last flush were not acknowledged; `first` is the error of the first of them."""

    def __init__(self, acknowledged: int, failed: int, first: DeliveryError) -> None:
        super().__init__(f"{failed} of {acknowledged + failed} events failed; the first: {first.message}", first.remedy)
        self.acknowledged = acknowledged
        self.failed = failed
        self.first = first


@dataclass(frozen=True, slots=True)
class WhenSilent:
    """The institution's declared policy for an event on which the center does not answer in time.

    >>> WhenSilent("hold").decision
    'hold'
    """

    decision: Silence

    def __post_init__(self) -> None:
        if self.decision not in get_args(Silence):
            raise ValueError(f"a policy is one of {', '.join(get_args(Silence))}")


class Flushed(NamedTuple):
    """What became of the events published since the last flush."""

    acknowledged: int
    failed: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What to do about a payment, and who says so.

    `by` is "decision" where the center decided, "progress" where it judged the event and had nothing against it, and
    "policy" where nothing was known in time. `reason` holds a sentence for each of kk, ru and en.
    """

    decision: DecisionKind | Literal["allow"]
    by: Literal["decision", "progress", "policy"]
    reason: Mapping[str, str]
    waited_ms: float
    receipt: Receipt
    deadline: datetime | None = None  # when a hold ends by law
    legal_basis: str | None = None
    typologies: tuple[str, ...] = ()
    detail: Decision | None = field(default=None, repr=False)


_NOTHING_FOUND: Final = {
    "kk": "Орталық операцияны тексерді, қарсылығы жоқ.",
    "ru": "Центр проверил операцию, возражений нет.",
    "en": "The center has judged the operation and has nothing against it.",
}
_NO_ANSWER: Final = {
    "kk": "Орталық уақытында жауап бермеді; ұйымның өз ережесі қолданылды.",
    "ru": "Центр не ответил вовремя; применено правило самой организации.",
    "en": "The center did not answer in time; the institution's own policy holds.",
}
_NOT_PUBLISHED: Final = {
    "kk": "Операцияны орталыққа жіберу мүмкін болмады; ұйымның өз ережесі қолданылды.",
    "ru": "Операцию не удалось передать центру; применено правило самой организации.",
    "en": "The operation could not be handed to the center; the institution's own policy holds.",
}


class Client:
    """Publishes one institution's events to the center, and asks for its decisions. Safe for many threads.

    `policy` answers where the center does not, and has to be declared. `key_secret` makes the record key a keyed hash
    of the payer or borrower, so that one customer's events share a partition; without it records have no key.
    `reads_decisions` False is for a publisher that never asks. Further options are kafka-python's for addresses and
    security. Loans go to `loans.<institution>`, everything else to `tx.<institution>`.

    At most `buffer_events` events and `buffer_bytes` wait for their acknowledgement; `publish` waits for room, and
    raises `BufferFull` when the delivery timeout is over.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        institution: str,
        *,
        policy: WhenSilent,
        key_secret: bytes | None = None,
        reads_decisions: bool = True,
        delivery_seconds: float = 30.0,
        connect_seconds: float = CONNECT_SECONDS,
        buffer_events: int = 10_000,
        buffer_bytes: int = 32 * 1024 * 1024,
        **options: Any,
    ) -> None:
        self.institution = institution
        self.policy = policy
        self.topic, self.loans_topic = topics_of(institution)
        self._key_secret = key_secret
        self._delivery_seconds = delivery_seconds
        self._buffer_events = buffer_events
        self._buffer_bytes = buffer_bytes
        self._room = threading.Condition()
        self._open: dict[Receipt, int] = {}  # in the order of publishing, with the size of each
        self._open_bytes = 0
        self._acknowledged = 0
        self._failed = 0
        self._first_failure: DeliveryError | None = None
        self._closed = False
        self._reader: DecisionReader | None = None
        self._producer = LastingProducer(
            lambda: open_producer(
                bootstrap_servers,
                options,
                delivery_seconds=delivery_seconds,
                linger_ms=0,
                batch_bytes=64 * 1024,
                max_event_bytes=2 * MAX_BYTES,
                connect_seconds=connect_seconds,
            ),
            delivery_seconds,
        )
        try:
            if not self._producer.partitions_for(self.topic):
                raise topic_missing(self.topic)
            if reads_decisions:
                self._reader = DecisionReader(bootstrap_servers, institution, options, connect_seconds=connect_seconds)
        except BaseException:
            self._producer.close(0.0)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except PublishFailed:
            if error is None:  # an error that is on its way already says more
                raise

    def publish(self, event: Event | Mapping[str, Any] | bytes) -> Receipt:
        """Checks the event, sends it, and returns at once; the receipt knows its fate.

        Raises:
            InvalidEvent: it does not keep the contract, or is not this institution's; nothing was sent.
            BufferFull: too many events wait for their acknowledgement.
        """
        return self._send(check(event, self.institution), self._delivery_seconds)

    def decide(self, event: Event | Mapping[str, Any] | bytes, timeout: float) -> Answer:
        """Publishes the event, and waits at most `timeout` seconds for what the center says about it.

        A broker that does not answer is answered for by the policy too; the answer's receipt then tells whether the
        event arrived. Only `InvalidEvent` is raised: such an event can never be judged.
        """
        began = time.monotonic()
        if self._reader is None:
            raise RuntimeError("This client was opened with reads_decisions=False.")
        checked = check(event, self.institution)
        if checked.event_id is None or checked.type not in ("transaction", "loan"):
            raise InvalidEvent(Reason.UNKNOWN_TYPE, "$.type", "only a transaction or a loan is decided on")
        ticket = self._reader.expect(checked.event_id)
        try:
            try:
                receipt = self._send(checked, timeout)
            except DeliveryError as error:
                receipt = Receipt(checked.event_id, checked.topic, 0.0)
                receipt.settle(error)
            receipt.when_done(lambda done: self._follow(ticket, done))
            ticket.wait(began + timeout - time.monotonic())
        finally:
            self._reader.forget(ticket)
        return self._answer(ticket, receipt, (time.monotonic() - began) * 1000)

    def flush(self, timeout: float | None = None) -> Flushed:
        """Waits until the fate of every event published so far is known; raises `PublishFailed` if any failed.

        Counts begin anew with every flush. TimeoutError: `timeout` seconds were not enough; nothing is lost by it.
        """
        until = None if timeout is None else time.monotonic() + timeout
        with self._room:
            waiting = list(self._open)
        for receipt in waiting:
            try:
                receipt.result(None if until is None else max(0.0, until - time.monotonic()))
            except DeliveryError:
                continue  # counted below
        with self._room:
            counts, first = Flushed(self._acknowledged, self._failed), self._first_failure
            self._acknowledged, self._failed, self._first_failure = 0, 0, None
        if first is not None:
            raise PublishFailed(counts.acknowledged, counts.failed, first)
        return counts

    def close(self) -> None:
        """Waits for what is under way, lets go of everything, and raises `PublishFailed` like `flush`."""
        if self._closed:
            return
        self._closed = True
        try:
            self.flush()
        finally:
            if self._reader is not None:
                self._reader.close()
            self._producer.close(RELEASE_SECONDS)

    def _send(self, checked: Checked, patience: float) -> Receipt:
        if self._closed:
            raise RuntimeError("The client is closed.")
        receipt = Receipt(checked.event_id, checked.topic, self._delivery_seconds)
        self._enter(receipt, len(checked.value), patience)
        try:
            future, producer = self._producer.send(
                checked.topic, checked.value, self._key(checked), self._headers(checked), patience
            )
        except Exception as error:
            receipt.settle(typed(error, checked.topic, self._delivery_seconds))
            return receipt
        receipt.when_done(lambda done: self._give_up_after(done, producer))
        future.add_callback(lambda metadata: receipt.settle(Delivered(metadata.partition, metadata.offset)))
        future.add_errback(lambda error: receipt.settle(typed(error, checked.topic, self._delivery_seconds)))
        return receipt

    def _give_up_after(self, receipt: Receipt, producer: Any) -> None:
        if isinstance(receipt.error(), NotAcknowledged):
            self._producer.give_up(producer)

    def _enter(self, receipt: Receipt, size: int, patience: float) -> None:
        """Takes room in the buffer for as long as the receipt is open."""
        until = time.monotonic() + patience
        with self._room:
            while len(self._open) >= self._buffer_events or self._open_bytes + size > self._buffer_bytes:
                oldest = next(iter(self._open))
                if oldest.expire():
                    self._leave(oldest)
                elif not self._room.wait(min(0.5, until - time.monotonic())) and time.monotonic() >= until:
                    raise BufferFull(
                        f"{len(self._open)} events wait for their acknowledgement from {self.topic}.",
                        "The broker is slow or does not answer; publish the event again later.",
                    )
            self._open[receipt] = size
            self._open_bytes += size
        receipt.when_done(self._leave)

    def _leave(self, receipt: Receipt) -> None:
        with self._room:
            size = self._open.pop(receipt, None)
            if size is None:
                return
            self._open_bytes -= size
            error = receipt.error()
            if error is None:
                self._acknowledged += 1
            else:
                self._failed += 1
                self._first_failure = self._first_failure or error
            self._room.notify_all()

    def _follow(self, ticket: Ticket, receipt: Receipt) -> None:
        assert self._reader is not None
        error = receipt.error()
        if error is None:
            self._reader.published(ticket, receipt.topic, *receipt.result(0.0))
        else:
            ticket.failure = error
            ticket.known()

    def _answer(self, ticket: Ticket, receipt: Receipt, waited_ms: float) -> Answer:
        decision = ticket.decision
        if decision is not None:
            return Answer(
                "allow" if decision.decision == "release" else decision.decision,
                "decision",
                decision.reason.model_dump(),
                waited_ms,
                receipt,
                deadline=decision.deadline,
                legal_basis=decision.legal_basis,
                typologies=decision.typologies,
                detail=decision,
            )
        if ticket.judged:
            return Answer("allow", "progress", _NOTHING_FOUND, waited_ms, receipt)
        reason = _NO_ANSWER if ticket.failure is None else _NOT_PUBLISHED
        return Answer(self.policy.decision, "policy", reason, waited_ms, receipt)

    def _key(self, checked: Checked) -> bytes | None:
        if self._key_secret is None or checked.customer is None:
            return None
        return hmac.digest(self._key_secret, checked.customer.encode(), hashlib.sha256)[:16]

    def _headers(self, checked: Checked) -> headers.Headers:
        return headers.write(
            headers.CloudEvent(
                id=checked.event_id or f"heartbeat-{time.time_ns()}",
                source=headers.cloud_event_source(self.institution),
                type=headers.cloud_event_type(checked.type),
            )
        )
