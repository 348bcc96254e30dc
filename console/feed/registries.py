"""Lists, blocked resources and credit refusals as their topics have them: keys of subjects, never identities.

The same checks as intake's decide what counts, so that the console shows no entry that the center has refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, select

from console.feed import tokens
from console.feed.records import Reader, Record, local_day
from console.store.among import among
from console.store.keys import signed
from console.store.tables import refusal_counts, refusal_records, registry_entries
from console.store.upserts import Row, add, put
from rules.events import NO_TIME, PARTY_KINDS
from rules.references import ACTIONS, APPEALS, PROOFS
from streams import decode, records
from streams.contracts.reasons import Reason
from streams.decode_references import (
    Listed,
    check_blocked_resource,
    check_credit_refusals,
    check_list_entries,
)
from streams.tokens import Token

LISTS: Final = "lists"
BLOCKED: Final = "blocked_resources"
NOBODY: Final = 0  # the subject of a blocked resource that asked for no payment


def project(connection: Connection, reader: Reader, found: Sequence[Record]) -> None:
    """Store what registries say; of an entry that is told again the last word counts."""
    rows: list[Row] = []
    refusals: dict[tuple[str, str], list[tuple[int, str]]] = {}  # publisher and event_id → day and action of each
    kinds: dict[str, str] = {}
    for record in found:
        if not record.value:
            continue  # the word that a replay begins or ends
        try:
            said = _admitted(record, reader)
            if isinstance(said, records.ListEntries):
                rows += _list_entries(said, record, reader, kinds)
            elif isinstance(said, records.BlockedResource):
                rows += _blocked(said, record, reader, kinds)
            elif isinstance(said, records.CreditRefusals):
                check_credit_refusals(said)
                day = local_day(record.timestamp)
                refusals.setdefault((said.publisher, said.event_id), [(day, entry.action) for entry in said.entries])
        except decode.Rejected:
            reader.unreadable[record.topic] += 1
    put(connection, registry_entries, rows)
    _count(connection, refusals)
    tokens.know(connection, kinds)


def _count(connection: Connection, refusals: dict[tuple[str, str], list[tuple[int, str]]]) -> None:
    """Count the entries of those records that were not counted before."""
    key = (refusal_records.c.publisher, refusal_records.c.event_id)
    for asked in among(key, list(refusals)):
        for publisher, event_id in connection.execute(select(*key).where(asked)).all():
            del refusals[publisher, event_id]
    add(connection, refusal_records, [dict(zip(("publisher", "event_id"), one, strict=True)) for one in refusals])
    counted = Counter(entry for entries in refusals.values() for entry in entries)
    counts = [{"day": day, "action": action, "entries": n} for (day, action), n in sorted(counted.items())]
    put(connection, refusal_counts, counts, adding=("entries",))


def _admitted(record: Record, reader: Reader) -> decode.Record:
    """What stands in a record of somebody who may write there."""
    source = reader.sources[record.topic]
    said, _ = decode.read(record.value or b"", source.largest)
    sender = getattr(said, source.field, None)
    if said.__struct_config__.tag not in source.records or sender not in source.publishers:
        raise decode.Rejected(Reason.WRONG_PUBLISHER, "$", "does not belong on this topic")
    return said


def _list_entries(said: records.ListEntries, record: Record, reader: Reader, kinds: dict[str, str]) -> Iterator[Row]:
    _, checked = check_list_entries(said)
    for entry, listed in zip(said.entries, checked, strict=True):
        yield {
            "registry": LISTS,
            "entry_id": listed.entry_id,
            "list": entry.list,
            "subject": _subject(listed, reader, kinds),
            "action": ACTIONS[listed.action],
            "publisher": said.publisher,
            "source": entry.source,
            "reason": entry.reason,
            "proof": PROOFS[listed.proof],
            "appeal": APPEALS[listed.appeal],
            **_times(listed, record),
        }


def _blocked(said: records.BlockedResource, record: Record, reader: Reader, kinds: dict[str, str]) -> Iterator[Row]:
    """A row for each subject that is tied to the resource; one for nobody where none is."""
    _, checked = check_blocked_resource(said)
    block = {
        "registry": BLOCKED,
        "entry_id": said.event_id,
        "list": said.reason,
        "action": said.action,
        "publisher": said.publisher,
        "source": said.source,
        "reason": said.resource_kind,
        "proof": None,
        "appeal": None,
    }
    for listed in checked:
        yield block | {"subject": _subject(listed, reader, kinds)} | _times(listed, record)
    if not checked:
        valid_from = decode.milliseconds_of[said.valid_from]
        valid_to = None if said.valid_to is None else decode.milliseconds_of[said.valid_to]
        yield block | {
            "subject": NOBODY,
            "valid_from": valid_from,
            "valid_to": valid_to,
            "recorded_at": record.timestamp,
        }


def _subject(listed: Listed, reader: Reader, kinds: dict[str, str]) -> int:
    """The key of a subject; its token is noted in `kinds`."""
    party, token, _ = reader.subjects.named(listed.kind, listed.subject)
    kind = "phone" if listed.kind == "phone" else PARTY_KINDS[party]
    kinds[reader.tokens.text(Token(*token))] = kind
    return signed(token[0])


def _times(listed: Listed, record: Record) -> Row:
    return {
        "valid_from": listed.valid_from,
        "valid_to": None if listed.valid_to == NO_TIME else listed.valid_to,
        "recorded_at": record.timestamp,
    }
