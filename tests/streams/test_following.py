"""The merge of `judged`: one country-wide order whatever the partitions and batches, nothing twice, nothing lost."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.events import EVENT, Events
from rules.rulebook import Rulebook
from streams import frames
from streams.assignor import assign
from streams.engine import in_order, marked_frame
from streams.following import FINDING, JudgedBatch, Mark, SourceName, moment
from streams.following_merge import BATCH_ROWS, Merge
from streams.frames import GapError
from streams.screening import Partition, Progress
from tests.streams import test_screening
from tests.streams.test_screening import Country, log_of

country = test_screening.country  # the fixture: two simulated days as rows
END = 2**62


@cache
def rulebook() -> Rulebook:
    return Rulebook.load()


Told = tuple[str, int, float, int, tuple[tuple[int, float], ...], SourceName]


@dataclass
class Taken:
    """What a merge gave, row by row."""

    rows: list[Told] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    largest: int = 0

    def note(self, batch: JudgedBatch) -> None:
        assert len(set(batch.rows["generation"].tolist())) == 1
        self.largest = max(self.largest, len(batch))
        for i, row in enumerate(batch.rows):
            found = batch.findings[batch.findings["row"] == i]
            self.rows.append(
                (
                    row["event_id"].decode(),
                    int(row["offset"]),
                    float(batch.risk[i]),
                    int(batch.state[i]),
                    tuple((int(each["typology"]), float(each["score"])) for each in found),
                    batch.sources[int(row["source"])],
                )
            )
        self.late += [name.decode() for name in batch.rows["event_id"][batch.late]]


def frame(rows: Events, first: int, mark: Mark) -> bytes:
    """A record as `screen` writes it; every third row has a finding."""
    n = len(rows)
    findings = np.zeros(len(rows[::3]), FINDING)
    findings["row"], findings["score"] = np.arange(0, n, 3), rows["amount"][::3]
    arrays = {
        "rows": rows,
        "risk": rows["amount"] / 1000.0,
        "scores": np.zeros((n, 2)),
        "typologies": np.zeros((n, 3), np.float32),
        "lists": np.zeros((n, 4), np.uint32),
        "state": np.ones(n, np.uint8),
        "findings": findings.view(np.uint8),
    }
    meta = {"first": first, "mark": mark, "sources": [(int(i), f"tx.{i}", 0) for i in np.unique(rows["source"])]}
    return frames.encode_arrays(frames.JUDGED, meta, arrays)


def random_rows(seed: int, count: int) -> Events:
    """Events of three sources in order, many at the same instant, of two generations."""
    chance = np.random.default_rng(seed)
    rows = np.zeros(count, EVENT)
    rows["epoch"] = np.sort(chance.integers(1, 4, count))
    rows["order_time"] = chance.integers(0, 12, count)
    rows["occurred_at"] = rows["order_time"] + chance.integers(0, 2, count)
    rows["event_id"] = [f"e{i}" for i in range(count)]
    rows["amount"] = np.arange(count)
    rows["source"] = chance.integers(0, 3, count)
    rows["offset"] = np.arange(count)
    rows = rows[in_order(rows)]
    rows["generation"] = 1 + (np.arange(count) > count // 2)
    return rows


def logs_of(rows: Events, partitions: int, chance: random.Random, resend: float = 0.0) -> list[list[bytes]]:
    """The partitions of `judged`: rows dealt out at random, cut anywhere between instants, with marks in between."""
    home = np.array([chance.randrange(partitions) for _ in range(len(rows))], np.int64)
    logs: list[list[bytes]] = [[] for _ in range(partitions)]
    for number in range(partitions):
        own, at = rows[home == number], 0
        while at < len(own):
            end = min(len(own), at + chance.randint(1, 6))
            # A mark stands below what comes next: frames of one generation may end anywhere.
            end = next((i for i in range(at + 1, end) if own["generation"][i] != own["generation"][at]), end)
            following = own[end] if end < len(own) else None
            mark = (END, END) if following is None else (int(following["epoch"]), int(following["order_time"]) - 1)
            back = max(0, at - chance.randint(0, 8)) if chance.random() < resend else at
            back = next((i for i in range(back, at) if own["generation"][i] == own["generation"][at]), at)
            logs[number].append(frame(own[back:end], back, mark))
            if chance.random() < 0.2:
                logs[number].append(marked_frame(end, mark))
            at = end
        logs[number].append(marked_frame(len(own), (END, END)))
    return logs


def merged(logs: list[list[bytes]], chance: random.Random, restore: float = 0.0) -> Taken:
    """Feed the logs in random portions, from time to time by way of a snapshot."""
    merge, taken, done = Merge(len(logs)), Taken(), [0] * len(logs)
    while open_logs := [n for n in range(len(logs)) if done[n] < len(logs[n])]:
        number = chance.choice(open_logs)
        end = min(len(logs[number]), done[number] + chance.randint(1, 4))
        again = max(0, done[number] - chance.randint(0, 2))  # as after a seek
        merge.take(number, list(enumerate(logs[number]))[again:end])
        done[number] = end
        for batch in merge.ready(lambda _: rulebook()):
            taken.note(batch)
        if chance.random() < restore:
            document, arrays = merge.state()
            merge = Merge.restore(document, {name: array.copy() for name, array in arrays.items()})
    assert merge.waiting_rows == 0
    return taken


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**30), count=st.integers(0, 80), partitions=st.integers(1, 4))
def test_the_order_is_that_of_the_key_whatever_the_partitions_batches_and_restarts(
    seed: int, count: int, partitions: int
) -> None:
    rows, chance = random_rows(seed, count), random.Random(seed)
    taken = merged(logs_of(rows, partitions, chance, resend=0.3), chance, restore=0.2)
    assert [name for name, *_ in taken.rows] == [name.decode() for name in rows["event_id"]]
    assert taken.late == []
    for row, (_, offset, risk, state, _, source) in zip(rows, taken.rows, strict=True):
        assert (offset, risk, state, source) == (row["offset"], row["amount"] / 1000.0, 1, (f"tx.{row['source']}", 0))
    assert all(score == risk * 1000 for _, _, risk, _, found, _ in taken.rows for _, score in found)


def test_a_late_event_stands_behind_the_mark_that_had_passed_it_whatever_the_batches() -> None:
    rows = random_rows(1, 4)
    rows["epoch"], rows["order_time"], rows["generation"] = 1, [10, 20, 5, 30], 1
    logs = [
        [frame(rows[:2], 0, (1, 25)), frame(rows[2:3], 2, (1, 26)), frame(rows[3:], 3, (1, 40))],
        [marked_frame(0, (1, 25)), marked_frame(0, (1, 50))],
    ]
    for seed in range(12):
        chance = random.Random(seed)
        merge, taken = Merge(2), Taken()
        order = [0, 0, 0, 1, 1]
        chance.shuffle(order)
        at = [0, 0]
        for number in order:
            merge.take(number, [(at[number], logs[number][at[number]])])
            at[number] += 1
            for batch in merge.ready(lambda _: rulebook()):
                taken.note(batch)
        names = [name.decode() for name in rows["event_id"]]
        assert [name for name, *_ in taken.rows] == names
        assert taken.late == [names[2]]


def test_missing_events_are_refused_and_a_log_that_begins_later_is_not() -> None:
    rows = random_rows(2, 6)
    rows["generation"] = 1
    merge = Merge(1)
    merge.take(0, [(17, frame(rows[:2], 100, (0, 0)))])
    with pytest.raises(GapError, match="judged/0: expected event 102, the log continues at 103"):
        merge.take(0, [(18, frame(rows[3:], 103, (0, 0)))])


def test_batches_are_of_bounded_size() -> None:
    rows = random_rows(3, 3 * BATCH_ROWS)
    taken = merged([[frame(rows[rows["generation"] == 1], 0, (0, 0)), marked_frame(0, (END, END))]], random.Random(0))
    assert taken.largest == BATCH_ROWS


class Judging(Country):
    """Partitions that write `judged` as `screen` does: the mark goes with the last record of a call."""

    def __init__(self, partitions: int) -> None:
        super().__init__(partitions)
        self.logs: list[list[bytes]] = [[] for _ in range(partitions)]
        self.marks: list[Mark] = [(-END, -END)] * partitions

    def note(self, partition: Partition, progress: Progress) -> None:
        super().note(partition, progress)
        first = partition.judged_count - sum(len(judgement.rows) for judgement in progress.judgements)
        sources = [(source.topic, source.partition) for source in partition.sources]
        log = self.logs[partition.number]
        for number, judgement in enumerate(progress.judgements, start=1):
            mark = partition.mark if number == len(progress.judgements) else self.marks[partition.number]
            log.append(judgement.frame(first, mark, sources))
            first += len(judgement.rows)
        self.marks[partition.number] = partition.mark
        log.append(marked_frame(partition.judged_count, partition.mark))


@pytest.mark.parametrize("partitions", [1, 2, 4])
def test_what_screen_judges_in_partitions_comes_as_from_one(country: Events, partitions: int) -> None:
    judging = Judging(partitions)
    judging.run(log_of(country, partitions, seed=4), seed=4)
    taken = merged(judging.logs, random.Random(partitions))
    assert taken.late == []
    assert [name for name, *_ in taken.rows] == [name.decode() for name in country["event_id"][in_order(country)]]
    assert any(found for *_, found, _ in taken.rows)


def test_what_a_mark_stands_for() -> None:
    assert moment((1_000, 0)) == moment((1_000, END)) == 1_000
    assert moment((1_000, -1)) == 999
    assert moment((1_000, 400)) == 400
    assert moment((1_000, -END)) == np.iinfo(np.int64).min


def test_one_member_has_all_partitions_of_a_whole_topic_and_keeps_them() -> None:
    partitions = {"judged": {0, 1, 2}}
    fresh = assign({"b": ({"judged"}, {}), "a": ({"judged"}, {})}, partitions, (), ("judged",))
    assert fresh == {"a": {"judged": [0, 1, 2]}, "b": {}}
    kept = assign({"b": ({"judged"}, {"judged": {0, 1, 2}}), "a": ({"judged"}, {})}, partitions, (), ("judged",))
    assert kept == {"a": {}, "b": {"judged": [0, 1, 2]}}
