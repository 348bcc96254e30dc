"""Histories, statistics and features once more, slowly and obviously, to compare the kernels with.

Shares no code with `rules.history` and its kernels: lists of plain entries, everything recomputed for every row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rules.events import CHANNELS, FACT_KINDS, KINDS, ROLES, word_hash
from rules.features import Feature
from rules.history import STATISTICS

DAY = 86_400_000
HOUR = 3_600_000
RING = 128
LATE, HISTORY = 1 << 5, 1 << 6
FLAGS = {
    "device_new": 1,
    "remote_access": 2,
    "own_deposit_broken": 4,
    "payer_non_resident": 8,
    "payee_non_resident": 16,
    "online": 128,
    "secured": 256,
}
TIME_UNITS = {"seconds": 1_000, "minutes": 60_000, "hours": HOUR, "days": DAY}


@dataclass
class Entry:
    """One event as one subject saw it."""

    event: int
    content: int
    occurred_at: int
    amount: int
    counterparty: int
    direction: str
    kind: str
    channel: str | None
    flags: int
    words: tuple[int, ...]
    region: int
    institution: int
    account: int
    position: tuple[int, int]
    new: bool = False

    @property
    def is_fact(self) -> bool:
        return self.kind in FACT_KINDS


@dataclass
class History:
    """Entries held, oldest first, and what is remembered of those that left."""

    kind: int
    held: list[Entry] = field(default_factory=list)
    ever: list[Entry] = field(default_factory=list)
    buckets: dict[int, list[Entry]] = field(default_factory=dict)  # day → entries that left


def fnv(data: bytes) -> int:
    """32-bit FNV-1a."""
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) % 2**32
    return value


def folded_institution(code: bytes) -> int:
    """16 bits of an institution's code, 0 only for none."""
    if not code:
        return 0
    value = fnv(code)
    return ((value >> 16) ^ (value % 2**16)) or 1


def folded_account(account: int) -> int:
    """32 bits of an account's token, 0 only for none."""
    return ((account >> 32) ^ (account % 2**32)) or (1 if account else 0)


class Oracle:
    """What `Histories` promises, for histories of at most `largest` entries of which `leaving` leave at a time."""

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.leaving = max(largest // 8, 1)
        self.histories: dict[int, History] = {}

    def apply(
        self,
        rows: np.ndarray,
        features: Sequence[Feature],
        lexicons: Mapping[str, Sequence[str]],
        typologies: Mapping[str, int],
        needed: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """values [n, F], statistics [n, 4, K] and verdicts [n, 4]."""
        values = np.full((len(rows), len(features)), np.nan)
        statistics = np.full((len(rows), 4, len(STATISTICS)), np.nan)
        verdicts = np.zeros((len(rows), 4), dtype=np.uint8)
        for n, row in enumerate(rows):
            for role, name in enumerate(ROLES):
                verdicts[n, role] = self.verdict(row, role, int(row[name]))
            for role, name in enumerate(ROLES):
                if verdicts[n, role] != 1:
                    continue
                entry, own_region, kind = self.entry(row, role)
                history = self.histories.setdefault(int(row[name]), History(kind))
                found = self.statistics(history, entry)
                statistics[n, role] = [found.get(statistic, math.nan) for statistic in STATISTICS]
                self.insert(history, entry)
                for column, feature in enumerate(features):
                    if feature.role == role and typologies[feature.name] & int(needed[n]):
                        values[n, column] = self.feature(history, entry, own_region, feature, lexicons)
        return values, statistics, verdicts

    def verdict(self, row: Any, role: int, key: int) -> int:
        """0 absent or elsewhere, 1 new, 2 repeat, 3 contradiction."""
        if key == 0 or not int(row["roles"]) >> role & 1:
            return 0
        for entry in self.histories[key].held if key in self.histories else ():
            if entry.event == int(row["event"]):
                return 2 if entry.content == int(row["content"]) >> 32 else 3
        return 1

    def entry(self, row: Any, role: int) -> tuple[Entry, int, int]:
        """The entry that a role gets, the subject's own region and the subject's kind."""
        other = "payee" if role == 0 else "payer"
        own = "payee" if role == 1 else "payer"
        channel = int(row["channel"])
        kind_of_event = KINDS[int(row["kind"])]
        entry = Entry(
            event=int(row["event"]),
            content=int(row["content"]) >> 32,
            occurred_at=int(row["occurred_at"]),
            amount=int(row["amount_kzt"]),
            counterparty=0 if kind_of_event in FACT_KINDS else int(row[other]),
            direction="used" if kind_of_event in FACT_KINDS else ("out", "in", "used", "used")[role],
            kind=kind_of_event,
            channel=None if channel == 255 else CHANNELS[channel],
            flags=int(row["flags"]) & ~(LATE | HISTORY),
            words=tuple(int(word) for word in row["words"]),
            region=int(row[f"{other}_region"]),
            institution=folded_institution(bytes(row[f"{other}_institution"])),
            account=folded_account(int(row[f"{own}_account"])),
            position=(int(row["source"]), int(row["offset"])),
        )
        own_region = int(row[f"{own}_region"]) if role < 2 else 0
        kind = int(row[f"{own}_kind"]) if role < 2 else role + 3
        return entry, own_region, kind

    def statistics(self, history: History, event: Entry) -> dict[str, float]:
        """The statistics that are defined, from the entries that precede the event."""
        held = [entry for entry in history.held if not entry.is_fact]
        ever = [entry for entry in history.ever if not entry.is_fact]
        earlier = [entry for entry in held if entry.occurred_at <= event.occurred_at]
        left = len(ever) - len(held)
        found: dict[str, float] = {"events": left + len(earlier)}
        if earlier or left:
            first = min(entry.occurred_at for entry in ever)
            if first <= event.occurred_at:
                found["age_days"] = (event.occurred_at - first) / DAY
        if event.is_fact:
            return found
        found["burst"] = 0
        if event.counterparty:
            found["counterparty_seen"] = sum(entry.counterparty == event.counterparty for entry in earlier)
        latest = [entry for entry in earlier if entry.direction == event.direction][-32:]
        if not latest:
            return found
        found["gap_seconds"] = (event.occurred_at - latest[-1].occurred_at) / 1000
        found["burst"] = sum(event.occurred_at - entry.occurred_at < HOUR for entry in latest)
        parties = [entry.counterparty for entry in latest if entry.counterparty]
        if parties:
            found["counterparty_share"] = len(set(parties)) / len(parties)
        largest = max(entry.amount for entry in latest)
        if largest:
            found["amount_over_max"] = event.amount / largest
        regions = [entry.region for entry in latest if entry.region]
        if event.region and regions:
            found["region_share"] = sum(region == event.region for region in regions) / len(regions)
        if len(latest) >= 5:
            clocks = [(event.occurred_at - entry.occurred_at) % DAY for entry in latest]
            found["hour_share"] = sum(min(clock, DAY - clock) <= 2 * HOUR for clock in clocks) / len(latest)
            logarithms = [math.log(max(entry.amount, 1)) for entry in latest]
            centre = median(logarithms)
            spread = median([abs(logarithm - centre) for logarithm in logarithms])
            found["amount_deviation"] = (math.log(max(event.amount, 1)) - centre) / (1.4826 * spread + 0.15)
        return found

    def insert(self, history: History, event: Entry) -> None:
        """Put the event in its place by time, after those of the same time; a full history loses its oldest first."""
        seen = any(
            entry.counterparty == event.counterparty for entry in history.held if entry.occurred_at <= event.occurred_at
        )
        if len(history.held) == self.largest:
            for entry in history.held[: self.leaving]:
                if entry.is_fact:
                    continue
                day = entry.occurred_at // DAY
                rivals = [held for held in history.buckets if held % RING == day % RING and held != day]
                if any(rival > day for rival in rivals):
                    continue
                for rival in rivals:
                    del history.buckets[rival]
                history.buckets.setdefault(day, []).append(entry)
            del history.held[: self.leaving]
        if event.counterparty and not seen:
            event.new = True
            for entry in history.held:
                if entry.counterparty == event.counterparty and entry.occurred_at > event.occurred_at:
                    entry.new = False
                    break
        place = len([entry for entry in history.held if entry.occurred_at <= event.occurred_at])
        history.held.insert(place, event)
        history.ever.append(event)

    def feature(
        self, history: History, event: Entry, own_region: int, feature: Feature, lexicons: Mapping[str, Sequence[str]]
    ) -> float:
        """One feature as of an event that is already in the history."""
        now = event.occurred_at
        upto = history.held[: next(i for i, entry in enumerate(history.held) if entry is event) + 1]
        within = (now + 5 * HOUR) % DAY + 1 if feature.local_day else feature.within_ms
        window = [entry for entry in upto if within is None or entry.occurred_at > now - within]
        matching = [entry for entry in window if matches(entry, event, own_region, feature, lexicons)]
        amounts = [entry.amount for entry in matching]

        if feature.aggregate in ("count", "sum", "mean"):
            if feature.where.direction_only and within is None:
                after = history.held[len(upto) :]
                amounts = [
                    entry.amount
                    for entry in history.ever
                    if matches(entry, event, own_region, feature, lexicons) and not any(entry is late for late in after)
                ]
            elif feature.where.direction_only and within is not None:
                amounts += [
                    entry.amount
                    for day, left in history.buckets.items()
                    if now - within < day * DAY <= now
                    for entry in left
                    if matches(entry, event, own_region, feature, lexicons)
                ]
            if feature.aggregate == "count":
                return len(amounts)
            if feature.aggregate == "sum":
                return sum(amounts) / 100
            return sum(amounts) / len(amounts) / 100 if amounts else math.nan
        if feature.aggregate == "max":
            return max(amounts) / 100 if amounts else math.nan
        if feature.aggregate == "min":
            return min(amounts) / 100 if amounts else math.nan
        if feature.aggregate == "distinct":
            return len({getattr(entry, str(feature.of)) for entry in matching} - {0})
        if feature.aggregate == "reciprocal":
            paid = {entry.counterparty for entry in matching if entry.direction == "out"}
            received = {entry.counterparty for entry in matching if entry.direction == "in"}
            return len((paid & received) - {0})
        if feature.aggregate == "first_seen":
            unfiltered = not any(vars(feature.where).values()) and within is None
            ever = [entry for entry in history.ever if not entry.is_fact]
            times = [entry.occurred_at for entry in (ever if unfiltered else matching)]
            return (now - min(times)) / TIME_UNITS[feature.unit] if times else math.nan
        if feature.aggregate == "last_seen":
            times = [entry.occurred_at for entry in matching if entry is not event]
            return (now - max(times)) / TIME_UNITS[feature.unit] if times else math.nan
        directions = feature.where.directions or ("in", "out", "used")
        whole = [entry for entry in window if entry.direction in directions and not entry.is_fact]
        return len(matching) / len(whole) if whole else math.nan


def matches(
    entry: Entry, event: Entry, own_region: int, feature: Feature, lexicons: Mapping[str, Sequence[str]]
) -> bool:
    """Whether an entry passes the filter of a feature."""
    where = feature.where
    hashes = {word_hash(word.lower()) for word in lexicons[where.words]} if where.words else set()
    known = entry.region != 0 and own_region != 0
    return all(
        (
            not where.directions or entry.direction in where.directions,
            entry.kind in where.kinds if where.kinds else not entry.is_fact,
            not where.channels or entry.channel in where.channels,
            where.at_least is None or entry.amount >= where.at_least,
            where.below is None or entry.amount < where.below,
            where.multiple_of is None or entry.amount % where.multiple_of == 0,
            where.counterparty != "same" or entry.counterparty == event.counterparty,
            where.counterparty != "new" or entry.new,
            all(entry.flags & FLAGS[flag] for flag in where.flags),
            not any(entry.flags & FLAGS[flag] for flag in where.without),
            where.words is None or bool(hashes & set(entry.words)),
            where.region != "same" or (known and entry.region == own_region),
            where.region != "other" or (known and entry.region != own_region),
        )
    )


def median(numbers: list[float]) -> float:
    """The middle one, or the mean of the two in the middle."""
    ordered = sorted(numbers)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
