"""The follower `trace`: money followed from transfer to transfer over the whole country, and alerts of its shapes.

A function of `judged` and of the rulebook's tracing section. The alerts are suspicious operations like those of
`screen` and stand beside them, with ids of their own: a hash of institution, event, typology, subject and pattern.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules.events import LATE, ROLES
from rules.flow_kernels import TRACED
from rules.flows import CAPACITY, CHUNK, Flows
from rules.risk import parts as risk_parts
from rules.tracing import MEASURES, Pattern, Tracing
from streams.contracts.source import Source
from streams.contracts.suspicious_operation import (
    Evidence,
    FeatureValue,
    Risk,
    RiskParts,
    RulebookReference,
    Signal,
    Subject,
    SuspiciousOperation,
    TypologyReference,
)
from streams.findings import ALERTS, SHADOW_ALERTS
from streams.following import JudgedBatch, Mark, Outgoing, SourceName
from streams.tokens import TokenKey
from streams.verdicts import NEW
from streams.wording import headers_of, instant, tenge, text, text_of

REMEMBERED: Final = 50_000  # alerts, so that one case is not told at every step of it


class Trace:
    """See the module's docstring."""

    name = "trace"

    def __init__(self, key: TokenKey, capacity: int = CAPACITY) -> None:
        self.key = key
        self.flows = Flows(capacity)
        self.alerts = 0
        self._sources: list[SourceName] = []
        self._index: dict[tuple[str, int], int] = {}
        # (pattern, subject) → when it was told last, and how large it was then; the latest last
        self._told: dict[tuple[str, int], tuple[int, float]] = {}

    # -- streams.following.Follower -----------------------------------------------------------------------------------

    def take(self, batch: JudgedBatch) -> list[Outgoing]:
        """Add the batch's new transfers to the graph; return an alert for each pattern that one of them completes."""
        tracing = batch.rulebook.tracing
        new = np.flatnonzero(batch.state == NEW)
        if tracing is None or not len(new):
            return []
        here = np.array([self._source(name) for name in batch.sources], np.uint16)
        sent: list[Outgoing] = []
        for start in range(0, len(new), CHUNK):
            positions = new[start : start + CHUNK]
            rows = batch.rows[positions]
            traced = self.flows.add(rows, here[rows["source"]], tracing.parameters)
            scores, held = tracing.scores(traced, rows["amount_kzt"])
            alert_at = np.array([pattern.alert_at for pattern in tracing.patterns])
            for i, number in zip(*np.nonzero(scores >= alert_at), strict=True):
                pattern = tracing.patterns[number]
                if self._is_news(tracing, pattern, rows[i], traced[i]):
                    place = int(positions[i])
                    sent.append(
                        self._alert(batch, place, pattern, traced[i], float(scores[i, number]), held[number][i])
                    )
        self.alerts += len(sent)
        return sent

    def advance(self, mark: Mark) -> list[Outgoing]:
        """Nothing is due by time alone."""
        return []

    def state(self) -> tuple[bytes, Mapping[str, NDArray[Any]]]:
        """The graph, the names of its sources and what was told."""
        told = [(pattern, subject, at, size) for (pattern, subject), (at, size) in self._told.items()]
        document = {"sources": self._sources, "told": told, "alerts": self.alerts}
        return msgspec.msgpack.encode(document), self.flows.state()

    def restore(self, document: bytes, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the follower whose `state()` this was."""
        said = msgspec.msgpack.decode(document)
        self.flows = Flows.restore(arrays)
        self._sources = [SourceName(*name) for name in said["sources"]]
        self._index = {name: i for i, name in enumerate(self._sources)}
        self._told = {(pattern, subject): (at, size) for pattern, subject, at, size in said["told"]}
        self.alerts = said["alerts"]

    # -- alerts -------------------------------------------------------------------------------------------------------

    def _source(self, name: SourceName) -> int:
        if name not in self._index:
            self._index[name] = len(self._sources)
            self._sources.append(name)
        return self._index[name]

    def _is_news(self, tracing: Tracing, pattern: Pattern, row: np.void, traced: np.void) -> bool:
        """Whether this subject's pattern was not told within `again_after`, or has doubled since."""
        key = pattern.id, int(row[pattern.subject])
        at, size = int(row["occurred_at"]), float(traced[pattern.counted])
        known = self._told.get(key)
        if known is not None and abs(at - known[0]) <= tracing.again_ms and size < 2 * known[1]:
            return False
        self._told.pop(key, None)
        self._told[key] = at, size
        if len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        return True

    def _alert(
        self,
        batch: JudgedBatch,
        i: int,
        pattern: Pattern,
        traced: np.void,
        score: float,
        held: NDArray[np.bool_],
    ) -> Outgoing:
        row, rulebook = batch.rows[i], batch.rulebook
        tracing = rulebook.tracing
        assert tracing is not None
        typology = next(each for each in rulebook.typologies if each.id == tracing.typology)
        one = np.array([traced], TRACED), np.array([row["amount_kzt"]], np.int64)
        measures = {name: float(v[0]) for name, v in tracing.measures(*one).items()}

        def value(name: str) -> tuple[float | str | None, str]:
            return measures[name], MEASURES[name]

        subject = self.key.text((int(row[pattern.subject]), int(row[f"{pattern.subject}_rest"])))
        told = (text_of(row["institution"]), text_of(row["event_id"]), typology.id, subject, pattern.id)
        identity = hashlib.sha256("\x1f".join(told).encode()).hexdigest()[:32]
        alert = SuspiciousOperation(
            type="suspicious_operation",
            alert_id=identity,
            institution=text_of(row["institution"]),
            event_id=text_of(row["event_id"]),
            occurred_at=instant(row["occurred_at"]),
            appended_at=instant(row["appended_at"]),
            late=bool(row["flags"] & LATE),
            source=_place(batch.sources[int(row["source"])], int(row["offset"])),
            typology=TypologyReference(
                id=typology.id, version=str(typology.version), name=text(typology.name.model_dump())
            ),
            status=typology.status,
            rulebook=RulebookReference(version=rulebook.version, digest=rulebook.digest, generation=batch.generation),
            score=round(score, 6),
            risk=self._risk(batch, i, pattern, typology.id, score),
            signals=tuple(
                Signal(
                    id=signal.id,
                    state="yes" if holds else "no",
                    weight=signal.weight,
                    contribution=signal.weight if holds else 0.0,
                    text=text(signal.text.render(value)),
                    features={
                        signal.measure: FeatureValue(
                            value=round(measures[signal.measure], 6), unit=MEASURES[signal.measure]
                        )
                    }
                    if holds
                    else {},
                )
                for signal, holds in zip(pattern.signals, held, strict=True)
            ),
            subject=pattern.subject,
            subjects=tuple(
                Subject(role=role, token=self.key.text((int(row[role]), int(row[f"{role}_rest"]))))
                for role in ROLES
                if row[role]
            ),
            amount=tenge(row["amount_kzt"]),
            evidence=self._evidence(row, traced, pattern, tracing, typology.evidence.limit),
            explanation=text(pattern.summary.render(value)),
            legal_basis="; ".join(basis.text.ru for basis in typology.legal_basis),
        )
        return Outgoing(
            SHADOW_ALERTS if alert.status == "shadow" else ALERTS,
            alert.model_dump_json(exclude_none=True).encode(),
            identity.encode(),
            headers_of("suspicious-operation", identity),
        )

    @staticmethod
    def _risk(batch: JudgedBatch, i: int, pattern: Pattern, typology: str, score: float) -> Risk:
        """The risk that `screen` gave, with this finding in the place of the typology's own where it is graver."""
        rulebook, settings = batch.rulebook, batch.rulebook.risk
        judged: Any = SimpleNamespace(score=batch.typologies[i : i + 1].astype(np.float64))
        shares = risk_parts(rulebook, judged, batch.scores[i : i + 1])[0]
        beyond = (score - pattern.alert_at) / max(1.0 - pattern.alert_at, 1e-9)
        here = next(t for t, each in enumerate(rulebook.typologies) if each.id == typology)
        if not rulebook.shadow[here]:
            own = settings.at_alert + (settings.at_most - settings.at_alert) * min(1.0, max(0.0, beyond))
            shares[here] = max(shares[here], own)
        typologies, models = 1 - np.prod(1 - shares[:-2]), 1 - np.prod(1 - shares[-2:])
        return Risk(
            value=round(float(1 - np.prod(1 - shares)), 6),
            parts=RiskParts(typologies=round(float(typologies), 6), models=round(float(models), 6)),
        )

    def _evidence(
        self, row: np.void, traced: np.void, pattern: Pattern, tracing: Tracing, limit: int
    ) -> tuple[Evidence, ...]:
        """The transfers of the pattern, oldest first, with their places in Kafka."""
        edges = self.flows.evidence(traced, pattern.id, tracing.parameters.meeting_ms, limit)
        return tuple(self._transfer(edge, int(row[pattern.subject])) for edge in edges)

    def _transfer(self, edge: np.void, subject: int) -> Evidence:
        payer, payee = int(edge["payer"]), int(edge["payee"])
        receives = payee == subject
        return Evidence(
            event=f"{int(edge['event']):016x}",
            occurred_at=instant(edge["at"]),
            amount=tenge(edge["amount"]),
            direction="in" if receives else "out",
            counterparty=self._prefix(payer if receives else payee),
            subject=None if subject in (payer, payee) else self._prefix(payer),
            source=_place(self._sources[int(edge["source"])], int(edge["offset"])),
        )

    def _prefix(self, key: int) -> str:
        return f"{self.key.key_id}:{key:016x}"


def _place(name: SourceName, offset: int) -> Source:
    return Source(topic=name.topic, partition=name.partition, offset=offset)
