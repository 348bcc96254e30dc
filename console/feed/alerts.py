"""Suspicious operations as rows: each alert once, with its campaign, its severity and the clock of its hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from console.amounts import tiyn
from console.feed import alert_documents, tokens
from console.feed.alert_documents import Alert
from console.feed.records import Reader, Record
from console.store.among import among
from console.store.campaigns import Grouped, count, group, regroup
from console.store.ids import next_of
from console.store.keys import key_of, signed
from console.store.severity import severity_of
from console.store.tables import alert_parties, alerts, chain_events, holds, operations
from console.store.upserts import Row, add, chunks
from streams.contracts.fields import milliseconds

Event = tuple[str, str]  # institution, event_id
_GROUPED: Final = tuple(column.name for column in fields(Grouped) if column.name != "words")


def project(connection: Connection, reader: Reader, records: Sequence[Record], now: int) -> None:
    """Store the alerts that are not there yet; `now` in ms UTC is when."""
    read: dict[str, tuple[Alert, str]] = {}
    for record in records:
        document = record.value or b""
        if (alert := alert_documents.read(document)) is None:
            reader.unreadable[record.topic] += 1
        else:
            read.setdefault(alert.alert_id, (alert, document.decode()))
    for alert_id in _present(connection, read):
        del read[alert_id]
    if not read:
        return
    first = next_of(connection, alerts.c.seq)
    rows = [row_of(alert, document, first + place, now) for place, (alert, document) in enumerate(read.values())]
    events = [(row["institution"], row["event_id"]) for row in rows]
    judged, clocks = _judged(connection, reader, events), _clocks(connection, events)
    for row, event in zip(rows, events, strict=True):
        row["region"], row["deadline_at"] = judged.get(event, (None, 0))[0], clocks.get(event)
    # Nobody acts on what a typology on trial finds: it joins no campaign.
    active = [_grouped(row, judged) for row in rows if row["status"] == "active"]
    given = group(connection, active)
    count(connection, active, given)
    for row in rows:
        row["campaign_id"] = given.get(row["seq"])
    connection.execute(insert(alerts), rows)
    add(connection, alert_parties, [party for row in rows for party in _parties(row)])
    add(connection, chain_events, [{"event": event} for event in sorted(_hops(alert for alert, _ in read.values()))])
    told = {subject.token: tokens.OF_ROLE[subject.role] for alert, _ in read.values() for subject in alert.subjects}
    tokens.guess(connection, told)


def complete(connection: Connection, reader: Reader, events: Iterable[Event]) -> None:
    """Tell the alerts that came before their operations what those say: the region, and by its text the campaign."""
    waiting: list[Any] = []
    for asked in among((alerts.c.institution, alerts.c.event_id), events):
        waiting += connection.execute(select(alerts).where(asked, alerts.c.region.is_(None))).mappings()
    waiting.sort(key=lambda row: row["seq"])
    judged = _judged(connection, reader, [(row["institution"], row["event_id"]) for row in waiting])
    for row in waiting:
        region, _ = judged[row["institution"], row["event_id"]]
        campaign_id = row["campaign_id"]
        if campaign_id is not None and row["state"] != "closed":
            campaign_id = regroup(connection, _grouped(row, judged), campaign_id)
        changed = {"region": region, "campaign_id": campaign_id}
        connection.execute(update(alerts).where(alerts.c.alert_id == row["alert_id"]).values(changed))


def set_clocks(connection: Connection, events: Iterable[Event]) -> None:
    """Give the alerts of these events the deadline of the hold that runs, or none."""
    rows = [{"of_institution": institution, "of_event": event_id} for institution, event_id in sorted(set(events))]
    if not rows:
        return
    of_event = (holds.c.institution == bindparam("of_institution"), holds.c.event_id == bindparam("of_event"))
    running = select(func.min(holds.c.deadline_at)).where(*of_event, holds.c.open).scalar_subquery()
    statement = (
        update(alerts)
        .where(alerts.c.institution == bindparam("of_institution"), alerts.c.event_id == bindparam("of_event"))
        .values(deadline_at=running)
    )
    connection.execute(statement, rows)


def row_of(alert: Alert, document: str, seq: int, now: int) -> Row:
    """The row of a new alert as far as the alert itself says."""
    parties: dict[str, int] = {subject.role: key_of(subject.token) for subject in alert.subjects}
    amount = tiyn(alert.amount)
    return {
        "alert_id": alert.alert_id,
        "seq": seq,
        "typology": alert.typology.id,
        "typology_version": alert.typology.version,
        "status": alert.status,
        "rulebook_digest": alert.rulebook.digest,
        "institution": alert.institution,
        "event_id": alert.event_id,
        "occurred_at": milliseconds(alert.occurred_at),
        "appended_at": milliseconds(alert.appended_at),
        "stored_at": now,
        "late": alert.late,
        "amount": amount,
        "score": alert.score,
        "risk": alert.risk.value,
        "severity": severity_of(alert.decision, alert.score, amount),
        "decision": alert.decision,
        "subject_role": alert.subject,
        # An alert always names its subject; of no other role is that sure.
        "subject": parties.get(alert.subject) or next(iter(parties.values())),
        **{role: parties.get(role) for role in tokens.OF_ROLE},
        "document": document,
        "state": "new",
        "version": 1,
    }


def _present(connection: Connection, alert_ids: Iterable[str]) -> list[str]:
    return [
        alert_id
        for some in chunks(alert_ids)
        for alert_id in connection.scalars(select(alerts.c.alert_id).where(alerts.c.alert_id.in_(some)))
    ]


def _judged(connection: Connection, reader: Reader, events: Iterable[Event]) -> dict[Event, tuple[int, int]]:
    """Region and words of those events whose operations the store has."""
    wanted = {signed(reader.tokens.event_hash(*event)): event for event in events}
    columns = (operations.c.event, operations.c.payer_region, operations.c.payee_region, operations.c.words)
    found: dict[Event, tuple[int, int]] = {}
    for some in chunks(wanted):
        for event, payers, payees, words in connection.execute(select(*columns).where(operations.c.event.in_(some))):
            found[wanted[event]] = (payers or payees, words)
    return found


def _clocks(connection: Connection, events: Iterable[Event]) -> dict[Event, int]:
    """The first deadline of each event on which a hold runs."""
    found: dict[Event, int] = {}
    event = (holds.c.institution, holds.c.event_id)
    for asked in among(event, events):
        chosen = select(*event, func.min(holds.c.deadline_at)).where(asked, holds.c.open).group_by(*event)
        found |= {(row[0], row[1]): row[2] for row in connection.execute(chosen)}
    return found


def _grouped(row: Any, judged: dict[Event, tuple[int, int]]) -> Grouped:
    _, words = judged.get((row["institution"], row["event_id"]), (0, 0))
    return Grouped(**{name: row[name] for name in _GROUPED}, words=words)


def _hops(found: Iterable[Alert]) -> set[int]:
    """The operations in the evidence that are not of an alert's subject."""
    return {signed(int(each.event, 16)) for alert in found for each in alert.evidence if each.subject is not None}


def _parties(row: Row) -> list[Row]:
    return [{"key": row[role], "seq": row["seq"], "role": role} for role in tokens.OF_ROLE if row[role] is not None]
