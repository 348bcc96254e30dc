"""The engine: event rows in order go in, judgements come out; the same for live streams, replay, back-test and tests.

It composes the pure packages `rules` and `models` and is pure itself: no Kafka, no clock, no files. One engine holds
the state of one partition of `facts`: the histories of the subjects that live there and the models trained on them.

Two steps, because the subjects of one event may live in different partitions. `apply` runs where a subject lives and
gives what its history says about the event. `judge` runs at the event's home, when the parts are together. With one
partition `process` does both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.detectors import Detectors
from rules.events import EVENT, FIRST_FACT, NO_TIME, PAYEE, PAYER, PHONE, ROLES, Events, subject_role
from rules.history import Histories
from rules.judged import Judged
from rules.loans import Loans, is_loan_given, judge_again
from rules.references import ENTRY, Entries, ReferenceSets
from rules.risk import combine
from rules.rulebook import Rulebook
from rules.typology import Typology, milliseconds
from streams import frames
from streams.following import DECISIONS, FINDING, Mark
from streams.verdicts import NEW

EVIDENCE: Final = np.dtype(
    [
        ("role", "u1"),
        ("event", "<u8"),
        ("occurred_at", "<i8"),
        ("amount_kzt", "<i8"),
        ("counterparty", "<u8"),
        ("source", "<u2"),
        ("offset", "<i8"),
        ("direction", "u1"),
    ]
)


@dataclass(slots=True)
class Parts:
    """What the histories in one partition say about n events; NaN and 0 where the subject lives elsewhere."""

    needed: NDArray[np.uint64]  # [n] bit t: typology t may apply
    values: NDArray[np.float64]  # [n, features]
    statistics: NDArray[np.float64]  # [n, 4, statistics]
    verdict: NDArray[np.uint8]  # [n, 4]
    scores: NDArray[np.float64]  # [n, 2] anomaly of the payer's and the payee's side, tail scale in [0, 1]

    def take(self, index: Any) -> Parts:
        """The parts of some of the events: by slice, mask or positions."""
        return Parts(
            self.needed[index], self.values[index], self.statistics[index], self.verdict[index], self.scores[index]
        )


@dataclass(slots=True)
class Judgement:
    """n judged events of one rulebook generation, in order."""

    rows: Events
    parts: Parts
    rulebook: Rulebook
    judged: Judged
    risk: NDArray[np.float64]  # [n] in [0, 1]
    state: NDArray[np.uint8]  # [n] NEW, REPEAT or CONTRADICTION
    findings: list[tuple[int, int]]  # (row, typology), in order
    evidence: Mapping[int, NDArray[np.void]]  # row → EVIDENCE of subjects that live in other partitions

    def frame(self, first: int, mark: Mark, sources: Sequence[tuple[str, int]]) -> bytes:
        """The record for the `judged` topic.

        `first`: how many events the partition had judged before these. `mark`: every event with its home in the
        partition whose (epoch, order_time) is at or below it is in this record or before. `sources`: what
        rows["source"] indexes, (topic, partition); those of these rows go with them.
        """
        used = np.unique(self.rows["source"]).tolist()
        return frames.encode_arrays(
            frames.JUDGED,
            {
                "first": first,
                "generation": int(self.rows["generation"][0]),
                "digest": self.rulebook.digest,
                "mark": mark,
                "sources": [(i, *sources[i]) for i in used],
            },
            {
                "rows": self.rows,
                "risk": self.risk,
                "state": self.state,
                "scores": self.parts.scores,
                "typologies": self.judged.score.astype(np.float32),
                "lists": self.judged.lists,
                "findings": self._found().view(np.uint8),
            },
        )

    def _found(self) -> NDArray[np.void]:
        """The findings with what each asks for: FINDING[m]."""
        found = np.zeros(len(self.findings), FINDING)
        for place, (i, t) in enumerate(self.findings):
            typology, score = self.rulebook.typologies[t], float(self.judged.score[i, t])
            action = typology.action(score)
            decision = DECISIONS.index(action.decision) if action is not None else 0
            found[place] = (i, t, decision, typology.shadow, score)
        return found


def marked_frame(first: int, mark: Mark) -> bytes:
    """A record for the `judged` topic that says only how far the partition has judged; see `Judgement.frame`."""
    return frames.encode_arrays(frames.JUDGED, {"first": first, "mark": mark}, {"rows": np.empty(0, EVENT)})


def deciding_verdict(rows: Events, verdict: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Whether each event is new: its payer's history decides, or its payee's, or its phone's. uint8[n].

    Only of a call to a person whom the operator does not name nothing but the phone is known.
    """
    by_payee = np.where(rows["payee"] != 0, verdict[:, PAYEE], verdict[:, PHONE])
    return np.where(rows["payer"] != 0, verdict[:, PAYER], by_payee)


class Engine:
    """The state of one partition and what is done with it.

    `references` are broadcast: the engines of one worker may share them. An answer depends on the order key of what is
    asked about, so what another engine has read further on in the log changes none.
    """

    def __init__(
        self,
        histories: Histories | None = None,
        detectors: Detectors | None = None,
        references: ReferenceSets | None = None,
    ) -> None:
        self.histories = histories if histories is not None else Histories()
        self.detectors = detectors if detectors is not None else Detectors()
        self.references = references if references is not None else ReferenceSets()
        self.loans = Loans()

    def apply(self, rows: Events, rulebook: Rulebook) -> Parts:
        """Apply events in order to the histories of the subjects that `rows["roles"]` says live here.

        Sets `rows["amount_kzt"]`. The result does not depend on how a sequence of events is cut into calls.
        """
        rows["amount_kzt"] = rulebook.amounts_in_tenge(rows)
        needed = rulebook.applicable(rows)
        applied = self.histories.apply(rows, rulebook.features, needed)
        new = applied.verdict[:, : PAYEE + 1] == NEW
        self.loans.add(rows, new[:, PAYEE] & (rows["home"] == 1))
        new &= (rows["kind"] < FIRST_FACT)[:, None]  # models are of transactions
        scores = self.detectors.score_and_learn(
            subject=np.stack([rows["payer"], rows["payee"]], axis=1),
            kind=rows["kind"],
            payer_kind=rows["payer_kind"],
            payee_kind=rows["payee_kind"],
            amount_kzt=rows["amount_kzt"],
            occurred_at=rows["occurred_at"],
            statistics=applied.statistics,
            present=new,
            learn=new,
        )
        return Parts(needed, applied.values, applied.statistics, applied.verdict, scores)

    def judge(
        self, rows: Events, parts: Parts, rulebook: Rulebook, evidence: Mapping[int, NDArray[np.void]] | None = None
    ) -> Judgement:
        """Judge events whose parts are all together, by one rulebook. Pure: state does not change."""
        judged = self._judged(rows, parts, rulebook, (1 << len(ROLES)) - 1)  # who follows `judged` may read any list
        state = deciding_verdict(rows, parts.verdict)
        new = state == NEW
        risk = combine(rulebook, judged, parts.scores)
        risk[~new] = 0.0
        fired = (judged.score >= rulebook.alert_at) & rulebook.applies(parts.needed) & new[:, None]
        findings = [(int(i), int(t)) for i, t in zip(*np.nonzero(fired), strict=True)]
        return Judgement(rows, parts, rulebook, judged, risk, state, findings, evidence or {})

    def _judged(self, rows: Events, parts: Parts, rulebook: Rulebook, roles: int) -> Judged:
        lists = self.references.of_events(rows, roles)
        return rulebook.judge(rows, parts.needed, parts.values, parts.statistics, parts.scores, lists)

    def judge_loans_again(
        self, entries: Entries, rulebooks: Callable[[int], Rulebook], *, late: bool = False
    ) -> list[Judgement]:
        """The alerts that loans given before should have raised, had these entries, in order, been known then.

        Call it when the entries are in `references` and every row before them was applied. `rulebooks` by generation
        number. `late`: the entries come after what the order has behind them.
        """
        return self.judge_again(*self.loans.concerned(entries, np.full(len(entries), late)), rulebooks)

    def judge_again(
        self, rows: Events, known_at: NDArray[np.int64], rulebooks: Callable[[int], Rulebook]
    ) -> list[Judgement]:
        """Judge loans by what the lists say as known at `known_at` int64[n, 2]; only what was not alerted of counts."""
        judgements = []
        for i in range(len(rows)):
            row = rows[i : i + 1].copy()
            rulebook = rulebooks(int(row["generation"][0]))
            row["amount_kzt"] = rulebook.amounts_in_tenge(row)
            judged, alerts = judge_again(rulebook, row, known_at[i : i + 1], self.references)
            new = self.loans.mark(row[0], _bits(alerts[0])) if alerts.any() else 0
            if new:
                verdict = np.full((1, len(ROLES)), NEW, np.uint8)
                parts = Parts(judged.needed, judged.values, judged.statistics, verdict, judged.scores)
                findings = [(0, t) for t in range(len(rulebook.typologies)) if new >> t & 1]
                risk, state = combine(rulebook, judged, parts.scores), np.full(1, NEW, np.uint8)
                judgements.append(Judgement(row, parts, rulebook, judged, risk, state, findings, {}))
        return judgements

    def remember(self, judgement: Judgement) -> None:
        """Note of which loans was alerted, so that no list raises the same alert again."""
        loans = is_loan_given(judgement.rows) if judgement.findings else ()
        for i, t in judgement.findings:
            if loans[i] and judgement.rulebook.reads_lists[t]:
                self.loans.mark(judgement.rows[i], 1 << t)

    def evidence_for(
        self, rows: Events, parts: Parts, rulebook: Rulebook
    ) -> tuple[NDArray[np.void], NDArray[np.int64]]:
        """What proves findings about subjects that live here, for events judged elsewhere: EVIDENCE[m], row int64[m].

        Only where a typology about such a subject may still alert, whatever the other histories say.
        """
        judged = self._judged(rows, parts, rulebook, rulebook.listed_roles)
        possible = rulebook.at_most(judged) >= rulebook.alert_at
        roles = np.array([ROLES.index(typology.subject) for typology in rulebook.typologies])
        possible &= parts.verdict[:, roles] == NEW
        wanted: dict[tuple[int, int], int] = {}
        for i, t in zip(*np.nonzero(possible), strict=True):
            key = int(i), int(roles[t])
            wanted[key] = wanted.get(key, 0) | 1 << int(t)
        found, places = [np.empty(0, EVIDENCE)], [np.empty(0, np.int64)]
        for (i, role), typologies in wanted.items():
            entries = self._entries(
                rows[i], role, [t for n, t in enumerate(rulebook.typologies) if typologies >> n & 1]
            )
            found.append(entries)
            places.append(np.full(len(entries), i, np.int64))
        return np.concatenate(found), np.concatenate(places)

    def _entries(self, row: np.void, role: int, typologies: Sequence[Typology]) -> NDArray[np.void]:
        entries = self.histories.evidence(
            int(row[ROLES[role]]),
            until=int(row["occurred_at"]),
            within_ms=max(milliseconds(typology.evidence.within) for typology in typologies),
            limit=max(typology.evidence.limit for typology in typologies),
        )
        evidence = np.empty(len(entries), EVIDENCE)
        evidence["role"] = role
        for name in EVIDENCE.names[1:]:  # type: ignore[index]
            evidence[name] = entries[name]
        return evidence

    def evidence(self, judgement: Judgement, i: int, typology: Typology) -> NDArray[np.void]:
        """The subject's latest transactions up to event i that prove a finding, newest first: EVIDENCE[m]."""
        row = judgement.rows[i]
        role = ROLES.index(subject_role(row, typology.subject))
        brought = judgement.evidence.get(i)
        entries = self._entries(row, role, [typology]) if brought is None else brought[brought["role"] == role]
        if brought is not None and not len(entries):
            entries = self._entries(row, role, [typology])
        since = int(row["occurred_at"]) - milliseconds(typology.evidence.within)
        return entries[entries["occurred_at"] > since][: typology.evidence.limit]

    def process(self, rows: Events, rulebooks: Mapping[int, Rulebook]) -> list[Judgement]:
        """Apply and judge events whose subjects all live here; `rulebooks` by generation number."""
        judgements = []
        for run in runs_of_generation(rows):
            rulebook = rulebooks[int(rows["generation"][run.start])]
            judgements.append(self.judge(rows[run], self.apply(rows[run], rulebook), rulebook))
            self.remember(judgements[-1])
        return judgements

    def state(self) -> dict[str, NDArray[Any]]:
        """The whole state as arrays (views, not copies): what a snapshot writes."""
        return {
            **{f"histories.{name}": array for name, array in self.histories.state().items()},
            **{f"detectors.{name}": array for name, array in self.detectors.state().items()},
            **{f"references.{name}": array for name, array in self.references.state().items()},
            "loans": self.loans.state(),
        }

    @classmethod
    def restore(cls, state: Mapping[str, NDArray[Any]], references: ReferenceSets | None = None) -> Engine:
        """The engine whose `state()` this was; `references`: those of the worker, which the state's are merged into."""

        def part(prefix: str) -> dict[str, NDArray[Any]]:
            return {name[len(prefix) :]: array for name, array in state.items() if name.startswith(prefix)}

        references = references if references is not None else ReferenceSets()
        references.merge(part("references."))
        engine = cls(Histories.restore(part("histories.")), Detectors.restore(part("detectors.")), references)
        if "loans" in state:
            engine.loans = Loans.restore(state["loans"])
        return engine


def _bits(chosen: NDArray[np.bool_]) -> int:
    return sum(1 << int(bit) for bit in np.flatnonzero(chosen))


def warm_up(rulebook: Rulebook) -> None:
    """Compile, or load from numba's cache, every kernel, so that no live event waits for a compiler."""
    row = np.zeros(1, EVENT)
    row["event"] = row["content"] = row["payer"] = row["payee"] = row["device"] = row["phone"] = 1
    row["payer_kind"] = row["payee_kind"] = 1
    row["amount"], row["currency"] = 100, b"KZT"
    engine = Engine(Histories(subjects=8, entries=1024))
    for number, sequence in ((0, 0), (0, 0), (1, 1 << 32)):  # the second is held already, the third needs wider columns
        entry = np.zeros(1, ENTRY)
        entry["key"], entry["valid_to"], entry["number"], entry["sequence"] = 1, NO_TIME, number, sequence
        engine.references.insert(entry)
        engine.references.of_events(row, (1 << len(ROLES)) - 1)
    engine.process(spread(row, 1)[0][1], {0: rulebook})


def runs_of_generation(rows: Events) -> list[slice]:
    """Cut rows, in order, into runs that one rulebook generation judges."""
    if not len(rows):
        return []
    generations = rows["generation"]
    cuts = np.flatnonzero(generations[1:] != generations[:-1]) + 1
    edges = [0, *cuts.tolist(), len(rows)]
    return [slice(a, b) for a, b in pairwise(edges)]


def partition_of(tokens: NDArray[np.uint64], partitions: int) -> NDArray[np.int64]:
    """The partition in which each subject lives: its token modulo the number of partitions; -1 for an absent one."""
    return np.where(tokens == 0, -1, (tokens % np.uint64(partitions)).astype(np.int64))


def homes_of(rows: Events, partitions: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the subjects of each event live, int64[n, 4] with -1 for an absent one, and where it is judged, int64[n].

    The home is the payee's partition, or the payer's where there is no payee, or the phone's where there is neither.
    """
    lives = np.stack([partition_of(rows[name], partitions) for name in ROLES], axis=1)
    by_payer = np.where(lives[:, PAYER] >= 0, lives[:, PAYER], lives[:, PHONE])
    return lives, np.where(lives[:, PAYEE] >= 0, lives[:, PAYEE], by_payer)


def spread(rows: Events, partitions: int) -> list[tuple[int, Events]]:
    """Copy rows to every partition where one of their subjects lives, with `roles` and `home` set."""
    present = np.zeros(len(rows), np.uint8)
    for role, name in enumerate(ROLES):
        present |= ((rows[name] != 0).astype(np.uint8) << role).astype(np.uint8)
    if partitions == 1:
        rows["roles"], rows["home"] = present, 1
        return [(0, rows)]
    lives, home = homes_of(rows, partitions)
    result = []
    for partition in range(partitions):
        here = lives == partition
        chosen = here.any(axis=1)
        if not chosen.any():
            continue
        part = rows[chosen]
        part["roles"] = (here[chosen] << np.arange(len(ROLES))).sum(axis=1)
        part["home"] = home[chosen] == partition
        result.append((partition, part))
    return result


def in_order(rows: Events) -> NDArray[np.intp]:
    """Positions that sort rows by (epoch, order_time, occurred_at, institution, event_id, content)."""
    order = np.lexsort((rows["occurred_at"], rows["order_time"], rows["epoch"]))
    if len(rows) < 2:
        return order
    keys = np.stack([rows["epoch"][order], rows["order_time"][order], rows["occurred_at"][order]])
    tied = (keys[:, 1:] == keys[:, :-1]).all(axis=0)
    if not tied.any():
        return order
    # Text is slow to sort, so it settles only what time leaves open.
    return np.lexsort(
        (
            rows["content"],
            rows["event_id"],
            rows["institution"],
            rows["occurred_at"],
            rows["order_time"],
            rows["epoch"],
        )
    )


def joined(arrays: Sequence[Events]) -> Events:
    """One array of rows; no copy of a single one."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
