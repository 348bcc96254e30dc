"""What streams/topics.yaml declares: topics, their publishers and rights, and the settings that it leaves open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rules import yaml
from rules.problems import Problem
from streams.contracts.fields import BULK_BYTES, INSTITUTION, MAX_BYTES, OPERATOR, STATE_BODY
from streams.contracts.generate import INCOMING
from streams.sources import BULK, SourceTopic

FILE: Final = Path(__file__).with_name("topics.yaml")
PER_INSTITUTION, PER_OPERATOR, PER_PUBLISHER = "{institution}", "{operator}", "{publisher}"
# The simulated country's: five banks of Kazakhstan by their real BICs, and one invented microfinance lender.
INSTITUTIONS: Final = ("CASPKZKA", "HSBKKZKX", "IRTYKZKA", "KCJBKZKX", "TSESKZKA", "MFOKKZKA")
OPERATORS: Final = ("KCELL", "BEELN", "TELE2")
CENTER, FIU, VAULT, OPERATOR_OF_CENTER = "center", "fiu", "vault", "operator"
PRINCIPALS: Final = (CENTER, FIU, VAULT, OPERATOR_OF_CENTER)
# A publisher's principal is its kind and its name; with the name left open, the one whose topic it is.
PLACEHOLDERS: Final = {
    "institution:{institution}": PER_INSTITUTION,
    "telecom:{operator}": PER_OPERATOR,
    "publisher:{publisher}": PER_PUBLISHER,
}
DAY_MS: Final = 86_400_000

_BIC: Final = re.compile(INSTITUTION)
_OPERATOR: Final = re.compile(OPERATOR)
_STATE: Final = re.compile(rf"state:({STATE_BODY[1:-1]})")
_NAME: Final = re.compile(r"[a-z][a-z-]*(\.([a-z][a-z-]*|\{(institution|operator|publisher)\}))?")
# How a record names its publisher, by the kind of principal that may write the topic.
_FIELDS: Final[dict[str, Literal["institution", "operator", "publisher"]]] = {
    "institution": "institution",
    "telecom": "operator",
    "state": "publisher",
}


class TopicsInvalid(ValueError):
    """The topics file or a setting of it is wrong: nothing of it is used. The text names file, line and column."""


class TopicSettings(BaseSettings):
    """What the topics file leaves open; each from ANTIFRAUD_<NAME> where not passed."""

    model_config = SettingsConfigDict(env_prefix="ANTIFRAUD_", frozen=True)

    institutions: Annotated[tuple[str, ...], NoDecode] = Field(
        default=INSTITUTIONS, description="BICs of the institutions that take part, separated by commas"
    )
    operators: Annotated[tuple[str, ...], NoDecode] = Field(
        default=OPERATORS, description="telecom operators that take part, separated by commas; may be none"
    )
    partitions: int = Field(default=1, ge=1, le=1024, description="parts that subjects are divided among")
    tx_partitions: int = Field(default=1, ge=1, le=1024, description="partitions of each institution's topic")
    replicas: int = Field(
        default=1, ge=1, le=5, description="copies of each topic, on as many brokers; 3 in production"
    )

    @field_validator("institutions", "operators", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("institutions", "operators")
    @classmethod
    def _are_distinct_names(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not value and info.field_name == "institutions":
            raise ValueError("at least one institution takes part")
        form, words = (
            (_BIC, "a BIC of 8 or 11 characters")
            if info.field_name == "institutions"
            else (_OPERATOR, "a name of 2 to 7 capital letters and digits")
        )
        for name in value:
            if not form.fullmatch(name):
                raise ValueError(f"{name!r} is not {words}")
            if value.count(name) > 1:
                raise ValueError(f"{name} is named twice")
        return value


class TopicDeclaration(BaseModel):
    """One entry of the topics file, a template of several topics where its name contains a placeholder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    text: str = Field(min_length=1)
    records: tuple[str, ...] = ()
    partitions: int | Literal["screen", "transactions"]
    fixed: str = ""
    cleanup: Literal["delete", "compact"]
    retention: timedelta | None = None
    max_message_bytes: int = Field(ge=1024, le=64 * 1024 * 1024)
    timestamps: Literal["append", "create"]
    owner: str = Field(min_length=1)
    write: tuple[str, ...] = Field(min_length=1)
    read: tuple[str, ...] = Field(min_length=1)

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("must be lower-case words joined by '-', with at most one '.', such as tx.{institution}")
        return value

    @field_validator("partitions", mode="before")
    @classmethod
    def _is_a_count(cls, value: object) -> object:
        if value in ("screen", "transactions") or (type(value) is int and 1 <= value <= 1024):
            return value
        raise ValueError("must be a number from 1 to 1024, screen or transactions")

    @field_validator("records")
    @classmethod
    def _are_contracts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in INCOMING:
                raise ValueError(f"{name!r} is not one of {', '.join(INCOMING)}")
        return value

    @field_validator("write", "read")
    @classmethod
    def _are_principals(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        name = info.data.get("name", "")
        for principal in value:
            placeholder = PLACEHOLDERS.get(principal)
            if placeholder is not None and placeholder not in name:
                raise ValueError(f"{principal!r} needs a topic for each of them: put {placeholder} in its name")
            if placeholder is None and principal not in PRINCIPALS and not _STATE.fullmatch(principal):
                known = ", ".join((*PLACEHOLDERS, "state:NAME", *PRINCIPALS))
                raise ValueError(f"{principal!r} is not one of {known}")
        return value

    @model_validator(mode="after")
    def _says_what_publishers_send(self) -> TopicDeclaration:
        publishers = [principal for principal in self.write if principal not in PRINCIPALS]
        if bool(publishers) != bool(self.records):
            raise ValueError("records says what publishers may send: the topics that they write need it, and no others")
        if publishers and len({principal.partition(":")[0] for principal in self.write}) > 1:
            raise ValueError("write must name publishers of one kind, and nobody else")
        return self

    @property
    def placeholder(self) -> str:
        """The placeholder in its name; empty for a topic of which there is one."""
        return next((each for each in (PER_INSTITUTION, PER_OPERATOR, PER_PUBLISHER) if each in self.name), "")

    @property
    def bodies(self) -> tuple[str, ...]:
        """The state bodies that may write it."""
        return tuple(found[1] for principal in self.write if (found := _STATE.fullmatch(principal)))

    @model_validator(mode="after")
    def _keeps_one_way(self) -> TopicDeclaration:
        if self.cleanup == "delete" and (self.retention is None or self.retention < timedelta(minutes=1)):
            raise ValueError("cleanup: delete needs a retention of a minute or more, such as P7D")
        if self.cleanup == "compact" and self.retention is not None:
            raise ValueError("a compacted topic keeps the latest record of each key for ever: leave retention out")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    topics: tuple[TopicDeclaration, ...]

    @field_validator("topics")
    @classmethod
    def _are_distinct(cls, value: tuple[TopicDeclaration, ...]) -> tuple[TopicDeclaration, ...]:
        if not value:
            raise ValueError("at least one topic is declared")
        names = [declaration.name for declaration in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name} is declared twice")
        return value


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it is to be in the cluster."""

    name: str
    text: str
    partitions: int
    partitions_from: Literal["screen", "transactions", ""]  # the setting that the count came from
    fixed: str  # why the number of partitions cannot change; empty: it may grow
    replicas: int
    cleanup: Literal["delete", "compact"]
    retention: timedelta | None
    max_message_bytes: int
    timestamps: Literal["append", "create"]
    owner: str
    write: tuple[str, ...]
    read: tuple[str, ...]
    publisher: str = ""  # whose topic it is, where it was made from a template
    records: tuple[str, ...] = ()  # what publishers may send; empty where none writes it

    @property
    def source(self) -> SourceTopic | None:
        """Who may publish here and what; None for a topic of the center's own."""
        if not self.records:
            return None
        kinds, names = zip(*(principal.split(":") for principal in self.write), strict=True)
        largest = BULK_BYTES if BULK.intersection(self.records) else MAX_BYTES
        return SourceTopic(self.name, frozenset(self.records), names, _FIELDS[kinds[0]], largest)

    def settings(self) -> dict[str, str]:
        """The topic's settings under Kafka's names."""
        settings = {
            "cleanup.policy": self.cleanup,
            "retention.ms": "-1" if self.retention is None else str(self.retention // timedelta(milliseconds=1)),
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": "LogAppendTime" if self.timestamps == "append" else "CreateTime",
            # With three copies a record is acknowledged by two: one broker may be lost without losing it.
            "min.insync.replicas": str(max(1, self.replicas - 1)),
        }
        if self.cleanup == "compact":
            settings["segment.ms"] = str(DAY_MS)  # only closed segments are compacted
        return settings


def read(path: Path) -> tuple[TopicDeclaration, ...]:
    """The declarations of a topics file.

    Raises:
        TopicsInvalid: the file is wrong; the text names file, line and column.
    """
    try:
        document = yaml.parse(str(path), path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TopicsInvalid(f"{path} cannot be read: {error}") from None
    file = None if document.problems else yaml.decode(document, _File)
    if file is None:
        problems: Iterable[Problem] = sorted(document.problems) or [Problem(str(path), 1, 1, "the file is empty")]
        raise TopicsInvalid("\n".join(map(str, problems)))
    return file.topics


def expand(declared: Iterable[TopicDeclaration], settings: TopicSettings) -> Iterator[Topic]:
    """Every topic of the declarations, in their order; a template's topics in the order of its publishers."""
    declared = tuple(declared)
    bodies = dict.fromkeys(body for declaration in declared for body in declaration.bodies)
    principals = {
        **{name: f"institution:{name}" for name in settings.institutions},
        **{name: f"telecom:{name}" for name in settings.operators},
        **{name: f"state:{name}" for name in bodies},
    }
    names = {
        "": ("",),
        PER_INSTITUTION: settings.institutions,
        PER_OPERATOR: settings.operators,
        PER_PUBLISHER: tuple(principals),
    }
    for declaration in declared:
        for name in names[declaration.placeholder]:
            yield _topic(declaration, settings, name, principals.get(name, ""))


def _topic(declaration: TopicDeclaration, settings: TopicSettings, name: str, own: str) -> Topic:
    """The topic of one publisher, or the one topic; `own` is the publisher's principal."""
    counts = {"screen": settings.partitions, "transactions": settings.tx_partitions}
    count = declaration.partitions
    return Topic(
        name=declaration.name.replace(declaration.placeholder, name) if name else declaration.name,
        text=declaration.text,
        partitions=count if isinstance(count, int) else counts[count],
        partitions_from="" if isinstance(count, int) else count,
        fixed=declaration.fixed,
        replicas=settings.replicas,
        cleanup=declaration.cleanup,
        retention=declaration.retention,
        max_message_bytes=declaration.max_message_bytes,
        timestamps=declaration.timestamps,
        owner=declaration.owner,
        write=tuple(own if principal in PLACEHOLDERS else principal for principal in declaration.write),
        read=tuple(own if principal in PLACEHOLDERS else principal for principal in declaration.read),
        publisher=name,
        records=declaration.records,
    )


def settings_text(error: ValueError) -> str:
    """The faults of the settings, each named as the variable that sets it."""
    if not isinstance(error, ValidationError):
        return str(error)
    return "\n".join(
        f"ANTIFRAUD_{'_'.join(map(str, fault['loc'][:1])).upper()}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors()
    )
