"""Ordinary life: what everybody pays and is paid on one day."""

from __future__ import annotations

import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator import texts
from simulator.day import Day, paydays
from simulator.moves import (
    API,
    ATM,
    BRANCH,
    CARD,
    CARD_PAYMENT,
    CASH_DEPOSIT,
    CASH_WITHDRAWAL,
    CRYPTO_EXCHANGE,
    DAY,
    HOUR,
    LOAN_REPAYMENT,
    MINUTE,
    MOBILE,
    NOBODY,
    TERMINAL,
    TIYN,
    TOP_UP,
    TRANSFER,
    WEB,
    Indices,
    Moves,
    join,
    moves,
)
from simulator.people import FAVOURITES, FRIENDS, NONE, PENSIONER, STUDENT, TRADER, Population
from simulator.phrases import Contexts, Purposes, local_time
from simulator.trade import companies_pay, marketplace_sellers

_ROUND_TENGE: Final = np.array([500, 1_000, 2_000, 3_000, 5_000, 10_000, 15_000, 20_000, 30_000, 50_000, 100_000])
_ROUND_SHARES: Final = np.array([5, 12, 15, 10, 20, 14, 7, 8, 4, 4, 1]) / 100
_CASH_TENGE: Final = np.array([5_000, 10_000, 20_000, 30_000, 50_000, 100_000, 150_000, 200_000])
_CASH_SHARES: Final = np.array([12, 24, 22, 12, 14, 9, 3, 4]) / 100
_MERCHANT_MEDIAN: Final = np.array([median for _, median, *_ in texts.MERCHANTS.values()])
_MERCHANT_SPREAD: Final = np.array([spread for _, _, spread, *_ in texts.MERCHANTS.values()])
_MERCHANT_ONLINE: Final = np.array([online for *_, online, _ in texts.MERCHANTS.values()])
_MERCHANT_HOURS: Final = np.array([sorted(texts.HOURS).index(hours) for *_, hours in texts.MERCHANTS.values()])
_MARKETPLACE: Final = list(texts.MERCHANTS).index("5999")


class Life:
    """The ordinary life of a population over the simulated days."""

    def __init__(self, population: Population, purposes: Purposes, contexts: Contexts, start: int, days: int) -> None:
        self._population = population
        self._purposes = purposes
        self._contexts = contexts
        rng = np.random.default_rng([population.seed, 2])
        people = population.people
        self._everybody = np.arange(people)
        self._sharing_salary = rng.random(people) < 0.04
        # A hundredth of the people travel each week, and shop where they are.
        self._away = np.where(rng.random(people) < 0.02, rng.integers(0, 20, people), NOBODY)
        self._crypto = np.flatnonzero((rng.random(people) < 0.006) & (population.age < 50))
        self._second_bill = rng.random(people) < 0.4
        self._rent = rng.integers(80, 320, people) * 1_000
        self._instalment = np.maximum(population.salary // 6, 12_000) + rng.integers(0, 900, people)
        self._own_device = population.device.copy()
        self._owner = np.array(population.owner)  # of each account that ordinary life pays from
        # A twentieth get a new telephone in a month, half of them with a new SIM card.
        self._phone_changed = np.full(people, np.iinfo(np.int64).max)
        changing = np.flatnonzero(rng.random(people) < 0.0016 * days)
        self._phone_changed[changing] = start + (rng.random(len(changing)) * days * DAY).astype(np.int64)
        self._new_device = np.full(people, NOBODY)
        self._new_context = np.zeros(people, dtype=np.int64)
        for person in changing.tolist():
            self._new_device[person] = population.new_device()
            if rng.random() < 0.5:
                sim = local_time(int(self._phone_changed[person]) - int(rng.integers(0, 3 * HOUR)))
                self._new_context[person] = contexts.of(device_new=True, sim_changed_at=sim)
            else:
                self._new_context[person] = contexts.of(device_new=True)

    def day(self, date: datetime.date, start: int) -> Moves:
        """Everything that ordinarily happens on the day, in no order."""
        day = Day(date, start, np.random.default_rng([self._population.seed, 3, date.toordinal()]))
        business = [*companies_pay(day, self._population, self._purposes)]
        business += marketplace_sellers(day, self._population, self._purposes)
        rows = join(
            business
            + [
                part
                for behaviour in (
                    self._card_payments,
                    self._transfers_to_friends,
                    self._customers_of_traders,
                    self._traders_pay,
                    self._salaries,
                    self._pensions_and_stipends,
                    self._bills,
                    self._rents,
                    self._cash,
                    self._top_ups,
                    self._loans,
                    self._own_transfers,
                    self._families,
                    self._donations,
                    self._crypto_purchases,
                )
                for part in behaviour(day)
            ]
        )
        self._new_telephones(rows)
        return rows

    def _card_payments(self, day: Day) -> list[Moves]:
        population, rng = self._population, day.rng
        weekday = (1.15 if day.date.weekday() >= 5 else 1.0) * day.season.shopping
        payer = np.repeat(self._everybody, rng.poisson(population.activity * weekday))
        count = len(payer)
        slot = (rng.random(count) ** 2 * FAVOURITES).astype(np.int64)
        away = self._away[payer]
        region = np.where(away >= 0, away, population.region[payer]).astype(np.int8)
        elsewhere = (rng.random(count) < 0.3) | (away >= 0)
        shop = np.where(elsewhere, population.shop_picker.pick(rng, region), population.shops[payer, slot])
        category = population.category[shop]
        at_marketplace = rng.random(count) < 0.05
        shop = np.where(at_marketplace, population.company["marketplace"][0], shop)
        category = np.where(at_marketplace, _MARKETPLACE, category)
        online = at_marketplace | (rng.random(count) < _MERCHANT_ONLINE[category])
        tenge = rng.lognormal(0.0, _MERCHANT_SPREAD[category]) * _MERCHANT_MEDIAN[category] * population.spending[payer]
        amount = np.maximum(tenge, 50).astype(np.int64) * TIYN
        at = np.empty(count, dtype=np.int64)
        for number, hours in enumerate(sorted(texts.HOURS)):
            chosen = np.flatnonzero(_MERCHANT_HOURS[category] == number)
            at[chosen] = day.times(hours, len(chosen))
        # Half of the payments at a till are made by telephone and QR code.
        draw = rng.random(count)
        channel = np.where(online, np.where(draw < 0.75, MOBILE, WEB), np.where(draw < 0.5, MOBILE, TERMINAL))
        channel = np.where((channel == TERMINAL) & (draw > 0.9), CARD, channel)
        device = self._device(payer, channel)
        context = self._contexts.merchant[category]
        return [
            moves(at, CARD_PAYMENT, amount, payer=payer, payee=shop, channel=channel, device=device, context=context)
        ]

    def _transfers_to_friends(self, day: Day) -> list[Moves]:
        population, rng = self._population, day.rng
        gifts = day.season.gifts
        payer = np.repeat(self._everybody, rng.poisson(population.activity * 0.2 * gifts))
        count = len(payer)
        slot = (rng.random(count) ** 2 * FRIENDS).astype(np.int64)
        stranger = rng.random(count) < 0.08
        payee = np.where(stranger, rng.integers(0, population.people, count), population.friends[payer, slot])
        payer, payee = payer[payer != payee], payee[payer != payee]
        count = len(payer)
        amount = self._people_send(count, rng) * TIYN
        purpose = self._purposes.some("friends", count, rng, silent=0.6)
        if gifts > 1:
            # What is sent beyond the usual is sent for the feast.
            feast = self._purposes.some("holiday", count, rng)
            purpose = np.where(rng.random(count) < 1 - 1 / gifts, feast, purpose)
        return [self._mobile(day, payer, payee, amount, purpose)]

    def _customers_of_traders(self, day: Day) -> list[Moves]:
        population, rng = self._population, day.rng
        payer = np.repeat(self._everybody, rng.poisson(population.activity * 0.17))
        known = rng.random(len(payer)) < 0.6
        slot = rng.integers(0, 3, len(payer))
        regions = population.region[payer]
        payee = np.where(known, population.traders[payer, slot], population.trader_picker.pick(rng, regions))
        payer, payee = payer[payer != payee], payee[payer != payee]
        count = len(payer)
        amount = (rng.lognormal(8.2, 0.8, count) // 50 + 1).astype(np.int64) * 50 * TIYN
        at = day.times("shop", count)
        return [self._mobile(day, payer, payee, amount, self._purposes.some("trader", count, rng, silent=0.85), at)]

    def _traders_pay(self, day: Day) -> list[Moves]:
        population, rng = self._population, day.rng
        traders = np.flatnonzero(population.occupation == TRADER)
        buying = day.happens(traders, 0.4)
        supplier = population.company["wholesaler"][buying % len(population.company["wholesaler"])]
        spent = (rng.lognormal(11.3, 0.7, len(buying)) // 100).astype(np.int64) * 100 * TIYN
        bought = self._purposes.some("supplier", len(buying), rng)
        taxed = day.happens(traders, 0.08 if day.season.working else 0.0)
        tax = (rng.lognormal(9.6, 0.5, len(taxed))).astype(np.int64) * TIYN
        group = "tax" if day.date.day % 3 else "pension_contribution"
        stalls = day.happens(traders, 0.05)
        stall = population.company["building"][stalls % len(population.company["building"])]
        rent = rng.integers(30, 120, len(stalls)) * 1_000 * TIYN
        takings = day.happens(traders, 0.12)
        cash = rng.integers(40, 600, len(takings)) * 1_000 * TIYN
        return [
            self._mobile(day, buying, supplier, spent, bought, day.times("work", len(buying))),
            self._mobile(
                day, taxed, np.full(len(taxed), population.company["tax"][0]), tax,
                self._purposes.some(group, len(taxed), rng), day.times("work", len(taxed)),
            ),
            self._mobile(day, stalls, stall, rent, self._purposes.some("stall", len(stalls), rng)),
            moves(day.times("atm", len(takings)), CASH_DEPOSIT, cash, payee=takings, channel=ATM),
        ]  # fmt: skip

    def _salaries(self, day: Day) -> list[Moves]:
        population, rng = self._population, day.rng
        due = np.isin(population.payday, paydays(day.date)) & (population.payday > 0)
        paid = np.flatnonzero((population.employer >= 0) & due[population.employer])
        if not len(paid):
            return []
        employer = population.employer[paid]
        at = day.start + 9 * HOUR + employer * 7_919_000 % (8 * HOUR) + rng.integers(0, 6 * MINUTE, len(paid))
        amount = population.salary[paid] * TIYN
        purpose = self._purposes.some("salary", len(paid), rng)
        salary = moves(at, TRANSFER, amount, payer=employer, payee=paid, channel=API, purpose=purpose)
        # Some hand nearly all of it to the family within the half hour: money in, money out, and no mule.
        sharing = self._sharing_salary[paid]
        giver, pay, came = paid[sharing], amount[sharing], at[sharing]
        given = (pay * rng.uniform(0.75, 0.97, len(giver))).astype(np.int64) // 100_000 * 100_000
        passed = self._mobile(
            day, giver, population.friends[giver, 0], given, self._purposes.some("family", len(giver), rng, silent=0.4),
            came + rng.integers(2 * MINUTE, 40 * MINUTE, len(giver)),
        )  # fmt: skip
        # Some take it out in cash, as many banknotes at a time as the machine gives.
        cashing = rng.random(len(paid)) < 0.06
        person, came = paid[cashing], at[cashing]
        times = np.minimum(population.salary[person] // 200_000 + 1, 3)
        payer = np.repeat(person, times)
        cash_at = np.repeat(came + rng.integers(10 * MINUTE, 5 * HOUR, len(person)), times)
        cash_at += rng.integers(0, 8 * MINUTE, len(payer))
        taken = rng.integers(8, 21, len(payer)) * 10_000 * TIYN
        cash = moves(cash_at, CASH_WITHDRAWAL, taken, payer=payer, channel=ATM)
        return [salary, passed, cash]

    def _pensions_and_stipends(self, day: Day) -> list[Moves]:
        population, rng = self._population, day.rng
        days = paydays(day.date)
        pensioner = np.flatnonzero((population.occupation == PENSIONER) & np.isin(population.bill_day, days))
        student = np.flatnonzero((population.occupation == STUDENT) & np.isin(population.bill_day, days))
        student = student[student % 10 < 6]
        pension = np.minimum(population.salary[pensioner] // 2 + 55_000, 330_000) * TIYN
        universities = population.company["university"]
        university = universities[population.region[student] % len(universities)]
        fund = population.company["pension_fund"][0]
        return [
            moves(
                day.start + 7 * HOUR + rng.integers(0, 4 * HOUR, len(pensioner)), TRANSFER, pension, payer=fund,
                payee=pensioner, channel=API, purpose=self._purposes.some("pension", len(pensioner), rng),
            ),
            moves(
                day.start + 11 * HOUR + rng.integers(0, HOUR, len(student)), TRANSFER, 52_372 * TIYN, payer=university,
                payee=student, channel=API, purpose=self._purposes.some("stipend", len(student), rng),
            ),
        ]  # fmt: skip

    def _bills(self, day: Day) -> list[Moves]:
        population, rng = self._population, day.rng
        heads = self._everybody[::3]
        payer = heads[population.bill_day[heads] == day.date.day]
        utility = population.company["utility"]
        first = utility[population.region[payer].astype(np.int64) * 2]
        building = population.company["building"][payer // 60 % len(population.company["building"])]
        at = day.times("mobile", len(payer))
        parts = []
        for payee, group, median, wait in (
            (first, "utilities", 9.3, 0),
            (first + 1, "utilities", 8.9, MINUTE),
            (building, "building", 8.1, 3 * MINUTE),
        ):
            amount = (rng.lognormal(median, 0.4, len(payer)) * TIYN).astype(np.int64)
            purpose = self._purposes.some(group, len(payer), rng)
            moment = at + wait + rng.integers(0, MINUTE, len(payer))
            parts.append(self._mobile(day, payer, payee, amount, purpose, moment))
        return parts

    def _rents(self, day: Day) -> list[Moves]:
        population, rng = self._population, day.rng
        # Most tenants pay in the first third of the month.
        rent_day = population.bill_day * 11 % 28 // 2 + 1
        payer = np.flatnonzero((population.landlord >= 0) & (rent_day == day.date.day))
        purpose = self._purposes.some("rent", len(payer), rng, silent=0.3)
        return [self._mobile(day, payer, population.landlord[payer], self._rent[payer] * TIYN, purpose)]

    def _cash(self, day: Day) -> list[Moves]:
        rng = day.rng
        taking = day.happens(self._everybody, 0.06)
        putting = day.happens(self._everybody, 0.015)
        taken = rng.choice(_CASH_TENGE, len(taking), p=_CASH_SHARES) * TIYN
        put = rng.choice(_CASH_TENGE, len(putting), p=_CASH_SHARES) * rng.integers(1, 5, len(putting)) * TIYN
        channel = np.where(rng.random(len(putting)) < 0.8, ATM, BRANCH)
        return [
            moves(day.times("atm", len(taking)), CASH_WITHDRAWAL, taken, payer=taking, channel=ATM),
            moves(day.times("atm", len(putting)), CASH_DEPOSIT, put, payee=putting, channel=channel),
        ]

    def _top_ups(self, day: Day) -> list[Moves]:
        telecom = self._population.company["telecom"]
        payer = day.happens(self._everybody, 0.09)
        amount = day.rng.choice(np.array([500, 1_000, 1_500, 2_000, 3_000, 5_000]), len(payer)) * TIYN
        payee = telecom[payer % len(telecom)]
        channel = np.full(len(payer), MOBILE)
        device = self._device(payer, channel)
        at = day.times("mobile", len(payer))
        return [moves(at, TOP_UP, amount, payer=payer, payee=payee, channel=channel, device=device)]

    def _loans(self, day: Day) -> list[Moves]:
        population = self._population
        due = np.flatnonzero((population.lender >= 0) & (population.bill_day == day.date.day))
        channel = np.full(len(due), MOBILE)
        repaid = moves(
            day.times("mobile", len(due)), LOAN_REPAYMENT, self._instalment[due] * TIYN, payer=due,
            payee=population.lender[due], channel=channel, device=self._device(due, channel),
        )  # fmt: skip
        return [repaid]

    def _own_transfers(self, day: Day) -> list[Moves]:
        population, rng = self._population, day.rng
        payer = day.happens(np.flatnonzero(population.second_account >= 0), 0.08)
        other = population.second_account[payer]
        back = rng.random(len(payer)) < 0.4
        amount = self._people_send(len(payer), rng) * 3 * TIYN
        channel = np.full(len(payer), MOBILE)
        return [
            moves(
                day.times("mobile", len(payer)), TRANSFER, amount, payer=np.where(back, other, payer),
                payee=np.where(back, payer, other), channel=channel, device=self._device(payer, channel),
                purpose=self._purposes.some("own", len(payer), rng),
            )
        ]  # fmt: skip

    def _families(self, day: Day) -> list[Moves]:
        """Parents send money to students, and the young to those who keep the house."""
        population, rng = self._population, day.rng
        dependent = np.isin(population.occupation, (STUDENT, NONE))
        payee = day.happens(np.flatnonzero(dependent), 0.12 * day.season.family)
        payer = population.friends[payee, np.where(rng.random(len(payee)) < 0.8, 0, 1)]
        payer, payee = payer[payer != payee], payee[payer != payee]
        amount = rng.integers(2, 40, len(payer)) * 2_500 * TIYN
        return [self._mobile(day, payer, payee, amount, self._purposes.some("family", len(payer), rng, silent=0.5))]

    def _donations(self, day: Day) -> list[Moves]:
        """Small round sums from strangers all over the country, more of them on Fridays."""
        population, rng = self._population, day.rng
        payer = day.happens(self._everybody, (0.02 if day.date.weekday() == 4 else 0.006) * day.season.donations)
        charity = population.company["charity"][rng.integers(0, len(population.company["charity"]), len(payer))]
        amount = rng.choice(np.array([500, 1_000, 2_000, 5_000, 10_000]), len(payer)) * TIYN
        return [self._mobile(day, payer, charity, amount, self._purposes.some("charity", len(payer), rng, silent=0.2))]

    def _crypto_purchases(self, day: Day) -> list[Moves]:
        payer = day.happens(self._crypto, 0.08)
        channel = np.full(len(payer), WEB)
        amount = day.rng.integers(2, 60, len(payer)) * 5_000 * TIYN
        exchange = self._population.company["exchange"][0]
        at = day.times("late", len(payer))
        device = self._device(payer, channel)
        return [moves(at, CRYPTO_EXCHANGE, amount, payer=payer, payee=exchange, channel=channel, device=device)]

    def _mobile(
        self, day: Day, payer: Indices, payee: Indices, amount: Indices, purpose: Indices, at: Indices | None = None
    ) -> Moves:
        """Transfers that people make on their telephones, some of them at the computer."""
        channel = np.where(day.rng.random(len(payer)) < 0.95, MOBILE, WEB)
        moments = day.times("mobile", len(payer)) if at is None else at
        device = self._device(payer, channel)
        return moves(
            moments, TRANSFER, amount, payer=payer, payee=payee, channel=channel, device=device, purpose=purpose
        )

    def _device(self, payer: Indices, channel: Indices) -> Indices:
        """The telephone or computer in the hand of a person who pays over that channel."""
        computer = self._population.people + payer
        return np.where(channel == MOBILE, self._own_device[payer], np.where(channel == WEB, computer, NOBODY))

    def _people_send(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Sums as people send them, in tenge: most of them round."""
        exact = (rng.lognormal(8.7, 0.9, count) // 10 + 1).astype(np.int64) * 10
        return np.where(rng.random(count) < 0.65, rng.choice(_ROUND_TENGE, count, p=_ROUND_SHARES), exact)

    def _new_telephones(self, rows: Moves) -> None:
        """Whoever has a new telephone pays with it; for the first day the bank says so."""
        on_telephones = np.flatnonzero((rows["channel"] == MOBILE) & (rows["device"] >= 0))
        owner = self._owner[rows["payer"][on_telephones]]  # also of a second account, which is nobody's main one
        age = rows["at"][on_telephones] - self._phone_changed[owner]
        person, replaced = owner[age >= 0], on_telephones[age >= 0]
        rows["device"][replaced] = self._new_device[person]
        fresh = age[age >= 0] < DAY
        person, replaced = person[fresh], replaced[fresh]
        shopping = rows["kind"][replaced] == CARD_PAYMENT
        self_context = self._new_context[person]
        # The merchant's categories are the first contexts in the table, in their order.
        category = np.maximum(rows["context"][replaced] - 1, 0) % len(self._contexts.merchant_new_device)
        rows["context"][replaced] = np.where(shopping, self._contexts.merchant_new_device[category], self_context)
