"""Holds as rows: every state each of them went through, and the present one."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from sqlalchemy import Connection

from console.amounts import tiyn
from console.feed import alerts
from console.feed.records import Reader, Record
from console.store.keys import key_of
from console.store.tables import hold_events, holds
from console.store.upserts import Row, add, put
from rules.holds import OPEN
from streams.contracts.fields import milliseconds
from streams.contracts.hold import HoldEvent


def project(connection: Connection, reader: Reader, records: Sequence[Record]) -> None:
    """Store states that are new, and let the clocks of the alerts follow."""
    states: list[Row] = []
    rows: list[Row] = []
    for record, hold in reader.contracts(records, HoldEvent):
        document = (record.value or b"").decode()
        states.append(
            {
                "hold_id": hold.hold_id,
                "number": hold.number,
                "state": hold.state,
                "at": milliseconds(hold.at),
                "document": document,
            }
        )
        rows.append(row_of(hold, document))
    add(connection, hold_events, states)
    put(connection, holds, rows, where=("number", operator.lt))
    alerts.set_clocks(connection, [(row["institution"], row["event_id"]) for row in rows])


def row_of(hold: HoldEvent, document: str) -> Row:
    """The row of a hold in this state."""
    return {
        "hold_id": hold.hold_id,
        "number": hold.number,
        "decision": hold.decision,
        "state": hold.state,
        "open": hold.state in OPEN,
        "cause": hold.cause,
        "institution": hold.institution,
        "event_id": hold.event_id,
        "amount": tiyn(hold.amount),
        "payer": None if hold.payer is None else key_of(hold.payer),
        "payee": None if hold.payee is None else key_of(hold.payee),
        "since": milliseconds(hold.since),
        "at": milliseconds(hold.at),
        "clock": hold.clock,
        "deadline_at": milliseconds(hold.deadline),
        "document": document,
    }
