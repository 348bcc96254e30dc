"""Compiled kernels of declared features: a table of aggregates, worked off over the entries of one history."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import float64, int64, uint64
from numpy.typing import NDArray

from rules.compiling import compiled
from rules.events import DAY_MS, LOCAL_OFFSET_MS
from rules.history_kernels import after, is_transaction, slot_of
from rules.history_layout import (
    AMOUNT,
    CHANNEL_SHIFT,
    COUNTERPARTY,
    DIRECTION_SHIFT,
    FLAGS_SHIFT,
    IN,
    KIND_SHIFT,
    NO_DAY,
    NOT_SEEN,
    OUT,
    PACKED,
    REGION_SHIFT,
    RING_DAYS,
    TIME,
    WORDS,
    Bytes,
    Floats,
    Integers,
    Shorts,
)

# What a feature aggregates; `rules.feature_table` compiles declarations to rows of these numbers.
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
        slot = slot_of(uint64(value), slots)
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
            slot = slot_of(uint64(party), slots)
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
def fill_features(
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
                            if (directions >> ((word >> DIRECTION_SHIFT) & 3)) & 1 and is_transaction(word):
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
                    count += (directions >> ((packed[i] >> DIRECTION_SHIFT) & 3)) & int64(is_transaction(packed[i]))
                if count > 0:
                    value = float64(found - first) / float64(count)
            out[features[f, SLOT]] = value / divisors[f]
