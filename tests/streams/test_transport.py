"""The parts of the batch transport that need no broker: cutting, exact offsets, the fetch clock, the assignor."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from streams.assignor import assign
from streams.batches import OpenBatches, cut
from streams.fetch_clock import FetchClock


def records(sizes: list[int], first: int = 0) -> list[SimpleNamespace]:
    return [SimpleNamespace(offset=first + i, value=b"x" * size) for i, size in enumerate(sizes)]


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 7), st.integers(1, 60))
def test_cut_keeps_every_record_in_order_within_the_limits(sizes: list[int], most: int, size: int) -> None:
    whole = records(sizes)
    runs = cut(whole, max_records=most, max_bytes=size)
    assert [record for run in runs for record in run] == whole
    for run in runs:
        assert 0 < len(run) <= most
        assert len(run) == 1 or sum(len(record.value) for record in run) <= size


def test_cut_takes_tombstones() -> None:
    tombstones = [SimpleNamespace(offset=i, value=None) for i in range(3)]
    assert cut(tombstones, max_records=2) == [tombstones[:2], tombstones[2:]]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_committed_offset_is_the_end_of_the_acknowledged_prefix(steps: list[int], random: object) -> None:
    """Against the obvious definition, with gaps between batches and acknowledgements in any order."""
    ends, offset = [], -1
    for step in steps:
        offset += step
        ends.append(offset)
    batches = OpenBatches()
    for end in ends:
        batches.open(end)
    order = ends.copy()
    random.shuffle(order)  # type: ignore[attr-defined]
    done: set[int] = set()
    committed = 0
    for end in order:
        assert batches.acknowledge(end)
        assert not batches.acknowledge(end), "a batch counts once"
        done.add(end)
        prefix = 0
        for candidate in ends:
            if candidate not in done:
                break
            prefix = candidate + 1
        committed = batches.committable() or committed
        assert committed == prefix
    assert len(batches) == 0


def test_a_batch_that_was_revoked_or_covered_cannot_be_acknowledged() -> None:
    batches = OpenBatches()
    batches.open(9)
    assert batches.acknowledge(9)
    assert batches.committable() == 10
    assert not batches.acknowledge(9)
    assert not OpenBatches().acknowledge(3)


def test_the_clock_knows_the_newest_fetch_that_found_no_more_than_was_read() -> None:
    clock = FetchClock()
    assert clock.read_up_to("tx.A", 0, 5) is None
    clock.note("tx.A", 0, end_offset=5, sent_ms=100.0)
    assert clock.read_up_to("tx.A", 0, 4) is None, "a record below the end is not read yet"
    assert clock.read_up_to("tx.A", 0, 5) == 100.0
    clock.note("tx.A", 0, end_offset=5, sent_ms=110.0)
    clock.note("tx.A", 0, end_offset=9, sent_ms=120.0)
    assert clock.read_up_to("tx.A", 0, 7) == 110.0
    assert clock.read_up_to("tx.A", 0, 9) == 120.0
    assert clock.end_of("tx.A", 0) == 9
    assert clock.read_up_to("tx.A", 1, 9) is None
    clock.forget("tx.A", 0)
    assert clock.read_up_to("tx.A", 0, 9) is None


TOGETHER = ("facts", "views")
PARTITIONS = {"facts": range(4), "views": range(4), "tx.A": range(2), "tx.B": range(1)}
TOPICS = set(PARTITIONS)


def owners(spread: dict[str, dict[str, list[int]]], topic: str) -> dict[int, str]:
    return {number: member for member, topics in spread.items() for number in topics.get(topic, ())}


def test_equal_numbers_of_facts_and_views_go_together_and_every_partition_has_one_owner() -> None:
    spread = assign({m: (TOPICS, {}) for m in ("w1", "w2", "w3")}, PARTITIONS, TOGETHER)
    assert owners(spread, "facts") == owners(spread, "views")
    for topic, numbers in PARTITIONS.items():
        assert sorted(owners(spread, topic)) == list(numbers)
        assert sum(len(topics.get(topic, ())) for topics in spread.values()) == len(numbers)
    shares = [len(topics.get("facts", ())) for topics in spread.values()]
    assert max(shares) - min(shares) <= 1


def test_state_stays_where_it_is_when_a_worker_joins_and_leaves() -> None:
    alone = assign({"w1": (TOPICS, {})}, PARTITIONS, TOGETHER)
    owned = {m: {t: set(n) for t, n in topics.items()} for m, topics in alone.items()}
    two = assign({"w1": (TOPICS, owned["w1"]), "w2": (TOPICS, {})}, PARTITIONS, TOGETHER)
    assert len(two["w1"]["facts"]) == len(two["w2"]["facts"]) == 2
    assert set(two["w1"]["facts"]) <= owned["w1"]["facts"]
    owned = {m: {t: set(n) for t, n in topics.items()} for m, topics in two.items()}
    again = assign({m: (TOPICS, owned[m]) for m in owned}, PARTITIONS, TOGETHER)
    assert owners(again, "facts") == owners(two, "facts"), "a rebalance without a cause moves nothing"
    left = assign({"w2": (TOPICS, owned["w2"])}, PARTITIONS, TOGETHER)
    assert sorted(left["w2"]["facts"]) == [0, 1, 2, 3]
