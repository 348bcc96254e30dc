"""From judgements to what leaves the center: alerts, decisions, contradictions and progress, as Kafka records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

import numpy as np

from rules.events import FIRST_FACT, LATE, LOAN_KINDS, PAYER, ROLES, subject_role
from rules.holds import RESTRAINING
from rules.judged import Description
from rules.references import LISTS
from rules.risk import parts as risk_parts
from rules.rulebook import Rulebook
from rules.typology import Action
from rules.warning import held_out, rule_for
from streams.contracts.decision import Decision, JudgedUpTo, ProgressMark
from streams.contracts.reasons import Reason
from streams.contracts.rejected import RejectedEvent
from streams.contracts.source import Source
from streams.contracts.suspicious_operation import (
    Evidence,
    FeatureValue,
    Risk,
    RiskParts,
    Role,
    RulebookReference,
    Signal,
    Subject,
    SuspiciousOperation,
    TypologyReference,
)
from streams.engine import Engine, Judgement
from streams.screening import Partition
from streams.tokens import TokenKey
from streams.verdicts import CONTRADICTION, REPEAT
from streams.wording import alert_id, headers_of, instant, tenge, text, text_of

ALERTS: Final = "suspicious-operations"
SHADOW_ALERTS: Final = "suspicious-operations.shadow"
SEVERITY: Final = {"warn": 1, "step_up": 2, "hold": 3, "block": 4}
_PROTECTED: Final = np.uint32(1 << LISTS.index("protected"))
_STATES: Final = ("no", "yes", "not_judged")
_DIRECTIONS: Final = ("in", "out", "used")


class Outgoing(NamedTuple):
    """One record to send."""

    topic: str
    value: bytes
    key: bytes | None
    headers: list[tuple[str, bytes]]
    appended_at: int = 0  # of the event it answers, ms; 0 where it answers none


class SourceName(NamedTuple):
    """Where a row's record stands."""

    topic: str
    partition: int


@dataclass(slots=True)
class Found:
    """One finding with the description that its alert and its decision share."""

    row: int
    typology: int
    description: Description
    alert_id: str


@dataclass(slots=True)
class Findings:
    """Builds contracts from judgements; `key` names subjects, `institutions` are those that take part."""

    key: TokenKey
    institutions: frozenset[str]
    _found: list[Found] = field(default_factory=list)
    _of: Judgement | None = None

    def alerts(
        self, judgement: Judgement, sources: Sequence[SourceName], engine: Engine
    ) -> Iterator[SuspiciousOperation]:
        """An alert for each finding, in order of judgement."""
        if not judgement.findings:
            return
        all_parts = risk_parts(judgement.rulebook, judgement.judged, judgement.parts.scores)
        for found in self._describe(judgement):
            yield self._alert(judgement, found, sources, engine, all_parts[found.row])

    def _describe(self, judgement: Judgement) -> list[Found]:
        if self._of is not judgement:
            rulebook = judgement.rulebook
            self._found = [
                Found(
                    i,
                    t,
                    rulebook.describe(judgement.judged, i, t),
                    alert_id_of(judgement.rows[i], rulebook.typologies[t].id, rulebook.typologies[t].subject, self.key),
                )
                for i, t in judgement.findings
            ]
            self._of = judgement
        return self._found

    def _alert(
        self, judgement: Judgement, found: Found, sources: Sequence[SourceName], engine: Engine, risks: Any
    ) -> SuspiciousOperation:
        row, description = judgement.rows[found.row], found.description
        typology, rulebook = description.typology, judgement.rulebook
        return SuspiciousOperation(
            type="suspicious_operation",
            alert_id=found.alert_id,
            institution=text_of(row["institution"]),
            event_id=text_of(row["event_id"]),
            occurred_at=instant(row["occurred_at"]),
            appended_at=instant(row["appended_at"]),
            late=bool(row["flags"] & LATE),
            source=source_of(row, sources),
            typology=TypologyReference(
                id=typology.id, version=str(typology.version), name=text(typology.name.model_dump())
            ),
            status=typology.status,
            rulebook=RulebookReference(
                version=rulebook.version, digest=rulebook.digest, generation=int(row["generation"])
            ),
            score=round(description.score, 6),
            risk=Risk(
                value=round(float(judgement.risk[found.row]), 6),
                parts=RiskParts(
                    typologies=round(float(1 - np.prod(1 - risks[:-2])), 6),
                    models=round(float(1 - np.prod(1 - risks[-2:])), 6),
                ),
            ),
            signals=self._signals(judgement, found),
            subject=cast(Role, subject_role(row, typology.subject)),
            subjects=tuple(
                Subject(role=role, token=self.key.text((int(row[role]), int(row[f"{role}_rest"]))))
                for role in ROLES
                if row[role]
            ),
            amount=tenge(row["amount_kzt"]),
            evidence=self._evidence(judgement, found, sources, engine),
            explanation=text(description.summary),
            decision=description.action.decision if description.action is not None and _answered(row) else None,
            legal_basis="; ".join(basis.text.ru for basis in typology.legal_basis),
        )

    def _signals(self, judgement: Judgement, found: Found) -> tuple[Signal, ...]:
        compiled = judgement.rulebook.compiled[found.typology]
        values = found.description.values
        signals = []
        for signal, expression in zip(found.description.signals, compiled.signals, strict=True):
            features = {}
            for name in expression.names:
                value, unit = values.get(name, (None, ""))
                if value is not None and not isinstance(value, str):
                    features[name] = FeatureValue(value=round(float(value), 6), unit=unit)
            signals.append(
                Signal(
                    id=signal.id,
                    state=_STATES[signal.state],
                    weight=signal.weight,
                    contribution=signal.contribution,
                    text=text(signal.text),
                    features=features if signal.state == 1 else {},
                )
            )
        return tuple(signals)

    def _evidence(
        self, judgement: Judgement, found: Found, sources: Sequence[SourceName], engine: Engine
    ) -> tuple[Evidence, ...]:
        """The event itself and the subject's latest transactions before it."""
        row, typology = judgement.rows[found.row], found.description.typology
        role = subject_role(row, typology.subject)
        counterparty = "payer" if role != "payer" else "payee"
        itself = Evidence(
            event=f"{int(row['event']):016x}",
            occurred_at=instant(row["occurred_at"]),
            amount=tenge(row["amount_kzt"]),
            direction=_DIRECTIONS[{"payee": 0, "payer": 1}.get(role, 2)],
            counterparty=self._prefix(row[counterparty]),
            source=source_of(row, sources),
        )
        entries = engine.evidence(judgement, found.row, typology)
        return (
            itself,
            *(
                Evidence(
                    event=f"{int(entry['event']):016x}",
                    occurred_at=instant(entry["occurred_at"]),
                    amount=tenge(entry["amount_kzt"]),
                    direction=_DIRECTIONS[int(entry["direction"])],
                    counterparty=self._prefix(entry["counterparty"]),
                    source=source_of(entry, sources),
                )
                for entry in entries
                if entry["event"] != row["event"]
            ),
        )[: typology.evidence.limit]

    def _prefix(self, key: Any) -> str | None:
        return self.key.prefix(int(key)) if key else None

    def decisions(
        self, judgement: Judgement, sources: Sequence[SourceName]
    ) -> Iterator[tuple[int, Decision, list[str]]]:
        """(row, decision, addressees): the gravest for each event with an active finding that asks for one.

        The reason names the typology and not its figures: those are of the subject's history at all institutions.
        Transactions and loans are decided on; what an operator or a registry says asks for no answer. A pension or a
        salary coming in is never held, whatever is found.
        """
        by_row: dict[int, list[Found]] = {}
        for found in self._describe(judgement) if judgement.findings else ():
            if _action(judgement, found) is not None and not found.description.typology.shadow:
                by_row.setdefault(found.row, []).append(found)
        for i, several in by_row.items():
            row = judgement.rows[i]
            if not _answered(row):
                continue
            gravest = max(several, key=lambda found: SEVERITY[found.description.action.decision])  # type: ignore[union-attr]
            action = gravest.description.action
            assert action is not None
            publisher, rulebook = text_of(row["institution"]), judgement.rulebook
            if action.decision == "warn" and _held_out(row, [f.description.typology.id for f in several], rulebook):
                continue
            decision = Decision(
                type="decision",
                institution=publisher,
                event_id=text_of(row["event_id"]),
                decision=action.decision,
                typologies=tuple(found.description.typology.id for found in several),
                reason=text(gravest.description.typology.name.model_dump()),
                legal_basis=action.legal_basis.ru,
                deadline=instant(rulebook.procedure.deadline("suspicion_hold", int(row["appended_at"])))
                if action.decision in RESTRAINING
                else None,
                topic=sources[int(row["source"])].topic,
                partition=sources[int(row["source"])].partition,
                offset=int(row["offset"]),
                alert_ids=tuple(found.alert_id for found in several),
            )
            addressees = [publisher]
            other = text_of(row["payee_institution"])
            if action.decision == "hold" and other in self.institutions and other != publisher:
                addressees.append(other)
            yield i, decision, addressees

    # -- as records ---------------------------------------------------------------------------------------------------

    def alert_records(self, judgement: Judgement, partition: Partition) -> Iterator[Outgoing]:
        """The alerts alone: all that follows where an event was judged before and answered."""
        sources = [SourceName(source.topic, source.partition) for source in partition.sources]
        for alert in self.alerts(judgement, sources, partition.engine):
            yield Outgoing(
                SHADOW_ALERTS if alert.status == "shadow" else ALERTS,
                alert.model_dump_json(exclude_none=True).encode(),
                alert.alert_id.encode(),
                headers_of("suspicious-operation", alert.alert_id),
            )

    def records(self, judgement: Judgement, partition: Partition) -> Iterator[Outgoing]:
        """Everything a judgement causes but the judged frame: alerts, decisions, contradictions."""
        sources = [SourceName(source.topic, source.partition) for source in partition.sources]
        yield from self.alert_records(judgement, partition)
        for i, decision, addressees in self.decisions(judgement, sources):
            row = judgement.rows[i]
            value, key = decision.model_dump_json(exclude_none=True).encode(), decision.alert_ids[0]
            partition.remember(int(row["event"]), [value, key.encode(), *(name.encode() for name in addressees)])
            for addressee in addressees:
                yield _decision_record(addressee, value, key, int(row["appended_at"]))
        yield from self._again(judgement, partition, sources)
        for contradiction in np.flatnonzero(judgement.state == CONTRADICTION):
            row = judgement.rows[contradiction]
            institution = text_of(row["institution"])
            yield rejection_record(
                RejectedEvent(
                    type="rejected",
                    institution=institution,
                    reason=Reason.CONTRADICTION,
                    path="$.event_id",
                    message="the same event_id was judged before with other content; the first content stands",
                    source=source_of(row, sources),
                    appended_at=instant(row["appended_at"]),
                ),
                institution,
            )

    def _again(self, judgement: Judgement, partition: Partition, sources: Sequence[SourceName]) -> Iterator[Outgoing]:
        """An event that came again is answered as the first time, for the place where it now stands."""
        if not partition.decided:
            return
        for i in np.flatnonzero(judgement.state == REPEAT):
            row = judgement.rows[i]
            known = partition.decided.get(int(row["event"]))
            if known is not None:
                decision = Decision.model_validate_json(known[0])
                place = sources[int(row["source"])]._asdict() | {"offset": int(row["offset"])}
                value = decision.model_copy(update=place).model_dump_json(exclude_none=True).encode()
                for addressee in known[2:]:
                    yield _decision_record(addressee.decode(), value, known[1].decode(), int(row["appended_at"]))


def _answered(row: np.void) -> bool:
    """Whether the event's publisher waits for a decision: on a transaction, or on a step of a loan."""
    return int(row["kind"]) < FIRST_FACT or int(row["kind"]) in LOAN_KINDS


def _held_out(row: np.void, typologies: list[str], rulebook: Rulebook) -> bool:
    """Whether this payer is left out of warnings about this payee, so that their effect can be measured."""
    policy, chosen = rulebook.procedure.warning_policy, rule_for(rulebook.procedure.warnings, typologies)
    if policy is None or chosen is None or not chosen[0].hold_out:
        return False
    return held_out(int(row["payer"]), int(row["payee"]), policy.hold_out_share)


def _decision_record(addressee: str, value: bytes, key: str, appended_at: int) -> Outgoing:
    return Outgoing(f"decisions.{addressee}", value, key.encode(), headers_of("decision", key), appended_at)


def rejection_record(rejected: RejectedEvent, publisher: str) -> Outgoing:
    """A rejected event on its way to `rejected.<publisher>`, keyed by the place of its record."""
    place = f"{rejected.source.topic}/{rejected.source.partition}/{rejected.source.offset}"
    return Outgoing(
        f"rejected.{publisher}",
        rejected.model_dump_json(exclude_none=True).encode(),
        place.encode(),
        headers_of("rejected", place),
    )


def progress_record(institution: str, topic: str, screen_partition: int, judged: Sequence[tuple[int, int]]) -> Outgoing:
    """A progress mark of a topic: (source partition, offset below which everything with its home here is judged)."""
    mark = ProgressMark(
        type="progress",
        institution=institution,
        topic=topic,
        screen_partition=screen_partition,
        judged=tuple(JudgedUpTo(partition=partition, offset=offset - 1) for partition, offset in judged),
    )
    return Outgoing(
        f"decisions.{institution}", mark.model_dump_json().encode(), None, headers_of("progress", f"{screen_partition}")
    )


def _action(judgement: Judgement, found: Found) -> Action | None:
    """What the finding asks for; no hold and no block of protected money coming in, see rules/protected.py."""
    action = found.description.action
    if action is None or action.decision not in RESTRAINING:
        return action
    some = slice(found.row, found.row + 1)
    listed = (judgement.judged.lists[some, PAYER] & _PROTECTED) != 0
    return None if judgement.rulebook.protected_money.incoming(judgement.rows[some], listed)[0] else action


def alert_id_of(row: np.void, typology: str, role: str, key: TokenKey) -> str:
    """The id of the alert that a typology raises on an event, about the subject of a role."""
    role = subject_role(row, role)
    subject = key.text((int(row[role]), int(row[f"{role}_rest"])))
    return alert_id(text_of(row["institution"]), text_of(row["event_id"]), typology, subject)


def source_of(row: np.void, sources: Sequence[SourceName]) -> Source:
    """Where a row's or an entry's record stands in Kafka (or in a file, for a replay)."""
    name = sources[int(row["source"])]
    return Source(topic=name.topic, partition=name.partition, offset=int(row["offset"]))
