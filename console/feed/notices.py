"""Notices to other bodies, and why sensitive lists were looked into, as rows."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from sqlalchemy import Connection

from console.feed.records import Reader, Record
from console.store.keys import key_of
from console.store.tables import necessity, notices
from console.store.upserts import add, put
from streams.contracts.fields import milliseconds
from streams.contracts.notice import NecessityRecord, NoticeEvent


def project_notices(connection: Connection, reader: Reader, records: Sequence[Record]) -> None:
    """Store each notice in its latest state; what an analyst wrote down of the answer stays."""
    rows = [
        {
            "notice_id": notice.notice_id,
            "number": notice.number,
            "outcome": notice.outcome,
            "measure": notice.measure,
            "addressee": notice.addressee,
            "typology": notice.typology,
            "alert_id": notice.alert_id,
            "subject": key_of(notice.subject),
            "since": milliseconds(notice.since),
            "at": milliseconds(notice.at),
            "deadline_at": milliseconds(notice.deadline),
            "document": (record.value or b"").decode(),
        }
        for record, notice in reader.contracts(records, NoticeEvent)
    ]
    put(connection, notices, rows, where=("number", operator.lt))


def project_necessity(connection: Connection, reader: Reader, records: Sequence[Record]) -> None:
    """Store each look-up once."""
    rows = [
        {
            "record_id": looked.record_id,
            "list": looked.list,
            "typology": looked.typology,
            "alert_id": looked.alert_id,
            "subject": key_of(looked.subject),
            "at": milliseconds(looked.at),
            "document": (record.value or b"").decode(),
        }
        for record, looked in reader.contracts(records, NecessityRecord)
    ]
    add(connection, necessity, rows)
