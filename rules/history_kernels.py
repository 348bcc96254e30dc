"""Compiled kernels that look a subject up, give it room, let its oldest entries go, and compare with what it holds.

Integer arithmetic on columns. Nothing reads a clock or knows where a batch ends, so the same rows in the same order
leave the same bytes. The layout of memory is that of rules/history_layout.py.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import int64, uint32, uint64
from numpy.typing import NDArray

from rules.compiling import compiled
from rules.events import DAY_MS, FIRST_FACT
from rules.history_layout import (
    AMOUNT,
    BUCKET_WORDS,
    CAPACITIES,
    CONTENT_ACCOUNT,
    DIRECTION_SHIFT,
    EVENT_KEY,
    FREE_HEADS,
    KIND_SHIFT,
    NO_BLOCK,
    NO_DAY,
    PACKED,
    RING_DAYS,
    SUMMARIES_USED,
    TIME,
    UNIT,
    UNIT_WORDS,
    WORDS_PER_ENTRY,
    WORDS_USED,
    Bytes,
    Integers,
)

ABSENT, NEW, REPEAT, CONTRADICTION = range(4)

_HASH: Final = np.uint64(0x9E3779B97F4A7C15)


@compiled
def slot_of(key: Any, slots: int) -> Any:
    return int64(((uint64(key) * _HASH) >> uint64(20)) & uint64(slots - 1))


@compiled
def find(index: Integers, subjects: NDArray[np.void], key: Any) -> int:
    """Row of the subject with this 64-bit key, or -1."""
    slots = index.shape[0]
    slot = slot_of(key, slots)
    tag = int64(uint64(key) >> uint64(32))
    while True:
        held = index[slot]
        if held == 0:
            return -1
        if (held >> 32) & 0xFFFFFFFF == tag:
            row = (held & 0xFFFFFFFF) - 1
            if subjects[row].key == key:
                return int(row)
        slot = (slot + 1) & (slots - 1)


@compiled
def add_to_index(index: Integers, key: Any, row: int) -> None:
    """Enter a subject that is not in the index yet."""
    slots = index.shape[0]
    slot = slot_of(key, slots)
    while index[slot] != 0:
        slot = (slot + 1) & (slots - 1)
    index[slot] = (int64(uint64(key) >> uint64(32)) << 32) | int64(row + 1)


@compiled
def rebuild_index(index: Integers, subjects: NDArray[np.void], used: int) -> None:
    """Enter the first `used` subjects into an empty index, in order of first appearance."""
    for row in range(used):
        add_to_index(index, subjects[row].key, row)


@compiled
def after(times: Integers, instant: int) -> int:
    """Number of entries with occurred_at ≤ instant; `times` is sorted."""
    low, high = 0, times.shape[0]
    # Nearly always the event is the newest.
    if high == 0 or times[high - 1] <= instant:
        return int(high)
    while low < high:
        middle = (low + high) >> 1
        if times[middle] <= instant:
            low = middle + 1
        else:
            high = middle
    return int(low)


@compiled
def _push_block(arena: Integers, counters: Integers, tags: Bytes, base: int, order: int) -> None:
    head = counters[FREE_HEADS + order]
    arena[base], arena[base + 1] = head, NO_BLOCK
    if head != NO_BLOCK:
        arena[head + 1] = base
    counters[FREE_HEADS + order] = base
    tags[base // UNIT_WORDS] = order + 1


@compiled
def _pull_block(arena: Integers, counters: Integers, tags: Bytes, base: int, order: int) -> None:
    following, previous = arena[base], arena[base + 1]
    if previous == NO_BLOCK:
        counters[FREE_HEADS + order] = following
    else:
        arena[previous] = following
    if following != NO_BLOCK:
        arena[following + 1] = previous
    tags[base // UNIT_WORDS] = 0


@compiled
def _take_block(arena: Integers, counters: Integers, tags: Bytes, order: int, top: int) -> Any:
    """First word of a block of `UNIT << order` entries: a free one, a part of a larger one, or of new memory."""
    found = order
    while found < top and counters[FREE_HEADS + found] == NO_BLOCK:
        found += 1
    base = counters[FREE_HEADS + found]
    if base == NO_BLOCK:
        base = counters[WORDS_USED]
        counters[WORDS_USED] = base + (UNIT_WORDS << top)
    else:
        _pull_block(arena, counters, tags, base, found)
    while found > order:
        found -= 1
        _push_block(arena, counters, tags, base + (UNIT_WORDS << found), found)
    return base


@compiled
def _give_block(arena: Integers, counters: Integers, tags: Bytes, base: int, order: int, top: int) -> None:
    """Free a block, together with its neighbours as far as they are free."""
    while order < top:
        neighbour = base ^ (UNIT_WORDS << order)
        if tags[neighbour // UNIT_WORDS] != order + 1:
            break
        _pull_block(arena, counters, tags, neighbour, order)
        base = min(base, neighbour)
        order += 1
    _push_block(arena, counters, tags, base, order)


@compiled
def take_region(arena: Integers, counters: Integers, tags: Bytes, capacity: int, top: int) -> Any:
    """First word of a region for `capacity` entries: a whole block, or three quarters of one."""
    order = 0
    while UNIT << order < capacity:
        order += 1
    base = _take_block(arena, counters, tags, order, top)
    if UNIT << order > capacity:
        _give_block(arena, counters, tags, base + capacity * WORDS_PER_ENTRY, order - 2, top)
    return base


@compiled
def _give_region(arena: Integers, counters: Integers, tags: Bytes, base: int, capacity: int, top: int) -> None:
    order = 0
    while UNIT << order < capacity:
        order += 1
    if UNIT << order == capacity:
        _give_block(arena, counters, tags, base, order, top)
    else:
        _give_block(arena, counters, tags, base, order - 1, top)
        _give_block(arena, counters, tags, base + (UNIT_WORDS << (order - 1)), order - 2, top)


@compiled
def widen(arena: Integers, counters: Integers, tags: Bytes, subjects: NDArray[np.void], row: int, top: int) -> None:
    """Move a full subject into a region of the next size class."""
    old_class = int64(subjects[row].size_class)
    old_base = subjects[row].base
    old_capacity, capacity = CAPACITIES[old_class], CAPACITIES[old_class + 1]
    size = int64(subjects[row].size)
    base = take_region(arena, counters, tags, capacity, top)
    for column in range(WORDS_PER_ENTRY):
        source = arena[old_base + column * old_capacity : old_base + column * old_capacity + size]
        target = arena[base + column * capacity : base + column * capacity + size]
        for i in range(size):
            target[i] = source[i]
    _give_region(arena, counters, tags, old_base, old_capacity, top)
    subjects[row].base = base
    subjects[row].size_class = old_class + 1


@compiled
def evict(
    arena: Integers, counters: Integers, subjects: NDArray[np.void], summaries: Integers, row: int, leaving: int
) -> None:
    """Let the `leaving` oldest entries of a subject go, transactions into its day buckets."""
    base, size = subjects[row].base, int64(subjects[row].size)
    capacity = CAPACITIES[subjects[row].size_class]
    slot = int64(subjects[row].summary)
    if slot < 0:
        slot = counters[SUMMARIES_USED]
        counters[SUMMARIES_USED] = slot + 1
        subjects[row].summary = slot
        for bucket in range(RING_DAYS):
            summaries[slot, bucket, 0] = NO_DAY
    for i in range(leaving):
        if not is_transaction(arena[base + PACKED * capacity + i]):
            subjects[row].facts -= 1
            continue
        day = arena[base + TIME * capacity + i] // DAY_MS
        bucket = day % RING_DAYS
        if summaries[slot, bucket, 0] < day:
            summaries[slot, bucket, 0] = day
            for word in range(1, BUCKET_WORDS):
                summaries[slot, bucket, word] = 0
        if summaries[slot, bucket, 0] == day:  # else it is more than RING_DAYS older than what the bucket holds
            direction = (arena[base + PACKED * capacity + i] >> DIRECTION_SHIFT) & 3
            summaries[slot, bucket, 1 + direction] += 1
            summaries[slot, bucket, 4 + direction] += arena[base + AMOUNT * capacity + i]
    for column in range(WORDS_PER_ENTRY):
        entries = arena[base + column * capacity : base + column * capacity + size]
        for i in range(size - leaving):
            entries[i] = entries[i + leaving]
    subjects[row].size = size - leaving


@compiled
def is_transaction(packed: int) -> bool:
    return (packed >> KIND_SHIFT) & 0xFF < FIRST_FACT


@compiled
def _is_held(keys: Integers, key: int) -> bool:
    """Whether a column holds a value; without a branch inside, so that it runs on whole vectors."""
    found = 0
    for i in range(keys.shape[0]):
        found |= int64(keys[i] == key)
    return found != 0


@compiled
def count_equal(column: Integers, value: int) -> int:
    count = 0
    for i in range(column.shape[0]):
        count += int64(column[i] == value)
    return count


@compiled
def verdict_of(arena: Integers, base: int, capacity: int, size: int, event: int, content: int) -> int:
    """NEW, REPEAT (held with the same content) or CONTRADICTION (held with other content)."""
    keys = arena[base + EVENT_KEY * capacity : base + EVENT_KEY * capacity + size]
    if not _is_held(keys, event):
        return NEW
    for i in range(size):
        if keys[i] == event:
            held = (arena[base + CONTENT_ACCOUNT * capacity + i] >> 32) & 0xFFFFFFFF
            return REPEAT if held == content else CONTRADICTION
    return NEW


@compiled
def institution_hash(code: Bytes) -> int:
    """16-bit FNV-1a hash of an institution's code, up to its first NUL; 0 only where there is none."""
    value = uint32(0x811C9DC5)
    length = 0
    for i in range(code.shape[0]):
        if code[i] == 0:
            break
        value = uint32((value ^ uint32(code[i])) * uint32(0x01000193))
        length += 1
    if length == 0:
        return 0
    folded = int64((value >> uint32(16)) ^ (value & uint32(0xFFFF)))
    return int(folded) if folded != 0 else 1
