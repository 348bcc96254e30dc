"""Compiled kernels of the statistics: an event against the latest entries of its subject's history.

The few floating sums run in one fixed order, so that the same entries give the same bits.
"""

from __future__ import annotations

import math
from typing import Final

from numba import float64, int64

from rules.compiling import compiled
from rules.events import DAY_MS
from rules.history_kernels import is_transaction
from rules.history_layout import AMOUNT, COUNTERPARTY, DIRECTION_SHIFT, PACKED, REGION_SHIFT, TIME, Floats, Integers

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

_HOUR_MS: Final = 3_600_000


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
def fill_statistics(
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
        if (word >> DIRECTION_SHIFT) & 3 == direction and is_transaction(word):
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
