"""The topics of the center as streams/topics.yaml declares them, and the means to make a cluster agree with it.

    topics = Topics.load(partitions=4)
    with Kafka.find_or_start() as kafka, contextlib.closing(kafka.admin()) as admin:
        topics.apply(admin)

Nothing else creates a topic: Faust declares none, and the broker creates none by itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import kafka.errors
from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.errors import KafkaError

from streams.contracts.fields import PUBLISHER
from streams.kafka import KafkaUnavailable
from streams.sources import SourceTopic
from streams.topic_declarations import (
    FILE,
    INSTITUTIONS,
    OPERATOR_OF_CENTER,
    OPERATORS,
    Topic,
    TopicSettings,
    TopicsInvalid,
    expand,
    read,
    settings_text,
)

_PLACEHOLDER: Final = re.compile(r"\{[a-z]+\}")


class TopicsRefused(Exception):
    """The cluster is not, or cannot be made, as declared: `message` says where and why, `remedy` what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


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
        operators: Sequence[str] | None = None,
        tx_partitions: int | None = None,
        replicas: int | None = None,
    ) -> Topics:
        """Read the declaration and expand its templates; what is not passed comes from the environment.

        Raises:
            TopicsInvalid: the file or a setting is wrong; the text names file, line and column, or the setting.
        """
        given = {"partitions": partitions, "tx_partitions": tx_partitions, "replicas": replicas}
        given |= {"institutions": None if institutions is None else tuple(institutions)}  # type: ignore[dict-item]
        given |= {"operators": None if operators is None else tuple(operators)}  # type: ignore[dict-item]
        try:
            settings = TopicSettings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        except ValueError as error:
            raise TopicsInvalid(settings_text(error)) from None
        return cls.of(settings, path)

    @classmethod
    def of(cls, settings: TopicSettings, path: Path | None = None) -> Topics:
        """The declaration expanded by these settings.

        Raises:
            TopicsInvalid: the file is wrong.
        """
        declared = read(path or FILE)
        templates = tuple(declaration.name for declaration in declared if declaration.placeholder)
        return cls(tuple(expand(declared, settings)), templates, settings)

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
    def sources(self) -> tuple[SourceTopic, ...]:
        """The topics that publishers write, in order of the file."""
        return tuple(source for topic in self.topics if (source := topic.source) is not None)

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
            Difference(name, "topic", "", "present", "leave", "its publisher takes no part; nothing is deleted")
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
                Acl(OPERATOR_OF_CENTER, operation, "topic", topic.name, "literal")
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
    return f"{principal.rpartition(':')[2]}."


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
    before, after = _PLACEHOLDER.split(template)
    middle = name[len(before) : len(name) - len(after)]
    return name.startswith(before) and name.endswith(after) and re.fullmatch(PUBLISHER, middle) is not None


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _partitions(count: int) -> str:
    return f"{count} partition" if count == 1 else f"{count} partitions"


def _summary(topic: Topic) -> str:
    kept = f"kept {topic.retention.days} d" if topic.retention else "compacted"
    return f"{_partitions(topic.partitions)}, {kept}"


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

__all__ = [
    "FILE",
    "INSTITUTIONS",
    "OPERATORS",
    "Acl",
    "Difference",
    "Plan",
    "Topic",
    "TopicSettings",
    "Topics",
    "TopicsInvalid",
    "TopicsRefused",
    "group_prefix",
]
