"""Where everything stands in the memory of histories, which `rules.history.Histories` owns.

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

from typing import Final

import numpy as np
from numpy.typing import NDArray

from rules.events import HISTORY, LATE, PARTY_KINDS

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Shorts = NDArray[np.int16]
Bytes = NDArray[np.uint8]

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
CAPACITIES: Final = np.array(CLASSES, dtype=np.int64)

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
