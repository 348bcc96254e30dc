"""Order by marks, views, judgement once: the same alerts whatever the partitions, the frames, the cuts and restarts."""

from __future__ import annotations

import datetime
import random
from collections import defaultdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from rules.events import LATE, Events
from rules.rulebook import Rulebook
from simulator.country import Settings, write_country
from streams import frames
from streams.admission import Admission
from streams.contracts.headers import write_history
from streams.engine import in_order, spread
from streams.findings import Findings, SourceName
from streams.frames import GapError
from streams.replay import FileRecord
from streams.screening import Partition, Progress
from streams.tokens import demo_keys
from streams.verdicts import NEW, REPEAT

EPOCH = 1_000
SOURCES = 3
KEY = demo_keys()[0]


@cache
def rulebook() -> Rulebook:
    return Rulebook.load()


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Events:
    """Two simulated days as rows, in order, of three sources."""
    file = tmp_path_factory.mktemp("country") / "events.jsonl"
    settings = Settings(3, 400, 7, datetime.date(2026, 1, 5), institutions=6, transactions_only=True)
    write_country(settings, file, Path(f"{file}.csv"), lambda *_: None)
    records = [
        FileRecord(line, write_history(EPOCH), offset, 2_000_000_000_000)
        for offset, line in enumerate(file.read_bytes().splitlines())
    ]
    rows = Admission(KEY).admit(records, source=None, source_index=0).rows
    assert len(rows) > 3_000
    chance = np.random.default_rng(1)
    rows["source"] = chance.integers(0, SOURCES, len(rows))
    for source in range(SOURCES):
        own = rows["source"] == source
        rows["offset"][own] = np.arange(own.sum())
    return rows


def span(source: int, start: int, end: int, time: int) -> frames.Span:
    return frames.Span(f"tx.{source}", 0, start, end, EPOCH, time)


def log_of(rows: Events, partitions: int, seed: int, resend: float = 0.0) -> list[list[bytes]]:
    """The logs of `facts`: frames of several sources that run apart, some of them sent again as after a crash."""
    chance = random.Random(seed)
    logs: list[list[bytes]] = [
        [frames.encode_control([(f"tx.{s}", 0) for s in range(SOURCES)], [])] for _ in range(partitions)
    ]
    queues = [rows[rows["source"] == source] for source in range(SOURCES)]
    at = [0] * SOURCES

    def send(source: int, start: int, end: int, time: int) -> None:
        part = queues[source][start:end].copy()
        part["source"] = 0
        parts = dict(spread(part, partitions))
        for number in range(partitions):
            logs[number].append(frames.encode_facts(parts.get(number, part[:0]), [span(source, start, end, time)]))

    while any(at[s] < len(queues[s]) for s in range(SOURCES)):
        source = chance.choice([s for s in range(SOURCES) if at[s] < len(queues[s])])
        start, end = at[source], min(at[source] + chance.randint(1, 400), len(queues[source]))
        send(source, start, end, int(queues[source]["occurred_at"][end - 1]) - 1)
        if chance.random() < resend:
            back = max(0, start - chance.randint(0, 300))
            send(source, back, end, int(queues[source]["occurred_at"][end - 1]) - 1)
        at[source] = end
    for source in range(SOURCES):
        send(source, at[source], at[source], 2**62)
    return logs


class Country:
    """Some partitions that send each other views, and what they judged."""

    def __init__(self, partitions: int) -> None:
        self.partitions = [Partition(n, partitions, lambda _: rulebook()) for n in range(partitions)]
        self.views: list[list[bytes]] = [[] for _ in range(partitions)]
        self.alerts: dict[str, tuple[float, str, set[tuple[str, int]]]] = {}
        self.judged: dict[int, int] = defaultdict(int)
        self.progress = Progress()
        self.findings = Findings(KEY, frozenset())

    def note(self, partition: Partition, progress: Progress) -> None:
        for target, views in progress.views.items():
            self.views[target].extend(views)
        self.progress.late += progress.late
        self.progress.trimmed += progress.trimmed
        sources = [SourceName(s.topic, s.partition) for s in partition.sources]
        for judgement in progress.judgements:
            for event in judgement.rows["event"][judgement.state == NEW]:
                self.judged[int(event)] += 1
            for alert in self.findings.alerts(judgement, sources, partition.engine):
                if alert.typology.id != "T22":
                    assert alert.alert_id not in self.alerts, "the same alert was raised twice"
                    proof = {(each.event, each.source.offset) for each in alert.evidence if each.source}
                    self.alerts[alert.alert_id] = (alert.score, alert.typology.id, proof)

    def run(self, logs: list[list[bytes]], seed: int, restore: bool = False) -> None:
        """Feed the logs in random portions; with `restore`, from time to time by way of a snapshot."""
        chance = random.Random(seed)
        done, seen = [0] * len(logs), [0] * len(logs)
        while True:
            open_facts = [n for n in range(len(logs)) if done[n] < len(logs[n])]
            open_views = [n for n in range(len(logs)) if seen[n] < len(self.views[n])]
            if not open_facts and not open_views:
                return
            number = chance.choice(open_facts + open_views)
            partition = self.partitions[number]
            if restore and chance.random() < 0.05:
                document, arrays = partition.state()
                copies = {name: array.copy() for name, array in arrays.items()}
                partition = Partition.restore(document, copies, lambda _: rulebook())
                self.partitions[number] = partition
            if number in open_facts and (number not in open_views or chance.random() < 0.7):
                end = min(done[number] + chance.randint(1, 4), len(logs[number]))
                portion = list(enumerate(logs[number]))[done[number] : end]
                done[number] = end
                self.note(partition, partition.take_facts(portion))
            else:
                end = len(self.views[number])
                portion = list(enumerate(self.views[number]))[seen[number] : end]
                seen[number] = end
                self.note(partition, partition.take_views(portion))


@pytest.fixture(scope="module")
def expected(country: Events) -> Country:
    """What one partition says of the events in order, all at once."""
    alone = Country(1)
    alone.run(log_of(country, 1, seed=0), seed=0)
    assert len(alone.judged) == len(country)
    assert alone.alerts, "the country must hold something to find"
    return alone


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("partitions", [1, 2, 4])
def test_the_same_alerts_on_any_number_of_partitions(
    country: Events, expected: Country, partitions: int, seed: int
) -> None:
    run = Country(partitions)
    run.run(log_of(country, partitions, seed), seed)
    assert run.progress.late == 0
    assert set(run.judged.values()) == {1}
    assert run.judged == expected.judged
    assert run.alerts == expected.alerts


@pytest.mark.parametrize("partitions", [1, 2])
def test_frames_sent_again_and_restored_states_change_nothing(
    country: Events, expected: Country, partitions: int
) -> None:
    run = Country(partitions)
    run.run(log_of(country, partitions, seed=5, resend=0.5), seed=5, restore=True)
    assert run.progress.trimmed > 0
    assert run.judged == expected.judged
    assert run.alerts == expected.alerts


def test_the_state_is_a_function_of_the_log_whatever_the_batches(country: Events) -> None:
    logs = log_of(country, 1, seed=3)
    states = []
    for seed in (1, 2):
        run = Country(1)
        run.run(logs, seed)
        states.append(run.partitions[0].state())
    assert states[0][0] == states[1][0]
    for name, array in states[0][1].items():
        assert array.tobytes() == states[1][1][name].tobytes(), name


def test_a_missing_record_or_span_is_refused(country: Events) -> None:
    log = log_of(country, 1, seed=0)[0]
    partition = Partition(0, 1, lambda _: rulebook())
    with pytest.raises(GapError, match="expected offset 0"):
        partition.take_facts([(1, log[1])])
    partition = Partition(0, 1, lambda _: rulebook())
    partition.take_facts([(0, log[0])])
    rows = country[:1].copy()
    rows["source"] = 0
    partition.take_facts([(1, frames.encode_facts(rows, [span(0, 0, 5, 1)]))])
    with pytest.raises(GapError, match="continues at 7, seen up to 5"):
        partition.take_facts([(2, frames.encode_facts(rows[:0], [span(0, 7, 9, 2)]))])


def test_nothing_is_applied_before_every_known_source_has_spoken(country: Events) -> None:
    partition = Partition(0, 1, lambda _: rulebook())
    rows = country[country["source"] == 0][:10].copy()
    rows["source"] = 0
    ((_, rows),) = spread(rows, 1)
    declared = frames.encode_control([("tx.0", 0), ("tx.1", 0)], [])
    partition.take_facts([(0, frames.encode_facts(rows, [span(0, 0, 10, 2**62)]))])
    assert partition.pending_rows == 10, "no source is known yet"
    partition.take_facts([(1, declared)])
    assert partition.pending_rows == 10, "the other source has not spoken"
    progress = partition.take_facts([(2, frames.encode_facts(rows[:0], [span(1, 0, 0, 2**62)]))])
    assert partition.pending_rows == 0
    assert sum(len(judgement.rows) for judgement in progress.judgements) == 10
    assert ("tx.0", 0, 10) in partition.progress()


def test_a_source_that_is_passed_over_holds_nothing_up_and_its_return_is_late(country: Events) -> None:
    partition = Partition(0, 1, lambda _: rulebook())
    rows = country[country["source"] == 0][:10].copy()
    rows["source"] = 0
    ((_, rows),) = spread(rows, 1)
    known = [("tx.0", 0), ("tx.1", 0)]
    newest = int(rows["occurred_at"].max())
    partition.take_facts([(0, frames.encode_control(known, []))])
    partition.take_facts([(1, frames.encode_facts(rows, [span(0, 0, 10, newest)]))])
    assert partition.pending_rows == 10
    progress = partition.take_facts([(2, frames.encode_control(known, [("tx.1", 0)]))])
    assert sum(len(judgement.rows) for judgement in progress.judgements) == 10
    late = rows[:1].copy()
    late["event"] += np.uint64(1)
    late["event_id"] = b"late"
    progress = partition.take_facts([(3, frames.encode_facts(late, [span(1, 0, 1, newest)]))])
    assert progress.late == 1
    (judgement,) = progress.judgements
    assert judgement.rows["flags"][0] & LATE


def test_a_repeat_is_judged_as_such_and_changes_no_history(country: Events) -> None:
    partition = Partition(0, 1, lambda _: rulebook())
    rows = country[country["payer"] != 0][:1].copy()
    rows["source"] = 0
    ((_, rows),) = spread(rows, 1)
    rows["offset"] = 0
    again = rows.copy()
    again["offset"] = 1
    partition.take_facts([(0, frames.encode_control([("tx.0", 0)], []))])
    partition.take_facts([(1, frames.encode_facts(rows, [span(0, 0, 1, 2**62)]))])
    before = partition.engine.histories.entries(int(rows["payer"][0])).tobytes()
    progress = partition.take_facts([(2, frames.encode_facts(again, [span(0, 1, 2, 2**62)]))])
    assert progress.judgements[0].state.tolist() == [REPEAT]
    assert partition.engine.histories.entries(int(rows["payer"][0])).tobytes() == before


def test_rows_are_ordered_by_time_and_then_by_who_sent_them(country: Events) -> None:
    rows = country[:50].copy()
    rows["epoch"], rows["order_time"], rows["occurred_at"] = 1, 0, 5
    chance = np.random.default_rng(2)
    orders = []
    for _ in range(3):
        shuffled = rows[chance.permutation(len(rows))]
        orders.append(shuffled[in_order(shuffled)]["event_id"].tolist())
    assert orders[0] == orders[1] == orders[2]


def test_views_are_numbered_by_the_log_whatever_the_batches(country: Events) -> None:
    """After a crash the log is read again in other batches: what has a number that came before must be the same."""
    for number, log in enumerate(log_of(country, 2, seed=3)):
        sent = []
        for size in (1, 7, len(log)):
            partition = Partition(number, 2, lambda _: rulebook())
            portions = [list(enumerate(log))[start : start + size] for start in range(0, len(log), size)]
            views: dict[int, list[bytes]] = defaultdict(list)
            for portion in portions:
                for target, several in partition.take_facts(portion).views.items():
                    views[target] += several
            sent.append(views)
        assert sum(map(len, sent[0].values())) >= 5
        assert sent[0] == sent[1] == sent[2]
