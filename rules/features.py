"""Declared features: what an officer writes in the catalogue about a history, and what it means.

A feature belongs to one role and says what to aggregate over the entries of that subject's history:

    features:
      - name: payee.payers_30d
        aggregate: distinct
        of: counterparty
        where: {direction: in, kind: [transfer, top_up], amount: {at_least: 1000}}
        within: P30D
        unit: people
        text: {kk: …, ru: …, en: …}

The entries are those with occurred_at in (t - within, t], where t is the event's own occurred_at; the event itself is
one of them. `within: local_day` reaches back to the last midnight in Kazakhstan. Aggregates, and their values:

- `count`, `distinct` (of counterparty, region, institution, account or amount; absent ones do not count),
  `reciprocal` (counterparties with entries both in and out): numbers of things.
- `sum`, `mean`, `max`, `min` of the amount, in tenge.
- `first_seen`: the time since the first entry that matches; `last_seen`: since the latest one before the event
  itself. `unit` is seconds, minutes, hours or days, and the value is in it.
- `share`: entries that match `where` among the entries that match its direction only.

NaN means there is nothing to say: the mean of no entries, the last of none.

Filters (`where`): `direction` (in, out, used), `kind`, `channel`, `amount` {at_least, below} in tenge, `round` (a
multiple of so many tenge), `counterparty` (`same` as the event's; `new`: the earliest held entry of its counterparty),
`flag` (one or several: all of them), `without` (flags: none of them), `words` (a lexicon), `region` (of the
counterparty: `same` as the subject's own in this event, or `other`).
Counterparty, region and institution of an entry of a device or phone are the payer's.

Without `kind` only transactions count. Facts (calls, loans, dispositions, listings) do where their kinds are named:

    where: {kind: [loan_contract], flag: online, without: secured}

How far back it reaches: `count`, `sum` and `mean` that filter by direction only are exact for the whole history
without `within`, and to whole days (UTC) where a window reaches past the 4,096 latest entries of a very busy subject.
Everything else sees the latest 4,096 entries; `FeatureTable.reach` says which.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from rules import feature_kernels as kernels
from rules import history_layout as layout
from rules.events import (
    DAY_MS,
    DEVICE_NEW,
    LOAN_ONLINE,
    LOAN_SECURED,
    OWN_DEPOSIT_BROKEN,
    PAYEE_NON_RESIDENT,
    PAYER_NON_RESIDENT,
    REMOTE_ACCESS,
)

DIRECTIONS: Final = ("in", "out", "used")
FLAG_BITS: Final = {
    "device_new": DEVICE_NEW,
    "remote_access": REMOTE_ACCESS,
    "own_deposit_broken": OWN_DEPOSIT_BROKEN,
    "payer_non_resident": PAYER_NON_RESIDENT,
    "payee_non_resident": PAYEE_NON_RESIDENT,
    "online": LOAN_ONLINE,
    "secured": LOAN_SECURED,
}
TIME_UNITS_MS: Final = {"seconds": 1_000, "minutes": 60_000, "hours": 3_600_000, "days": DAY_MS}
AGGREGATES: Final = kernels.AGGREGATES
DISTINCT_OF: Final = {
    # column of the arena, shift, mask
    "counterparty": (layout.COUNTERPARTY, 0, -1),
    "region": (layout.PACKED, layout.REGION_SHIFT, 0xFF),
    "institution": (layout.PACKED, 0, 0xFFFF),
    "account": (layout.CONTENT_ACCOUNT, 0, 0xFFFFFFFF),
    "amount": (layout.AMOUNT, 0, -1),
}
OF_AMOUNT: Final = ("sum", "mean", "max", "min")
OF_TIME: Final = ("first_seen", "last_seen")
LOCAL_DAY: Final = "local_day"  # a window of its own

Path = tuple[str | int, ...]


class FeatureError(ValueError):
    """A declaration that cannot stand: where it is in the document, what is wrong, and the nearest thing that is right.

    `path` leads from the root of the document to the place, as in ("features", 3, "where", "kind").
    """

    def __init__(self, path: Path, message: str, suggestion: str | None = None) -> None:
        super().__init__(message if suggestion is None else f"{message}; {suggestion}")
        self.path = path
        self.message = message
        self.suggestion = suggestion


@dataclass(frozen=True)
class Where:
    """Which entries of a history count; an empty tuple or None does not restrict. Amounts are in tiyn."""

    directions: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    at_least: int | None = None
    below: int | None = None
    multiple_of: int | None = None
    counterparty: str | None = None  # same, new
    flags: tuple[str, ...] = ()  # all of them
    without: tuple[str, ...] = ()  # none of these flags
    words: str | None = None  # name of a lexicon
    region: str | None = None  # same, other

    @property
    def direction_only(self) -> bool:
        """Whether nothing but the direction restricts, so that the totals and day buckets can answer too."""
        return self == Where(directions=self.directions)


@dataclass(frozen=True)
class Feature:
    """One declared feature; `within_ms` None means the whole history, `local_day` since the last local midnight."""

    name: str
    role: int
    aggregate: str
    of: str | None
    where: Where
    within_ms: int | None
    unit: str
    text: Mapping[str, str]
    path: Path = ()
    local_day: bool = False

    @property
    def exact_beyond_reservoir(self) -> bool:
        """Whether entries that have left the reservoir of a very busy subject still count."""
        if self.aggregate == "first_seen":
            return self.where == Where() and self.within_ms is None and not self.local_day
        return self.aggregate in ("count", "sum", "mean") and self.where.direction_only


def nearest_of(value: str, known: Iterable[str]) -> str:
    """A suggestion: the closest known name, or all of them."""
    names = list(known)
    near = difflib.get_close_matches(value, names, n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
