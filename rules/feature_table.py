"""Declared features compiled to the arrays that the kernel walks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from rules import feature_kernels as kernels
from rules import history_layout as layout
from rules.events import CHANNELS, KINDS, ROLES, TRANSACTION_KINDS, word_hash
from rules.features import (
    AGGREGATES,
    DIRECTIONS,
    DISTINCT_OF,
    FLAG_BITS,
    OF_AMOUNT,
    OF_TIME,
    TIME_UNITS_MS,
    Feature,
    FeatureError,
    Where,
    nearest_of,
)

MOST_FEATURES: Final = 128
_NO_LIMIT: Final = int(np.iinfo(np.int64).max)

Scalar = TypeVar("Scalar", bound=np.generic)


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
                    (*feature.path, "where", "words"), f"unknown lexicon {words}", nearest_of(words, lexicons)
                )


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
    if feature.aggregate in OF_AMOUNT:
        return 100.0
    return float(TIME_UNITS_MS[feature.unit]) if feature.aggregate in OF_TIME else 1.0


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
