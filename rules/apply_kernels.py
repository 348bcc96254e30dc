"""The compiled kernel that measures events against the histories of their subjects and then puts them into these."""

from __future__ import annotations

from typing import Any, Final, cast

import numpy as np
from numba import int64, uint64
from numpy.typing import NDArray

from rules.compiling import compiled
from rules.events import EVENT, FIRST_FACT
from rules.feature_kernels import fill_features
from rules.history_kernels import (
    ABSENT,
    NEW,
    add_to_index,
    after,
    count_equal,
    evict,
    find,
    institution_hash,
    is_transaction,
    take_region,
    verdict_of,
    widen,
)
from rules.history_layout import (
    AMOUNT,
    CAPACITIES,
    CHANNEL_SHIFT,
    CONTENT_ACCOUNT,
    COUNTERPARTY,
    DIRECTION_SHIFT,
    EVENT_KEY,
    FLAGS_SHIFT,
    IN,
    KIND_SHIFT,
    NEW_COUNTERPARTY,
    NOT_SEEN,
    OUT,
    PACKED,
    POSITION,
    REGION_SHIFT,
    STORED_FLAGS,
    SUBJECTS_USED,
    SUMMARIES_USED,
    TIME,
    UNIT_WORDS,
    USED,
    WORDS,
    WORDS_PER_ENTRY,
    WORDS_USED,
    Bytes,
    Floats,
    Integers,
    Shorts,
)
from rules.statistic_kernels import LATEST, fill_statistics

_PAYER_INSTITUTION: Final = cast(Any, EVENT.fields)["payer_institution"][1]
_PAYEE_INSTITUTION: Final = cast(Any, EVENT.fields)["payee_institution"][1]
_INSTITUTION_LENGTH: Final = 11


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
                capacity = CAPACITIES[subjects[row].size_class]
                size = int64(subjects[row].size)
                verdict = verdict_of(arena, subjects[row].base, capacity, size, event, content)
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
                subjects[row].base = take_region(arena, counters, tags, CAPACITIES[0], top)
                subjects[row].first_seen = NOT_SEEN
                subjects[row].summary = -1
                add_to_index(index, key, row)

            base, capacity = subjects[row].base, CAPACITIES[subjects[row].size_class]
            size = int64(subjects[row].size)
            place = after(arena[base + TIME * capacity : base + TIME * capacity + size], instant)
            seen = 0
            if counterparty != 0:
                parties = arena[base + COUNTERPARTY * capacity : base + COUNTERPARTY * capacity + place]
                seen = count_equal(parties, counterparty)
            events = int64(subjects[row].counts[0]) + subjects[row].counts[1] + subjects[row].counts[2]
            for i in range(place, size):
                events -= int64(is_transaction(arena[base + PACKED * capacity + i]))
            fill_statistics(
                arena, base, capacity, place, events, subjects[row].first_seen, instant, is_fact, direction, amount,
                counterparty, region, seen, latest, amounts, logarithms, statistics[n, role],
            )  # fmt: skip

            if size == capacity:
                if subjects[row].size_class < largest_class:
                    widen(arena, counters, tags, subjects, row, top)
                else:
                    evict(arena, counters, subjects, summaries, row, leaving)
                    place = max(place - leaving, 0)
                base, capacity = subjects[row].base, CAPACITIES[subjects[row].size_class]
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
            fill_features(
                arena, base, capacity, subjects[row], summaries, place, instant, counterparty, own_region, needed[n],
                groups, role_groups[role], role_groups[role + 1], filters, features, typologies, divisors, lexicons,
                matched, table, values[n],
            )  # fmt: skip
    return len(rows)
