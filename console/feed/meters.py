"""The pyramid meter as rows: every reading, and of each collector the latest with the highest index it ever had."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from sqlalchemy import Connection

from console.amounts import tiyn
from console.feed import tokens
from console.feed.records import Reader, Record
from console.store.keys import key_of
from console.store.tables import meter_readings, meters
from console.store.upserts import Row, add, put
from streams.contracts.fields import milliseconds
from streams.contracts.pyramid_meter import PyramidMeter


def project(connection: Connection, reader: Reader, records: Sequence[Record]) -> None:
    """Store readings that are new, and of each collector the latest."""
    readings: list[Row] = []
    latest: list[Row] = []
    known: dict[str, str] = {}
    for record, meter in reader.contracts(records, PyramidMeter):
        known[meter.collector] = tokens.PARTY if meter.kind == "absent" else meter.kind
        reading = {
            "collector": key_of(meter.collector),
            "at": milliseconds(meter.at),
            "index": meter.index,
            "above": meter.above,
            "document": (record.value or b"").decode(),
        }
        sums = {"people": meter.people, "money_in": tiyn(meter.money_in), "money_out": tiyn(meter.money_out)}
        readings.append(reading | sums)
        latest.append(reading | {"highest": meter.index})
    add(connection, meter_readings, readings)
    put(connection, meters, latest, raising=("highest",), where=("at", operator.le))
    tokens.know(connection, known)
