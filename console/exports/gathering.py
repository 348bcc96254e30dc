"""Gathers what the store has of a case, for somebody who may see it, into the material of its exports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, Row, RowMapping, select

from console.exports.material import (
    AuditLine,
    CaseAlert,
    CaseHold,
    Filing,
    Material,
    Operation,
    Party,
    Refused,
    Side,
    TraceRow,
)
from console.store import cases, filing, money, subjects
from console.store.actor import Actor
from console.store.among import among
from console.store.keys import unsigned
from console.store.money import Question
from console.store.proposals import Proposal
from console.store.subjects import Subject
from console.store.tables import audit, hold_events, holds, operations
from console.store.upserts import chunks
from console.vault import Identity
from rules.events import CHANNELS, FIRST_FACT, KINDS
from streams.contracts.hold import HoldEvent
from streams.contracts.suspicious_operation import SuspiciousOperation

_MOST_AUDIT: Final = 1_000
_MOST_TRACED: Final = 50  # operations whose money is followed: the largest
_MOST_STOPS: Final = 200
_QUESTION: Final = Question(hops=4)
Events = Sequence[tuple[str, str]]  # (institution, event_id)


def gather(connection: Connection, viewer: Actor, case_id: int, now: int) -> Material:
    """Everything that the store has of a case.

    Raises:
        NotFound: there is no such case for this viewer.
    """
    row, rows = cases.find(connection, viewer, case_id), cases.alerts_of(connection, case_id)
    approved = filing.approved(connection, case_id)
    return _material(connection, row, rows, approved[-1] if approved else None, now)


def gather_filed(connection: Connection, viewer: Actor, case_id: int, now: int) -> Material:
    """What the latest approved filing of a case reports, no more and no less.

    Raises:
        NotFound: there is no such case for this viewer.
        Refused: no filing is approved, or what it reports is no longer in the case as it was approved.
    """
    row, approved = cases.find(connection, viewer, case_id), filing.approved(connection, case_id)
    if not approved:
        raise Refused("not_filed")
    reported = {one["alert_id"]: one["digest"] for one in approved[-1].content["alerts"]}
    rows = [each for each in cases.alerts_of(connection, case_id) if each["alert_id"] in reported]
    digests = {each["alert_id"]: hashlib.sha256(each["document"].encode()).hexdigest() for each in rows}
    if digests != reported:
        raise Refused("filing_changed")
    return _material(connection, row, rows, approved[-1], now)


def with_names(material: Material, opened: Mapping[str, Identity]) -> Material:
    """The same with numbers and names for those tokens that were opened."""

    def side(known: Side) -> Side:
        return replace(known, party=_named(known.party, opened), account=_named(known.account, opened))

    return replace(
        material,
        operations=tuple(replace(one, payer=side(one.payer), payee=side(one.payee)) for one in material.operations),
        trace=tuple(replace(row, account=_named(row.account, opened) or row.account) for row in material.trace),
        named=frozenset(opened),
    )


def parties(made_of: Iterable[Operation]) -> dict[str, Party]:
    """Everybody and every account of operations, by token: those whose names can be asked for."""
    sides = (side for one in made_of for side in (one.payer, one.payee))
    return {party.token: party for side in sides for party in side.parties if party.kind}


def operations_of(connection: Connection, viewer: Actor, case_id: int) -> tuple[Operation, ...]:
    """The operations of a case's alerts, in order of time; NotFound where the viewer sees no such case."""
    cases.find(connection, viewer, case_id)
    return tuple(_operations(connection, _rows(connection, _events(cases.alerts_of(connection, case_id)))))


def operation_of(connection: Connection, event: int) -> Operation:
    """One operation; Refused where the store does not have it."""
    row = connection.execute(select(operations).where(operations.c.event == event)).first()
    if row is None:
        raise Refused("unknown_operation")
    return _operations(connection, [row])[0]


def _material(
    connection: Connection, row: RowMapping, rows: Sequence[RowMapping], filed: Proposal | None, now: int
) -> Material:
    events = _events(rows)
    found = _rows(connection, events)
    return Material(
        case_id=row["case_id"],
        title=row["title"],
        state=row["state"],
        opened_at=row["opened_at"],
        owner=row["owner"],
        alerts=tuple(_alert(each) for each in rows),
        operations=tuple(_operations(connection, found)),
        holds=_holds(connection, events),
        trace=_trace(connection, found),
        audit=_audit(connection, row["case_id"]),
        filing=_filing(filed) if filed is not None else None,
        prepared_at=now,
    )


def _events(rows: Iterable[RowMapping]) -> Events:
    return sorted({(each["institution"], each["event_id"]) for each in rows})


def _alert(row: RowMapping) -> CaseAlert:
    return CaseAlert(SuspiciousOperation.model_validate_json(row["document"]), row["state"], row["reason_code"])


def _filing(proposal: Proposal) -> Filing:
    assert proposal.checker is not None
    assert proposal.checked_at is not None
    return Filing(
        proposal.proposal_id, proposal.digest, proposal.maker, proposal.checker, proposal.checked_at, proposal.reason
    )


def _rows(connection: Connection, events: Events) -> list[Row[Any]]:
    wanted = among((operations.c.institution, operations.c.event_id), events)
    found = [row for asked in wanted for row in connection.execute(select(operations).where(asked))]
    return sorted(found, key=lambda row: (row.occurred_at, row.event))


def _operations(connection: Connection, rows: Sequence[Row[Any]]) -> list[Operation]:
    keys = {key for row in rows for key in (row.payer, row.payee, row.payer_account, row.payee_account)}
    known: dict[int, Subject] = {}
    for some in chunks(sorted(key for key in keys if key is not None)):
        known |= subjects.named(connection, some)
    return [
        Operation(
            event=f"{unsigned(row.event):016x}",
            event_id=row.event_id,
            institution=row.institution,
            occurred_at=row.occurred_at,
            kind=KINDS[row.kind],
            channel=CHANNELS[row.channel] if row.channel < len(CHANNELS) else None,
            amount=row.amount,
            purpose_code=row.purpose_code,
            payer=Side(
                _party(known, row.payer), _party(known, row.payer_account), row.payer_institution, row.payer_region
            ),
            payee=Side(
                _party(known, row.payee), _party(known, row.payee_account), row.payee_institution, row.payee_region
            ),
        )
        for row in rows
    ]


def _party(known: Mapping[int, Subject], key: int | None) -> Party | None:
    return None if key is None else Party(known[key].token, known[key].kind)


def _named(party: Party | None, opened: Mapping[str, Identity]) -> Party | None:
    identity = opened.get(party.token) if party is not None else None
    if party is None or identity is None:
        return party
    return replace(party, number=identity.value, name=identity.name)


def _holds(connection: Connection, events: Events) -> tuple[CaseHold, ...]:
    states: dict[str, list[HoldEvent]] = {}
    told: list[Any] = []
    for asked in among((holds.c.institution, holds.c.event_id), events):
        chosen = select(holds.c.since, hold_events.c.hold_id, hold_events.c.number, hold_events.c.document)
        told += connection.execute(chosen.join(holds, holds.c.hold_id == hold_events.c.hold_id).where(asked))
    for _, hold_id, _, document in sorted(told, key=lambda row: row[:3]):
        states.setdefault(hold_id, []).append(HoldEvent.model_validate_json(document))
    return tuple(CaseHold(tuple(each)) for each in states.values())


def _trace(connection: Connection, rows: Iterable[Row[Any]]) -> tuple[TraceRow, ...]:
    moved = [row for row in rows if row.kind < FIRST_FACT and row.payee is not None]
    largest = sorted(moved, key=lambda row: (-row.amount, row.event))[:_MOST_TRACED]
    if not largest:
        return ()
    followed = money.follow(connection, [row.event for row in largest], _QUESTION, ("pro_rata",))
    return tuple(
        TraceRow(
            stop.hop,
            Party(stop.party.token, stop.party.kind),
            stop.received["pro_rata"],
            stop.present["pro_rata"],
            stop.left["pro_rata"],
        )
        for stop in followed.stops[:_MOST_STOPS]
    )


def _audit(connection: Connection, case_id: int) -> tuple[AuditLine, ...]:
    rows = connection.execute(
        select(audit.c.number, audit.c.at, audit.c.actor, audit.c.role, audit.c.action, audit.c.hash)
        .where(audit.c.object_kind == "case", audit.c.object_id == str(case_id))
        .order_by(audit.c.number)
        .limit(_MOST_AUDIT)
    )
    return tuple(AuditLine(*row) for row in rows)


def made_before(connection: Connection, case_id: int, action: str) -> list[dict[str, Any]]:
    """The exports of a case that were made, the latest first: `at`, `by`, and what the audit log says of each."""
    rows = connection.execute(
        select(audit.c.at, audit.c.actor, audit.c.detail)
        .where(audit.c.object_kind == "case", audit.c.object_id == str(case_id), audit.c.action == action)
        .order_by(audit.c.number.desc())
        .limit(_MOST_AUDIT)
    )
    return [{"at": row.at, "by": row.actor, **json.loads(row.detail)} for row in rows]
