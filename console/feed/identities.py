"""What stands behind tokens, sealed as it came; nothing here can open it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete

from console.feed import tokens
from console.feed.records import Reader, Record
from console.store.tables import identities
from console.store.upserts import Row, put
from streams.contracts.fields import TOKEN

_KEY: Final = re.compile(rf"({TOKEN.strip('^$')})(/name)?")


def project(connection: Connection, reader: Reader, records: Sequence[Record]) -> None:
    """Keep the latest record of each key; one without a value was taken off the topic."""
    rows: dict[str, Row] = {}
    gone: dict[str, Row] = {}
    told: dict[str, str] = {}
    for record in records:
        key = (record.key or b"").decode(errors="replace")
        match = _KEY.fullmatch(key)
        if match is None:
            reader.unreadable[record.topic] += 1
            continue
        rows.pop(key, None)
        gone.pop(key, None)
        if record.value is None:
            gone[key] = {"of_key": key}
            continue
        rows[key] = {"record_key": key, "sealed": record.value}
        # Only what is sealed says what it is; people, phones and devices are met elsewhere too, accounts seldom.
        told[match[1]] = "account"
    put(connection, identities, list(rows.values()))
    if gone:
        connection.execute(
            delete(identities).where(identities.c.record_key == bindparam("of_key")), list(gone.values())
        )
    tokens.guess(connection, told)
