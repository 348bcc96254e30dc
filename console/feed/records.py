"""What projectors are given: records as they stand on their topics, and what it takes to understand them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from pydantic import ValidationError

from streams.contracts.fields import Contract
from streams.sources import SourceTopic
from streams.subjects import Subjects
from streams.tokens import TokenKey

DAY_MS: Final = 86_400_000
LOCAL_OFFSET_MS: Final = 5 * 3_600_000  # Kazakhstan's one zone
_SUBJECTS_KEPT: Final = 20_000
_TOKENS_KEPT: Final = 1_000_000

Read = TypeVar("Read", bound=Contract)


class Record(NamedTuple):
    """One record of a topic; `timestamp` in ms UTC."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(slots=True)
class Reader:
    """Reads records, and counts by topic what it passed over because it is nothing that this program knows."""

    tokens: TokenKey
    sources: Mapping[str, SourceTopic]  # what publishers write, by topic
    unreadable: Counter[str] = field(default_factory=Counter)
    subjects: Subjects = field(init=False)
    told: set[int] = field(default_factory=set)  # keys of tokens that the store has with the right kind

    def __post_init__(self) -> None:
        self.subjects = Subjects(self.tokens, None, cached=_SUBJECTS_KEPT)

    def contracts(self, records: Iterable[Record], contract: type[Read]) -> Iterator[tuple[Record, Read]]:
        """Each record with what it says; what does not keep the contract is counted and passed over."""
        for record in records:
            try:
                yield record, contract.model_validate_json(record.value or b"")
            except ValidationError:
                self.unreadable[record.topic] += 1

    def first_told(self, keys: Iterable[int]) -> list[int]:
        """Those of the keys that were not asked for before; what is remembered is bounded."""
        fresh = [key for key in keys if key not in self.told]
        if len(self.told) + len(fresh) > _TOKENS_KEPT:
            self.told.clear()
        self.told.update(fresh)
        return fresh


def local_day(at: int) -> int:
    """The day in Kazakhstan of an instant in ms UTC, counted from 1970.

    >>> local_day(0), local_day(DAY_MS - LOCAL_OFFSET_MS)
    (0, 1)
    """
    return (at + LOCAL_OFFSET_MS) // DAY_MS
