"""What companies pay each other, and marketplaces their sellers, on one day."""

from __future__ import annotations

import numpy as np

from simulator.day import Day
from simulator.moves import API, HOUR, TIYN, TRANSFER, WEB, Moves, moves
from simulator.people import Population
from simulator.phrases import Purposes


def companies_pay(day: Day, population: Population, purposes: Purposes) -> list[Moves]:
    """Large sums between companies on working days: what is large for a person is ordinary for them."""
    if not day.season.working:
        return []
    rng = day.rng
    payer = day.happens(np.flatnonzero(population.payday > 0), 0.3)
    count = len(payer)
    suppliers = np.concatenate([population.company["wholesaler"], population.company["employer"]])
    supplier = suppliers[(payer * 31 + rng.integers(0, 3, count)) % len(suppliers)]
    taxed = rng.random(count) < 0.12
    payee = np.where(taxed, population.company["tax"][0], supplier)
    purpose = purposes.some("supplier", count, rng)
    purpose = np.where(taxed, purposes.some("tax", count, rng), purpose)
    amount = (rng.lognormal(13.2, 1.1, count) * TIYN).astype(np.int64)
    other = payer != payee
    return [
        moves(
            day.times("work", count)[other], TRANSFER, amount[other], payer=payer[other], payee=payee[other],
            channel=API, purpose=purpose[other],
        )
    ]  # fmt: skip


def marketplace_sellers(day: Day, population: Population, purposes: Purposes) -> list[Moves]:
    rng = day.rng
    seller = day.happens(population.company["seller"], 0.6)
    amount = (rng.lognormal(11.2, 1.0, len(seller)) * TIYN).astype(np.int64)
    at = day.start + 4 * HOUR + rng.integers(0, 2 * HOUR, len(seller))
    payouts = moves(
        at, TRANSFER, amount, payer=population.company["marketplace"][0], payee=seller, channel=API,
        purpose=purposes.some("marketplace", len(seller), rng),
    )  # fmt: skip
    shipping = day.happens(seller, 0.5)
    courier = population.company["courier"][shipping % len(population.company["courier"])]
    buying = day.happens(seller, 0.4)
    supplier = population.company["wholesaler"][buying % len(population.company["wholesaler"])]
    return [
        payouts,
        moves(
            day.times("work", len(shipping)), TRANSFER, rng.integers(2, 40, len(shipping)) * 1_000 * TIYN,
            payer=shipping, payee=courier, channel=WEB, purpose=purposes.some("courier", len(shipping), rng),
        ),
        moves(
            day.times("work", len(buying)), TRANSFER, rng.integers(20, 400, len(buying)) * 1_000 * TIYN,
            payer=buying, payee=supplier, channel=WEB, purpose=purposes.some("supplier", len(buying), rng),
        ),
    ]  # fmt: skip
