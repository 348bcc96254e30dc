"""Everything that one collector's page and its part of the API say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from console.pyramids.story import Cohort, Member
from console.pyramids.telling import ToWarn, to_warn
from console.store import meters, warnings
from console.store.meters import Collector, ReadingPoint
from rules.rulebook_reading import packaged_procedure

MOST_REPAID: Final = 20
PAGE: Final = 50  # of those to warn


@dataclass(frozen=True)
class Day:
    """One day of the calendar in Kazakhstan, counted from 1970; money in tiyn."""

    day: int
    entrants: int
    money: int


@dataclass(frozen=True)
class Region:
    """What came from one region (ISO 3166-2:KZ number; 0 not given, 255 abroad); money in tiyn."""

    region: int
    payers: int
    money: int


@dataclass(frozen=True)
class Payer:
    """Somebody who paid the collector; money in tiyn, `entered` in ms UTC."""

    token: str | None  # None where the store has met nothing but half of it
    entered: int
    region: int
    payments: int
    paid: int
    received: int
    refunded: int
    from_later: int  # of `received`, the money of those who entered later


@dataclass(frozen=True)
class Detail:
    """A collector with all that its operations say."""

    collector: Collector
    readings: list[ReadingPoint]
    operations: int
    cut: bool  # whether older operations were left out
    days: list[Day]
    regions: list[Region]
    cohorts: list[Cohort]
    repaid: list[Payer]  # who got most first
    payers: int
    warned: int
    compared: int
    unwarned: int
    at_stake: int
    to_warn: list[Payer]  # some of the unwarned: who has most to lose first
    effects: list[warnings.Campaign]


def detail(connection: Connection, key: int, *, start: int = 0, limit: int = PAGE) -> Detail:
    """The whole of a collector, with those to warn from place `start` on; NotFound."""
    collector = meters.found(connection, key)
    told = meters.told(connection, key)
    chosen = _to_warn(connection, key, told)
    return Detail(
        collector,
        meters.readings(connection, key),
        told.operations,
        told.cut,
        [Day(*day) for day in told.story.entrants],
        [Region(region, *figures) for region, figures in told.story.regions.items()],
        list(told.story.cohorts),
        _payers(connection, told.story.repaid[:MOST_REPAID]),
        chosen.payers,
        chosen.warned,
        chosen.compared,
        len(chosen.unwarned),
        chosen.at_stake,
        _payers(connection, chosen.unwarned[start : start + limit]),
        warnings.campaigns(connection, payee=key),
    )


def unwarned(connection: Connection, key: int, *, start: int = 0, limit: int | None = PAGE) -> list[Payer]:
    """Whom to warn, who has most to lose first, from place `start` on; NotFound."""
    meters.found(connection, key)
    chosen = _to_warn(connection, key, meters.told(connection, key)).unwarned
    return _payers(connection, chosen[start : None if limit is None else start + limit])


def _to_warn(connection: Connection, key: int, told: meters.Told) -> ToWarn:
    return to_warn(key, told.story, meters.warned_payers(connection, key), packaged_procedure())


def _payers(connection: Connection, members: list[Member]) -> list[Payer]:
    texts = meters.token_texts(connection, [one.key for one in members])
    return [
        Payer(
            texts.get(one.key),
            one.entered,
            one.region,
            one.payments,
            one.paid,
            one.received,
            one.refunded,
            one.from_later,
        )
        for one in members
    ]
