"""The agents of notices and of necessity: who outside the center is told, and why a sensitive list was looked into."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules.events import KINDS, PARTY_KINDS, ROLES, subject_role
from rules.notices import Board, Cause, Notice
from rules.references import LISTS
from streams.contracts.fields import from_milliseconds
from streams.contracts.notice import NECESSITY, NOTICES, NecessityRecord, NoticeEvent
from streams.contracts.suspicious_operation import Role
from streams.contracts.text import Text
from streams.following import JudgedBatch, Mark, Outgoing, moments
from streams.tokens import TokenKey
from streams.verdicts import NEW
from streams.wording import alert_id, headers_of, in_three, text_of

_LISTING, _INNOCENT = KINDS.index("listing"), KINDS.index("marked_false_positive")
_decode = msgspec.msgpack.Decoder(list[Notice]).decode


class Notices:
    """A follower (streams/following.py): its state are the notices whose term is not over."""

    name: str = "notices"

    def __init__(self, key: TokenKey) -> None:
        self._key = key
        self.board = Board()

    def take(self, batch: JudgedBatch) -> list[Outgoing]:
        """Issue, answer and take down notices in the order of the events."""
        rows, procedure = batch.rows, batch.rulebook.procedure
        causes = self._causes(batch)
        answers = np.flatnonzero(np.isin(rows["kind"], (_LISTING, _INNOCENT)) & (batch.state == NEW)).tolist()
        times = moments(rows)
        told: list[Outgoing] = []
        for i in sorted({*answers, *causes}):
            row, moment = rows[i], int(times[i])
            told += self._told(self.board.due((int(row["epoch"]), int(row["order_time"])), including=False))
            if row["kind"] == _LISTING:
                which = LISTS[int(row["words"][0]) - 1]
                told += self._told(self.board.listed(int(row["payee"]), which, moment))
            elif row["kind"] == _INNOCENT and procedure.may(text_of(row["institution"]), "release"):
                told += self._told(self.board.found_innocent(int(row["payee"]), moment))
            for cause in causes.get(i, ()):
                told += self._told(self.board.cause(cause, procedure))
        return told

    def advance(self, mark: Mark) -> list[Outgoing]:
        """Take down what has its term at the mark."""
        return list(self._told(self.board.due(mark, including=True)))

    def _causes(self, batch: JudgedBatch) -> dict[int, list[Cause]]:
        """Row → what its findings may cause, by the rulebook's rules of notices."""
        causes: dict[int, list[Cause]] = {}
        times = moments(batch.rows)
        for finding in batch.findings:
            i = int(finding["row"])
            if finding["shadow"] or batch.state[i] != NEW:
                continue
            row, typology = batch.rows[i], batch.rulebook.typologies[int(finding["typology"])]
            for rule in batch.rulebook.procedure.notices:
                if rule.typology != typology.id or (rule.at is not None and finding["score"] < rule.at):
                    continue
                if not self._is_meant(rule.subject_kinds, row, rule.about):
                    continue
                causes.setdefault(i, []).append(
                    Cause(
                        rule,
                        text_of(row["institution"]),
                        text_of(row["event_id"]),
                        _token(row, subject_role(row, typology.subject)),
                        _token(row, rule.about),
                        int(row[f"{rule.about}_account"]) if rule.about in ("payer", "payee") else 0,
                        # Of a number, the person who was called; of everything else, the subject itself.
                        int(row["payer"]) if rule.about in ("phone", "device") else int(row[rule.about]),
                        (int(row["epoch"]), int(row["order_time"])),
                        int(times[i]),
                    )
                )
        return causes

    @staticmethod
    def _is_meant(kinds: Iterable[str], row: np.void, role: str) -> bool:
        wanted = tuple(kinds)
        return not wanted or (role in ("payer", "payee") and PARTY_KINDS[int(row[f"{role}_kind"])] in wanted)

    def _told(self, notices: Iterable[Notice]) -> Iterator[Outgoing]:
        for notice in notices:
            event = NoticeEvent(
                type="notice",
                notice_id=notice.id,
                number=notice.number,
                outcome=notice.outcome,
                measure=notice.measure,
                measure_text=in_three(notice.measure_words),
                addressee=notice.addressee,
                addressee_text=in_three(notice.addressee_words),
                legal_basis=in_three(notice.basis),
                typology=notice.typology,
                alert_id=alert_id(
                    notice.institution, notice.event_id, notice.typology, self._key.text(notice.alert_subject)
                ),
                institution=notice.institution,
                event_id=notice.event_id,
                role=notice.role,
                subject=self._key.text(notice.subject),
                since=from_milliseconds(notice.since),
                at=from_milliseconds(notice.at),
                deadline=from_milliseconds(notice.deadline),
            )
            yield Outgoing(
                NOTICES,
                event.model_dump_json().encode(),
                notice.id.encode(),
                headers_of("notice", f"{notice.id}-{notice.number}"),
            )

    def state(self) -> tuple[bytes, Mapping[str, NDArray[Any]]]:
        """The notices that stand, as one document."""
        return msgspec.msgpack.encode(list(self.board.standing.values())), {}

    def restore(self, document: bytes, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the follower whose state this was."""
        self.board = Board.of(_decode(document))


class Necessity:
    """A follower without a state: one record for every finding in which a sensitive list spoke."""

    name: str = "necessity"

    def __init__(self, key: TokenKey) -> None:
        self._key = key

    def take(self, batch: JudgedBatch) -> list[Outgoing]:
        """A record for each subject of a finding that was on a sensitive list which the typology reads."""
        procedure, told = batch.rulebook.procedure, []
        times = moments(batch.rows)
        for finding in batch.findings:
            i, compiled = int(finding["row"]), batch.rulebook.compiled[int(finding["typology"])]
            if batch.state[i] != NEW:
                continue
            typology = compiled.typology
            for name in sorted(compiled.names):
                role, _, which = name.partition(".on_list.")
                if which not in procedure.sensitive:
                    continue
                if not batch.lists[i, ROLES.index(role)] >> np.uint32(LISTS.index(which)) & np.uint32(1):
                    continue
                necessity = procedure.necessity(typology.id, which)
                row = batch.rows[i]
                institution, event_id = text_of(row["institution"]), text_of(row["event_id"])
                subject = _token(row, subject_role(row, typology.subject))
                alert = alert_id(institution, event_id, typology.id, self._key.text(subject))
                record_id = hashlib.sha256(f"{alert}\x1f{which}\x1f{role}".encode()).hexdigest()[:32]
                record = NecessityRecord(
                    type="necessity",
                    record_id=record_id,
                    list=which,
                    typology=typology.id,
                    typology_version=str(typology.version),
                    purpose=_purpose(necessity.text.model_dump() if necessity is not None else None),
                    source=necessity.source if necessity is not None else _UNSTATED["en"],
                    alert_id=alert,
                    institution=institution,
                    event_id=event_id,
                    role=cast(Role, role),
                    subject=self._key.text(_token(row, role)),
                    at=from_milliseconds(int(times[i])),
                )
                told.append(
                    Outgoing(
                        NECESSITY,
                        record.model_dump_json().encode(),
                        record_id.encode(),
                        headers_of("necessity", record_id),
                    )
                )
        return told

    def advance(self, mark: Mark) -> list[Outgoing]:
        """Nothing is due."""
        return []

    def state(self) -> tuple[bytes, Mapping[str, NDArray[Any]]]:
        """Nothing."""
        return b"", {}

    def restore(self, document: bytes, arrays: Mapping[str, NDArray[Any]]) -> None:
        """There is nothing to restore."""


# A rulebook of somebody else's may read a sensitive list without saying why; `check` refuses that of the center.
_UNSTATED: Final = {"kk": "Мақсаты көрсетілмеген", "ru": "Цель не указана", "en": "No purpose was stated"}


def _purpose(texts: Mapping[str, str] | None) -> Text:
    return Text(**(texts if texts is not None else _UNSTATED))


def _token(row: np.void, role: str) -> tuple[int, int]:
    return int(row[role]), int(row[f"{role}_rest"])
