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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Literal, NamedTuple, Self, get_args

from pydantic import ValidationError

from streams import decode, records
from streams.contracts import headers
from streams.contracts.decision import Decision
from streams.contracts.fields import FUTURE_MS, MAX_BYTES, Contract
from streams.contracts.heartbeat import Heartbeat
from streams.contracts.loan import Loan
from streams.contracts.reasons import FieldError, Reason
from streams.contracts.reversal import Reversal
from streams.contracts.suspicious_operation import DecisionKind
from streams.contracts.transaction import Transaction
from streams.decisions import DecisionReader, Ticket
from streams.decode_references import check_loan
from streams.delivery import (
    CONNECT_SECONDS,
    BufferFull,
    DeliveryError,
    LastingProducer,
    NotAcknowledged,
    not_acknowledged,
    open_producer,
    topic_missing,
    typed,
)

Silence = Literal["allow", "hold", "step_up"]
Event = Transaction | Loan | Reversal | Heartbeat

_CONTRACTS: Final[dict[object, type[Contract]]] = {
    "transaction": Transaction,
    "loan": Loan,
    "reversal": Reversal,
    "heartbeat": Heartbeat,
}
_RELEASE_SECONDS: Final = 1.0


class InvalidEvent(ValueError):
    """The event does not keep the contract and was not sent; `field` is a JSONPath, and no value is repeated."""

    def __init__(self, reason: Reason, field: str, message: str) -> None:
        super().__init__(f"{field}: {message} ({reason})")
        self.reason = reason
        self.field = field
        self.message = message


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


class Delivered(NamedTuple):
    """Where the broker keeps the event."""

    partition: int
    offset: int


class Flushed(NamedTuple):
    """What became of the events published since the last flush."""

    acknowledged: int
    failed: int


class Receipt:
    """The fate of one published event: open, acknowledged with its place, or failed with a `DeliveryError`."""

    __slots__ = ("_callbacks", "_deadline", "_done", "_error", "_lock", "_place", "_seconds", "event_id", "topic")

    def __init__(self, event_id: str | None, topic: str, seconds: float) -> None:
        self.event_id = event_id
        self.topic = topic
        self._seconds = seconds
        # A little later than the producer's own timeout, and the end of every wait should it never report.
        self._deadline = time.monotonic() + seconds + _RELEASE_SECONDS
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._place: Delivered | None = None
        self._error: DeliveryError | None = None
        self._callbacks: list[Callable[[Receipt], None]] = []

    def done(self) -> bool:
        """Whether the fate is known."""
        return self._done.is_set()

    def result(self, timeout: float | None = None) -> Delivered:
        """Where the event is; raises its `DeliveryError`, or TimeoutError where the fate is still open by then."""
        left = max(0.0, self._deadline - time.monotonic())
        if not self._done.wait(left if timeout is None else min(timeout, left)) and not self.expire():
            raise TimeoutError("The event is not acknowledged yet.")
        if self._place is None:
            assert self._error is not None
            raise self._error
        return self._place

    def error(self) -> DeliveryError | None:
        """Why the event failed; None where it did not, or not yet."""
        return self._error

    def when_done(self, callback: Callable[[Receipt], None]) -> None:
        """Calls back once the fate is known, from the producer's thread; at once where it is known already."""
        with self._lock:
            if not self._done.is_set():
                self._callbacks.append(callback)
                return
        callback(self)

    def expire(self) -> bool:
        """Fails the event where its time is over; whether the fate is known now."""
        if not self._done.is_set() and time.monotonic() >= self._deadline:
            self.settle(not_acknowledged(self.topic, self._seconds))
        return self._done.is_set()

    def settle(self, fate: Delivered | DeliveryError) -> None:
        """Makes the fate known; the first one stays."""
        with self._lock:
            if self._done.is_set():
                return
            if isinstance(fate, DeliveryError):
                self._error = fate
            else:
                self._place = fate
            self._done.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)


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


class _Checked(NamedTuple):
    """An event that keeps the contract, as it goes on the wire."""

    value: bytes
    topic: str
    type: str
    event_id: str | None
    customer: str | None  # whose record key it has


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
        self.topic = f"tx.{institution}"
        self.loans_topic = f"loans.{institution}"
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
        return self._send(self._check(event), self._delivery_seconds)

    def decide(self, event: Event | Mapping[str, Any] | bytes, timeout: float) -> Answer:
        """Publishes the event, and waits at most `timeout` seconds for what the center says about it.

        A broker that does not answer is answered for by the policy too; the answer's receipt then tells whether the
        event arrived. Only `InvalidEvent` is raised: such an event can never be judged.
        """
        began = time.monotonic()
        if self._reader is None:
            raise RuntimeError("This client was opened with reads_decisions=False.")
        checked = self._check(event)
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
            self._producer.close(_RELEASE_SECONDS)

    def _send(self, checked: _Checked, patience: float) -> Receipt:
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

    def _check(self, event: Event | Mapping[str, Any] | bytes) -> _Checked:
        value = event if isinstance(event, bytes) else _written(event)
        try:
            record, _ = decode.read(value)
            if isinstance(record, decode.Transaction):
                occurred_at, _ = decode.check_transaction(record)
            elif isinstance(record, records.Loan):
                occurred_at, _ = check_loan(record)
            elif isinstance(record, decode.Reversal):
                occurred_at = decode.check_reversal(record)
            elif isinstance(record, decode.Heartbeat):
                occurred_at = decode.check_heartbeat(record)
            else:
                raise decode.Rejected(Reason.WRONG_TOPIC, "$.type", "is not for an institution to publish")
        except decode.Rejected as error:
            raise InvalidEvent(error.reason, error.path, error.message) from None
        if record.institution != self.institution:
            raise InvalidEvent(
                Reason.WRONG_INSTITUTION, "$.institution", f"this client publishes for {self.institution}"
            )
        if occurred_at > time.time() * 1000 + FUTURE_MS:
            raise InvalidEvent(Reason.FUTURE, "$.occurred_at", "is more than one hour ahead of this machine's clock")
        if isinstance(record, decode.Transaction):
            payer = None if record.payer is None else record.payer.id or record.payer.account
            return _Checked(value, self.topic, "transaction", record.event_id, payer)
        if isinstance(record, records.Loan):
            return _Checked(value, self.loans_topic, "loan", record.event_id, record.borrower.id)
        if isinstance(record, decode.Reversal):
            return _Checked(value, self.topic, "reversal", record.event_id, None)
        return _Checked(value, self.topic, "heartbeat", None, None)

    def _key(self, checked: _Checked) -> bytes | None:
        if self._key_secret is None or checked.customer is None:
            return None
        return hmac.digest(self._key_secret, checked.customer.encode(), hashlib.sha256)[:16]

    def _headers(self, checked: _Checked) -> headers.Headers:
        return headers.write(
            headers.CloudEvent(
                id=checked.event_id or f"heartbeat-{time.time_ns()}",
                source=headers.cloud_event_source(self.institution),
                type=headers.cloud_event_type(checked.type),
            )
        )


def _written(event: Event | Mapping[str, Any]) -> bytes:
    """The event as JSON, checked by its pydantic contract."""
    if isinstance(event, Contract):
        return event.model_dump_json(exclude_none=True).encode()
    contract = _CONTRACTS.get(event.get("type"))
    if contract is None:
        raise InvalidEvent(Reason.UNKNOWN_TYPE, "$.type", f"must be one of {', '.join(map(str, _CONTRACTS))}")
    try:
        return contract.model_validate(dict(event)).model_dump_json(exclude_none=True).encode()
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError) -> InvalidEvent:
    """The first thing that pydantic found, in the words of the contract where it has its own."""
    found = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(["$", *(str(part) for part in found["loc"])])
    own = found.get("ctx", {}).get("error")
    if isinstance(own, FieldError):
        return InvalidEvent(own.reason, path, own.message)
    reason = {"missing": Reason.MISSING_FIELD, "extra_forbidden": Reason.UNKNOWN_FIELD}.get(found["type"])
    return InvalidEvent(reason or Reason.WRONG_TYPE, path, found["msg"])
