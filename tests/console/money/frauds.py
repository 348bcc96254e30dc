"""Simulated frauds as transfers with labels, and what an order would have found in truth."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from console.money.freezing import Limits, advise
from console.money.tracing import trace
from console.money.transfers import OUTSIDE, Transfers
from simulator.country import Country, Settings
from simulator.moves import CASH_DEPOSIT, LOAN_DISBURSEMENT, TRANSFER, join

HOPS = 6
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Fraud:
    """The payments of the victims of one case, as places of transfers."""

    name: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Played:
    """A country's transfers, and its frauds with victims."""

    transfers: Transfers
    frauds: tuple[Fraud, ...]


def play(seed: int, people: int = 2_000, days: int = 7, rate: float = 10.0) -> Played:
    """A small country with many frauds."""
    country = Country(Settings(days=days, people=people, seed=seed, fraud_rate=rate, transactions_only=True))
    rows = join(country.days())
    owner = np.array(country.population.owner)
    payer = np.where(rows["payer"] >= 0, owner[rows["payer"]], OUTSIDE)
    payee = np.where(rows["payee"] >= 0, owner[rows["payee"]], OUTSIDE)
    payer = np.where(np.isin(rows["kind"], (CASH_DEPOSIT, LOAN_DISBURSEMENT)), OUTSIDE, payer)
    payee = np.where(np.isin(rows["kind"], (TRANSFER, CASH_DEPOSIT, LOAN_DISBURSEMENT)), payee, OUTSIDE)
    order = np.argsort(rows["at"], kind="stable")
    transfers = Transfers(
        payer[order].astype(np.int64),
        payee[order].astype(np.int64),
        rows["amount"][order],
        rows["at"][order],
        len(owner),
    )
    return Played(transfers, tuple(_frauds(country, transfers, rows["case"][order])))


@dataclass(frozen=True)
class Recovered:
    """What orders find of all frauds of a country, in tiyn: those that are advised, and those that look no further."""

    frauds: int
    lost: int
    advised: int
    naive: int


def recovered(seed: int, limits: Limits) -> Recovered:
    """An order an hour after the first victim of each fraud paid; what it found is counted in what happens then."""
    country = play(seed)
    lost = advised = naive = 0
    for fraud in country.frauds:
        now = int(country.transfers.at[fraud.seeds[0]]) + HOUR_MS
        known = country.transfers.until(now)
        seeds = [place for place in fraud.seeds if place < len(known)]
        said = trace(known, seeds, "fifo", HOPS)
        advice = advise(known, said, now, limits)
        lost += said.seeded
        advised += found_in_truth(country.transfers, seeds, advice.order.accounts, now + limits.delay_ms)
        naive += found_in_truth(country.transfers, seeds, advice.naive.accounts, now + limits.delay_ms)
    return Recovered(len(country.frauds), lost, advised, naive)


def _frauds(country: Country, transfers: Transfers, case: NDArray[np.int32]) -> Iterator[Fraud]:
    for number, (name, typology) in enumerate(country.cases):
        of_case = np.flatnonzero(case == number)
        if not typology or len(of_case) < 3:
            continue
        paid_on = set(transfers.source[of_case].tolist())
        received = set(transfers.target[of_case].tolist())
        seeds = [
            place
            for place in of_case.tolist()
            if transfers.target[place] in paid_on and transfers.source[place] not in {*received, OUTSIDE}
        ]
        if seeds:
            yield Fraud(name, tuple(seeds))


def found_in_truth(transfers: Transfers, seeds: Collection[int], frozen: Collection[int], since: int) -> int:
    """Tiyn of the seeds' money that are in the frozen accounts in the end, nothing leaving them from `since` on."""
    kept = ~(np.isin(transfers.source, list(frozen)) & (transfers.at >= since))
    place = np.cumsum(kept) - 1
    what_happens = Transfers(
        transfers.source[kept], transfers.target[kept], transfers.amount[kept], transfers.at[kept], transfers.count
    )
    said = trace(what_happens, [int(place[seed]) for seed in seeds], "fifo", 20)
    return int(said.present[list(frozen)].sum())
