"""What the API of the rulebook takes and answers, beside the reports of the library."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from console.rulebooks.reports import CheckReport, DifferenceReport
from console.store.drafts import Draft, State
from console.store.proposals import State as ProposalState
from console.web.rulebooks import PRINTED
from streams.generations import Generation

Words = Annotated[str, StringConstraints(min_length=10, max_length=2_000, pattern=PRINTED)]
Answer = Annotated[str, StringConstraints(max_length=2_000, pattern=PRINTED)]
Version = Annotated[int, Field(ge=1, lt=2**31, description="Of the draft as it was looked at")]


class Given(BaseModel):
    """What every body of a request is."""

    model_config = ConfigDict(extra="forbid")


class Reason(Given):
    """Why something is proposed."""

    reason: Words


class Proposed(Reason):
    """Why a draft is proposed, and as which version."""

    version: Version


class Titled(Given):
    """The name of a new draft."""

    title: Annotated[str, StringConstraints(min_length=3, max_length=200, pattern=PRINTED)]


class FileGiven(Given):
    """The text of one file of a draft."""

    path: Annotated[str, Field(max_length=100)]
    text: Annotated[str, Field(max_length=1_000_000)]


class FileSaved(Given):
    """The text of one file; null takes it out."""

    path: Annotated[str, Field(max_length=100)]
    text: Annotated[str, Field(max_length=1_000_000)] | None
    version: Version


class Versioned(Given):
    """As which version something is to be changed."""

    version: Version


class ComparedOn(Given):
    """The events that two rulebooks are compared on."""

    source: Annotated[str, Field(max_length=200, description="simulated, judged, or file:NAME")] = "simulated"
    days: Annotated[int, Field(ge=1, le=60)] = 10
    people: Annotated[int, Field(ge=1_000, le=20_000)] = 3_000
    seed: Annotated[int, Field(ge=0, le=2**31)] = 1


class Checked(Given):
    """The answer of the second person, to exactly this document."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    answer: Answer = ""


class Made(BaseModel):
    """The number of what was made."""

    number: int


class Carried(BaseModel):
    """The files that a draft and the rulebook in force both changed; the draft's text stays."""

    conflicts: list[str]


class GenerationView(BaseModel):
    """One generation of the topic."""

    generation: int
    version: str
    digest: str
    effective_at: int = Field(description="ms UTC")
    activated_by: str
    rollback_of: int | None

    @classmethod
    def of(cls, generation: Generation) -> Self:
        """A generation without its files."""
        return cls(**generation.model_dump(include=set(cls.model_fields)))


class DraftLine(BaseModel):
    """One draft of the list; instants in ms UTC."""

    draft_id: int
    title: str
    author: str
    changed_at: int
    state: State


class DraftView(DraftLine):
    """One draft with what was found of it, and what it lacks before it may be proposed."""

    made_at: int
    base_digest: str
    digest: str
    changes: dict[str, str | None]
    checked: CheckReport | None
    difference: DifferenceReport | None
    version: int
    lacks: list[str]

    @classmethod
    def of(cls, draft: Draft, lacks: list[str]) -> Self:
        """A draft as the API answers."""
        return cls(lacks=lacks, **{name: getattr(draft, name) for name in cls.model_fields if name != "lacks"})


class ProposalView(BaseModel):
    """A proposed rulebook; instants in ms UTC."""

    proposal_id: int
    state: ProposalState
    maker: str
    made_at: int
    reason: str
    digest: str = Field(description="Of the document: comes back with the answer")
    title: str
    rulebook: str = Field(description="Digest of the rulebook")
    changes: dict[str, list[str]] = Field(description="Lines of each file that differs from what is in force")
    may_check: bool
    checker: str | None
    answer: str | None
    generation: int | None = Field(description="Once it is on the topic")
    effective_at: int | None
    failure: str | None = Field(description="away, refused or moved: why it is not on the topic")
