"""Generations of the rulebook: what travels on the `rulebook` topic, and which one judges an event.

A generation holds from a stated instant on, at least ten seconds after it was sent, so that every worker has read it by
then. Of all generations whose instant has come, the one with the highest number is in force: activating or rolling
back now also overrules what was planned for later. An event from before the first instant is judged by the first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rules.check import check
from rules.problems import Problem, RulebookInvalid, errors
from rules.rulebook import Rulebook
from rules.rulebook_files import digest_of, read_documents

TOPIC: Final = "rulebook"
LEAD_MS: Final = 10_000  # between sending a generation and its taking effect
MOST_BYTES: Final = 8 * 1024 * 1024


class GenerationRefused(ValueError):
    """A generation that must not judge: why, and the rulebook's problems if those are the reason."""

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([message, *map(str, self.problems)]))


class Generation(BaseModel):
    """One rulebook with the instant from which it holds: the value of a record of the topic."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    generation: Annotated[int, Field(ge=1, lt=2**32)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    version: str
    effective_at: Annotated[int, Field(ge=0, lt=2**53)]  # ms since 1970 UTC
    activated_by: Annotated[str, Field(min_length=1, max_length=200)]
    documents: dict[str, str]  # path → text
    rollback_of: int | None = None  # the generation that this one takes back

    @classmethod
    def new(
        cls,
        documents: Mapping[str, str],
        *,
        generation: int,
        effective_at: int,
        activated_by: str,
        now: int,
        rollback_of: int | None = None,
    ) -> Generation:
        """A generation that may be sent at `now`; GenerationRefused if the rulebook has errors or it comes too soon."""
        if effective_at < now + LEAD_MS:
            raise GenerationRefused(f"a generation takes effect at least {LEAD_MS // 1000} s after it is sent")
        checked = check(documents)
        if checked.rulebook is None:
            raise GenerationRefused("the rulebook has errors and is refused whole", checked.errors)
        return cls(
            generation=generation,
            digest=checked.rulebook.digest,
            version=checked.rulebook.version,
            effective_at=effective_at,
            activated_by=activated_by,
            documents=dict(documents),
            rollback_of=rollback_of,
        )

    @classmethod
    def from_record(cls, value: bytes, appended_at: int | None = None) -> Generation:
        """Read a record of the topic; GenerationRefused for anything that is not a whole generation.

        With the broker's append time (ms), also one that takes effect so soon after it that a worker may have judged
        by the former: another worker, or the same one after a restart, would judge the same events by this one.
        """
        if len(value) > MOST_BYTES:
            raise GenerationRefused(f"the record is larger than {MOST_BYTES} bytes")
        try:
            generation = cls.model_validate_json(value)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise GenerationRefused(f"not a generation: {faults}") from None
        if digest_of(generation.documents) != generation.digest:
            raise GenerationRefused(f"generation {generation.generation}: the digest is not that of the documents")
        if appended_at is not None and generation.effective_at < appended_at + LEAD_MS:
            raise GenerationRefused(
                f"generation {generation.generation}: it takes effect less than {LEAD_MS // 1000} s after it was sent"
            )
        return generation

    def key(self) -> bytes:
        """The key of the record: its number and content.

        Two officers at the same moment may send two generations of one number. The first of them stands; with the
        number alone as the key, compaction would one day leave the second to whoever reads the topic anew.
        """
        return f"{self.generation}-{hashlib.sha256(self.to_record()).hexdigest()[:16]}".encode()

    def to_record(self) -> bytes:
        """The value of the record."""
        return json.dumps(self.model_dump(exclude_none=True), ensure_ascii=False, separators=(",", ":")).encode()

    def rulebook(self) -> Rulebook:
        """The compiled rulebook; GenerationRefused if this version of the center finds errors in it."""
        try:
            return Rulebook.from_documents(self.documents)
        except RulebookInvalid as invalid:
            message = f"generation {self.generation}: the rulebook has errors"
            raise GenerationRefused(message, errors(invalid.problems)) from None


class Generations:
    """All known generations; answers which one was in force."""

    def __init__(self, generations: Iterable[Generation] = ()) -> None:
        self._all: dict[int, Generation] = {}
        for generation in generations:
            self.add(generation)

    def add(self, generation: Generation) -> None:
        """Take in one more; the same again changes nothing, another one under a known number is refused."""
        known = self._all.get(generation.generation)
        if known is not None and known != generation:
            raise GenerationRefused(f"generation {generation.generation} is known with other content")
        self._all[generation.generation] = generation
        by_instant = sorted(self._all.values(), key=lambda one: (one.effective_at, one.generation))
        self._instants = np.array([one.effective_at for one in by_instant], np.int64)
        self._numbers = np.maximum.accumulate(np.array([one.generation for one in by_instant], np.uint32))

    @property
    def all(self) -> tuple[Generation, ...]:
        """In order of number."""
        return tuple(self._all[number] for number in sorted(self._all))

    def __getitem__(self, number: int) -> Generation:
        return self._all[number]

    def in_force(self, append_ms: int) -> Generation:
        """The generation that judges what was appended at this instant; KeyError if there is none at all."""
        if not self._all:
            raise KeyError("no generation")
        return self._all[int(self.in_force_at(np.array([append_ms], np.int64))[0])]

    def in_force_at(self, append_ms: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The numbers of the generations that judge what was appended at these instants."""
        if not self._all:
            raise KeyError("no generation")
        place = np.maximum(np.searchsorted(self._instants, append_ms, side="right") - 1, 0)
        numbers: NDArray[np.uint32] = self._numbers[place]
        return numbers


def activate_first(bootstrap_servers: str, path: Path, **security: Any) -> Generation:
    """Make the rulebook of a folder the first generation where the topic has none; the latest one otherwise."""
    # Only this step needs Kafka; what else is here is used where there is none.
    from streams.rulebook_topic import RulebookTopic

    with RulebookTopic(bootstrap_servers, **security) as topic:
        known = topic.read()
        if known.all:
            return known.all[-1]
        return topic.activate(read_documents(path), activated_by="first start")
