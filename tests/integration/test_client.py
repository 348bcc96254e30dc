"""The institution's client on a real broker: decisions and marks are written by hand, as the center would."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from streams.client import Answer, Client, InvalidEvent, PublishFailed, WhenSilent
from streams.contracts.decision import Decision, JudgedUpTo, ProgressMark
from streams.contracts.reasons import Reason
from streams.contracts.transaction import Transaction
from streams.delivery import BrokerUnreachable, BufferFull, NotAcknowledged, TopicMissing
from streams.kafka import Kafka
from tests.integration.socks import FreezableProxy
from tests.streams.events import document

pytestmark = pytest.mark.kafka

SCREENS = 3
SOURCES = 2


def event(institution: str, event_id: str, /, **changes: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "type": "transaction",
        "occurred_at": "2026-11-20T10:00:00.123+05:00",
        "institution": institution,
        "kind": "transfer",
        "amount": "150000.00",
        "currency": "KZT",
        "payer": {"id": "791028302728"},
        "payee": {"account": "KZ157659E22EC07A3B0C"},
    } | changes


@dataclass
class Center:
    """The center's side of one institution, by hand."""

    bootstrap_servers: str
    institution: str
    producer: Any = field(init=False)
    consumer: Any = field(init=False)

    def __post_init__(self) -> None:
        self.producer = KafkaProducer(bootstrap_servers=self.bootstrap_servers, metrics_enabled=False)
        self.consumer = KafkaConsumer(bootstrap_servers=self.bootstrap_servers, metrics_enabled=False)
        partitions = [TopicPartition(f"tx.{self.institution}", number) for number in range(SOURCES)]
        self.consumer.assign(partitions)
        self.consumer.seek_to_beginning(*partitions)

    def close(self) -> None:
        self.producer.close()
        self.consumer.close()

    def take(self, count: int = 1, seconds: float = 10.0) -> list[Any]:
        """The next records that the institution published."""
        records: list[Any] = []
        until = time.monotonic() + seconds
        while len(records) < count and time.monotonic() < until:
            for found in self.consumer.poll(timeout_ms=100).values():
                records.extend(found)
        assert len(records) >= count, f"{len(records)} of {count} records arrived"
        return records

    def send(self, screen: int, value: bytes) -> None:
        self.producer.send(f"decisions.{self.institution}", value, partition=screen).get(timeout=10)

    def mark(self, screen: int, source: int, offset: int, topic: str = "tx") -> None:
        judged = (JudgedUpTo(partition=source, offset=offset),)
        mark = ProgressMark(
            type="progress",
            institution=self.institution,
            topic=f"{topic}.{self.institution}",
            screen_partition=screen,
            judged=judged,
        )
        self.send(screen, mark.model_dump_json().encode())

    def mark_all(self, source: int, offset: int, topic: str = "tx") -> None:
        for screen in range(SCREENS):
            self.mark(screen, source, offset, topic)

    def decide(self, screen: int, event_id: str, institution: str | None = None, decision: str = "hold") -> None:
        value = Decision.model_validate_json(
            json.dumps(
                {
                    "type": "decision",
                    "institution": institution or self.institution,
                    "event_id": event_id,
                    "decision": decision,
                    "typologies": ["T03"],
                    "reason": {"kk": "себеп", "ru": "причина", "en": "reason"},
                    "legal_basis": "Law",
                    "deadline": "2026-11-24T10:00:00.000Z",
                    "topic": f"tx.{self.institution}",
                    "partition": 0,
                    "offset": 0,
                    "alert_ids": ["0" * 32],
                }
            )
        )
        self.send(screen, value.model_dump_json().encode())


@pytest.fixture
def center(kafka: Kafka) -> Iterator[Center]:
    """A new institution with its topics."""
    institution = "".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=4)) + "KZKA"
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    partitions = {f"tx.{institution}": SOURCES, f"loans.{institution}": 1, f"decisions.{institution}": SCREENS}
    admin.create_topics([NewTopic(name, count, 1) for name, count in partitions.items()])
    admin.close()
    center = Center(kafka.bootstrap_servers, institution)
    yield center
    center.close()


@pytest.fixture
def open_client(center: Center) -> Iterator[Callable[..., Client]]:
    opened: list[Client] = []

    def open_client(**options: Any) -> Client:
        options.setdefault("policy", WhenSilent("hold"))
        opened.append(Client(center.bootstrap_servers, center.institution, **options))
        return opened[-1]

    yield open_client
    for client in opened:
        try:
            client.close()
        except PublishFailed:
            continue  # the test has looked at it


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as pool:
        yield pool


def test_every_event_gets_its_place_and_its_headers(center: Center, open_client: Callable[..., Client]) -> None:
    client = open_client(reads_decisions=False)
    receipts = [client.publish(event(center.institution, f"e-{number}")) for number in range(50)]
    receipts.append(client.publish(Transaction.model_validate(event(center.institution, "model"))))
    receipts.append(client.publish(json.dumps(event(center.institution, "bytes")).encode()))
    places = [receipt.result(timeout=10) for receipt in receipts]
    assert len(set(places)) == 52
    assert client.flush() == (52, 0)
    assert client.flush() == (0, 0)
    records = {(record.partition, record.offset): record for record in center.take(52)}
    for receipt, place in zip(receipts, places, strict=True):
        record = records[place]
        assert json.loads(record.value)["event_id"] == receipt.event_id
        assert record.key is None
        written = dict(record.headers)
        assert written["ce_id"].decode() == receipt.event_id
        assert written["ce_type"] == b"kz.antifraud.transaction.v1"
        assert written["ce_source"] == f"urn:bic:{center.institution}".encode()


def test_a_key_is_a_keyed_hash_of_the_payer(center: Center, open_client: Callable[..., Client]) -> None:
    client = open_client(reads_decisions=False, key_secret=b"secret")
    for number in range(8):
        client.publish(event(center.institution, f"e-{number}"))
    client.flush()
    records = center.take(8)
    assert len({(record.key, record.partition) for record in records}) == 1
    assert len(records[0].key) == 16


@pytest.mark.parametrize(
    ("changes", "reason", "path"),
    [
        ({"amount": 150000.0}, Reason.WRONG_TYPE, "$.amount"),
        ({"amount": "-1"}, Reason.BAD_AMOUNT, "$"),
        ({"payer": {"id": "791028302729"}}, Reason.BAD_CHECK_DIGIT, "$.payer.id"),
        ({"payer": None}, Reason.MISSING_FIELD, "$"),
        ({"colour": "red"}, Reason.UNKNOWN_FIELD, "$.colour"),
        ({"type": "gift"}, Reason.UNKNOWN_TYPE, "$.type"),
        ({"institution": "HSBKKZKX"}, Reason.WRONG_INSTITUTION, "$.institution"),
        ({"occurred_at": "2099-01-01T00:00:00+05:00"}, Reason.FUTURE, "$.occurred_at"),
        ({"purpose": "x" * 70_000}, Reason.INVALID_VALUE, "$.purpose"),
    ],
)
def test_what_breaks_the_contract_is_not_sent(
    center: Center, open_client: Callable[..., Client], changes: dict[str, Any], reason: Reason, path: str
) -> None:
    client = open_client(reads_decisions=False)
    with pytest.raises(InvalidEvent) as refused:
        client.publish(event(center.institution, "e-1", **changes))
    assert (refused.value.reason, refused.value.field) == (reason, path)
    assert "791028302729" not in str(refused.value)
    assert client.flush() == (0, 0)


def test_broken_bytes_are_not_sent(open_client: Callable[..., Client]) -> None:
    client = open_client(reads_decisions=False)
    for value in (b"", b"{", b"\xff", b"[]", b"null", b'{"type":"transaction"}'):
        with pytest.raises(InvalidEvent):
            client.publish(value)


def asked(threads: ThreadPoolExecutor, client: Client, what: dict[str, Any], timeout: float = 10.0) -> Future[Answer]:
    return threads.submit(client.decide, what, timeout)


def still_open(answer: Future[Answer]) -> bool:
    time.sleep(0.4)
    return not answer.done()


def test_progress_is_the_least_over_all_screen_partitions(
    center: Center, open_client: Callable[..., Client], threads: ThreadPoolExecutor
) -> None:
    client = open_client()
    answer = asked(threads, client, event(center.institution, "e-1"))
    (record,) = center.take()
    center.mark_all(1 - record.partition, record.offset + 100)  # of another source partition
    center.mark(0, record.partition, record.offset)
    center.mark(1, record.partition, record.offset + 7)
    assert still_open(answer)
    center.mark(2, record.partition, record.offset - 1)
    assert still_open(answer)
    center.mark(2, record.partition, record.offset)
    allowed = answer.result(timeout=5)
    assert (allowed.decision, allowed.by) == ("allow", "progress")
    assert allowed.receipt.result() == (record.partition, record.offset)
    assert set(allowed.reason) == {"kk", "ru", "en"}


def test_a_loan_is_answered_by_what_becomes_of_loans(
    center: Center, open_client: Callable[..., Client], threads: ThreadPoolExecutor
) -> None:
    client = open_client()
    loan = document("institution", center.institution, name="loan")
    answer = asked(threads, client, loan)
    for source in range(SOURCES):
        center.mark_all(source, 1_000)
    assert still_open(answer), "how far transactions are judged says nothing of loans"
    center.mark_all(0, 0, "loans")
    allowed = answer.result(timeout=5)
    assert (allowed.decision, allowed.by) == ("allow", "progress")
    assert allowed.receipt.topic == f"loans.{center.institution}"
    held = asked(threads, client, loan | {"event_id": "loan-2"})
    center.decide(0, "loan-2")
    assert held.result(timeout=5).decision == "hold"


def test_marks_that_are_there_already_count_for_later_events(
    center: Center, open_client: Callable[..., Client]
) -> None:
    client = open_client()
    for source in range(SOURCES):
        center.mark_all(source, 1_000)
    time.sleep(0.5)
    answer = client.decide(event(center.institution, "e-1"), timeout=5)
    assert answer.by == "progress"
    assert answer.waited_ms < 1_000


def test_marks_from_before_the_client_do_not_count(center: Center, open_client: Callable[..., Client]) -> None:
    for source in range(SOURCES):
        center.mark_all(source, 1_000)
    answer = open_client().decide(event(center.institution, "e-1"), timeout=0.7)
    assert answer.by == "policy"


def test_a_decision_comes_with_its_reason(
    center: Center, open_client: Callable[..., Client], threads: ThreadPoolExecutor
) -> None:
    client = open_client()
    answer = asked(threads, client, event(center.institution, "e-1"))
    (record,) = center.take()
    center.decide(1, "e-2")
    center.decide(1, "e-1", institution="HSBKKZKX")  # a hold that concerns us as the payee's institution
    assert still_open(answer)
    center.decide(1, "e-1", decision="step_up")
    center.mark_all(record.partition, record.offset)
    decided = answer.result(timeout=5)
    assert (decided.decision, decided.by) == ("step_up", "decision")
    assert decided.reason["ru"] == "причина"
    assert decided.legal_basis == "Law"
    assert decided.deadline is not None
    assert decided.typologies == ("T03",)


def test_a_repeat_of_a_held_event_is_still_held(
    center: Center, open_client: Callable[..., Client], threads: ThreadPoolExecutor
) -> None:
    client = open_client(policy=WhenSilent("allow"))
    answer = asked(threads, client, event(center.institution, "e-1"))
    center.take()
    center.decide(0, "e-1")
    assert answer.result(timeout=5).decision == "hold"
    assert client.decide(event(center.institution, "e-1"), timeout=5).by == "decision"
    client.close()
    again = open_client(policy=WhenSilent("allow"))
    for source in range(SOURCES):
        center.mark_all(source, 1_000)
    time.sleep(0.5)
    assert again.decide(event(center.institution, "e-1"), timeout=5).decision == "hold"


@pytest.mark.parametrize("silence", ["allow", "hold", "step_up"])
def test_silence_is_answered_by_the_policy(center: Center, open_client: Callable[..., Client], silence: Any) -> None:
    answer = open_client(policy=WhenSilent(silence)).decide(event(center.institution, "e-1"), timeout=0.5)
    assert (answer.decision, answer.by) == (silence, "policy")
    assert 450 <= answer.waited_ms < 900
    assert answer.receipt.result(timeout=5).offset == 0


def test_a_policy_has_to_be_declared(center: Center) -> None:
    with pytest.raises(TypeError):
        Client(center.bootstrap_servers, center.institution)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="a policy is one of"):
        WhenSilent("block")  # type: ignore[arg-type]


def test_a_record_that_cannot_be_read_never_becomes_an_allow(
    center: Center, open_client: Callable[..., Client], threads: ThreadPoolExecutor
) -> None:
    client = open_client()
    answer = asked(threads, client, event(center.institution, "e-1"), timeout=2.0)
    (record,) = center.take()
    center.send(0, b'{"type":"decision","event_id":"e-1","decision":"hold","new_field":1}')
    center.mark_all(record.partition, record.offset)
    assert answer.result(timeout=5).by == "policy"
    # What is published afterwards is answered by progress again.
    answer = asked(threads, client, event(center.institution, "e-2"))
    (record,) = center.take()
    center.mark_all(record.partition, record.offset)
    assert answer.result(timeout=5).by == "progress"


def test_many_threads_ask_at_once(
    center: Center, open_client: Callable[..., Client], threads: ThreadPoolExecutor
) -> None:
    client = open_client(policy=WhenSilent("step_up"))
    ended = threading.Event()

    def judge() -> None:
        while not ended.is_set():
            for partition, records in center.consumer.poll(timeout_ms=20).items():
                for record in records:
                    event_id = json.loads(record.value)["event_id"]
                    if event_id.endswith("5"):
                        center.decide(int(event_id[2:]) % SCREENS, event_id, decision="block")
                center.mark_all(partition.partition, records[-1].offset)

    judging = threading.Thread(target=judge)
    judging.start()
    try:
        answers = [asked(threads, client, event(center.institution, f"e-{number}"), 20.0) for number in range(300)]
        for number, answer in enumerate(answers):
            expected = ("block", "decision") if number % 10 == 5 else ("allow", "progress")
            result = answer.result(timeout=30)
            assert (result.decision, result.by) == expected
    finally:
        ended.set()
        judging.join()
    assert client._reader is not None
    assert not client._reader._tickets
    assert client.flush() == (300, 0)


def test_a_frozen_network_is_an_error_and_never_silence(center: Center, open_client: Callable[..., Client]) -> None:
    with FreezableProxy() as network:
        client = open_client(delivery_seconds=2.0, proxy_url=network.url)
        client.publish(event(center.institution, "before")).result(timeout=5)
        network.freeze()
        began = time.monotonic()
        receipt = client.publish(event(center.institution, "during"))
        answer = client.decide(event(center.institution, "asked"), timeout=0.5)
        assert (answer.decision, answer.by) == ("hold", "policy")
        assert time.monotonic() - began < 1.5
        with pytest.raises(TimeoutError):
            receipt.result(timeout=0.1)
        with pytest.raises(NotAcknowledged, match="Publish it again"):
            receipt.result()
        with pytest.raises(PublishFailed) as failed:
            client.flush()
        assert (failed.value.acknowledged, failed.value.failed) == (1, 2)
        assert time.monotonic() - began < 8
        network.thaw()
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                client.publish(event(center.institution, "after")).result(timeout=10)
                break
            except NotAcknowledged:
                continue
        else:
            pytest.fail("the client did not recover")
        for source in range(SOURCES):
            center.mark_all(source, 1_000)
        assert client.decide(event(center.institution, "again"), timeout=5).by == "progress"


def test_the_buffer_is_bounded(center: Center, open_client: Callable[..., Client]) -> None:
    with FreezableProxy() as network:
        client = open_client(delivery_seconds=1.5, buffer_events=10, proxy_url=network.url)
        client.publish(event(center.institution, "before")).result(timeout=5)
        network.freeze()
        receipts = [client.publish(event(center.institution, f"e-{number}")) for number in range(10)]
        answer = client.decide(event(center.institution, "one-too-many"), timeout=0.3)
        assert (answer.decision, answer.by) == ("hold", "policy")
        assert isinstance(answer.receipt.error(), BufferFull)
        for receipt in receipts:
            with pytest.raises(NotAcknowledged):
                receipt.result()
        network.thaw()
        assert client.publish(event(center.institution, "room-again")).result(timeout=10)


def test_no_broker_is_one_clear_error(center: Center) -> None:
    began = time.monotonic()
    with pytest.raises(BrokerUnreachable, match=r"No broker answers at 127\.0\.0\.1:9"):
        Client("127.0.0.1:9", center.institution, policy=WhenSilent("hold"), connect_seconds=1.0)
    assert time.monotonic() - began < 5


def test_a_missing_topic_is_one_clear_error(kafka: Kafka) -> None:
    with pytest.raises(TopicMissing, match=r"tx\.NONEKZKA"):
        Client(kafka.bootstrap_servers, "NONEKZKA", policy=WhenSilent("hold"), connect_seconds=1.0)


def test_delivery_cannot_be_weakened_by_options(center: Center) -> None:
    with pytest.raises(ValueError, match="not a connection option: acks"):
        Client(center.bootstrap_servers, center.institution, policy=WhenSilent("hold"), acks=0)


def test_closing_leaves_no_thread_behind(center: Center) -> None:
    before = threading.active_count()
    with Client(center.bootstrap_servers, center.institution, policy=WhenSilent("hold")) as client:
        client.publish(event(center.institution, "e-1"))
        assert threading.active_count() > before
    until = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.05)
    assert threading.active_count() <= before
    client.close()
    with pytest.raises(RuntimeError):
        client.publish(event(center.institution, "e-2"))
