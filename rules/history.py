"""The recent events of every subject, in columns, and the one operation on them: apply rows in order.

A history holds the latest 4,096 entries of its subject in eight columns of 64-bit words; what leaves it stays as
totals and day buckets. It does not depend on the rulebook, so a feature written today reads yesterday's history.
The state is a pure function of the rows applied and their order: cutting them into other batches changes no byte.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rules import apply_kernels, history_kernels, statistic_kernels
from rules import history_layout as layout
from rules.events import EVENT, Events
from rules.feature_table import FeatureTable
from rules.history_layout import CLASSES, SUBJECT
from rules.statistic_kernels import STATISTICS

__all__ = ["ENTRY", "STATISTICS", "Applied", "Histories", "institution_hash"]

FORMAT: Final = 1  # of the state; raised when the layout changes
MAP_NORESERVE: Final = getattr(mmap, "MAP_NORESERVE", 0x4000)  # named by Python from 3.12 on; the value is Linux's

ENTRY: Final = np.dtype(
    [
        ("event", "<u8"),
        ("occurred_at", "<i8"),  # ms since 1970 UTC
        ("amount_kzt", "<i8"),  # tiyn
        ("counterparty", "<u8"),  # 0 where absent
        ("source", "<u2"),
        ("offset", "<i8"),
        ("content", "<u4"),  # upper half of EVENT["content"]
        ("account", "<u4"),  # hash of the subject's own account (of the payer's, for a device or phone); 0 where absent
        ("words", "<u2", (4,)),
        ("institution", "<u2"),  # `institution_hash` of the counterparty's institution
        ("region", "u1"),  # the counterparty's
        ("kind", "u1"),
        ("direction", "u1"),  # 0 in, 1 out, 2 used
        ("channel", "u1"),
        ("flags", "<u2"),  # as in EVENT, without late and history; bit 15: earliest held entry of its counterparty
    ]
)


@dataclass(frozen=True)
class Applied:
    """What applying n rows says about them; roles in the order of ROLES.

    `values` float64[n, F]: the features, the event included; NaN where not needed, not here, or undefined.
    `statistics` float64[n, 4, K]: each subject before the event, columns as in STATISTICS; NaN where undefined.
    `verdict` uint8[n, 4]: 0 absent or not in this partition, 1 new, 2 repeat (same content), 3 contradiction (the
    same event with other content). Only a new entry changes a history and has values and statistics.
    """

    values: NDArray[np.float64]
    statistics: NDArray[np.float64]
    verdict: NDArray[np.uint8]


class Histories:
    """The histories of one partition.

    `subjects` and `entries` say how much address space to reserve; memory is used only as it is touched, and more is
    reserved (with one copy) when they are exceeded. `largest` is the capacity of the busiest subjects, one of
    `CLASSES`, and an eighth of it leaves at a time.
    """

    def __init__(self, *, subjects: int = 1 << 24, entries: int = 1 << 28, largest: int = CLASSES[-1]) -> None:
        if largest not in CLASSES:
            raise ValueError(f"largest must be one of {CLASSES}, not {largest}")
        self.largest = largest
        # Room for one row must always be there: four subjects with the largest region each.
        top = 0
        while layout.UNIT << top < largest:
            top += 1
        words = max(entries, 4 * (layout.UNIT << top)) * layout.WORDS_PER_ENTRY
        self._subjects: NDArray[np.void] = _reserve(max(subjects, 8), SUBJECT)
        self._arena: NDArray[np.int64] = _reserve(words, np.int64)
        self._tags: NDArray[np.uint8] = _reserve(len(self._arena) // layout.UNIT_WORDS + 1, np.uint8)
        self._summaries = _as_summaries(_reserve(max(subjects >> 8, 8) * _SUMMARY_WORDS, np.int64))
        self._index: NDArray[np.int64] = np.zeros(1 << 12, dtype=np.int64)
        self._counters: NDArray[np.int64] = np.zeros(layout.COUNTERS, dtype=np.int64)
        self._counters[layout.FREE_HEADS :] = layout.NO_BLOCK
        self._limits = np.array([CLASSES.index(largest), max(largest // 8, 1), top], dtype=np.int64)
        # Scratch of the kernel, no state.
        slots = 256
        while slots < 2 * largest:
            slots *= 2
        self._matched: NDArray[np.int64] = np.zeros(2 * (largest + 1), dtype=np.int64)
        self._table: NDArray[np.int16] = np.zeros(slots, dtype=np.int16)
        self._latest: NDArray[np.int64] = np.zeros(2 * statistic_kernels.LATEST + 4, dtype=np.int64)
        self._logarithms: NDArray[np.float64] = np.zeros(statistic_kernels.LATEST, dtype=np.float64)

    def apply(self, rows: Events, table: FeatureTable, needed: NDArray[np.uint64]) -> Applied:
        """Apply rows of dtype EVENT in the order given, each seeing what the earlier ones left.

        `needed` uint64[n]: bit t set where typology t may apply to the row; a feature is computed where its
        typologies meet it. Raises ValueError for another dtype or length; then no row was applied.
        """
        if rows.dtype != EVENT or rows.ndim != 1:
            raise ValueError(f"rows must be one-dimensional of dtype EVENT, not {rows.ndim}-dimensional {rows.dtype}")
        if needed.shape != rows.shape or needed.dtype != np.uint64:
            raise ValueError(f"needed must be uint64[{len(rows)}], not {needed.dtype}{needed.shape}")
        rows = np.ascontiguousarray(rows)
        count = len(rows)
        raw = rows.view(np.uint8).reshape(count, EVENT.itemsize)
        values = np.full((count, len(table)), np.nan)
        statistics = np.full((count, 4, len(STATISTICS)), np.nan)
        verdict = np.zeros((count, 4), dtype=np.uint8)
        done = 0
        while done < count:
            done = apply_kernels.apply_rows(
                rows, raw, done, needed, table.role_groups, table.groups, table.filters, table.features,
                table.typologies, table.divisors, table.lexicons, self._subjects, self._index, self._arena,
                self._summaries, self._counters, self._tags, self._limits, self._matched, self._table, self._latest,
                self._logarithms, values, statistics, verdict,
            )  # fmt: skip
            if done < count:
                self._make_room()
        return Applied(values, statistics, verdict)

    def __len__(self) -> int:
        """Number of subjects."""
        return int(self._counters[layout.SUBJECTS_USED])

    def __contains__(self, key: int) -> bool:
        return self._row(key) >= 0

    def subject(self, key: int) -> np.void | None:
        """The record of a subject (dtype `SUBJECT`, a copy), or None. `key`: the first 64 bits of its token."""
        row = self._row(key)
        record: np.void | None = self._subjects[row].copy() if row >= 0 else None
        return record

    def entries(self, key: int) -> NDArray[np.void]:
        """Every entry held of a subject, oldest first, as an array of dtype ENTRY; empty for an unknown one."""
        row = self._row(key)
        if row < 0:
            return np.empty(0, dtype=ENTRY)
        return self._decode(row, slice(0, int(self._subjects[row]["size"])))

    def evidence(self, key: int, *, until: int, within_ms: int, limit: int) -> NDArray[np.void]:
        """The latest `limit` entries with occurred_at in (until - within_ms, until], newest first, dtype ENTRY."""
        row = self._row(key)
        if row < 0:
            return np.empty(0, dtype=ENTRY)
        record = self._subjects[row]
        base, size = int(record["base"]), int(record["size"])
        times = self._arena[base : base + size]
        stop = int(np.searchsorted(times, until, side="right"))
        start = max(int(np.searchsorted(times, until - within_ms, side="right")), stop - limit)
        return self._decode(row, slice(start, stop))[::-1]

    @property
    def memory_bytes(self) -> int:
        """Bytes in use: subjects, entries with the slack of their regions, summaries, index."""
        used = self._counters
        return int(
            used[layout.SUBJECTS_USED] * SUBJECT.itemsize
            + used[layout.WORDS_USED] * 8
            + used[layout.SUMMARIES_USED] * _SUMMARY_WORDS * 8
            + self._index.nbytes
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """The whole state as read-only views of the used parts, without copying.

        They change with the next `apply`: write them from a forked child, or before it. `restore` of the written
        arrays goes on exactly where this left off.
        """
        used = self._counters
        return {
            "format": np.array([FORMAT, self.largest], dtype=np.int64),
            "counters": _view(used),
            "subjects": _view(self._subjects[: used[layout.SUBJECTS_USED]]),
            "arena": _view(self._arena[: used[layout.WORDS_USED]]),
            "tags": _view(self._tags[: used[layout.WORDS_USED] // layout.UNIT_WORDS]),
            "summaries": _view(self._summaries[: used[layout.SUMMARIES_USED]]),
        }

    def fork_safe_arrays(self) -> dict[str, NDArray[Any]]:
        """The same as `state`: views that a forked child can write while the parent goes on."""
        return self.state()

    @classmethod
    def restore(
        cls, state: Mapping[str, NDArray[Any]], *, subjects: int = 1 << 24, entries: int = 1 << 28
    ) -> Histories:
        """Histories with a copy of a state; raises ValueError for one of another format or size."""
        written = [int(number) for number in state["format"]]
        if len(written) != 2 or written[0] != FORMAT:
            raise ValueError(f"the state of the histories has format {written[:1]}, this version reads {FORMAT}")
        counters = state["counters"]
        if counters.shape != (layout.COUNTERS,):
            raise ValueError("the state of the histories has other size classes than this version")
        held, words = int(counters[layout.SUBJECTS_USED]), int(counters[layout.WORDS_USED])
        lengths = {
            "subjects": held,
            "arena": words,
            "tags": words // layout.UNIT_WORDS,
            "summaries": int(counters[layout.SUMMARIES_USED]),
        }
        for name, length in lengths.items():
            if len(state[name]) != length:
                raise ValueError(f"{name} of the state of the histories has {len(state[name])} parts, not {length}")
        histories = cls(
            subjects=max(subjects, 2 * held),
            entries=max(entries, 2 * words // layout.WORDS_PER_ENTRY),
            largest=written[1],
        )
        while counters[layout.SUMMARIES_USED] + 4 > len(histories._summaries):
            histories._summaries = _as_summaries(_reserve(2 * histories._summaries.size, np.int64))
        histories._counters[:] = counters
        histories._subjects[:held] = state["subjects"]
        histories._arena[:words] = state["arena"]
        histories._tags[: len(state["tags"])] = state["tags"]
        histories._summaries[: len(state["summaries"])] = state["summaries"]
        histories._index_anew()
        return histories

    def _row(self, key: int) -> int:
        return int(history_kernels.find(self._index, self._subjects, np.uint64(key)))

    def _decode(self, row: int, part: slice) -> NDArray[np.void]:
        record = self._subjects[row]
        base, capacity = int(record["base"]), CLASSES[int(record["size_class"])]
        region = self._arena[base : base + layout.WORDS_PER_ENTRY * capacity].reshape(-1, capacity)
        packed = region[layout.PACKED, part]
        entries = np.empty(len(packed), dtype=ENTRY)
        entries["event"] = region[layout.EVENT_KEY, part].view(np.uint64)
        entries["occurred_at"] = region[layout.TIME, part]
        entries["amount_kzt"] = region[layout.AMOUNT, part]
        entries["counterparty"] = region[layout.COUNTERPARTY, part].view(np.uint64)
        entries["source"] = region[layout.POSITION, part] >> 44
        entries["offset"] = region[layout.POSITION, part] & ((1 << 44) - 1)
        entries["content"] = (region[layout.CONTENT_ACCOUNT, part] >> 32) & 0xFFFFFFFF
        entries["account"] = region[layout.CONTENT_ACCOUNT, part] & 0xFFFFFFFF
        for word in range(4):
            entries["words"][:, word] = (region[layout.WORDS, part] >> (16 * word)) & 0xFFFF
        entries["institution"] = packed & 0xFFFF
        entries["region"] = (packed >> layout.REGION_SHIFT) & 0xFF
        entries["kind"] = (packed >> layout.KIND_SHIFT) & 0xFF
        entries["direction"] = (packed >> layout.DIRECTION_SHIFT) & 0xFF
        entries["channel"] = (packed >> layout.CHANNEL_SHIFT) & 0xFF
        entries["flags"] = (packed >> layout.FLAGS_SHIFT) & 0xFFFF
        return entries

    def _make_room(self) -> None:
        """Whatever is too small for one more row is doubled; what is in it does not change."""
        used = self._counters
        if used[layout.SUBJECTS_USED] + 4 > len(self._subjects):
            self._subjects = _larger(self._subjects, int(used[layout.SUBJECTS_USED]))
        if used[layout.WORDS_USED] + 4 * (layout.UNIT_WORDS << int(self._limits[2])) > len(self._arena):
            self._arena = _larger(self._arena, int(used[layout.WORDS_USED]))
            self._tags = _larger(self._tags, int(used[layout.WORDS_USED]) // layout.UNIT_WORDS)
        if used[layout.SUMMARIES_USED] + 4 > len(self._summaries):
            flat = self._summaries.reshape(-1)
            self._summaries = _as_summaries(_larger(flat, int(used[layout.SUMMARIES_USED]) * _SUMMARY_WORDS))
        if (used[layout.SUBJECTS_USED] + 4) * 3 > len(self._index) * 2:
            self._index_anew()

    def _index_anew(self) -> None:
        slots = len(self._index)
        while (len(self) + 4) * 3 > slots * 2:
            slots *= 2
        self._index = np.zeros(slots, dtype=np.int64)
        history_kernels.rebuild_index(self._index, self._subjects, len(self))


_HUGE_PAGE: Final = 1 << 21
_SUMMARY_WORDS: Final = layout.RING_DAYS * layout.BUCKET_WORDS


def institution_hash(code: str) -> int:
    """The 16-bit hash under which entries hold an institution; 0 for none.

    >>> institution_hash("CASPKZKA") == institution_hash("IRTYKZKA"), institution_hash("")
    (False, 0)
    """
    return int(history_kernels.institution_hash(np.frombuffer(code.encode() + b"\0", dtype=np.uint8)))


def _reserve(length: int, dtype: DTypeLike) -> NDArray[Any]:
    """A zeroed array whose pages take memory only when they are first written."""
    size = length * np.dtype(dtype).itemsize
    try:
        pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
    except (OSError, ValueError):
        # No overcommit here, or a limit on address space: take a little, and double it when it is full.
        return np.zeros(min(length, 1 << 20), dtype=dtype)
    if size > _HUGE_PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel without huge pages is only slower
            pages.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(pages, dtype=dtype)


def _larger(array: NDArray[Any], used: int) -> NDArray[Any]:
    larger = _reserve(2 * len(array), array.dtype)
    if len(larger) <= len(array):
        larger = np.zeros(2 * len(array), dtype=array.dtype)
    larger[:used] = array[:used]
    return larger


def _as_summaries(words: NDArray[Any]) -> NDArray[np.int64]:
    whole = len(words) // _SUMMARY_WORDS * _SUMMARY_WORDS
    return words[:whole].reshape(-1, layout.RING_DAYS, layout.BUCKET_WORDS)


def _view(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
