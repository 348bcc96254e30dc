"""Warnings to payers, and what they changed, as rows; both come on one topic."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy import Connection

from console.feed import tokens
from console.feed.records import Reader, Record
from console.store.keys import key_of
from console.store.tables import warning_effects, warnings
from console.store.upserts import Row, add, put
from streams.contracts.fields import milliseconds
from streams.contracts.warning import Warning, WarningEffect

_EITHER: Final = TypeAdapter[Warning | WarningEffect](Annotated[Warning | WarningEffect, Field(discriminator="type")])


def project(connection: Connection, reader: Reader, records: Sequence[Record]) -> None:
    """Store each warning once, and of each payee and rule the latest measurement."""
    warned: list[Row] = []
    measured: list[Row] = []
    told: dict[str, str] = {}
    for record in records:
        document = (record.value or b"").decode(errors="replace")
        try:
            said = _EITHER.validate_json(document)
        except ValidationError:
            reader.unreadable[record.topic] += 1
            continue
        if isinstance(said, WarningEffect):
            measured.append(
                {"payee": key_of(said.payee), "rule": said.rule, "at": milliseconds(said.at), "document": document}
            )
            continue
        told |= {said.payer: tokens.PARTY, said.payee: tokens.PARTY}
        warned.append(
            {
                "warning_id": said.warning_id,
                "payer": key_of(said.payer),
                "payee": key_of(said.payee),
                "institution": said.institution,
                "rule": said.rule,
                "at": milliseconds(said.at),
                "document": document,
            }
        )
    add(connection, warnings, warned)
    put(connection, warning_effects, measured, where=("at", operator.le))
    tokens.guess(connection, told)
