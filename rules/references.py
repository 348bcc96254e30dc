"""Reference sets: which lists a subject is on, at what time, as far as was known at what time.

Registries send entries: this token is set on, or withdrawn from, a list, valid from one instant to another. Entries
have two times. Valid time says when an entry holds; its order key (epoch, order_time) says from where on in the one
order of the log the center knows it. An answer depends on the set of entries alone and not on the order they came in:

- Of the entries of a key on a list that are known and valid, the one with the latest `valid_from` holds, of equal ones
  the higher `sequence`. Of those the citizen has the benefit: an appeal upheld, else set, else withdrawn.
- An entry withdrawn, or with its appeal upheld, says that the key is not on the list from its `valid_from` on.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from threading import RLock
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rules import reference_kernels as kernels
from rules.events import DEVICE, NO_TIME, PAYEE, PAYER, PHONE, Events

# The first is a protection that its subject asked for, `licensed` and `protected` speak for the subject.
LISTS: Final = (
    "refusal",
    "convicted",
    "dropper_suspected",
    "dropper_confirmed",
    "grey",
    "black",
    "pyramid",
    "licensed",
    "protected",
    "blocked_resource",
)
ACTIONS: Final = ("withdrawn", "set")
PROOFS: Final = ("not_given", "reasonable_grounds", "clear_evidence", "court_judgment")
APPEALS: Final = ("none", "open", "rejected", "upheld")
WITHDRAWN, SET = range(len(ACTIONS))
UPHELD: Final = APPEALS.index("upheld")

ENTRY: Final = np.dtype(
    [
        ("key", "<u8"),  # the first 64 bits of the subject's token
        ("list", "u1"),  # index into LISTS
        ("action", "u1"),  # index into ACTIONS
        ("proof", "u1"),  # index into PROOFS
        ("appeal", "u1"),  # index into APPEALS
        ("valid_from", "<i8"),  # ms since 1970 UTC
        ("valid_to", "<i8"),  # exclusive, or NO_TIME
        ("epoch", "<i8"),  # the order key, as of an EVENT
        ("order_time", "<i8"),
        ("sequence", "<i8"),  # of the registry; 0 where it gives none
        ("source", "<u2"),  # the place in the log: index of the source partition
        ("offset", "<i8"),
        ("number", "<u2"),  # of the entry, and of the token in it, within the record
    ]
)

Entries = NDArray[np.void]  # dtype ENTRY
FORMAT: Final = 1  # of the state
LARGEST_RUN: Final = 1 << 19  # entries; what is larger is not merged any more, so that merging needs little room
BITS_PER_ENTRY: Final = 8  # of the bitmap, at the least

_RECORD: Final = np.dtype([("source", "<i8"), ("offset", "<i8"), ("epoch", "<i8"), ("order_time", "<i8")])
_COLUMNS: Final = ("key", "valid_from", "sequence", "record", "end", "number", "what")
_CHUNK: Final = 1 << 17  # entries that a restored state is merged in
_KEYS_OF_ROLE: Final = {
    PAYER: ("payer", "payer_account"),
    PAYEE: ("payee", "payee_account"),
    DEVICE: ("device",),
    PHONE: ("phone",),
}


class _Run(NamedTuple):
    """Entries sorted by key, in columns; never changed once it is made."""

    key: NDArray[np.uint64]
    valid_from: NDArray[np.int64]
    sequence: NDArray[np.uint32 | np.int64]  # 32 bits where they hold every one of the run
    record: NDArray[np.uint32]  # index into the records
    end: NDArray[np.uint32]  # index into the ends
    number: NDArray[np.uint16]
    what: NDArray[np.uint16]  # list, action, proof, appeal
    first: NDArray[np.uint32]  # derived
    shift: int

    @classmethod
    def of(cls, columns: Mapping[str, NDArray[Any]]) -> _Run:
        """The run of columns that are sorted by key."""
        keys = columns["key"]
        bits = max(len(keys) // 8, 1).bit_length()
        first = np.empty((1 << bits) + 1, np.uint32)
        kernels.fill_first(keys, 64 - bits, first)
        return cls(**{name: columns[name] for name in _COLUMNS}, first=first, shift=64 - bits)

    def place_of(self, key: int) -> slice:
        return slice(*(int(np.searchsorted(self.key, np.uint64(key), side)) for side in ("left", "right")))


class ReferenceSets:
    """Entries of all lists, for all partitions of a worker together; see the module's docstring.

    Several partitions may insert the same entry: it is known by its key and place in the log. Lookups may run while
    another thread inserts. Memory: 32 bytes an entry, 36 where sequences are beyond 32 bits, and 32 for each record
    that entries came in.
    """

    def __init__(self) -> None:
        self.sources: list[tuple[str, int]] = []  # topic and partition by ENTRY["source"]
        self._index: dict[tuple[str, int], int] = {}
        self._runs: tuple[_Run, ...] = ()
        self._records: NDArray[np.void] = np.zeros(64, _RECORD)
        self._records_used = 0
        self._ends: NDArray[np.int64] = np.full(64, NO_TIME, np.int64)  # by `end`; 0 is open
        self._ends_used = 1
        self._end_of: dict[int, int] = {NO_TIME: kernels.OPEN}
        self._bitmap: NDArray[np.uint8] = np.zeros(1 << 10, np.uint8)
        self._lock = RLock()

    def __len__(self) -> int:
        """Number of entries."""
        return sum(len(run.key) for run in self._runs)

    def source(self, topic: str, partition: int) -> int:
        """The number of a source partition in ENTRY["source"]."""
        with self._lock:
            index = self._index.get((topic, partition))
            if index is None:
                index = self._index[topic, partition] = len(self.sources)
                self.sources.append((topic, partition))
            return index

    # -- what is asked ------------------------------------------------------------------------------------------------

    def lookup(
        self, keys: NDArray[np.uint64], valid_at: NDArray[np.int64], known_at: NDArray[np.int64]
    ) -> NDArray[np.uint32]:
        """The lists of each key: uint32[n], bit l for LISTS[l]; a key of 0 is on none.

        `valid_at` int64[n]: ms since 1970. `known_at` int64[n, 2]: the order key (epoch, order_time) up to which
        entries count, itself included.
        """
        out = np.zeros(len(keys), np.uint32)
        runs, bitmap = self._runs, self._bitmap
        if not runs or not len(keys):
            return out
        positions = np.empty(len(keys), np.int64)
        positions = positions[: kernels.candidates(keys, bitmap, _shift_of(bitmap), positions)]
        if not len(positions):
            return out
        shape = len(positions), len(LISTS)
        best = np.empty(shape, np.int64), np.empty(shape, np.int64), np.full(shape, -1, np.int8)
        asked = keys[positions], valid_at[positions], np.ascontiguousarray(known_at[positions])
        epochs, times = self._records["epoch"], self._records["order_time"]
        for run in runs:
            kernels.decide(
                run.key, run.first, run.shift, run.valid_from, run.sequence, run.record, run.end, run.what,
                epochs, times, self._ends, *asked, *best,
            )  # fmt: skip
        kernels.masks(positions, best[2], out)
        return out

    def of_events(self, rows: Events, roles: int, known_at: NDArray[np.int64] | None = None) -> NDArray[np.uint32]:
        """The lists of the subjects of events, as of occurred_at and known at their order key: uint32[n, 4].

        Columns in the order of ROLES; a party's lists are those of its person and of its account. Bit r of `roles`:
        ROLES[r] is wanted. `known_at` int64[n, 2]: other order keys than the events' own.
        """
        out = np.zeros((len(rows), 4), np.uint32)
        if not self._runs or not roles or not len(rows):
            return out
        columns = [(role, name) for role, names in _KEYS_OF_ROLE.items() if roles >> role & 1 for name in names]
        keys = np.concatenate([rows[name] for _, name in columns])
        if known_at is None:
            known_at = np.stack([rows["epoch"], rows["order_time"]], axis=1)
        found = self.lookup(
            keys, np.tile(rows["occurred_at"], len(columns)), np.tile(known_at, (len(columns), 1))
        ).reshape(len(columns), -1)
        for (role, _), lists in zip(columns, found, strict=True):
            out[:, role] |= lists
        return out

    def in_force(self, key: int, which: int, valid_at: int, known_at: tuple[int, int]) -> Entries:
        """The entries by which a key is on LISTS[which], with their places in the log; empty where it is not on it.

        Entries that say the same for the same time are all returned, in order of (epoch, order_time) and place.
        """
        entries = self.entries(key)
        entries = entries[(entries["list"] == which) & (entries["valid_from"] <= valid_at)]
        entries = entries[(entries["valid_to"] == NO_TIME) | (valid_at < entries["valid_to"])]
        epoch, time = known_at
        known = (entries["epoch"] < epoch) | ((entries["epoch"] == epoch) & (entries["order_time"] <= time))
        entries = entries[known]
        for name in ("valid_from", "sequence"):
            if len(entries):
                entries = entries[entries[name] == entries[name].max()]
        ranks = np.where(entries["action"] == SET, kernels.SET_RANK, kernels.WITHDRAWN_RANK)
        ranks[entries["appeal"] == UPHELD] = kernels.UPHELD_RANK
        decides = len(entries) > 0 and int(ranks.max()) == kernels.SET_RANK
        in_force: Entries = entries[(ranks == kernels.SET_RANK) & decides]
        return in_force

    def entries(self, key: int) -> Entries:
        """Every entry of a key, in order of (epoch, order_time) and place in the log."""
        held = [self._expanded(run, run.place_of(key)) for run in self._runs]
        entries = np.concatenate([np.empty(0, ENTRY), *held])
        return _without_repeats(entries)

    @property
    def memory_bytes(self) -> int:
        """Bytes in use: entries, records, the bitmap."""
        runs = sum(array.nbytes for run in self._runs for array in run[:-1])
        return runs + self._records.nbytes + self._ends.nbytes + self._bitmap.nbytes

    # -- what arrives -------------------------------------------------------------------------------------------------

    def insert(self, entries: Entries) -> int:
        """Take entries in, in any order; those that are held already change nothing. Returns how many were new.

        Raises ValueError for another dtype, or a list that this version does not know; then none was taken.
        """
        if entries.dtype != ENTRY or entries.ndim != 1:
            raise ValueError(f"entries must be one-dimensional of dtype ENTRY, not {entries.ndim}-dimensional")
        if len(entries) and int(entries["list"].max()) >= len(LISTS):
            raise ValueError(f"an entry is of list {int(entries['list'].max())}, this version knows {len(LISTS)}")
        with self._lock:
            entries = entries[~self._held(entries)]
            if len(entries):
                self._add(self._run_of(entries))
            return len(entries)

    def _held(self, entries: Entries) -> NDArray[np.bool_]:
        held = np.zeros(len(entries), np.bool_)
        keys = np.ascontiguousarray(entries["key"])
        sources, offsets, numbers = (entries[name].astype(np.int64) for name in ("source", "offset", "number"))
        for run in self._runs:
            kernels.find_held(
                run.key, run.first, run.shift, run.record, run.number, self._records["source"], self._records["offset"],
                keys, sources, offsets, numbers, held,
            )  # fmt: skip
        return held

    def _run_of(self, entries: Entries) -> _Run:
        order = np.argsort(entries["key"], kind="stable")
        what = entries["list"].astype(np.uint16)
        for name, shift in (
            ("action", kernels.ACTION_SHIFT),
            ("proof", kernels.PROOF_SHIFT),
            ("appeal", kernels.APPEAL_SHIFT),
        ):
            what |= entries[name].astype(np.uint16) << np.uint16(shift)
        made: dict[str, NDArray[Any]] = {
            "record": self._record_of(entries),
            "end": self._end(entries["valid_to"]),
            "what": what,
            "sequence": _narrowed(entries["sequence"]),
        }
        made |= {name: entries[name] for name in _COLUMNS if name not in made}
        return _Run.of({name: column[order] for name, column in made.items()})

    def _record_of(self, entries: Entries) -> NDArray[np.uint32]:
        """The number of the record of each entry; entries of one record stand together."""
        told = np.empty(len(entries), _RECORD)
        for name in _RECORD.names or ():
            told[name] = entries[name]
        begins = np.ones(len(told), np.bool_)
        begins[1:] = told[1:] != told[:-1]
        new = told[begins]
        used = self._records_used + len(new)
        if used > len(self._records):
            larger = np.zeros(max(used, len(self._records) * 3 // 2), _RECORD)
            larger[: self._records_used] = self._records[: self._records_used]
            self._records = larger
        self._records[self._records_used : used] = new
        numbers = np.cumsum(begins) - 1 + self._records_used
        self._records_used = used
        return numbers.astype(np.uint32)

    def _end(self, valid_to: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The number of each end of validity."""
        values, inverse = np.unique(valid_to, return_inverse=True)
        new = [value for value in values.tolist() if value not in self._end_of]
        if self._ends_used + len(new) > len(self._ends):
            larger = np.full(2 * (self._ends_used + len(new)), NO_TIME, np.int64)
            larger[: self._ends_used] = self._ends[: self._ends_used]
            self._ends = larger
        for value in new:
            self._ends[self._ends_used] = value
            self._end_of[value] = self._ends_used
            self._ends_used += 1
        numbers: NDArray[np.uint32] = np.array([self._end_of[value] for value in values.tolist()], np.uint32)[inverse]
        return numbers

    def _add(self, run: _Run) -> None:
        """One run more; runs of about the same size are merged, so that there are few."""
        runs = [*self._runs, run]
        while len(runs) > 1:
            older, newer = len(runs[-2].key), len(runs[-1].key)
            if older >= 2 * newer or older + newer > LARGEST_RUN:
                break
            runs[-2:] = [_merged(runs[-2], runs[-1])]
        self._mark(run, sum(len(one.key) for one in runs))
        self._runs = tuple(runs)

    def _mark(self, run: _Run, entries: int) -> None:
        if entries * BITS_PER_ENTRY > len(self._bitmap) * 8:
            bytes_needed = len(self._bitmap)
            while entries * BITS_PER_ENTRY > bytes_needed * 8:
                bytes_needed *= 2
            bitmap = np.zeros(bytes_needed, np.uint8)
            for held in self._runs:
                kernels.mark(held.key, bitmap, _shift_of(bitmap))
            self._bitmap = bitmap
        kernels.mark(run.key, self._bitmap, _shift_of(self._bitmap))

    def _expanded(self, run: _Run, part: slice) -> Entries:
        """Entries of a run as they came."""
        what = run.what[part]
        entries = np.empty(len(what), ENTRY)
        for name in ("key", "valid_from", "sequence", "number"):
            entries[name] = getattr(run, name)[part]
        for name in _RECORD.names or ():
            entries[name] = self._records[name][run.record[part]]
        entries["valid_to"] = self._ends[run.end[part]]
        entries["list"] = what & kernels.LIST_MASK
        entries["action"] = what >> kernels.ACTION_SHIFT & 1
        entries["proof"] = what >> kernels.PROOF_SHIFT & 3
        entries["appeal"] = what >> kernels.APPEAL_SHIFT & 3
        return entries

    # -- snapshots ----------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, NDArray[Any]]:
        """The whole state as arrays that do not change any more, without copying the large ones."""
        with self._lock:
            state: dict[str, NDArray[Any]] = {
                "format": np.array([FORMAT, len(self._runs)], np.int64),
                "sources": np.frombuffer(json.dumps(self.sources).encode(), np.uint8),
                "records": self._records[: self._records_used],
                "ends": self._ends[: self._ends_used],
            }
            for number, run in enumerate(self._runs):
                state |= {f"{number}.{name}": getattr(run, name) for name in _COLUMNS}
            return state

    @classmethod
    def restore(cls, state: Mapping[str, NDArray[Any]]) -> ReferenceSets:
        """Sets with the entries of a state; raises ValueError for one of another format."""
        sets = cls()
        sets.merge(state)
        return sets

    def merge(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take in the entries of a state; those that are held already change nothing."""
        if not len(state):
            return
        written, runs = (int(number) for number in state["format"])
        if written != FORMAT:
            raise ValueError(f"the state of the reference sets has format {written}, this version reads {FORMAT}")
        other = ReferenceSets()
        for topic, partition in json.loads(bytes(state["sources"])):
            other.source(topic, partition)
        other._records, other._records_used = np.array(state["records"]), len(state["records"])
        other._ends, other._ends_used = np.array(state["ends"]), len(state["ends"])
        other._end_of = {end: number for number, end in enumerate(other._ends.tolist())}
        other._runs = tuple(_Run.of({n: np.array(state[f"{i}.{n}"]) for n in _COLUMNS}) for i in range(runs))
        with self._lock:
            adopted = not self._runs and not self.sources
            if adopted:
                for name in ("sources", "_index", "_records", "_records_used", "_ends", "_ends_used", "_end_of"):
                    setattr(self, name, getattr(other, name))
                for run in other._runs:
                    self._mark(run, len(other))
                self._runs = other._runs
        if not adopted:
            sources = np.array([self.source(topic, partition) for topic, partition in other.sources], np.uint16)
            for run in other._runs:
                for start in range(0, len(run.key), _CHUNK):
                    entries = other._expanded(run, slice(start, start + _CHUNK))
                    entries["source"] = sources[entries["source"]]
                    self.insert(entries)


def _shift_of(bitmap: NDArray[np.uint8]) -> int:
    return 64 - (len(bitmap) * 8 - 1).bit_length()


def _merged(older: _Run, newer: _Run) -> _Run:
    order = np.argsort(np.concatenate([older.key, newer.key]), kind="stable")  # two sorted halves: one pass
    columns = {}
    for name in _COLUMNS:
        joined = np.concatenate([getattr(older, name), getattr(newer, name)])
        columns[name] = np.take(joined, order, out=_room(len(order), joined.dtype), mode="clip")
    return _Run.of(columns)


def _narrowed(sequence: NDArray[np.int64]) -> NDArray[np.uint32 | np.int64]:
    """Registries number their entries from 0 or 1 on: half the room does for nearly every one."""
    fits = int(sequence.min()) >= 0 and int(sequence.max()) < 1 << 32
    return sequence.astype(np.uint32) if fits else sequence


def _room(length: int, dtype: DTypeLike) -> NDArray[Any]:
    """An array to fill; a large one outside the heap, which would keep the holes that merged runs leave."""
    size = length * np.dtype(dtype).itemsize
    return np.empty(length, dtype) if size < 1 << 16 else np.frombuffer(mmap.mmap(-1, size), dtype)


def _places(entries: Entries) -> NDArray[np.intp]:
    return np.lexsort([entries[name] for name in ("number", "offset", "source", "order_time", "epoch")])


def _without_repeats(entries: Entries) -> Entries:
    entries = entries[_places(entries)]
    other = np.ones(len(entries), np.bool_)
    other[1:] = entries[1:] != entries[:-1]
    return entries[other]
