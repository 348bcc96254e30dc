"""What the center has judged, judged again by other rules: rows and marks of lists from `judged`, no identities.

The rows of the topic are whole events, so histories, features and models are built anew for each rulebook. On which
lists somebody was stands in the record as it was known then. Two things differ from what was live: histories begin
empty at the first record that is read, for both rulebooks alike; and a loan is not judged again when a refusal comes
late.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from kafka import KafkaConsumer, TopicPartition

from console.rulebooks.difference import Run
from console.rulebooks.reports import AlertLine
from rules.events import FIRST_FACT, LOAN_KINDS, ROLES, Events
from rules.rulebook import Rulebook
from streams.delivery import connection_options
from streams.engine import Engine, deciding_verdict
from streams.findings import alert_id_of
from streams.following import JudgedBatch
from streams.following_merge import Merge
from streams.tokens import TokenKey
from streams.verdicts import NEW
from streams.wording import text_of

TOPIC: Final = "judged"
TIMEOUT_MS: Final = 10_000


class Log:
    """The `judged` topic of a cluster."""

    def __init__(self, bootstrap_servers: str, topic: str = TOPIC, **security: Any) -> None:
        self._settings = {"bootstrap_servers": bootstrap_servers.split(","), **connection_options(security)}
        self._topic = topic

    def since(self, at: int, rulebook: Rulebook, progress: Callable[[int, int], None]) -> Iterator[JudgedBatch]:
        """What was appended from `at` (ms) to the present end, in country-wide order; `progress` counts records.

        `rulebook` stands for all generations: whoever judges again does not ask which one judged before.

        Raises:
            kafka.errors.KafkaError: the broker does not answer.
        """
        with self.consumer() as (consumer, partitions):
            if not partitions:
                return
            consumer.assign(partitions)
            ends, begins = consumer.end_offsets(partitions), consumer.offsets_for_times(dict.fromkeys(partitions, at))
            start = {one: begins[one].offset if begins.get(one) else ends[one] for one in partitions}
            for one, offset in start.items():
                consumer.seek(one, offset)
            yield from self._read(consumer, start, ends, rulebook, progress)

    @contextlib.contextmanager
    def consumer(self) -> Iterator[tuple[KafkaConsumer, list[TopicPartition]]]:
        """A consumer that keeps no place in the log, and the topic's partitions; KafkaError: no broker answers."""
        consumer = KafkaConsumer(
            **self._settings,
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            group_id=None,
            bootstrap_timeout_ms=TIMEOUT_MS,
        )
        try:
            numbers = sorted(consumer.partitions_for_topic(self._topic) or ())
            yield consumer, [TopicPartition(self._topic, number) for number in numbers]
        finally:
            consumer.close()

    def _read(
        self,
        consumer: Any,
        start: dict[TopicPartition, int],
        ends: dict[TopicPartition, int],
        rulebook: Rulebook,
        progress: Callable[[int, int], None],
    ) -> Iterator[JudgedBatch]:
        merge = Merge(len(start))
        total = sum(ends[one] - offset for one, offset in start.items())
        while any(consumer.position(one) < ends[one] for one in start):
            for one, records in consumer.poll(timeout_ms=500).items():
                merge.take(one.partition, [(record.offset, record.value) for record in records])
            progress(sum(consumer.position(one) - offset for one, offset in start.items()), total)
            yield from merge.ready(lambda _: rulebook)


def judge_again(batches: Iterable[JudgedBatch], pairs: Sequence[tuple[Rulebook, Run]], key: TokenKey) -> None:
    """Judge batches by each of the rulebooks, from empty histories on; alerts and counts go to the runs."""
    engines = [Engine() for _ in pairs]
    for batch in batches:
        for engine, (rulebook, run) in zip(engines, pairs, strict=True):
            _judge(engine, batch, rulebook, run, key)


def _judge(engine: Engine, batch: JudgedBatch, rulebook: Rulebook, run: Run, key: TokenKey) -> None:
    rows = batch.rows.copy()
    # Whatever partition they lived in: here all of them live together.
    rows["home"] = 1
    rows["roles"] = sum((rows[role] != 0).astype(np.uint8) << bit for bit, role in enumerate(ROLES))
    parts = engine.apply(rows, rulebook)
    judged = rulebook.judge(rows, parts.needed, parts.values, parts.statistics, parts.scores, batch.lists)
    new = deciding_verdict(rows, parts.verdict) == NEW
    if not new.any():
        return
    run.judged += int(new.sum())
    run.saw(int(rows["occurred_at"][new].min()), int(rows["occurred_at"][new].max()))
    fired = (judged.score >= rulebook.alert_at) & rulebook.applies(parts.needed) & new[:, None]
    for i, t in zip(*np.nonzero(fired), strict=True):
        alert = _line(rows, int(i), rulebook, int(t), float(judged.score[i, t]), key)
        run.alerts.setdefault(alert.alert_id, alert)


def _line(rows: Events, i: int, rulebook: Rulebook, t: int, score: float, key: TokenKey) -> AlertLine:
    row, typology = rows[i], rulebook.typologies[t]
    action = typology.action(score)
    answered = int(row["kind"]) < FIRST_FACT or int(row["kind"]) in LOAN_KINDS
    return AlertLine(
        alert_id=alert_id_of(row, typology.id, typology.subject, key),
        typology=typology.id,
        status=typology.status,
        institution=text_of(row["institution"]),
        event_id=text_of(row["event_id"]),
        occurred_at=int(row["occurred_at"]),
        score=round(score, 6),
        decision=action.decision if action is not None and answered else None,
    )
