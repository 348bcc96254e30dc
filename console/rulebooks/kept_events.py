"""Single events of the `judged` topic, found again by hash and time of arrival, as long as Kafka keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from kafka import KafkaConsumer, TopicPartition

from console.rulebooks.judged_log import Log
from console.rulebooks.stories import Kept
from streams import frames
from streams.verdicts import NEW

# An event is judged after it was appended: this long is read on for it before it is taken to be gone.
JUDGED_WITHIN_MS: Final = 15 * 60_000
# Reading on is cheaper than looking for a place anew where the next event came within this time.
NEAR_MS: Final = 5_000
_POLL_MS: Final = 500


def search(log: Log, wanted: Mapping[int, int], ended: Callable[[], bool]) -> dict[int, Kept]:
    """The events of `wanted` (hash → append time, ms UTC) that the log still has, found until `ended`.

    Raises:
        kafka.errors.KafkaError: the broker does not answer.
    """
    found: dict[int, Kept] = {}
    with log.consumer() as (consumer, partitions):
        if not partitions:
            return found
        bounds = consumer.end_offsets(partitions)
        for begin, end in stretches(wanted.values()):
            missing = {event for event, at in wanted.items() if begin <= at <= end} - found.keys()
            if not missing:
                continue
            for value in _values(consumer, bounds, begin, end, ended):
                found |= pick(value, wanted.keys() - found.keys())
                if missing <= found.keys():
                    break
    return found


def stretches(times: Iterable[int]) -> list[tuple[int, int]]:
    """Times (ms) that lie near each other together: the first and the last of each stretch, in order.

    >>> stretches([20_000, 1_000, 3_000])
    [(1000, 3000), (20000, 20000)]
    """
    found: list[tuple[int, int]] = []
    for at in sorted(set(times)):
        if found and at - found[-1][1] <= NEAR_MS:
            found[-1] = found[-1][0], at
        else:
            found.append((at, at))
    return found


def pick(value: bytes, wanted: set[int]) -> dict[int, Kept]:
    """The wanted events that one record of `judged` holds; repeats and contradictions say nothing."""
    if frames.kind_of(value) != frames.JUDGED:
        return {}
    _, arrays = frames.decode_arrays(value)
    rows = arrays["rows"]
    chosen = np.flatnonzero((arrays["state"] == NEW) & np.isin(rows["event"], np.array([*wanted], np.uint64)))
    return {
        int(rows["event"][i]): Kept(rows[i].copy(), arrays["scores"][i].copy(), arrays["lists"][i].copy())
        for i in chosen.tolist()
    }


def _values(
    consumer: KafkaConsumer, bounds: Mapping[TopicPartition, int], begin: int, end: int, ended: Callable[[], bool]
) -> Iterator[bytes]:
    """Records of all partitions that were written from `begin` (ms) on, until it is too late for what came at `end`."""
    begins: dict[TopicPartition, Any] = consumer.offsets_for_times(dict.fromkeys(bounds, begin))
    reading = {one for one in bounds if begins.get(one)}
    consumer.assign(sorted(reading))
    for one in reading:
        consumer.seek(one, begins[one].offset)
    while reading and not ended():
        for one, records in consumer.poll(timeout_ms=_POLL_MS).items():
            for record in records:
                if record.timestamp > end + JUDGED_WITHIN_MS:
                    reading.discard(one)
                    break
                yield record.value
        reading = {one for one in reading if consumer.position(one) < bounds[one]}
