"""Compiled kernels that look a subject up, measure an event against its history and put the event into it.

Everything here is integer arithmetic on columns, except the statistics, whose few floating sums run in one fixed
order. Nothing reads a clock or knows where a batch ends, so the same rows in the same order leave the same bytes.

Layout of memory, owned by `rules.history.Histories`:

- `subjects[s]`: one `SUBJECT` record per subject, in order of first appearance.
- `index[slot]`: open addressing with linear probing; the upper 32 bits are the upper half of the subject's key and
  the lower 32 are its row + 1. 0 is empty. Nothing is ever deleted. It is derived: it is rebuilt after a restore.
- `arena`: 64-bit words. A subject with `capacity` entries has `8 * capacity` words from `base`: column j of entry i
  is `arena[base + j * capacity + i]`. Entries are sorted by (occurred_at, order applied).
- `summaries[slot]`: a ring of `RING_DAYS` days with what has left the reservoir of a busy subject.
- `tags`: one byte for every UNIT of the arena. Space is given out by the buddy system, so that what growing subjects
  leave behind joins up again for others: where a free block of order o begins, its tag is o + 1, elsewhere 0. The
  first two words of a free block are the next and the previous one in the list of its order.
- `counters`: subjects, words and summaries in use, then the head of the list of free blocks of each order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
from numba import float64, int64, uint32, uint64
from numpy.typing import NDArray

from rules.events import DAY_MS, EVENT, FIRST_FACT, HISTORY, LATE, LOCAL_OFFSET_MS, PARTY_KINDS

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Shorts = NDArray[np.int16]
Bytes = NDArray[np.uint8]
Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """`function` compiled by numba on first use and kept on disk, so that a restart does not compile again."""
    return cast(Function, numba.njit(cache=True, nogil=True, boundscheck=False)(function))


# Columns of an entry in the arena.
WORDS_PER_ENTRY: Final = 8
TIME, AMOUNT, COUNTERPARTY, EVENT_KEY, POSITION, CONTENT_ACCOUNT, WORDS, PACKED = range(WORDS_PER_ENTRY)

# Bits of the packed column: institution 16, region 8, kind 8, direction 8, channel 8, flags 16.
REGION_SHIFT, KIND_SHIFT, DIRECTION_SHIFT, CHANNEL_SHIFT, FLAGS_SHIFT = 16, 24, 32, 40, 48
IN, OUT, USED = range(3)
NEW_COUNTERPARTY: Final = 1 << 15  # the earliest held entry of its counterparty
# How a fact travelled is not what happened: replayed or late, it leaves the same history.
STORED_FLAGS: Final = 0x7FFF & ~(LATE | HISTORY)

# Size classes of a subject's region, in entries: steps of about a third waste less than powers of two.
CLASSES: Final = (4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)

SUBJECT: Final = np.dtype(
    [
        ("key", "<u8"),
        ("rest", "<u8"),
        ("base", "<i8"),  # first word in the arena
        ("first_seen", "<i8"),  # the earliest occurred_at of a transaction ever, also when that entry has left
        ("sums", "<i8", (3,)),  # amount_kzt of transactions ever, tiyn, by direction
        ("counts", "<i4", (3,)),  # transactions ever, by direction
        ("size", "<i4"),  # entries held
        ("size_class", "<i4"),  # index into CLASSES
        ("summary", "<i4"),  # slot in the summaries, or -1
        ("kind", "<i4"),  # index into SUBJECT_KINDS, as first seen
        ("facts", "<i4"),  # entries held that are facts and no transactions
    ]
)
SUBJECT_KINDS: Final = (*PARTY_KINDS, "device", "phone")
NOT_SEEN: Final = int(np.iinfo(np.int64).max)  # first_seen of a subject of which only facts are known

# A summary: RING_DAYS buckets of (day, count in/out/used, sum in/out/used).
RING_DAYS: Final = 128
BUCKET_WORDS: Final = 7
NO_DAY: Final = int(np.iinfo(np.int64).min)

# counters
SUBJECTS_USED, WORDS_USED, SUMMARIES_USED, FREE_HEADS = range(4)
COUNTERS: Final = FREE_HEADS + 11  # orders 0 to 10
NO_BLOCK: Final = -1
UNIT: Final = CLASSES[0]  # entries in a block of order 0
UNIT_WORDS: Final = UNIT * WORDS_PER_ENTRY

LATEST: Final = 32  # the statistics look at this many latest entries of the same direction
FEWEST: Final = 5  # and say nothing about habits under this many
STATISTICS: Final = (
    "events",
    "age_days",
    "amount_deviation",
    "gap_seconds",
    "burst",
    "hour_share",
    "counterparty_seen",
    "counterparty_share",
    "amount_over_max",
    "region_share",
)
(
    EVENTS_EVER,
    AGE_DAYS,
    AMOUNT_DEVIATION,
    GAP_SECONDS,
    BURST,
    HOUR_SHARE,
    COUNTERPARTY_SEEN,
    COUNTERPARTY_SHARE,
    AMOUNT_OVER_MAX,
    REGION_SHARE,
) = range(len(STATISTICS))

# What a feature aggregates; `rules.features` compiles declarations to rows of these numbers.
AGGREGATES: Final = (
    "count", "sum", "mean", "max", "min", "distinct", "reciprocal", "first_seen", "last_seen", "share",
)  # fmt: skip
COUNT, SUM, MEAN, MAX, MIN, DISTINCT, RECIPROCAL, FIRST_SEEN, LAST_SEEN, SHARE = range(len(AGGREGATES))

# Columns of a group: features of one role that share one filter.
GROUP_FILTER, GROUP_FIRST, GROUP_LAST = range(3)
# Columns of a filter; the first seven are tested in one pass without branches, the others where wanted. Of the bits of
# FLAGS exactly those of FLAGS_SET are set.
(
    DIRECTIONS,
    KINDS_MASK,
    CHANNELS_MASK,
    AT_LEAST,
    BELOW,
    FLAGS,
    FLAGS_SET,
    EXTRA,
    ROUND,
    SAME_COUNTERPARTY,
    REGION_IS,
    LEXICON,
    FILTER_WORDS,
) = range(13)
ANY_REGION, SAME_REGION, OTHER_REGION = range(3)
# Columns of a feature. TOTALS: what has left the reservoir counts too (the totals and the day buckets).
AGGREGATE, SLOT, WITHIN, TOTALS, UNFILTERED, OF_COLUMN, OF_SHIFT, OF_MASK, FEATURE_WORDS = range(9)
WHOLE_HISTORY, LOCAL_DAY = 0, -1  # in WITHIN: no window, and since the last midnight of Kazakhstan

ABSENT, NEW, REPEAT, CONTRADICTION = range(4)

_PAYER_INSTITUTION: Final = cast(Any, EVENT.fields)["payer_institution"][1]
_PAYEE_INSTITUTION: Final = cast(Any, EVENT.fields)["payee_institution"][1]
_INSTITUTION_LENGTH: Final = 11
_CAPACITIES: Final = np.array(CLASSES, dtype=np.int64)
_HASH: Final = np.uint64(0x9E3779B97F4A7C15)
_HOUR_MS: Final = 3_600_000


@compiled
def _slot_of(key: Any, slots: int) -> Any:
    return int64(((uint64(key) * _HASH) >> uint64(20)) & uint64(slots - 1))


@compiled
def find(index: Integers, subjects: NDArray[np.void], key: Any) -> int:
    """Row of the subject with this 64-bit key, or -1."""
    slots = index.shape[0]
    slot = _slot_of(key, slots)
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
    slot = _slot_of(key, slots)
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
def _take_region(arena: Integers, counters: Integers, tags: Bytes, capacity: int, top: int) -> Any:
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
def _widen(arena: Integers, counters: Integers, tags: Bytes, subjects: NDArray[np.void], row: int, top: int) -> None:
    """Move a full subject into a region of the next size class."""
    old_class = int64(subjects[row].size_class)
    old_base = subjects[row].base
    old_capacity, capacity = _CAPACITIES[old_class], _CAPACITIES[old_class + 1]
    size = int64(subjects[row].size)
    base = _take_region(arena, counters, tags, capacity, top)
    for column in range(WORDS_PER_ENTRY):
        source = arena[old_base + column * old_capacity : old_base + column * old_capacity + size]
        target = arena[base + column * capacity : base + column * capacity + size]
        for i in range(size):
            target[i] = source[i]
    _give_region(arena, counters, tags, old_base, old_capacity, top)
    subjects[row].base = base
    subjects[row].size_class = old_class + 1


@compiled
def _evict(
    arena: Integers, counters: Integers, subjects: NDArray[np.void], summaries: Integers, row: int, leaving: int
) -> None:
    """Let the `leaving` oldest entries of a subject go, transactions into its day buckets."""
    base, size = subjects[row].base, int64(subjects[row].size)
    capacity = _CAPACITIES[subjects[row].size_class]
    slot = int64(subjects[row].summary)
    if slot < 0:
        slot = counters[SUMMARIES_USED]
        counters[SUMMARIES_USED] = slot + 1
        subjects[row].summary = slot
        for bucket in range(RING_DAYS):
            summaries[slot, bucket, 0] = NO_DAY
    for i in range(leaving):
        if not _is_transaction(arena[base + PACKED * capacity + i]):
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
def _is_transaction(packed: int) -> bool:
    return (packed >> KIND_SHIFT) & 0xFF < FIRST_FACT


@compiled
def _is_held(keys: Integers, key: int) -> bool:
    """Whether a column holds a value; without a branch inside, so that it runs on whole vectors."""
    found = 0
    for i in range(keys.shape[0]):
        found |= int64(keys[i] == key)
    return found != 0


@compiled
def _count_equal(column: Integers, value: int) -> int:
    count = 0
    for i in range(column.shape[0]):
        count += int64(column[i] == value)
    return count


@compiled
def _verdict(arena: Integers, base: int, capacity: int, size: int, event: int, content: int) -> int:
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
def _amount_deviation(amount: int, amounts: Integers, held: int, logarithms: Floats) -> float:
    """(ln amount - median) / (1.4826 median absolute deviation + 0.15); sorts `amounts[:held]`."""
    for i in range(1, held):
        value = amounts[i]
        j = i - 1
        while j >= 0 and amounts[j] > value:
            amounts[j + 1] = amounts[j]
            j -= 1
        amounts[j + 1] = value
    for i in range(held):
        logarithms[i] = math.log(float64(max(amounts[i], 1)))
    half = held >> 1
    odd = held & 1
    median = logarithms[half] if odd else (logarithms[half - 1] + logarithms[half]) / 2.0
    # The deviations fall towards the median and rise after it: taking the smaller end outwards sorts them.
    right = half
    left = right - 1
    previous, latest = 0.0, 0.0
    for _ in range(half + 1):
        previous = latest
        if right >= held or (left >= 0 and abs(logarithms[left] - median) <= abs(logarithms[right] - median)):
            latest = abs(logarithms[left] - median)
            left -= 1
        else:
            latest = abs(logarithms[right] - median)
            right += 1
    spread = latest if odd else (previous + latest) / 2.0
    return float((math.log(float64(max(amount, 1))) - median) / (1.4826 * spread + 0.15))


@compiled
def _statistics(
    arena: Integers,
    base: int,
    capacity: int,
    before: int,
    events: int,
    first_seen: int,
    instant: int,
    is_fact: bool,
    direction: int,
    amount: int,
    counterparty: int,
    region: int,
    seen: int,
    latest: Integers,
    amounts: Integers,
    logarithms: Floats,
    out: Floats,
) -> None:
    """Fill `out[K]`: the event against the transactions among the `before` entries that precede it.

    `events` transactions precede it, those that have left counted too. Of a fact only they and the age are told.
    """
    out[EVENTS_EVER] = float64(events)
    if events > 0 and first_seen <= instant:
        out[AGE_DAYS] = float64(instant - first_seen) / float64(DAY_MS)
    if is_fact:
        return
    out[BURST] = 0.0
    if counterparty != 0:
        out[COUNTERPARTY_SEEN] = float64(seen)
    packed = base + PACKED * capacity
    held = 0
    i = before - 1
    while i >= 0 and held < LATEST:
        word = arena[packed + i]
        if (word >> DIRECTION_SHIFT) & 3 == direction and _is_transaction(word):
            latest[held] = i
            held += 1
        i -= 1
    if held == 0:
        return
    times = base + TIME * capacity
    out[GAP_SECONDS] = float64(instant - arena[times + latest[0]]) / 1000.0
    burst, near, same_region, known_regions, known, distinct, largest = 0, 0, 0, 0, 0, 0, 0
    for j in range(held):
        i = latest[j]
        since = instant - arena[times + i]
        burst += int64(since < _HOUR_MS)
        clock = since % DAY_MS
        near += int64(min(clock, DAY_MS - clock) <= 2 * _HOUR_MS)
        entry_region = (arena[packed + i] >> REGION_SHIFT) & 0xFF
        known_regions += int64(entry_region != 0)
        same_region += int64(entry_region == region)
        amounts[j] = arena[base + AMOUNT * capacity + i]
        largest = max(largest, amounts[j])
        party = arena[base + COUNTERPARTY * capacity + i]
        if party != 0:
            repeated = 0
            for k in range(j):
                repeated |= int64(arena[base + COUNTERPARTY * capacity + latest[k]] == party)
            known += 1
            distinct += 1 - repeated
    out[BURST] = float64(burst)
    if known > 0:
        out[COUNTERPARTY_SHARE] = float64(distinct) / float64(known)
    if largest > 0:
        out[AMOUNT_OVER_MAX] = float64(amount) / float64(largest)
    if region != 0 and known_regions > 0:
        out[REGION_SHARE] = float64(same_region) / float64(known_regions)
    if held >= FEWEST:
        out[HOUR_SHARE] = float64(near) / float64(held)
        out[AMOUNT_DEVIATION] = _amount_deviation(amount, amounts, held, logarithms)


@compiled
def _matching(
    arena: Integers,
    base: int,
    capacity: int,
    start: int,
    stop: int,
    filters: Integers,
    which: int,
    counterparty: int,
    own_region: int,
    lexicons: Bytes,
    matched: Integers,
    kept_here: Integers,
) -> int:
    """Write the entries of [start, stop) that pass a filter to `matched`, oldest first; return how many."""
    directions, kinds = filters[which, DIRECTIONS], filters[which, KINDS_MASK]
    channels, flags, flags_set = filters[which, CHANNELS_MASK], filters[which, FLAGS], filters[which, FLAGS_SET]
    at_least, below = filters[which, AT_LEAST], filters[which, BELOW]
    packed = arena[base + PACKED * capacity + start : base + PACKED * capacity + stop]
    amounts = arena[base + AMOUNT * capacity + start : base + AMOUNT * capacity + stop]
    # First the tests, in a loop that runs on whole vectors, then the gathering, which cannot.
    for i in range(stop - start):
        word, amount = packed[i], amounts[i]
        keep = (directions >> ((word >> DIRECTION_SHIFT) & 3)) & (kinds >> ((word >> KIND_SHIFT) & 63)) & 1
        keep &= channels >> ((word >> CHANNEL_SHIFT) & 63)
        keep &= int64(amount >= at_least) & int64(amount < below)
        keep &= int64(((word >> FLAGS_SHIFT) & flags) == flags_set)
        kept_here[i] = keep
    found = 0
    for i in range(stop - start):
        matched[found] = start + i
        found += kept_here[i]
    if filters[which, EXTRA] == 0:
        return found
    multiple, same, lexicon = filters[which, ROUND], filters[which, SAME_COUNTERPARTY], filters[which, LEXICON]
    region_is = filters[which, REGION_IS]
    kept = 0
    for j in range(found):
        i = matched[j]
        if same != 0 and arena[base + COUNTERPARTY * capacity + i] != counterparty:
            continue
        if region_is != ANY_REGION:
            region = (arena[base + PACKED * capacity + i] >> REGION_SHIFT) & 0xFF
            if region == 0 or own_region == 0 or (region == own_region) != (region_is == SAME_REGION):
                continue
        if multiple != 0 and arena[base + AMOUNT * capacity + i] % multiple != 0:
            continue
        if lexicon >= 0:
            words = arena[base + WORDS * capacity + i]
            hit = 0
            for _ in range(4):
                word = words & 0xFFFF
                hit |= int64(lexicons[lexicon, word >> 3]) >> (word & 7)
                words >>= 16
            if hit & 1 == 0:
                continue
        matched[kept] = i
        kept += 1
    return kept


@compiled
def _first_matched(matched: Integers, found: int, start: int) -> int:
    """Position in `matched[:found]` of the first entry that is not below `start`."""
    low, high = 0, found
    while low < high:
        middle = (low + high) >> 1
        if matched[middle] < start:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _distinct(
    arena: Integers, column: int, shift: int, mask: int, matched: Integers, first: int, found: int, table: Shorts
) -> int:
    """Number of different values other than 0 among the matched entries."""
    distinct = 0
    if mask == 0xFF:
        for value in range(256):
            table[value] = 0
        for j in range(first, found):
            table[(arena[column + matched[j]] >> shift) & mask] = 1
        for value in range(1, 256):
            distinct += table[value]
        return distinct
    # The table holds entry numbers and not values: two bytes a slot stay in the nearest cache.
    slots = _cleared_slots(table, found - first)
    for j in range(first, found):
        value = (arena[column + matched[j]] >> shift) & mask
        if value == 0:
            continue
        slot = _slot_of(uint64(value), slots)
        while table[slot] != 0 and (arena[column + table[slot] - 1] >> shift) & mask != value:
            slot = (slot + 1) & (slots - 1)
        if table[slot] == 0:
            table[slot] = matched[j] + 1
            distinct += 1
    return distinct


@compiled
def _reciprocal(
    arena: Integers, base: int, capacity: int, matched: Integers, first: int, found: int, table: Shorts
) -> int:
    """Number of counterparties among the matched entries with entries both in and out."""
    parties = base + COUNTERPARTY * capacity
    packed = base + PACKED * capacity
    out = 0
    for j in range(first, found):
        out += int64((arena[packed + matched[j]] >> DIRECTION_SHIFT) & 3 == OUT)
    rarer, rarer_count = (OUT, out) if 2 * out <= found - first else (IN, found - first - out)
    if rarer_count == 0:
        return 0
    # Those of the rarer direction into the table, then the others against it, each counted once.
    slots = _cleared_slots(table, rarer_count)
    both = 0
    for stage in range(2):
        for j in range(first, found):
            i = matched[j]
            party = arena[parties + i]
            is_rarer = (arena[packed + i] >> DIRECTION_SHIFT) & 3 == rarer
            if party == 0 or is_rarer != (stage == 0):
                continue
            slot = _slot_of(uint64(party), slots)
            while table[slot] != 0 and arena[parties + abs(table[slot]) - 1] != party:
                slot = (slot + 1) & (slots - 1)
            if stage == 0:
                if table[slot] == 0:
                    table[slot] = i + 1
            elif table[slot] > 0:
                table[slot] = -table[slot]
                both += 1
    return both


@compiled
def _cleared_slots(table: Shorts, values: int) -> int:
    """Clear as much of the table as `values` need at half load, a power of two, and return how much that is."""
    slots = 16
    while slots < 2 * values:
        slots <<= 1
    for slot in range(slots):
        table[slot] = 0
    return slots


@compiled
def _features(
    arena: Integers,
    base: int,
    capacity: int,
    subject: Any,
    summaries: Integers,
    own: int,
    instant: int,
    counterparty: int,
    own_region: int,
    needed: Any,
    groups: Integers,
    first_group: int,
    last_group: int,
    filters: Integers,
    features: Integers,
    typologies: NDArray[np.uint64],
    divisors: Floats,
    lexicons: Bytes,
    matched: Integers,
    table: Shorts,
    out: Floats,
) -> None:
    """Fill `out[F]` for the groups of one role: the entries up to and including entry `own`."""
    times = arena[base + TIME * capacity : base + TIME * capacity + own + 1]
    since_midnight = (instant + LOCAL_OFFSET_MS) % DAY_MS + 1
    for group in range(first_group, last_group):
        which = groups[group, GROUP_FILTER]
        widest = -1
        for f in range(groups[group, GROUP_FIRST], groups[group, GROUP_LAST]):
            if typologies[f] & needed != 0:
                within = features[f, WITHIN] if features[f, WITHIN] != LOCAL_DAY else since_midnight
                if within == WHOLE_HISTORY:
                    # Kept as totals, needs no walk.
                    if features[f, TOTALS] == 0:
                        widest = WHOLE_HISTORY
                        break
                    widest = max(widest, 1)
                else:
                    widest = max(widest, within)
        if widest < 0:
            continue
        ever = int64(subject.facts)
        for direction in range(3):
            if (filters[which, DIRECTIONS] >> direction) & 1:
                ever += subject.counts[direction]
        start = 0 if widest == WHOLE_HISTORY else after(times, instant - widest)
        # A shop never pays out: nothing to walk through.
        found = 0 if ever == 0 else _matching(
            arena, base, capacity, start, own + 1, filters, which, counterparty, own_region, lexicons, matched,
            matched[matched.shape[0] >> 1 :],
        )  # fmt: skip
        for f in range(groups[group, GROUP_FIRST], groups[group, GROUP_LAST]):
            if typologies[f] & needed == 0:
                continue
            within = features[f, WITHIN] if features[f, WITHIN] != LOCAL_DAY else since_midnight
            start = 0 if within == WHOLE_HISTORY else after(times, instant - within)
            first = _first_matched(matched, found, start)
            aggregate = features[f, AGGREGATE]
            value = np.nan
            if aggregate <= MEAN:
                count = found - first
                total = 0
                if aggregate != COUNT:
                    for j in range(first, found):
                        total += arena[base + AMOUNT * capacity + matched[j]]
                if features[f, TOTALS] != 0:
                    directions = filters[which, DIRECTIONS]
                    if within == WHOLE_HISTORY:
                        # What is ever known, less what comes after the event.
                        count, total = 0, 0
                        for direction in range(3):
                            if (directions >> direction) & 1:
                                count += subject.counts[direction]
                                total += subject.sums[direction]
                        for i in range(own + 1, subject.size):
                            word = arena[base + PACKED * capacity + i]
                            if (directions >> ((word >> DIRECTION_SHIFT) & 3)) & 1 and _is_transaction(word):
                                count -= 1
                                total -= arena[base + AMOUNT * capacity + i]
                    elif subject.summary >= 0:
                        for bucket in range(RING_DAYS):
                            day = summaries[subject.summary, bucket, 0]
                            if day != NO_DAY and instant - within < day * DAY_MS <= instant:
                                for direction in range(3):
                                    if (directions >> direction) & 1:
                                        count += summaries[subject.summary, bucket, 1 + direction]
                                        total += summaries[subject.summary, bucket, 4 + direction]
                if aggregate == COUNT:
                    value = float64(count)
                elif aggregate == SUM:
                    value = float64(total)
                elif count > 0:
                    value = float64(total) / float64(count)
            elif aggregate <= MIN:
                if found > first:
                    extreme = arena[base + AMOUNT * capacity + matched[first]]
                    for j in range(first + 1, found):
                        amount = arena[base + AMOUNT * capacity + matched[j]]
                        extreme = max(extreme, amount) if aggregate == MAX else min(extreme, amount)
                    value = float64(extreme)
            elif aggregate == DISTINCT:
                column = base + features[f, OF_COLUMN] * capacity
                shift, mask = features[f, OF_SHIFT], features[f, OF_MASK]
                value = float64(_distinct(arena, column, shift, mask, matched, first, found, table))
            elif aggregate == RECIPROCAL:
                value = float64(_reciprocal(arena, base, capacity, matched, first, found, table))
            elif aggregate == FIRST_SEEN:
                if features[f, UNFILTERED] != 0 and within == WHOLE_HISTORY:
                    if subject.first_seen != NOT_SEEN:
                        value = float64(instant - subject.first_seen)
                elif found > first:
                    value = float64(instant - times[matched[first]])
            elif aggregate == LAST_SEEN:
                last = found - 1
                if last >= first and matched[last] == own:
                    last -= 1
                if last >= first:
                    value = float64(instant - times[matched[last]])
            else:
                directions = filters[which, DIRECTIONS]
                packed = arena[base + PACKED * capacity + start : base + PACKED * capacity + own + 1]
                count = 0
                for i in range(own + 1 - start):
                    count += (directions >> ((packed[i] >> DIRECTION_SHIFT) & 3)) & int64(_is_transaction(packed[i]))
                if count > 0:
                    value = float64(found - first) / float64(count)
            out[features[f, SLOT]] = value / divisors[f]


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


@compiled
def apply_rows(
    rows: NDArray[np.void],
    raw: Bytes,
    begin: int,
    needed: NDArray[np.uint64],
    role_groups: Integers,
    groups: Integers,
    filters: Integers,
    features: Integers,
    typologies: NDArray[np.uint64],
    divisors: Floats,
    lexicons: Bytes,
    subjects: NDArray[np.void],
    index: Integers,
    arena: Integers,
    summaries: Integers,
    counters: Integers,
    tags: Bytes,
    limits: Integers,
    matched: Integers,
    table: Shorts,
    latest: Integers,
    logarithms: Floats,
    values: Floats,
    statistics: Floats,
    verdicts: Bytes,
) -> int:
    """Apply rows[begin:] in order; return the first row that there was no room for, or len(rows).

    `limits` is (index of the largest size class, entries that leave a full history, order of the largest block).
    Scratch: `latest` of 2 * LATEST + 4 words, `matched` of twice the largest capacity + 1, `table` of the smallest
    power of two that is at least twice the largest capacity, and 256.
    """
    largest_class, leaving, top = limits[0], limits[1], limits[2]
    amounts = latest[LATEST : 2 * LATEST]
    found_rows = latest[2 * LATEST : 2 * LATEST + 4]
    for n in range(begin, rows.shape[0]):
        if (
            counters[SUBJECTS_USED] + 4 > subjects.shape[0]
            or (counters[SUBJECTS_USED] + 4) * 3 > index.shape[0] * 2
            or counters[WORDS_USED] + 4 * (UNIT_WORDS << top) > arena.shape[0]
            or counters[SUMMARIES_USED] + 4 > summaries.shape[0]
        ):
            return n
        event_row = rows[n]
        event, content = int64(event_row.event), int64(event_row.content >> uint64(32))
        instant, amount = event_row.occurred_at, event_row.amount_kzt
        roles = int64(event_row.roles)
        is_fact = int64(event_row.kind) >= FIRST_FACT

        # All verdicts before any entry: payer and payee may be one subject.
        for role in range(4):
            found_rows[role] = -1
            key = event_row.payer
            if role == 1:
                key = event_row.payee
            elif role == 2:
                key = event_row.device
            elif role == 3:
                key = event_row.phone
            if key == 0 or (roles >> role) & 1 == 0:
                verdicts[n, role] = ABSENT
                continue
            row = find(index, subjects, key)
            found_rows[role] = row
            verdict = NEW
            if row >= 0:
                capacity = _CAPACITIES[subjects[row].size_class]
                size = int64(subjects[row].size)
                verdict = _verdict(arena, subjects[row].base, capacity, size, event, content)
            verdicts[n, role] = verdict

        for role in range(4):
            if verdicts[n, role] != NEW:
                continue
            if role == 0:
                key, rest, kind = event_row.payer, event_row.payer_rest, int64(event_row.payer_kind)
                direction, counterparty, account = OUT, int64(event_row.payee), event_row.payer_account
                region, own_region = int64(event_row.payee_region), int64(event_row.payer_region)
                institution = institution_hash(raw[n, _PAYEE_INSTITUTION : _PAYEE_INSTITUTION + _INSTITUTION_LENGTH])
            else:
                key, rest, kind = event_row.payee, event_row.payee_rest, int64(event_row.payee_kind)
                direction, counterparty, account = IN, int64(event_row.payer), event_row.payee_account
                region, own_region = int64(event_row.payer_region), int64(event_row.payee_region)
                institution = institution_hash(raw[n, _PAYER_INSTITUTION : _PAYER_INSTITUTION + _INSTITUTION_LENGTH])
            if role == 2:
                key, rest, kind = event_row.device, event_row.device_rest, 5
            if role == 3:
                key, rest, kind = event_row.phone, event_row.phone_rest, 6
            if role >= 2:
                direction, account, own_region = USED, event_row.payer_account, 0
            if is_fact:
                # Nothing was paid: whoever else is named is no counterparty.
                direction, counterparty = USED, 0

            row = found_rows[role]
            if row < 0:
                row = find(index, subjects, key)  # an earlier role of this row may have brought it
            if row < 0:
                row = counters[SUBJECTS_USED]
                counters[SUBJECTS_USED] = row + 1
                subjects[row].key = key
                subjects[row].rest = rest
                subjects[row].kind = kind
                subjects[row].base = _take_region(arena, counters, tags, _CAPACITIES[0], top)
                subjects[row].first_seen = NOT_SEEN
                subjects[row].summary = -1
                add_to_index(index, key, row)

            base, capacity = subjects[row].base, _CAPACITIES[subjects[row].size_class]
            size = int64(subjects[row].size)
            place = after(arena[base + TIME * capacity : base + TIME * capacity + size], instant)
            seen = 0
            if counterparty != 0:
                parties = arena[base + COUNTERPARTY * capacity : base + COUNTERPARTY * capacity + place]
                seen = _count_equal(parties, counterparty)
            events = int64(subjects[row].counts[0]) + subjects[row].counts[1] + subjects[row].counts[2]
            for i in range(place, size):
                events -= int64(_is_transaction(arena[base + PACKED * capacity + i]))
            _statistics(
                arena, base, capacity, place, events, subjects[row].first_seen, instant, is_fact, direction, amount,
                counterparty, region, seen, latest, amounts, logarithms, statistics[n, role],
            )  # fmt: skip

            if size == capacity:
                if subjects[row].size_class < largest_class:
                    _widen(arena, counters, tags, subjects, row, top)
                else:
                    _evict(arena, counters, subjects, summaries, row, leaving)
                    place = max(place - leaving, 0)
                base, capacity = subjects[row].base, _CAPACITIES[subjects[row].size_class]
                size = int64(subjects[row].size)
            if place < size:
                for column in range(WORDS_PER_ENTRY):
                    start = base + column * capacity
                    for i in range(size, place, -1):
                        arena[start + i] = arena[start + i - 1]
                if counterparty != 0 and seen == 0:
                    # The late entry is now the earliest of its counterparty.
                    for i in range(place + 1, size + 1):
                        if arena[base + COUNTERPARTY * capacity + i] == counterparty:
                            arena[base + PACKED * capacity + i] &= ~(int64(NEW_COUNTERPARTY) << FLAGS_SHIFT)
                            break
            flags = int64(event_row.flags) & STORED_FLAGS
            if counterparty != 0 and seen == 0:
                flags |= NEW_COUNTERPARTY
            folded = int64((account ^ (account >> uint64(32))) & uint64(0xFFFFFFFF))
            if account != 0 and folded == 0:
                folded = 1
            words = event_row.words
            arena[base + TIME * capacity + place] = instant
            arena[base + AMOUNT * capacity + place] = amount
            arena[base + COUNTERPARTY * capacity + place] = counterparty
            arena[base + EVENT_KEY * capacity + place] = event
            arena[base + POSITION * capacity + place] = (int64(event_row.source) << 44) | event_row.offset
            arena[base + CONTENT_ACCOUNT * capacity + place] = (content << 32) | folded
            arena[base + WORDS * capacity + place] = (
                int64(words[0]) | (int64(words[1]) << 16) | (int64(words[2]) << 32) | (int64(words[3]) << 48)
            )
            arena[base + PACKED * capacity + place] = (
                int64(institution)
                | (region << REGION_SHIFT)
                | (int64(event_row.kind) << KIND_SHIFT)
                | (int64(direction) << DIRECTION_SHIFT)
                | (int64(event_row.channel) << CHANNEL_SHIFT)
                | (flags << FLAGS_SHIFT)
            )
            subjects[row].size = size + 1
            if is_fact:
                subjects[row].facts += 1
            else:
                subjects[row].counts[direction] += 1
                subjects[row].sums[direction] += amount
                subjects[row].first_seen = min(subjects[row].first_seen, instant)
            _features(
                arena, base, capacity, subjects[row], summaries, place, instant, counterparty, own_region, needed[n],
                groups, role_groups[role], role_groups[role + 1], filters, features, typologies, divisors, lexicons,
                matched, table, values[n],
            )  # fmt: skip
    return len(rows)
