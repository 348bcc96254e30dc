"""Compiled kernels of the reference sets: is a key there at all, which entry of it decides, is this entry held already.

Keys are keyed tokens and so spread evenly over 64 bits. Nearly every key that is asked for is on no list, so a bitmap
with 8 bits or more for each entry answers first. What passes it is looked for in the runs, which are sorted by key;
`first[b]` is where the keys begin whose highest bits are b.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import int64, uint64
from numpy.typing import NDArray

from rules.compiling import compiled
from rules.events import NO_TIME

Keys = NDArray[np.uint64]
Integers = NDArray[np.int64]
Bytes = NDArray[np.uint8]

# Bits of a run's column `what`.
ACTION_SHIFT, PROOF_SHIFT, APPEAL_SHIFT = 5, 6, 8
LIST_MASK: Final = (1 << ACTION_SHIFT) - 1
SET: Final = 1
UPHELD: Final = 3
# Of entries that are alike in time and sequence the higher rank decides.
WITHDRAWN_RANK, SET_RANK, UPHELD_RANK = range(3)
OPEN: Final = 0  # in `end`: valid until further notice; else an index into `ends`

_HASH: Final = np.uint64(0x9E3779B97F4A7C15)


@compiled
def _bit_of(key: Any, shift: int) -> Any:
    return (uint64(key) * _HASH) >> uint64(shift)


@compiled
def mark(keys: Keys, bitmap: Bytes, shift: int) -> None:
    """Set the bit of every key; a bitmap of 2 ** b bits has the shift 64 - b."""
    for i in range(keys.shape[0]):
        bit = _bit_of(keys[i], shift)
        bitmap[bit >> uint64(3)] |= np.uint8(1 << int64(bit & uint64(7)))


@compiled
def candidates(keys: Keys, bitmap: Bytes, shift: int, out: Integers) -> int:
    """Write the positions of the keys that may be there to `out`; return how many. A key of 0 is none."""
    found = 0
    for i in range(keys.shape[0]):
        if keys[i] == 0:
            continue
        bit = _bit_of(keys[i], shift)
        if bitmap[bit >> uint64(3)] >> int64(bit & uint64(7)) & 1:
            out[found] = i
            found += 1
    return found


@compiled
def fill_first(keys: Keys, shift: int, first: NDArray[np.uint32]) -> None:
    """Write where the keys of each value of the bits from `shift` up begin, and the number of keys behind the last."""
    bucket = 0
    for i in range(keys.shape[0]):
        its = int64(keys[i] >> uint64(shift))
        while bucket <= its:
            first[bucket] = i
            bucket += 1
    while bucket < first.shape[0]:
        first[bucket] = keys.shape[0]
        bucket += 1


@compiled
def _begin(keys: Keys, first: NDArray[np.uint32], shift: int, key: Any) -> int:
    """Position of the first key that is not below this one."""
    bucket = int64(uint64(key) >> uint64(shift))
    low, high = int64(first[bucket]), int64(first[bucket + 1])
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return int(low)


@compiled
def decide(
    keys: Keys,
    first: NDArray[np.uint32],
    shift: int,
    valid_from: Integers,
    sequence: NDArray[np.uint32 | np.int64],
    record: NDArray[np.uint32],
    end: NDArray[np.uint32],
    what: NDArray[np.uint16],
    epochs: Integers,
    times: Integers,
    ends: Integers,
    asked: Keys,
    valid_at: Integers,
    known_at: Integers,
    best_from: Integers,
    best_sequence: Integers,
    best_rank: NDArray[np.int8],
) -> None:
    """Bring what decides about each key and list, best_*[n, lists], up to date with one run.

    `known_at` int64[n, 2]: (epoch, order_time). `best_rank` starts as -1.
    """
    for i in range(asked.shape[0]):
        key = asked[i]
        at = _begin(keys, first, shift, key)
        while at < keys.shape[0] and keys[at] == key:
            entry = at
            at += 1
            since = valid_from[entry]
            if since > valid_at[i] or (end[entry] != OPEN and valid_at[i] >= ends[end[entry]]):
                continue
            epoch = epochs[record[entry]]
            if epoch > known_at[i, 0] or (epoch == known_at[i, 0] and times[record[entry]] > known_at[i, 1]):
                continue
            said = int64(what[entry])
            which = said & LIST_MASK
            rank = SET_RANK if said >> ACTION_SHIFT & 1 == SET else WITHDRAWN_RANK
            if said >> APPEAL_SHIFT & 3 == UPHELD:
                rank = UPHELD_RANK
            held = int64(best_rank[i, which])
            if held >= 0:
                if since < best_from[i, which]:
                    continue
                if since == best_from[i, which]:
                    if sequence[entry] < best_sequence[i, which]:
                        continue
                    if sequence[entry] == best_sequence[i, which] and rank <= held:
                        continue
            best_from[i, which] = since
            best_sequence[i, which] = sequence[entry]
            best_rank[i, which] = rank


@compiled
def masks(positions: Integers, best_rank: NDArray[np.int8], out: NDArray[np.uint32]) -> None:
    """Set bit l of out[positions[i]] where what decides about list l is that the key was set on it."""
    for i in range(positions.shape[0]):
        bits = 0
        for which in range(best_rank.shape[1]):
            if best_rank[i, which] == SET_RANK:
                bits |= 1 << which
        out[positions[i]] = np.uint32(bits)


@compiled
def find_held(
    keys: Keys,
    first: NDArray[np.uint32],
    shift: int,
    record: NDArray[np.uint32],
    number: NDArray[np.uint16],
    sources: Integers,
    offsets: Integers,
    new_keys: Keys,
    new_sources: Integers,
    new_offsets: Integers,
    new_numbers: Integers,
    held: NDArray[np.bool_],
) -> None:
    """Set `held` where a run holds the entry of this key from the same place in the log."""
    for i in range(new_keys.shape[0]):
        at = _begin(keys, first, shift, new_keys[i])
        while at < keys.shape[0] and keys[at] == new_keys[i] and not held[i]:
            its = record[at]
            held[i] = number[at] == new_numbers[i] and offsets[its] == new_offsets[i] and sources[its] == new_sources[i]
            at += 1


assert NO_TIME < 0  # as `ends[OPEN]`, which nobody reads
