"""The topics of the center as streams/topics.yaml declares them, and the means to make a cluster agree with it.

    topics = Topics.load(partitions=4)
    with Kafka.find_or_start() as kafka, contextlib.closing(kafka.admin()) as admin:
        topics.apply(admin)

Nothing else creates a topic: Faust declares none, and the broker creates none by itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import kafka.errors
from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.errors import KafkaError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rules import yaml
from rules.problems import Problem
from streams.kafka import KafkaUnavailable

FILE: Final = Path(__file__).with_name("topics.yaml")
PER_INSTITUTION: Final = "{institution}"
# The simulated country's: five banks of Kazakhstan by their real BICs, and one invented microfinance lender.
INSTITUTIONS: Final = ("CASPKZKA", "HSBKKZKX", "IRTYKZKA", "KCJBKZKX", "TSESKZKA", "MFOKKZKA")
CENTER, FIU, VAULT, OPERATOR = "center", "fiu", "vault", "operator"
PRINCIPALS: Final = (CENTER, FIU, VAULT, OPERATOR)
INSTITUTION_PRINCIPAL: Final = f"institution:{PER_INSTITUTION}"
DAY_MS: Final = 86_400_000

_BIC: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_NAME: Final = re.compile(r"[a-z][a-z-]*(\.([a-z][a-z-]*|\{institution\}))?")


class TopicsInvalid(ValueError):
    """The topics file or a setting of it is wrong: nothing of it is used. The text names file, line and column."""


class TopicsRefused(Exception):
    """The cluster is not, or cannot be made, as declared: `message` says where and why, `remedy` what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


class TopicSettings(BaseSettings):
    """What the topics file leaves open; each from ANTIFRAUD_<NAME> where not passed."""

    model_config = SettingsConfigDict(env_prefix="ANTIFRAUD_", frozen=True)

    institutions: Annotated[tuple[str, ...], NoDecode] = Field(
        default=INSTITUTIONS, description="BICs of the institutions that take part, separated by commas"
    )
    partitions: int = Field(default=1, ge=1, le=1024, description="parts that subjects are divided among")
    tx_partitions: int = Field(default=1, ge=1, le=1024, description="partitions of each institution's topic")
    replicas: int = Field(
        default=1, ge=1, le=5, description="copies of each topic, on as many brokers; 3 in production"
    )

    @field_validator("institutions", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("institutions")
    @classmethod
    def _are_distinct_bics(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("at least one institution takes part")
        for name in value:
            if not _BIC.fullmatch(name):
                raise ValueError(f"{name!r} is not a BIC of 8 or 11 characters")
            if value.count(name) > 1:
                raise ValueError(f"{name} is named twice")
        return value


class TopicDeclaration(BaseModel):
    """One entry of the topics file, a template of several topics where its name contains {institution}."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    text: str = Field(min_length=1)
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

    @field_validator("write", "read")
    @classmethod
    def _are_principals(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        per_institution = PER_INSTITUTION in info.data.get("name", "")
        for principal in value:
            if principal == INSTITUTION_PRINCIPAL and not per_institution:
                raise ValueError(f"{principal!r} needs a topic for each institution: put {PER_INSTITUTION} in its name")
            if principal not in (*PRINCIPALS, INSTITUTION_PRINCIPAL):
                known = ", ".join((INSTITUTION_PRINCIPAL, *PRINCIPALS))
                raise ValueError(f"{principal!r} is not one of {known}")
        return value

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
    institution: str = ""  # whose topic it is, where it was made from a template

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


@dataclass(frozen=True, slots=True)
class Difference:
    """One point in which the cluster is not as declared, and what `apply` does about it."""

    topic: str
    what: str  # "topic", "partitions", "replicas" or the name of a setting
    declared: str
    found: str
    action: Literal["create", "alter", "grow", "refuse", "leave"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All differences between the declaration and the cluster, in order of the file."""

    differences: tuple[Difference, ...]

    def of(self, *actions: str) -> list[Difference]:
        """The differences that `apply` meets with one of these actions."""
        return [difference for difference in self.differences if difference.action in actions]

    @property
    def refused(self) -> list[Difference]:
        return self.of("refuse")

    def reasons(self, *actions: str) -> list[str]:
        """Why, for these actions, each reason once with its topics: a template's topics differ all alike."""
        topics: dict[str, list[str]] = {}
        for each in self.of(*actions):
            topics.setdefault(each.reason, []).append(each.topic)
        return [f"{_some(names)}: {reason}" for reason, names in topics.items()]

    def __bool__(self) -> bool:
        return bool(self.differences)


class Acl(NamedTuple):
    """One right: `principal` may do `operation` on the resource; whatever no row allows is forbidden."""

    principal: str
    operation: str
    resource_type: Literal["topic", "group"]
    resource: str
    pattern: Literal["literal", "prefixed"]


@dataclass(frozen=True)
class Topics:
    """Every topic of the center for one set of institutions and partition counts."""

    topics: tuple[Topic, ...]
    templates: tuple[str, ...]
    settings: TopicSettings
    _by_name: dict[str, Topic] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {topic.name: topic for topic in self.topics})

    @classmethod
    def load(
        cls,
        path: Path | None = None,
        institutions: Sequence[str] | None = None,
        partitions: int | None = None,
        *,
        tx_partitions: int | None = None,
        replicas: int | None = None,
    ) -> Topics:
        """Read the declaration and expand its templates; what is not passed comes from the environment.

        Raises:
            TopicsInvalid: the file or a setting is wrong; the text names file, line and column, or the setting.
        """
        given = {"partitions": partitions, "tx_partitions": tx_partitions, "replicas": replicas}
        given |= {"institutions": None if institutions is None else tuple(institutions)}  # type: ignore[dict-item]
        try:
            settings = TopicSettings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        except ValueError as error:
            raise TopicsInvalid(_settings_text(error)) from None
        declared = _read(path or FILE)
        topics = tuple(topic for declaration in declared for topic in _expand(declaration, settings))
        templates = tuple(declaration.name for declaration in declared if PER_INSTITUTION in declaration.name)
        return cls(topics, templates, settings)

    def __iter__(self) -> Iterator[Topic]:
        return iter(self.topics)

    def __len__(self) -> int:
        return len(self.topics)

    def __getitem__(self, name: str) -> Topic:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    @property
    def institutions(self) -> tuple[str, ...]:
        return self.settings.institutions

    @property
    def partitions(self) -> int:
        """How many parts the subjects are divided among: the partitions of facts, views, judged and decisions."""
        return self.settings.partitions

    def diff(self, admin: KafkaAdminClient) -> Plan:
        """What is not as declared in the cluster; topics that are none of ours are passed over.

        Raises:
            KafkaUnavailable: the cluster does not answer.
        """
        with _KafkaErrors():
            found = {topic["name"]: topic for topic in admin.describe_topics()}
            present = [topic for topic in self.topics if topic.name in found]
            settings = _settings_of(admin, present)
        differences: list[Difference] = []
        for topic in self.topics:
            if topic.name in found:
                differences += _compare(topic, found[topic.name]["partitions"], settings[topic.name])
            else:
                differences.append(Difference(topic.name, "topic", _summary(topic), "", "create"))
        differences += [
            Difference(name, "topic", "", "present", "leave", "its institution takes no part; nothing is deleted")
            for name in sorted(found)
            if name not in self and any(_matches(template, name) for template in self.templates)
        ]
        return Plan(tuple(differences))

    def apply(self, admin: KafkaAdminClient, *, seconds: float = 30.0) -> Plan:
        """Make the cluster agree, all of it or nothing; returns what there was to do. A second call does nothing.

        Topics are never deleted and never lose partitions or copies: such differences refuse the whole.

        Raises:
            TopicsRefused: the declaration cannot be had from this cluster; nothing was changed where the plan says
                so beforehand, else the broker's own objection is in the text.
            KafkaUnavailable: the cluster does not answer.
        """
        plan = self.diff(admin)
        if plan.refused:
            raise TopicsRefused(
                "; ".join(plan.reasons("refuse")) + ".",
                "Nothing was changed. Declare what the cluster has, or move the topic's records to a new cluster.",
            )
        with _KafkaErrors():
            self._create(admin, [self[each.topic] for each in plan.of("create")], seconds)
            self._alter(admin, plan.of("alter"))
            grown = {each.topic: self[each.topic].partitions for each in plan.of("grow")}
            if grown:
                admin.create_partitions(grown, timeout_ms=int(seconds * 1000))
        # The controller has agreed; the brokers show it a little later.
        deadline = time.monotonic() + seconds
        while left := self.diff(admin).of("create", "alter", "grow", "refuse"):
            if time.monotonic() > deadline:
                raise TopicsRefused(
                    f"After {seconds:g} s Kafka still does not show {left[0].topic} as declared ({left[0].what}).",
                    "Apply again; somebody else may be changing the topics at the same time.",
                )
            time.sleep(0.05)
        return plan

    def verify(self, admin: KafkaAdminClient) -> None:
        """Make sure before work begins that every topic is there and that counts which must be equal are equal.

        Raises:
            TopicsRefused: some are not.
            KafkaUnavailable: the cluster does not answer.
        """
        with _KafkaErrors():
            found = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
        wrong = [
            f"{topic.name} is missing"
            if topic.name not in found
            else f"{topic.name} has {_partitions(found[topic.name])} instead of {topic.partitions}"
            for topic in self.topics
            if found.get(topic.name) != topic.partitions
        ]
        if wrong:
            raise TopicsRefused(
                f"The topics are not as declared: {'; '.join(wrong)}.",
                "Run `antifraud topics diff` to see more and `antifraud topics apply` to set it right.",
            )

    def acls(self) -> list[Acl]:
        """Every right that follows from the declaration, without repeats.

        Who reads has a consumer group of its own, named after itself; nobody creates topics but the operator.
        """
        rows: list[Acl] = []
        for topic in self.topics:
            for principal in topic.write:
                rows += [
                    Acl(principal, operation, "topic", topic.name, "literal") for operation in ("WRITE", "DESCRIBE")
                ]
            for principal in topic.read:
                rows += [
                    Acl(principal, operation, "topic", topic.name, "literal") for operation in ("READ", "DESCRIBE")
                ]
                rows.append(Acl(principal, "READ", "group", group_prefix(principal), "prefixed"))
            rows += [
                Acl(OPERATOR, operation, "topic", topic.name, "literal")
                for operation in ("CREATE", "DESCRIBE", "ALTER", "DESCRIBE_CONFIGS", "ALTER_CONFIGS")
            ]
        return list(dict.fromkeys(rows))

    @staticmethod
    def _create(admin: KafkaAdminClient, topics: list[Topic], seconds: float) -> None:
        if not topics:
            return
        wanted = {
            topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": topic.replicas,
                "configs": topic.settings(),
            }
            for topic in topics
        }
        answer = admin.create_topics(wanted, timeout_ms=int(seconds * 1000), raise_errors=False)
        # Somebody else may have applied the same file at the same time: `verify` has the last word.
        settled = (0, kafka.errors.TopicAlreadyExistsError.errno)
        faults = [
            f"{topic['name']}: {topic['error_message'] or kafka.errors.for_code(topic['error_code']).__name__}"
            for topic in answer["topics"]
            if topic["error_code"] not in settled
        ]
        if faults:
            raise TopicsRefused(
                f"The broker did not create {'; '.join(faults)}", "Other topics may have been created; apply again."
            )
        admin.wait_for_topics([topic.name for topic in topics], timeout_ms=int(seconds * 1000))

    @staticmethod
    def _alter(admin: KafkaAdminClient, differences: list[Difference]) -> None:
        changes: dict[str, dict[str, str]] = {}
        for each in differences:
            changes.setdefault(each.topic, {})[each.what] = each.declared
        if not changes:
            return
        answer = admin.alter_configs([ConfigResource("TOPIC", name, settings) for name, settings in changes.items()])
        faults = [f"{name}: {said}" for name, said in answer.get("topic", {}).items() if said != "OK"]
        if faults:
            raise TopicsRefused(f"The broker did not alter {'; '.join(faults)}.", "Correct the declaration.")


def group_prefix(principal: str) -> str:
    """What the names of a principal's consumer groups begin with.

    >>> group_prefix("institution:CASPKZKA"), group_prefix("center")
    ('CASPKZKA.', 'center.')
    """
    return f"{principal.removeprefix('institution:')}."


def _read(path: Path) -> tuple[TopicDeclaration, ...]:
    try:
        document = yaml.parse(str(path), path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TopicsInvalid(f"{path} cannot be read: {error}") from None
    file = None if document.problems else yaml.decode(document, _File)
    if file is None:
        problems: Iterable[Problem] = sorted(document.problems) or [Problem(str(path), 1, 1, "the file is empty")]
        raise TopicsInvalid("\n".join(map(str, problems)))
    return file.topics


def _expand(declaration: TopicDeclaration, settings: TopicSettings) -> Iterator[Topic]:
    counts = {"screen": settings.partitions, "transactions": settings.tx_partitions}
    count = declaration.partitions
    for institution in settings.institutions if PER_INSTITUTION in declaration.name else ("",):
        yield Topic(
            name=declaration.name.replace(PER_INSTITUTION, institution),
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
            write=tuple(principal.replace(PER_INSTITUTION, institution) for principal in declaration.write),
            read=tuple(principal.replace(PER_INSTITUTION, institution) for principal in declaration.read),
            institution=institution,
        )


def _compare(topic: Topic, partitions: list[dict[str, Any]], settings: dict[str, str]) -> Iterator[Difference]:
    count = len(partitions)
    if count != topic.partitions:
        reason = ""
        if count > topic.partitions:
            reason = f"has {_partitions(count)}, and Kafka cannot take any away to leave {topic.partitions}"
        elif topic.fixed:
            reason = f"has {_partitions(count)}, which cannot become {topic.partitions}: {topic.fixed}"
        action: Literal["grow", "refuse"] = "refuse" if reason else "grow"
        yield Difference(topic.name, "partitions", str(topic.partitions), str(count), action, reason)
    copies = min((len(partition["replica_nodes"]) for partition in partitions), default=0)
    if copies != topic.replicas:
        reason = f"has {copies} copies instead of {topic.replicas}, which kafka-reassign-partitions changes"
        yield Difference(topic.name, "replicas", str(topic.replicas), str(copies), "refuse", reason)
    for name, value in topic.settings().items():
        if settings.get(name) != value:
            yield Difference(topic.name, name, value, settings.get(name, ""), "alter")


def _settings_of(admin: KafkaAdminClient, topics: list[Topic]) -> dict[str, dict[str, str]]:
    if not topics:
        return {}
    asked = [ConfigResource("TOPIC", topic.name, list(topic.settings())) for topic in topics]
    told = admin.describe_configs(asked, config_filter="all")["topic"]
    return {name: {key: setting["value"] for key, setting in settings.items()} for name, settings in told.items()}


def _matches(template: str, name: str) -> bool:
    before, after = template.split(PER_INSTITUTION)
    middle = name[len(before) : len(name) - len(after)]
    return name.startswith(before) and name.endswith(after) and _BIC.fullmatch(middle) is not None


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _partitions(count: int) -> str:
    return f"{count} partition" if count == 1 else f"{count} partitions"


def _summary(topic: Topic) -> str:
    kept = f"kept {topic.retention.days} d" if topic.retention else "compacted"
    return f"{_partitions(topic.partitions)}, {kept}"


def _settings_text(error: ValueError) -> str:
    """The faults of the settings, each named as the variable that sets it."""
    if not isinstance(error, ValidationError):
        return str(error)
    return "\n".join(
        f"ANTIFRAUD_{'_'.join(map(str, fault['loc'][:1])).upper()}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors()
    )


class _KafkaErrors:
    """Tells a cluster that does not answer from one that objects."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        if not isinstance(error, (KafkaError, OSError)):
            return
        said = f"{type(error).__name__}: {error}"[:300]
        if isinstance(error, OSError) or getattr(error, "retriable", False) or isinstance(error, _SILENCE):
            raise KafkaUnavailable(f"Kafka does not answer ({said}).", "See whether it still runs.") from error
        raise TopicsRefused(f"Kafka refuses ({said}).", "See the rights of this user and the broker's log.") from error


_SILENCE: Final = (
    kafka.errors.KafkaTimeoutError,
    kafka.errors.KafkaConnectionError,
    kafka.errors.NodeNotReadyError,
)
