"""Who reads which partition: equal numbers of some topics stay together and with who has them, others are spread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from faust.types import TP

from streams.batch_settings import BatchSettings

Members = Mapping[str, tuple[set[str], Mapping[str, set[int]]]]
Partitions = Mapping[str, Iterable[int]]
Given = Iterator[tuple[str, str, int]]  # member, topic, number of the partition


class Member(Protocol):
    """Whom an assignor speaks for: it is told which partitions it has, and says so at the next rebalance."""

    owned: set[TP]


def assign(
    members: Members, partitions_of: Partitions, together: Sequence[str], whole: Sequence[str] = ()
) -> dict[str, dict[str, list[int]]]:
    """Spread partitions over members: those of `together` by number and sticky, all others one by one.

    All partitions of the `whole` topics go to one member, which is the one that owns most of them now.

    `members` maps a member to (topics it subscribes to, partitions it owns now). Every number of the `together` topics
    stays with the member that owns it while that member has no more than its share, so that state moves only when it
    must. The result is a function of the arguments alone.
    """
    others = sorted(topic for topic in partitions_of if topic not in (*together, *whole))
    given = chain(
        _by_number(members, partitions_of, together),
        _to_one(members, partitions_of, whole),
        _one_by_one(members, partitions_of, others),
    )
    result: dict[str, dict[str, list[int]]] = {member: {} for member in sorted(members)}
    for member, topic, number in given:
        result[member].setdefault(topic, []).append(number)
    return result


def _by_number(members: Members, partitions_of: Partitions, topics: Sequence[str]) -> Given:
    numbers = sorted({number for topic in topics for number in partitions_of.get(topic, ())})
    able = _subscribed(members, topics)
    if not able:
        return
    kept = _kept(members, numbers, topics, able)
    load = {member: sum(owner == member for owner in kept.values()) for member in able}
    for number in numbers:
        if number not in kept:
            kept[number] = min(able, key=lambda member: (load[member], member))
            load[kept[number]] += 1
    for number, member in kept.items():
        for topic in topics:
            if number in partitions_of.get(topic, ()):
                yield member, topic, number


def _kept(members: Members, numbers: Sequence[int], topics: Sequence[str], able: Sequence[str]) -> dict[int, str]:
    """Number → its owner, where that has no more than its share."""
    share, extra = divmod(len(numbers), len(able))
    kept: dict[int, str] = {}
    load = dict.fromkeys(able, 0)
    above = 0
    for number in numbers:
        for member in able:
            owned = any(number in members[member][1].get(topic, ()) for topic in topics)
            room = load[member] < share or (load[member] == share and above < extra)
            if owned and number not in kept and room:
                above += load[member] == share
                kept[number] = member
                load[member] += 1
    return kept


def _to_one(members: Members, partitions_of: Partitions, topics: Sequence[str]) -> Given:
    able = _subscribed(members, topics)
    if not able:
        return
    holds = {member: sum(len(members[member][1].get(topic, ())) for topic in topics) for member in able}
    chosen = min(able, key=lambda member: (-holds[member], member))
    for topic in topics:
        for number in sorted(partitions_of.get(topic, ())):
            yield chosen, topic, number


def _one_by_one(members: Members, partitions_of: Partitions, topics: Sequence[str]) -> Given:
    turn = 0
    for topic in topics:
        able = _subscribed(members, [topic])
        for number in sorted(partitions_of[topic]) if able else ():
            yield able[turn % len(able)], topic, number
            turn += 1


def _subscribed(members: Members, topics: Sequence[str]) -> list[str]:
    """The members that subscribe to one of the topics at least, in order."""
    return [member for member in sorted(members) if any(topic in members[member][0] for topic in topics)]


def assignor_for(member: Member, settings: BatchSettings) -> type[AbstractPartitionAssignor]:
    """aiokafka wants a class with class methods; this one speaks for one member."""

    class SameNumbersTogether(AbstractPartitionAssignor):  # type: ignore[misc]
        name = "antifraud-together"
        version = 0

        @classmethod
        def metadata(cls, topics: Iterable[str]) -> Any:
            owned = ",".join(f"{tp.topic}:{tp.partition}" for tp in sorted(member.owned))
            return ConsumerProtocolMemberMetadata(cls.version, sorted(topics), owned.encode())

        @classmethod
        def assign(cls, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
            described = {}
            for name, metadata in members.items():
                owned: dict[str, set[int]] = {}
                for item in filter(None, (metadata.user_data or b"").decode().split(",")):
                    topic, _, number = item.rpartition(":")
                    owned.setdefault(topic, set()).add(int(number))
                described[name] = (set(metadata.subscription), owned)
            topics = {topic for subscribed, _ in described.values() for topic in subscribed}
            partitions = {topic: cluster.partitions_for_topic(topic) or set() for topic in topics}
            spread = assign(described, partitions, settings.together, settings.whole)
            return {
                name: ConsumerProtocolMemberAssignment(cls.version, sorted(of.items()), b"")
                for name, of in spread.items()
            }

        @classmethod
        def on_assignment(cls, assignment: Any) -> None:
            member.owned = {TP(topic, number) for topic, numbers in assignment.assignment for number in numbers}

    return SameNumbersTogether
