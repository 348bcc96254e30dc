"""Suspected collectors as the store has them: their readings over time, and the operations behind them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Row, func, or_, select

from console.pyramids.reading import Reading, reading_of
from console.pyramids.story import Operation, Story, tell
from console.store.errors import NotFound
from console.store.tables import meter_readings, meters, operations, tokens, warnings
from console.store.upserts import chunks
from rules.events import TRANSACTION_KINDS
from rules.rulebook_reading import packaged_procedure
from streams.contracts.pyramid_meter import PyramidMeter

MOST_OPERATIONS: Final = 100_000  # of one collector that its page looks at: the latest


@dataclass(frozen=True)
class Collector:
    """A suspected collector by its latest reading."""

    token: str
    highest: float  # the highest index it ever had
    reading: Reading


@dataclass(frozen=True)
class ReadingPoint:
    """One reading of the meter; money in tiyn, ever."""

    at: int
    index: float
    above: bool
    people: int
    money_in: int
    money_out: int


@dataclass(frozen=True)
class Told:
    """A collector's story, and whether older operations than those looked at were left out."""

    story: Story
    operations: int
    cut: bool


def listed(connection: Connection, *, above: bool | None = None, limit: int = 200) -> list[Collector]:
    """Collectors, the highest index first; `above`: only those at or above the line, or only those below it."""
    query = select(meters).order_by(meters.c.index.desc(), meters.c.collector).limit(limit)
    if above is not None:
        query = query.where(meters.c.above == above)
    return [_collector(row) for row in connection.execute(query)]


def counted(connection: Connection) -> tuple[int, int]:
    """How many collectors are watched, and how many of them stand at or above the line."""
    query = select(meters.c.above, func.count()).group_by(meters.c.above)
    counts = {bool(above): int(number) for above, number in connection.execute(query)}
    return sum(counts.values()), counts.get(True, 0)


def found(connection: Connection, key: int) -> Collector:
    """The collector with this key; NotFound where none is watched."""
    row = connection.execute(select(meters).where(meters.c.collector == key)).one_or_none()
    if row is None:
        raise NotFound("collector")
    return _collector(row)


def readings(connection: Connection, key: int) -> list[ReadingPoint]:
    """All readings of a collector, the earliest first."""
    query = (
        select(meter_readings, meter_readings.c["index"].label("reading"))  # rows have a method `index`
        .where(meter_readings.c.collector == key)
        .order_by(meter_readings.c.at)
    )
    return [
        ReadingPoint(row.at, row.reading, row.above, row.people, row.money_in, row.money_out)
        for row in connection.execute(query)
    ]


def told(connection: Connection, key: int, *, most: int = MOST_OPERATIONS) -> Told:
    """Whom a collector's operations name, when and with how much: of the latest `most`."""
    settings = packaged_procedure().pyramid_meter
    least = settings.least_payment * 100 if settings is not None else 0
    payers, payees = tokens.alias("payers"), tokens.alias("payees")
    query = (
        select(
            operations.c.occurred_at,
            operations.c.kind,
            operations.c.payer,
            operations.c.payee,
            operations.c.amount,
            operations.c.payer_region,
            payers.c.kind,
            payees.c.kind,
        )
        .outerjoin(payers, payers.c.key == operations.c.payer)
        .outerjoin(payees, payees.c.key == operations.c.payee)
        .where(
            or_(operations.c.payee == key, operations.c.payer == key),
            operations.c.kind < len(TRANSACTION_KINDS),
        )
        .order_by(operations.c.occurred_at.desc(), operations.c.event.desc())
        .limit(most + 1)
    )
    rows = [Operation(*row) for row in connection.execute(query)]
    cut = len(rows) > most
    rows = rows[:most]
    return Told(tell(key, reversed(rows), least_payment=least), len(rows), cut)


def largest_payment(connection: Connection, key: int) -> int | None:
    """The operation that paid a collector most, to follow its money from; None where it was never paid."""
    query = (
        select(operations.c.event)
        .where(operations.c.payee == key, operations.c.kind < len(TRANSACTION_KINDS))
        .order_by(operations.c.amount.desc(), operations.c.event)
        .limit(1)
    )
    return connection.scalar(query)


def suspected(connection: Connection, keys: Iterable[int]) -> set[int]:
    """Which of these subjects a pyramid meter has ever shown at or above its line."""
    found: set[int] = set()
    for some in chunks(keys):
        found.update(
            connection.scalars(
                select(meter_readings.c.collector)
                .where(meter_readings.c.collector.in_(some), meter_readings.c.above)
                .distinct()
            )
        )
    return found


def warned_payers(connection: Connection, key: int) -> set[int]:
    """Keys of those who have been warned of this payee."""
    query = select(warnings.c.payer).where(warnings.c.payee == key)
    return set(connection.scalars(query))


def token_texts(connection: Connection, keys: list[int]) -> dict[int, str]:
    """The texts of tokens by key; a key that was never told is left out."""
    texts: dict[int, str] = {}
    for some in chunks(keys):
        query = select(tokens.c.key, tokens.c.token).where(tokens.c.key.in_(some))
        texts.update((key, token) for key, token in connection.execute(query))
    return texts


def _collector(row: Row[tuple[object, ...]]) -> Collector:
    reading = reading_of(PyramidMeter.model_validate_json(row.document))
    return Collector(reading.collector, row.highest, reading)
