"""Views: what partitions tell each other about subjects that do not live together, and the events that wait for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rules.events import Events
from streams import frames
from streams.engine import EVIDENCE, Parts

Reference = tuple[int, int, int, int]
SourceNames = Sequence[tuple[str, int]]  # topic and partition, by the partition's own numbers of sources
Evidence = tuple[NDArray[np.void], NDArray[np.int64]]  # EVIDENCE, and the row that each is of

_PARTS: Final = ("needed", "values", "statistics", "verdict", "scores")


@dataclass(slots=True)
class Waiting:
    """Events at their home that wait for the views of subjects living elsewhere; all of one generation."""

    rows: Events
    parts: Parts
    missing: NDArray[np.uint8]  # bit per role
    place: dict[Reference, int]
    evidence: dict[int, NDArray[np.void]] = field(default_factory=dict)  # row → EVIDENCE that views brought


def references_of(rows: Events, sources: SourceNames) -> NDArray[np.int64]:
    """How views name events, the same in every partition: (event, content, offset, number of its tx partition)."""
    numbers = np.array([partition for _, partition in sources], np.int64)[rows["source"]]
    columns = [rows[name].astype(np.int64) for name in ("event", "content", "offset")]
    return np.stack([*columns, numbers], axis=1)


class Views:
    """What partition `number` of `partitions` has sent, received and waits for."""

    def __init__(self, number: int, partitions: int) -> None:
        self.number = number
        self.partitions = partitions
        self.waiting: deque[Waiting] = deque()
        self.sent: dict[int, int] = {}
        self.seen: dict[int, int] = {}
        self.early: dict[Reference, list[tuple[int, Any]]] = {}

    def outgoing(
        self,
        rows: Events,
        parts: Parts,
        lives: NDArray[np.int64],
        home: NDArray[np.int64],
        sources: SourceNames,
        evidence_for: Callable[[Events, Parts], Evidence],
    ) -> Iterator[tuple[int, bytes]]:
        """What the homes of the rows need to know of the subjects that live here: to partition, frame."""
        for target in range(self.partitions):
            chosen = np.flatnonzero((home == target) & (target != self.number))
            if not len(chosen):
                continue
            number = self.sent.get(target, 0)
            self.sent[target] = number + 1
            some = parts.take(chosen)
            evidence, evidence_row = evidence_for(rows[chosen], some)
            yield (
                target,
                frames.encode_arrays(
                    frames.VIEWS,
                    {"from": self.number, "number": number, "sources": list(sources)},
                    {
                        "reference": references_of(rows[chosen], sources),
                        "here": lives[chosen] == self.number,
                        "values": some.values,
                        "statistics": some.statistics,
                        "verdict": some.verdict,
                        "scores": some.scores,
                        "evidence": evidence.view(np.uint8),
                        "evidence_row": evidence_row,
                    },
                ),
            )

    def take(
        self, meta: Mapping[str, Any], view: Mapping[str, NDArray[Any]], number_of: Callable[[str, int], int]
    ) -> None:
        """Take one frame of views; `number_of` a source is this partition's own. Raises frames.GapError."""
        sender, number = int(meta["from"]), int(meta["number"])
        expected = self.seen.get(sender, 0)
        if number < expected:
            return  # sent again after a crash
        if number > expected:
            raise frames.GapError(
                f"views/{self.number}: from partition {sender} expected number {expected}, got {number}"
            )
        self.seen[sender] = number + 1
        evidence = view["evidence"].copy().view(EVIDENCE)
        if len(evidence):
            # The sender numbers its sources in the order it met them in.
            here = [number_of(topic, partition) for topic, partition in meta["sources"]]
            evidence["source"] = np.array(here, np.uint16)[evidence["source"]]
        view = {**view, "evidence": evidence}
        for i, reference in enumerate(map(tuple, view["reference"].tolist())):
            for block in self.waiting:
                place = block.place.get(reference)
                if place is not None:
                    _merge(block, place, view, i)
                    break
            else:
                apart = ("reference", "evidence", "evidence_row")
                kept = {name: view[name][i : i + 1].copy() for name in view if name not in apart}
                kept["evidence"] = evidence[view["evidence_row"] == i]
                kept["evidence_row"] = np.zeros(len(kept["evidence"]), np.int64)
                self.early.setdefault(reference, []).append((sender, kept))

    def wait(self, rows: Events, parts: Parts, lives: NDArray[np.int64], sources: SourceNames) -> None:
        """Let events at their home wait for what is missing of them; views that came first are used."""
        elsewhere = (lives >= 0) & (lives != self.number)
        missing = (elsewhere << np.arange(4)).sum(axis=1).astype(np.uint8)
        references = map(tuple, references_of(rows, sources).tolist())
        block = Waiting(rows, parts, missing, {reference: i for i, reference in enumerate(references)})
        if self.early:
            for reference, place in block.place.items():
                for _, kept in self.early.pop(reference, ()):
                    _merge(block, place, kept, 0)
        self.waiting.append(block)

    def complete(self) -> Iterator[tuple[Events, Parts, dict[int, NDArray[np.void]]]]:
        """The longest prefix of waiting events that have all their views, with the evidence that these brought."""
        while self.waiting:
            block = self.waiting[0]
            incomplete = np.flatnonzero(block.missing)
            count = int(incomplete[0]) if len(incomplete) else len(block.rows)
            if count:
                done = slice(0, count)
                yield block.rows[done], block.parts.take(done), block.evidence
            if len(incomplete):
                if count:
                    rest = slice(count, None)
                    place = {reference: i - count for reference, i in block.place.items() if i >= count}
                    evidence = {i - count: proof for i, proof in block.evidence.items() if i >= count}
                    self.waiting[0] = Waiting(
                        block.rows[rest], block.parts.take(rest), block.missing[rest], place, evidence
                    )
                return
            self.waiting.popleft()

    def __len__(self) -> int:
        return sum(len(block.rows) for block in self.waiting)

    def state(self, arrays: dict[str, NDArray[Any]]) -> list[tuple[Reference, int]]:
        """Adds what waits and what came early to a snapshot's arrays; returns whose the early views are, by whom."""
        for i, block in enumerate(self.waiting):
            arrays[f"waiting.{i}.rows"] = block.rows
            arrays[f"waiting.{i}.missing"] = block.missing
            for place, proof in block.evidence.items():
                arrays[f"waiting.{i}.evidence.{place}"] = proof
            for name in _PARTS:
                arrays[f"waiting.{i}.{name}"] = getattr(block.parts, name)
        early: list[tuple[Reference, int]] = []
        for reference, views in self.early.items():
            for sender, kept in views:
                for name, array in kept.items():
                    arrays[f"early.{len(early)}.{name}"] = array
                early.append((reference, sender))
        return early

    def restore(self, said: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], sources: SourceNames) -> None:
        """Takes up what a snapshot's document and arrays say."""
        self.sent = dict(said["views_sent"])
        self.seen = dict(said["views_seen"])
        for i in range(said["waiting"]):
            parts = Parts(*(np.array(arrays[f"waiting.{i}.{name}"]) for name in _PARTS))
            rows = np.array(arrays[f"waiting.{i}.rows"])
            place = {tuple(reference): k for k, reference in enumerate(references_of(rows, sources).tolist())}
            prefix = f"waiting.{i}.evidence."
            evidence = {int(n[len(prefix) :]): np.array(a) for n, a in arrays.items() if n.startswith(prefix)}
            self.waiting.append(Waiting(rows, parts, np.array(arrays[f"waiting.{i}.missing"]), place, evidence))
        for i, (reference, sender) in enumerate(said["early"]):
            prefix = f"early.{i}."
            kept = {n[len(prefix) :]: np.array(a) for n, a in arrays.items() if n.startswith(prefix)}
            self.early.setdefault(tuple(reference), []).append((sender, kept))


def _merge(block: Waiting, place: int, view: Mapping[str, NDArray[Any]], i: int) -> None:
    here = view["here"][i]
    parts = block.parts
    parts.verdict[place, here] = view["verdict"][i, here]
    parts.statistics[place, here] = view["statistics"][i, here]
    parts.scores[place, here[:2]] = view["scores"][i, here[:2]]
    given = ~np.isnan(view["values"][i])
    parts.values[place, given] = view["values"][i, given]
    proof = view["evidence"][view["evidence_row"] == i]
    if len(proof):
        known = block.evidence.get(place)
        block.evidence[place] = proof if known is None else np.concatenate([known, proof])
    block.missing[place] &= ~np.uint8((here << np.arange(4)).sum())
