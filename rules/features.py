"""Declared features: what an officer writes in the catalogue about a history, compiled to tables for the kernel.

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
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from rules import feature_kernels as kernels
from rules import history_layout as layout
from rules import statistic_kernels
from rules.events import (
    CHANNELS,
    DAY_MS,
    DEVICE_NEW,
    FACT_KINDS,
    KINDS,
    LOAN_ONLINE,
    LOAN_SECURED,
    OWN_DEPOSIT_BROKEN,
    PAYEE_NON_RESIDENT,
    PAYER_NON_RESIDENT,
    REMOTE_ACCESS,
    ROLES,
    TRANSACTION_KINDS,
    word_hash,
)

MOST_FEATURES: Final = 128
LONGEST_MS: Final = 90 * DAY_MS
LANGUAGES: Final = ("kk", "ru", "en")
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
_OF_AMOUNT: Final = ("sum", "mean", "max", "min")
_OF_TIME: Final = ("first_seen", "last_seen")
_WITHOUT_WINDOW: Final = ("count", "sum", "mean", "first_seen", "last_seen")
_FEATURE_KEYS: Final = ("name", "aggregate", "of", "where", "within", "unit", "text")
_WHERE_KEYS: Final = (
    "direction", "kind", "channel", "amount", "round", "counterparty", "flag", "without", "words", "region",
)  # fmt: skip
LOCAL_DAY: Final = "local_day"  # a window of its own
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
_DURATION: Final = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_NO_LIMIT: Final = int(np.iinfo(np.int64).max)

Path = tuple[str | int, ...]
Scalar = TypeVar("Scalar", bound=np.generic)


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


def duration_ms(text: object) -> int | None:
    """Milliseconds of an ISO 8601 duration in weeks, days, hours, minutes and seconds; None if it is not one.

    >>> duration_ms("P30D"), duration_ms("PT1H30M"), duration_ms("P1M"), duration_ms("P")
    (2592000000, 5400000, None, None)
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()) or match.string.endswith("T"):
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000


def read_features(document: object, at: Path = ()) -> tuple[list[Feature], list[FeatureError]]:
    """The features of one parsed YAML document and everything that is wrong with it.

    `document` is what a YAML loader returns: {"features": [{…}, …]}. `at` is put before every path. Features with
    an error are left out of the first list.
    """
    errors: list[FeatureError] = []
    features: list[Feature] = []
    try:
        root = _mapping(document, at, ("features",))
        declared = root.get("features")
        if not isinstance(declared, list):
            raise FeatureError((*at, "features"), "a list of features is needed here")
    except FeatureError as error:
        return [], [error]
    taken: set[str] = set()
    for number, declaration in enumerate(declared):
        path = (*at, "features", number)
        try:
            feature = _read_feature(declaration, path)
            if feature.name in taken:
                raise FeatureError((*path, "name"), f"feature {feature.name} is declared twice")
            taken.add(feature.name)
            features.append(feature)
        except FeatureError as error:
            errors.append(error)
    return features, errors


def load_features(document: object, at: Path = ()) -> list[Feature]:
    """The features of one parsed YAML document; raises the first `FeatureError`."""
    features, errors = read_features(document, at)
    if errors:
        raise errors[0]
    return features


class FeatureTable:
    """Features compiled to arrays that the kernel walks; a new rulebook makes a new table and compiles no code.

    Column f of `Applied.values` is the feature `names[f]`. The arrays are read-only:

    - `role_groups` int64[5]: groups role_groups[r]:role_groups[r + 1] belong to ROLES[r].
    - `groups` int64[G, 3], `filters` int64[Q, 13], `features` int64[F, 9]: see `rules.feature_kernels`.
    - `typologies` uint64[F]: bit t set where typology t reads the feature; `divisors` float64[F]: the unit.
    - `lexicons` uint8[L, 8192]: one bit for each 16-bit word hash.
    """

    def __init__(
        self,
        declarations: Sequence[Feature],
        lexicons: Mapping[str, Iterable[str]],
        typologies: Mapping[str, int] | None,
    ) -> None:
        self.declarations: tuple[Feature, ...] = tuple(declarations)
        self.names: tuple[str, ...] = tuple(feature.name for feature in self.declarations)
        self._index = {name: column for column, name in enumerate(self.names)}
        self._refuse_impossible(lexicons)

        lexicon_names = sorted(lexicons)
        self.lexicons: NDArray[np.uint8] = _lexicon_bits([lexicons[name] for name in lexicon_names])
        filters: list[tuple[int, ...]] = []
        ordered: list[tuple[int, int, int]] = []  # role, filter, column of the values
        for column, feature in enumerate(self.declarations):
            row = _filter_row(feature.where, lexicon_names)
            if row not in filters:
                filters.append(row)
            ordered.append((feature.role, filters.index(row), column))
        ordered.sort()
        groups: list[tuple[int, int, int]] = []
        role_groups = [0] * (len(ROLES) + 1)
        previous: tuple[int, int] | None = None
        for position, (role, which, _) in enumerate(ordered):
            if (role, which) != previous:
                groups.append((which, position, position))
                previous = (role, which)
            groups[-1] = (which, groups[-1][1], position + 1)
            role_groups[role + 1] = len(groups)
        for role in range(len(ROLES)):
            role_groups[role + 1] = max(role_groups[role], role_groups[role + 1])
        columns = [self.declarations[column] for _, _, column in ordered]
        everything = (1 << 64) - 1
        masks = [everything if typologies is None else typologies.get(feature.name, 0) for feature in columns]

        self.role_groups = _frozen(np.array(role_groups, dtype=np.int64))
        self.groups = _frozen(np.array(groups, dtype=np.int64).reshape(-1, 3))
        self.filters = _frozen(np.array(filters, dtype=np.int64).reshape(-1, kernels.FILTER_WORDS))
        self.features = _frozen(
            np.array([_feature_row(self.declarations[c], c) for _, _, c in ordered], dtype=np.int64).reshape(
                -1, kernels.FEATURE_WORDS
            )
        )
        self.typologies: NDArray[np.uint64] = _frozen(np.array(masks, dtype=np.uint64))
        self.divisors: NDArray[np.float64] = _frozen(np.array([_divisor(f) for f in columns], dtype=np.float64))

    @classmethod
    def from_declarations(
        cls,
        declarations: Sequence[Feature],
        lexicons: Mapping[str, Iterable[str]] | None = None,
        typologies: Mapping[str, int] | None = None,
    ) -> FeatureTable:
        """Compile features of one or more documents.

        `lexicons`: name → words. `typologies`: feature name → mask of the typologies that read it (bit t); a feature
        that is not named is never computed. Without `typologies` every feature is computed for every row of which
        `needed` is not 0. Raises FeatureError for a name declared twice, an unknown lexicon, or too many features.
        """
        return cls(declarations, lexicons or {}, typologies)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def index(self, name: str) -> int:
        """Column of a feature in `Applied.values`; raises KeyError for an unknown name."""
        return self._index[name]

    def role_of(self, name: str) -> int:
        """Index into ROLES of the subject that the feature describes."""
        return self.declarations[self._index[name]].role

    def unit(self, name: str) -> str:
        """The unit of a feature's value, as declared."""
        return self.declarations[self._index[name]].unit

    def texts(self, name: str) -> Mapping[str, str]:
        """What the feature says, in kk, ru and en."""
        return self.declarations[self._index[name]].text

    def reach(self, name: str) -> str:
        """Whether what left the reservoir counts too: "everything", or "latest" where only the latest 4,096 do."""
        return "everything" if self.declarations[self._index[name]].exact_beyond_reservoir else "latest"

    def _refuse_impossible(self, lexicons: Mapping[str, Iterable[str]]) -> None:
        if len(self.names) > MOST_FEATURES:
            last = self.declarations[MOST_FEATURES]
            raise FeatureError(last.path, f"a rulebook holds at most {MOST_FEATURES} features, here are {len(self)}")
        taken: set[str] = set()
        for feature in self.declarations:
            if feature.name in taken:
                raise FeatureError((*feature.path, "name"), f"feature {feature.name} is declared twice")
            taken.add(feature.name)
            words = feature.where.words
            if words is not None and words not in lexicons:
                raise FeatureError(
                    (*feature.path, "where", "words"), f"unknown lexicon {words}", _nearest(words, lexicons)
                )


def _read_feature(declaration: object, path: Path) -> Feature:
    fields = _mapping(declaration, path, _FEATURE_KEYS)
    for key in ("name", "aggregate", "unit", "text"):
        if key not in fields:
            raise FeatureError(path, f"{key} is missing")
    name, role = _read_name(fields["name"], (*path, "name"))
    aggregate = _choice(fields["aggregate"], (*path, "aggregate"), AGGREGATES, "aggregate")
    where = _read_where(fields.get("where", {}), (*path, "where"), role)
    of = _read_of(fields.get("of"), path, aggregate)
    if aggregate == "reciprocal" and where.directions:
        raise FeatureError((*path, "where", "direction"), "reciprocal looks at both directions: leave direction out")
    if aggregate == "reciprocal" and role >= 2:
        raise FeatureError(
            (*path, "aggregate"), "a device or phone has no direction: reciprocal is for payer and payee"
        )
    if aggregate == "reciprocal":
        where = replace(where, directions=("in", "out"))
    if any(kind in FACT_KINDS for kind in where.kinds):
        _refuse_of_facts(aggregate, of, where, path)
    if aggregate == "share" and where.direction_only:
        raise FeatureError((*path, "where"), "share needs a filter besides direction, else it is always 1")
    return Feature(
        name=name,
        role=role,
        aggregate=aggregate,
        of=of,
        where=where,
        within_ms=None if fields.get("within") == LOCAL_DAY else _read_within(fields.get("within"), path, aggregate),
        local_day=fields.get("within") == LOCAL_DAY,
        unit=_read_unit(fields["unit"], (*path, "unit"), aggregate),
        text=_read_text(fields["text"], (*path, "text")),
        path=path,
    )


def _refuse_of_facts(aggregate: str, of: str | None, where: Where, path: Path) -> None:
    if aggregate in ("share", "reciprocal"):
        raise FeatureError((*path, "aggregate"), f"{aggregate} is of transactions, not of facts", "use count or sum")
    if of == "counterparty" or where.counterparty is not None:
        raise FeatureError(path, "facts have no counterparty")


def _read_name(value: object, path: Path) -> tuple[str, int]:
    if not isinstance(value, str):
        raise FeatureError(path, "a name such as payee.payers_30d is needed here")
    role, dot, rest = value.partition(".")
    if not dot or not _NAME.fullmatch(rest):
        raise FeatureError(path, f"{value!r} is not a role, a dot and a name in small letters, as in payee.payers_30d")
    _choice(role, path, ROLES, "role")
    if rest in statistic_kernels.STATISTICS or rest == "kind":
        raise FeatureError(path, f"{rest} is the name of a statistic that every subject has: choose another")
    return value, ROLES.index(role)


def _read_of(value: object, path: Path, aggregate: str) -> str | None:
    place = (*path, "of")
    if aggregate == "distinct":
        if value is None:
            raise FeatureError(path, f"of is missing: distinct of {', '.join(DISTINCT_OF)}")
        return _choice(value, place, tuple(DISTINCT_OF), "field")
    if aggregate in _OF_AMOUNT:
        if value not in (None, "amount"):
            raise FeatureError(place, f"{aggregate} is of the amount only")
        return "amount"
    if value is not None:
        raise FeatureError(place, f"{aggregate} takes no `of`")
    return None


def _read_within(value: object, path: Path, aggregate: str) -> int | None:
    place = (*path, "within")
    if value is None:
        if aggregate not in _WITHOUT_WINDOW:
            raise FeatureError(
                path,
                f"{aggregate} needs a window: a busy subject's whole history is not kept entry by entry",
                "add `within`, at most P90D",
            )
        return None
    milliseconds = duration_ms(value)
    if milliseconds is None:
        raise FeatureError(
            place, f"{value!r} is not an ISO 8601 duration", "write for example PT1H, P1D, P30D or local_day"
        )
    if not 0 < milliseconds <= LONGEST_MS:
        raise FeatureError(place, f"a window is longer than 0 and at most P90D, not {value}")
    return milliseconds


def _read_unit(value: object, path: Path, aggregate: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise FeatureError(path, "a unit such as people, tenge or hours is needed here")
    if aggregate in _OF_TIME:
        return _choice(value, path, tuple(TIME_UNITS_MS), "unit of time")
    if aggregate in _OF_AMOUNT:
        return _choice(value, path, ("tenge",), "unit of money")
    return value


def _read_text(value: object, path: Path) -> Mapping[str, str]:
    texts = _mapping(value, path, LANGUAGES)
    result: dict[str, str] = {}
    for language in LANGUAGES:
        text = texts.get(language)
        if not isinstance(text, str) or not text.strip():
            raise FeatureError(path, f"the text in {language} is missing")
        result[language] = text
    return result


def _read_where(value: object, path: Path, role: int) -> Where:
    fields = _mapping(value, path, _WHERE_KEYS)
    directions = _choices(fields.get("direction"), (*path, "direction"), DIRECTIONS, "direction")
    kinds = _choices(fields.get("kind"), (*path, "kind"), KINDS, "kind")
    facts = [kind for kind in kinds if kind in FACT_KINDS]
    if facts and len(facts) < len(kinds):
        raise FeatureError(
            (*path, "kind"), f"{facts[0]} is a fact, and {next(k for k in kinds if k not in facts)} moves money"
        )
    if facts and directions not in ((), ("used",)):
        raise FeatureError((*path, "direction"), f"no money moves by {facts[0]}", "use used, or leave direction out")
    for direction in directions if not facts else ():
        if (direction == "used") != (role >= 2):
            allowed = "used" if role >= 2 else "in or out, or name the kind of a fact"
            raise FeatureError(
                (*path, "direction"), f"the history of a {ROLES[role]} has no entries {direction!r}", f"use {allowed}"
            )
    flags = _choices(fields.get("flag"), (*path, "flag"), tuple(FLAG_BITS), "flag")
    without = _choices(fields.get("without"), (*path, "without"), tuple(FLAG_BITS), "flag")
    if set(flags) & set(without):
        raise FeatureError((*path, "without"), "no entry has a flag and is without it")
    at_least, below = _read_amount(fields.get("amount"), (*path, "amount"))
    words = fields.get("words")
    if words is not None and not isinstance(words, str):
        raise FeatureError((*path, "words"), "the name of a lexicon is needed here")
    region = _optional_choice(fields.get("region"), (*path, "region"), ("same", "other"), "region")
    if region is not None and role >= 2:
        raise FeatureError((*path, "region"), f"a {ROLES[role]} has no region of its own to compare with")
    multiple = None if fields.get("round") is None else _tiyn(fields["round"], (*path, "round"))
    if multiple is not None and multiple == 0:
        raise FeatureError((*path, "round"), "a number of tenge above 0 is needed here")
    return Where(
        directions=directions,
        kinds=kinds,
        channels=_choices(fields.get("channel"), (*path, "channel"), CHANNELS, "channel"),
        at_least=at_least,
        below=below,
        multiple_of=multiple,
        counterparty=_optional_choice(
            fields.get("counterparty"), (*path, "counterparty"), ("same", "new"), "counterparty"
        ),
        flags=flags,
        without=without,
        words=words,
        region=region,
    )


def _read_amount(value: object, path: Path) -> tuple[int | None, int | None]:
    if value is None:
        return None, None
    limits = _mapping(value, path, ("at_least", "below"))
    at_least = _tiyn(limits["at_least"], (*path, "at_least")) if "at_least" in limits else None
    below = _tiyn(limits["below"], (*path, "below")) if "below" in limits else None
    if below is not None and below <= (at_least or 0):
        raise FeatureError(path, "no amount is at least the one and below the other")
    return at_least, below


def _tiyn(value: object, path: Path) -> int:
    """An amount in tenge, a number or a decimal string, as whole tiyn."""
    try:
        tiyn = Decimal(str(value)) * 100 if isinstance(value, int | float | str) else Decimal("NaN")
    except InvalidOperation:
        tiyn = Decimal("NaN")
    if isinstance(value, bool) or not tiyn.is_finite():
        raise FeatureError(path, f"an amount in tenge is needed here, not {value!r}")
    if tiyn < 0 or tiyn != tiyn.to_integral_value() or tiyn > 10**17:
        raise FeatureError(path, f"{value!r} is not an amount in tenge: from 0, at most two decimals")
    return int(tiyn)


def _mapping(value: object, path: Path, keys: Sequence[str]) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise FeatureError(path, f"a mapping with {', '.join(keys)} is needed here")
    for key in value:
        if key not in keys:
            place = (*path, key if isinstance(key, str | int) else str(key))
            raise FeatureError(place, f"unknown key {key}", _nearest(str(key), keys))
    return value


def _choice(value: object, path: Path, known: Sequence[str], what: str) -> str:
    if not isinstance(value, str) or value not in known:
        raise FeatureError(path, f"unknown {what} {value!r}", _nearest(str(value), known))
    return value


def _optional_choice(value: object, path: Path, known: Sequence[str], what: str) -> str | None:
    return None if value is None else _choice(value, path, known, what)


def _choices(value: object, path: Path, known: Sequence[str], what: str) -> tuple[str, ...]:
    """One name or a list of them, in the order of `known`, each once."""
    if value is None:
        return ()
    if not isinstance(value, list):
        return (_choice(value, path, known, what),)
    if not value:
        raise FeatureError(path, f"an empty list lets no {what} through")
    chosen = {_choice(item, (*path, number), known, what) for number, item in enumerate(value)}
    return tuple(item for item in known if item in chosen)


def _nearest(value: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(value, names, n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"


def _filter_row(where: Where, lexicon_names: Sequence[str]) -> tuple[int, ...]:
    row = [0] * kernels.FILTER_WORDS
    row[kernels.DIRECTIONS] = _mask(where.directions, DIRECTIONS) if where.directions else 7
    row[kernels.KINDS_MASK] = _mask(where.kinds or TRANSACTION_KINDS, KINDS)
    row[kernels.CHANNELS_MASK] = _mask(where.channels, CHANNELS) if where.channels else -1
    row[kernels.AT_LEAST] = 0 if where.at_least is None else where.at_least
    row[kernels.BELOW] = _NO_LIMIT if where.below is None else where.below
    row[kernels.FLAGS_SET] = sum(FLAG_BITS[flag] for flag in where.flags)
    if where.counterparty == "new":
        row[kernels.FLAGS_SET] |= layout.NEW_COUNTERPARTY
    row[kernels.FLAGS] = row[kernels.FLAGS_SET] | sum(FLAG_BITS[flag] for flag in where.without)
    row[kernels.ROUND] = where.multiple_of or 0
    row[kernels.SAME_COUNTERPARTY] = int(where.counterparty == "same")
    row[kernels.REGION_IS] = {
        None: kernels.ANY_REGION,
        "same": kernels.SAME_REGION,
        "other": kernels.OTHER_REGION,
    }[where.region]
    row[kernels.LEXICON] = -1 if where.words is None else lexicon_names.index(where.words)
    row[kernels.EXTRA] = int(
        where.multiple_of is not None
        or where.counterparty == "same"
        or where.region is not None
        or where.words is not None
    )
    return tuple(row)


def _feature_row(feature: Feature, column: int) -> tuple[int, ...]:
    row = [0] * kernels.FEATURE_WORDS
    row[kernels.AGGREGATE] = AGGREGATES.index(feature.aggregate)
    row[kernels.SLOT] = column
    row[kernels.WITHIN] = kernels.LOCAL_DAY if feature.local_day else feature.within_ms or kernels.WHOLE_HISTORY
    row[kernels.TOTALS] = int(feature.exact_beyond_reservoir)
    row[kernels.UNFILTERED] = int(feature.where == Where())
    if feature.aggregate == "distinct" and feature.of is not None:
        row[kernels.OF_COLUMN], row[kernels.OF_SHIFT], row[kernels.OF_MASK] = DISTINCT_OF[feature.of]
    return tuple(row)


def _divisor(feature: Feature) -> float:
    if feature.aggregate in _OF_AMOUNT:
        return 100.0
    return float(TIME_UNITS_MS[feature.unit]) if feature.aggregate in _OF_TIME else 1.0


def _mask(chosen: Sequence[str], known: Sequence[str]) -> int:
    return sum(1 << known.index(item) for item in chosen)


def _lexicon_bits(lexicons: Sequence[Iterable[str]]) -> NDArray[np.uint8]:
    # One row even without lexicons: the kernel always gets an array of the same shape.
    bits = np.zeros((max(len(lexicons), 1), 65_536 // 8), dtype=np.uint8)
    for row, words in enumerate(lexicons):
        for word in words:
            value = word_hash(word.lower())
            bits[row, value >> 3] |= 1 << (value & 7)
    return _frozen(bits)


def _frozen(array: NDArray[Scalar]) -> NDArray[Scalar]:
    array.flags.writeable = False
    return array
