"""The meter agent: how far each collector of money looks like a pyramid, told on `meters`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rules.conditions import lexicon_place
from rules.events import PARTY_KINDS, TRANSACTION_KINDS
from rules.machine import COLUMNS
from rules.pyramid import Meter as Collectors
from rules.pyramid import Payment
from rules.pyramid_index import MeterSettings, Reading
from rules.rulebook import Rulebook
from streams.contracts.fields import from_milliseconds
from streams.contracts.pyramid_meter import GrowthForecast, MeterPart, PyramidMeter
from streams.contracts.text import Text
from streams.following import JudgedBatch, Mark, Outgoing, moment, moments
from streams.tokens import TokenKey
from streams.verdicts import NEW
from streams.wording import headers_of, tenge

METERS: Final = "meters"


class Meter:
    """A follower (streams/following.py): its state is that of rules.pyramid. `key` names subjects.

    The settings are those of the rulebook that judged the latest event; a rulebook without them watches nobody.
    """

    name: str = "meter"

    def __init__(self, key: TokenKey) -> None:
        self._key = key
        self._settings: MeterSettings | None = None
        self.collectors = Collectors()

    def take(self, batch: JudgedBatch) -> list[Outgoing]:
        """Take the transactions of private people, and of those who collect from them, in the order of the events."""
        settings = batch.rulebook.procedure.pyramid_meter
        if settings is None:
            return []
        told: list[Outgoing] = []
        for payment in _payments(batch, settings):
            # By the settings of the rulebook before, up to its first event: a timer does not know what comes after it.
            told += self._daily(payment.moment - 1, self._settings or settings)
            self._settings = settings
            reading = self.collectors.pay(payment, settings)
            if reading is not None:
                told.append(self._record(reading, settings))
        return told

    def advance(self, mark: Mark) -> list[Outgoing]:
        """Tell the daily readings that are due."""
        return list(self._daily(moment(mark), self._settings)) if self._settings is not None else []

    def _daily(self, at: int, settings: MeterSettings) -> Iterator[Outgoing]:
        for reading in self.collectors.due(at, settings):
            yield self._record(reading, settings)

    def _record(self, reading: Reading, settings: MeterSettings) -> Outgoing:
        token = self._key.text((reading.key, reading.rest))
        record = document(reading, token, settings).model_dump_json(exclude_none=True)
        return Outgoing(METERS, record.encode(), token.encode(), headers_of("pyramid_meter", token))

    def state(self) -> tuple[bytes, Mapping[str, NDArray[Any]]]:
        """The collectors and the settings in force, as one document."""
        settings = self._settings.model_dump_json().encode() if self._settings is not None else b""
        return len(settings).to_bytes(4, "little") + settings + self.collectors.saved(), {}

    def restore(self, document: bytes, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the follower whose `state()` this was."""
        end = 4 + int.from_bytes(document[:4], "little")
        self._settings = MeterSettings.model_validate_json(document[4:end]) if end > 4 else None
        self.collectors = Collectors.restored(document[end:])


def _payments(batch: JudgedBatch, settings: MeterSettings) -> Iterator[Payment]:
    """The new transactions of a batch between two parties, or out of one."""
    rows, book = batch.rows, batch.rulebook
    taken = np.flatnonzero((batch.state == NEW) & (rows["kind"] < len(TRANSACTION_KINDS)))
    if not len(taken):
        return
    rows = rows[taken]
    watched = [t for t, each in enumerate(book.typologies) if each.id in settings.watch_typologies and not each.shadow]
    score = batch.typologies[taken][:, watched].max(axis=1, initial=0.0)
    of_pyramid = _has(book, rows, "pyramid") & ~_has(book, rows, "civic")
    names = ("payer", "payee", "payee_rest", "payer_kind", "payee_kind", "payer_region", "kind", "amount_kzt")
    columns = [rows[name].tolist() for name in names]
    extra = (moments(rows), of_pyramid, _has(book, rows, "expenses"), score)
    for values in zip(*columns, *(column.tolist() for column in extra), strict=True):
        yield Payment(*values)


def _has(book: Rulebook, rows: NDArray[np.void], lexicon: str) -> NDArray[np.bool_]:
    """Whether the purpose has a word of a lexicon; nobody's does where the rulebook has no such lexicon."""
    place = book.catalogue.places.get(lexicon_place(lexicon))
    if place is None:
        return np.zeros(len(rows), np.bool_)
    found: NDArray[np.bool_] = book.catalogue.lexicons[place[1] - len(COLUMNS)][rows["words"]].any(axis=1)
    return found


def document(reading: Reading, token: str, settings: MeterSettings) -> PyramidMeter:
    """A reading as it is published; `token` names the collector."""
    texts = reading.texts(settings)
    return PyramidMeter(
        type="pyramid_meter",
        collector=token,
        kind=PARTY_KINDS[reading.kind],
        at=from_milliseconds(reading.moment),
        index=reading.index,
        line=reading.line,
        above=reading.index >= reading.line,
        parts=tuple(
            MeterPart(part=one.part, points=reading.parts[one.part], most=one.most, text=Text(**one.text.model_dump()))
            for one in settings.points
        ),
        people=reading.people,
        payers=reading.payers,
        estimated=reading.estimated,
        entrants_a_day=round(reading.entrants_a_day, 2),
        doubling_days=_known(reading.doubling_days),
        regions=reading.regions,
        deposits=tenge(reading.deposits),
        payouts=tenge(reading.payouts),
        funded_by_later=tenge(reading.funded),
        repaid=reading.repaid,
        monthly_rate=_known(reading.monthly_rate),
        depth=reading.depth,
        cash_share=round(reading.cash_share, 4),
        expenses_share=round(reading.expenses_share, 4),
        money_in=tenge(reading.money_in),
        money_out=tenge(reading.money_out),
        still_there=tenge(reading.still_there),
        forecast=tuple(
            GrowthForecast(
                days=one.days,
                people=round(one.people),
                people_low=round(one.people_low),
                people_high=round(one.people_high),
                money=tenge(round(one.money)),
                money_low=tenge(round(one.money_low)),
                money_high=tenge(round(one.money_high)),
            )
            for one in reading.forecast(settings)
        ),
        summary=Text(kk=texts["kk"], ru=texts["ru"], en=texts["en"]),
    )


def _known(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
