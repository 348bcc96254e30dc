"""What is known of each collector of money: payers, days, payouts, as a pure function of payments in order.

A collector is anybody whom private people pay. It is *watched* from `watch_payers` different payers in the window on,
or when a typology of pyramids scores; before, it is a candidate, of which only so many are remembered. Payers of one
collector are kept exactly up to `MOST_PAYERS`; beyond, only those whose mixed key falls below a threshold that is
halved each time the table is full, and each stands for 2**level people (Wegman's adaptive sampling; P. Flajolet,
Computing 43 (1990) 391-400: standard error 1.2/sqrt(payers kept), 4 to 5 % here). Sums that need no payer are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import msgspec

from rules.events import DAY_MS, KINDS, LOCAL_OFFSET_MS, PARTY_KINDS
from rules.pyramid_index import Collector, Day, MeterSettings, Payer, Reading, read

MOST_PAYERS: Final = 1_024
CANDIDATES: Final = 40_000
WATCHED: Final = 5_000
KEPT_DAYS: Final = 60
_ALL: Final = 1 << 64

TRANSFER, CARD_PAYMENT, CASH_DEPOSIT, CASH_WITHDRAWAL, _, LOAN_REPAYMENT, TOP_UP, CRYPTO = range(8)
assert KINDS[TRANSFER] == "transfer" and KINDS[CRYPTO] == "crypto_exchange"  # noqa: PT018
COMPANY: Final = PARTY_KINDS.index("company")
PRIVATE: Final = frozenset(PARTY_KINDS.index(kind) for kind in ("person", "foreign", "account"))


class Payment(NamedTuple):
    """One transaction as the meter sees it; keys are the first 64 bits of tokens, 0 where absent."""

    payer: int
    payee: int
    payee_rest: int
    payer_kind: int
    payee_kind: int
    region: int  # of the payer
    kind: int  # index into KINDS
    amount: int  # tiyn
    moment: int  # ms, as streams.following.moment
    of_pyramid: bool  # the purpose has a word of the lexicon `pyramid` and none of `civic`
    of_expenses: bool  # the purpose has a word of the lexicon `expenses`
    score: float  # the highest of `watch_typologies`


def sampled(payer: int, level: int) -> bool:
    """Whether a payer is among those kept at this level: one in 2**level, always the same."""
    mixed = (payer * 0x9E3779B97F4A7C15) & (_ALL - 1)
    mixed = ((mixed ^ mixed >> 32) * 0xD6E8FEB86659FD93) & (_ALL - 1)
    return (mixed ^ mixed >> 32) < _ALL >> level


def local_day(moment: int) -> int:
    """The day of the calendar in Kazakhstan, counted from 1970."""
    return (moment + LOCAL_OFFSET_MS) // DAY_MS


class _Saved(msgspec.Struct):
    collectors: list[tuple[int, Collector]]
    watched: list[int]
    midnight: int


@dataclass(slots=True)
class Meter:
    """The state: collectors by key, candidates from the one longest unpaid on."""

    candidates: dict[int, Collector] = field(default_factory=dict)
    watched: dict[int, Collector] = field(default_factory=dict)
    _midnight: int = 0  # when the collectors that moved are read next; 0 where none moved

    def pay(self, payment: Payment, settings: MeterSettings) -> Reading | None:
        """Take the next payment; a reading where the payee's index is to be told. Timers first: see `due`."""
        self._out(payment)
        if not payment.payee or payment.payer == payment.payee:
            return None
        collector = self.watched.get(payment.payee) or self.candidates.get(payment.payee)
        deposit = (
            payment.kind in (TRANSFER, TOP_UP)
            and payment.payer_kind in PRIVATE
            and payment.payer != 0
            and payment.amount >= settings.least_payment * 100
        )
        if collector is None:
            if not deposit:
                return None
            collector = self._candidate(payment)
        collector.last = max(collector.last, payment.moment)
        collector.money_in += payment.amount
        if not deposit:
            self._day(collector, payment.moment).other_in += payment.amount
            return None
        self._deposit(collector, payment)
        if payment.payee not in self.watched:
            self.candidates[payment.payee] = self.candidates.pop(payment.payee)  # the one paid last stands last
            recent = payment.moment - settings.window_days * DAY_MS
            if payment.score < settings.watch_score and not (
                len(collector.payers) >= settings.watch_payers
                and sum(payer.last_in > recent for payer in collector.payers.values()) >= settings.watch_payers
            ):
                return None
            self._watch(payment.payee)
        self._move(payment.moment)
        collector.moved = True
        if collector.payments < collector.next_reading:
            return None
        # One reading for each twentieth of all payments: the cost of readings grows with the logarithm of the crowd.
        collector.next_reading = collector.payments + 1 + collector.payments // 20
        return self._told(payment.payee, collector, payment.moment, settings, daily=False)

    def due(self, moment: int, settings: MeterSettings) -> Iterator[Reading]:
        """The daily readings due up to an instant (ms), in order: every collector that moved, at local midnight."""
        while self._midnight and self._midnight <= moment:
            at, self._midnight = self._midnight, 0
            for key, collector in self.watched.items():
                if collector.moved:
                    collector.moved = False
                    # As of the last millisecond of the day that ends.
                    reading = self._told(key, collector, at - 1, settings, daily=True)
                    if reading is not None:
                        yield reading
            self._forget(at - settings.window_days * DAY_MS)

    def index_of(self, key: int) -> float:
        """The index a collector was last read with; 0 of one that is not watched."""
        collector = self.watched.get(key)
        return collector.index if collector is not None else 0.0

    def _told(
        self, key: int, collector: Collector, moment: int, settings: MeterSettings, *, daily: bool
    ) -> Reading | None:
        below = [payer for payer in collector.payers if payer in self.watched and payer != key]
        reading = read(key, collector, moment, settings, below=below, index_of=self.index_of)
        collector.index = reading.index
        moved = abs(reading.index - collector.told) >= settings.step
        crossed = (reading.index >= settings.line) != (collector.told >= settings.line)
        if not (daily or moved or crossed):
            return None
        collector.told = reading.index
        return replace(reading, depth=self._depth(key))

    def _depth(self, key: int) -> int:
        """How many watched collectors stand one below the other, each paying the one above; at most 5 are looked at.

        Only payments are seen: who persuaded whom is not, so this is the least depth, not the depth.
        """
        seen, level, depth = {key}, [key], 0
        while level and depth < 5:
            depth += 1
            level = [
                payer
                for above in level
                for payer in self.watched[above].payers
                if payer in self.watched and payer not in seen and not seen.add(payer)  # type: ignore[func-returns-value]
            ]
        return depth

    def _candidate(self, payment: Payment) -> Collector:
        if len(self.candidates) >= CANDIDATES:
            del self.candidates[next(iter(self.candidates))]
        collector = Collector(payment.payee_rest, payment.payee_kind, payment.moment, payment.moment)
        self.candidates[payment.payee] = collector
        return collector

    def _watch(self, key: int) -> None:
        if len(self.watched) >= WATCHED:
            # The least suspicious gives way; of equal ones the one longest unpaid.
            del self.watched[min(self.watched, key=lambda k: (self.watched[k].index, self.watched[k].last, k))]
        self.watched[key] = self.candidates.pop(key)

    def _move(self, moment: int) -> None:
        if not self._midnight:
            self._midnight = (local_day(moment) + 1) * DAY_MS - LOCAL_OFFSET_MS

    @staticmethod
    def _day(collector: Collector, moment: int) -> Day:
        number = local_day(moment)
        day = collector.days.get(number)
        if day is None:
            day = collector.days[number] = Day()
            for old in [n for n in collector.days if n <= local_day(collector.last) - KEPT_DAYS and n != number]:
                del collector.days[old]
        return day

    def _deposit(self, collector: Collector, payment: Payment) -> None:
        day = self._day(collector, payment.moment)
        day.deposits += payment.amount
        day.payments += 1
        day.words += payment.of_pyramid
        collector.payments += 1
        if not sampled(payment.payer, collector.level):
            return
        payer = collector.payers.get(payment.payer)
        if payer is None:
            payer = collector.payers[payment.payer] = Payer(entered=payment.moment)
            collector.people += 1 << collector.level
            day.entrants += 1 << collector.level
        payer.paid += payment.amount
        payer.last_amount = payment.amount
        payer.last_in = payment.moment
        payer.region = payment.region or payer.region
        entry = collector.days.get(local_day(payer.entered))
        if entry is not None:
            entry.cohort += payment.amount << collector.level
        while len(collector.payers) > MOST_PAYERS:
            collector.level += 1
            collector.payers = {k: one for k, one in collector.payers.items() if sampled(k, collector.level)}

    def _out(self, payment: Payment) -> None:
        """What a collector pays: to earlier payers, for its expenses, in cash, to others."""
        collector = self.watched.get(payment.payer) or self.candidates.get(payment.payer)
        if collector is None or payment.payer == payment.payee:
            return
        collector.last = max(collector.last, payment.moment)
        collector.money_out += payment.amount
        day = self._day(collector, payment.moment)
        if payment.payer in self.watched:
            collector.moved = True
            self._move(payment.moment)
        if payment.kind in (CASH_WITHDRAWAL, CRYPTO):
            day.cash += payment.amount
            return
        payer = collector.payers.get(payment.payee)
        if payer is not None and payment.payee_kind != COMPANY:
            self._payout(collector, day, payer, payment)
        elif payment.payee_kind == COMPANY or payment.of_expenses or payment.kind in (CARD_PAYMENT, LOAN_REPAYMENT):
            day.expenses += payment.amount
        elif collector.level == 0 or sampled(payment.payee, collector.level):
            day.other_out += payment.amount << collector.level

    @staticmethod
    def _payout(collector: Collector, day: Day, payer: Payer, payment: Payment) -> None:
        amount = payment.amount << collector.level
        if payer.outs == 0 and payment.amount in (payer.last_amount, payer.paid):
            # The very sum comes back: goods returned, a deposit for a flat, a pot that was never anybody's income.
            payer.outs, payer.refunded = 1, True
            payer.received += payment.amount
            day.refunds += amount
            return
        payer.outs += 1
        payer.received += payment.amount
        payer.first_out = payer.first_out or payment.moment
        payer.last_out = payment.moment
        day.payouts += amount
        # Whose money was it? All that came after the recipient's day of entry is taken in proportion.
        entered = local_day(payer.entered)
        after = [one for number, one in collector.days.items() if number > entered]
        total = sum(one.deposits + one.other_in for one in after)
        if total:
            day.funded += amount * min(total, sum(one.cohort for one in after)) // total

    def _forget(self, before: int) -> None:
        for key in [key for key, one in self.watched.items() if one.last < before]:
            del self.watched[key]
        for key in [key for key, one in self.candidates.items() if one.last < before]:
            del self.candidates[key]

    def saved(self) -> bytes:
        """The state as MessagePack."""
        both = [*self.candidates.items(), *self.watched.items()]
        return msgspec.msgpack.encode(_Saved(both, list(self.watched), self._midnight))

    @classmethod
    def restored(cls, document: bytes) -> Meter:
        """The state whose `saved()` this was."""
        said = msgspec.msgpack.decode(document, type=_Saved)
        watched = frozenset(said.watched)
        return cls(
            {key: one for key, one in said.collectors if key not in watched},
            {key: one for key, one in said.collectors if key in watched},
            said.midnight,
        )
