"""Finds the records behind a loan's alert: in Kafka while it keeps them, or in the files that a replay read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from kafka import KafkaConsumer, TopicPartition
from pydantic import ValidationError

from streams.contracts.credit_refusals import CreditRefusals
from streams.contracts.fields import milliseconds
from streams.contracts.headers import read_history
from streams.contracts.loan import Loan
from streams.contracts.reasons import FieldError
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.delivery import connection_options, reaching, topic_missing
from streams.event_files import read_values
from streams.evidence.document import LoanStep, NoLoan, OrderKey, Place, RefusalEntry
from streams.tokens import TokenKey

REFUSALS: Final = "registry.credit-refusals"


class Raw(NamedTuple):
    """A record as it stands in the log."""

    place: Place
    value: bytes
    appended: int  # ms
    epoch: int | None  # of a replayed history


class Log(Protocol):
    """Where records can be read again."""

    def topic(self, name: str) -> Iterator[Raw]:
        """The records of a topic that are still kept, in order of partition and offset."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that the document is made of."""

    borrower: str
    entries: list[RefusalEntry]
    steps: list[LoanStep]


def gather(alert: SuspiciousOperation, log: Log, key: TokenKey) -> Gathered:
    """The loan that an alert is about, with all its steps, and every refusal entry of its borrower.

    A record that came again is taken once, where it came first, as the center does.

    Raises:
        NoLoan: the alert is about no loan, its record is not kept any more, or the tokens are of another key.
    """
    places = [Place(alert.source.topic, alert.source.partition, alert.source.offset)]
    places += [Place(*each.source.model_dump().values()) for each in alert.evidence if each.source is not None]
    wanted = {place for place in places if not place.topic.startswith("tx.")}
    found = [
        loan
        for topic in sorted({place.topic for place in wanted})
        for raw in log.topic(topic)
        if raw.place in wanted and (loan := _loan(raw)) is not None
    ]
    if not found:
        raise NoLoan("no record of a loan stands where the alert points to, or it is not kept any more")
    about = found[0]
    borrower = key.text(key.token("person", about.borrower.id))
    if borrower not in {subject.token for subject in alert.subjects}:
        raise NoLoan("the borrower is no subject of the alert: the key of tokens is another than the center's")
    lender = next(place.topic for place in places if place in wanted)
    topic = f"loans.{about.institution}" if lender.startswith("loans.") else lender
    return Gathered(borrower, _entries(log, about.borrower.id), _steps(log, topic, about))


def _steps(log: Log, topic: str, about: Loan) -> list[LoanStep]:
    steps: dict[str, LoanStep] = {}
    for raw in log.topic(topic):
        loan = _loan(raw) if about.loan_id.encode() in raw.value else None
        if loan is None or (loan.loan_id, loan.borrower.id, loan.institution) != (
            about.loan_id,
            about.borrower.id,
            about.institution,
        ):
            continue
        step = LoanStep(
            loan.stage, loan.event_id, loan.occurred_at, _instant(raw.appended), _order(raw, loan.occurred_at),
            raw.place, loan.loan_id, loan.institution, str(loan.amount), loan.currency, loan.online, loan.secured,
        )  # fmt: skip
        steps.setdefault(loan.event_id, step)
    return list(steps.values())


def _entries(log: Log, person: str) -> list[RefusalEntry]:
    entries: dict[tuple[str, str, int], RefusalEntry] = {}
    for raw in log.topic(REFUSALS):
        if person.encode() not in raw.value:
            continue
        try:
            record = CreditRefusals.model_validate_json(raw.value)
        except ValidationError:
            continue  # the center has rejected it, with its place, to `rejected.*`
        for number, entry in enumerate(record.entries):
            if entry.id == person:
                known = RefusalEntry(
                    entry.action, entry.valid_from, entry.sequence, record.publisher, record.event_id,
                    _instant(raw.appended), _order(raw, record.occurred_at), raw.place, number,
                )  # fmt: skip
                entries.setdefault((record.publisher, record.event_id, number), known)
    return list(entries.values())


def _loan(raw: Raw) -> Loan | None:
    try:
        return Loan.model_validate_json(raw.value)
    except ValidationError:
        return None


def _order(raw: Raw, occurred_at: datetime) -> OrderKey:
    return OrderKey(raw.appended, 0) if raw.epoch is None else OrderKey(raw.epoch, milliseconds(occurred_at))


def _instant(appended: int) -> datetime:
    return datetime.fromtimestamp(appended / 1000, UTC)


class FileLog:
    """The files of a replay: every file is the topic of that name, and holds the refusals too.

    Files have no append time; a record is taken as recorded when it occurred.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files

    def topic(self, name: str) -> Iterator[Raw]:
        """The lines of the file of that name; of all files for the registry."""
        for path in self._files:
            if name not in (REFUSALS, path.name):
                continue
            for number, line in enumerate(read_values(path)):
                occurred = _occurred(line)
                if occurred is not None:
                    yield Raw(Place(path.name, 0, number), line, occurred, 1)


def _occurred(line: bytes) -> int | None:
    for contract in (Loan, CreditRefusals):
        try:
            return milliseconds(contract.model_validate_json(line).occurred_at)
        except ValidationError:
            continue
    return None


class KafkaLog:
    """The topics of a cluster."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers

    def topic(self, name: str) -> Iterator[Raw]:
        """The records of a topic from the oldest that is kept to its present end; controls are passed over."""
        with reaching(self._servers):
            consumer: Any = KafkaConsumer(
                bootstrap_servers=self._servers,
                enable_auto_commit=False,
                allow_auto_create_topics=False,
                **connection_options({}),
            )
        try:
            with reaching(self._servers):
                numbers = sorted(consumer.partitions_for_topic(name) or ())
                if not numbers:
                    raise topic_missing(name)
                for number in numbers:
                    yield from self._partition(consumer, TopicPartition(name, number))
        finally:
            consumer.close()

    def _partition(self, consumer: Any, partition: Any) -> Iterator[Raw]:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end = consumer.end_offsets([partition])[partition]
        while consumer.position(partition) < end:
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    if record.value:
                        place = Place(partition.topic, partition.partition, record.offset)
                        yield Raw(place, record.value, record.timestamp, _epoch(record))


def _epoch(record: Any) -> int | None:
    try:
        return read_history(record.headers, record.timestamp)[0]
    except FieldError:
        return None
