"""Traders, employers and operators whose accounts are as busy as those of frauds."""

from __future__ import annotations

import numpy as np

from simulator.moves import ATM, CASH_DEPOSIT, DAY, HOUR, MINUTE, TOP_UP, WEB
from simulator.people import TRADER
from simulator.records import Listed
from simulator.stage import Story


def home_shop(story: Story) -> None:
    """A shop on a social network: orders from everywhere, the same people again, couriers and suppliers: not T10."""
    population = story.stage.population
    seller = story.actor(20, 50)
    prices = [story.count(5, 40) * 1_000 - 10 for _ in range(story.count(3, 6))]
    buyers = story.strangers(story.count(30, 90), besides=[seller])
    courier = story.company("courier")
    suppliers = [story.company("wholesaler") for _ in range(2)]
    for day in range(story.stage.days):
        for _ in range(story.count(4, 16)):
            at = story.moment(day, 9, 23.5)
            story.transfer(at, story.one_of(buyers), seller, story.one_of(prices), group="order")
        for _ in range(story.count(1, 3)):
            story.transfer(story.moment(day, 10, 18), seller, courier, story.count(2, 9) * 500, group="courier")
        if story.chance(0.5):
            supplies = story.count(30, 150) * 1_000
            story.transfer(story.moment(day, 10, 18), seller, story.one_of(suppliers), supplies, group="supplier")
        if story.chance(0.2):
            tax = int(population.company["tax"][0])
            story.transfer(story.moment(day, 10, 18), seller, tax, story.count(8, 30) * 1_000, group="tax")


def bookkeeper(story: Story) -> None:
    """One bookkeeper pays the taxes of several small traders on one device: not T05."""
    population = story.stage.population
    device = population.new_device()
    traders = np.flatnonzero(population.occupation == TRADER)
    clients = story.rng.choice(traders, min(story.count(4, 8), len(traders)), replace=False).tolist()
    tax = int(population.company["tax"][0])
    at = story.moment(story.first_day(1), 10, 15)
    for client in clients:
        for group in ("tax", "pension_contribution"):
            at += story.between(3, 20) * MINUTE
            story.transfer(at, int(client), tax, story.count(6, 60) * 1_000, group=group, device=device)


def takings(story: Story) -> None:
    """A busy market stall brings its cash to the bank every evening, sometimes near a threshold: not T21."""
    stall = story.actor(25, 65)
    usual = story.between(350_000, 950_000)
    for day in range(story.stage.days):
        tenge = usual * story.between(0.6, 1.25) // 1_000 * 1_000
        story.add(story.moment(day, 18, 21), CASH_DEPOSIT, tenge, payee=stall, channel=ATM)


def rented_rooms(story: Story) -> None:
    """A landlord of rooms: many tenants pay the same on the same days, and he pays the bills: not T01, not T14."""
    landlord = story.actor(35, 70)
    day = story.first_day(2)
    rent = story.count(16, 36) * 2_500
    for tenant in story.strangers(story.count(8, 18), besides=[landlord]):
        story.transfer(story.moment(day + story.count(0, 1), 9, 22), tenant, landlord, rent, group="rent")
    utility = story.company("utility")
    story.transfer(story.moment(day + 1, 12, 20), landlord, utility, story.count(30, 90) * 1_000, group="utilities")


def payroll(story: Story) -> None:
    """A small contractor is paid by a client and pays its workers within the hour, as every month: not T03, not T15."""
    owner = story.actor(28, 60)
    client = story.company("employer")
    workers = story.strangers(story.count(8, 20), besides=[owner])
    at = story.moment(story.first_day(1), 10, 16)
    wage = story.count(12, 40) * 10_000
    story.transfer(at, client, owner, wage * len(workers) * 1.3 // 1_000 * 1_000, group="supplier")
    at += story.between(5, 50) * MINUTE
    for worker in workers:
        at += story.between(0.5, 4) * MINUTE
        story.transfer(at, owner, worker, wage * story.one_of([8, 10, 10, 10, 12]) // 10, group="salary")
    tax = int(story.stage.population.company["tax"][0])
    story.transfer(at + story.between(5, 90) * MINUTE, owner, tax, wage, group="pension_contribution")


def licensed_lottery(story: Story) -> None:
    """A lottery with a licence sells equal tickets to thousands and pays a few large prizes: not T14."""
    _tickets(story, story.company("lottery"), [500, 500, 500, 1_000], 120, 2_000_000)


def licensed_bookmaker(story: Story) -> None:
    """A bookmaker with a licence takes the same stakes of the same people every evening, and pays: not T14."""
    _tickets(story, story.company("bookmaker"), [1_000, 2_000, 2_000, 5_000, 10_000], 60, 150_000)


def _tickets(story: Story, operator: int, prices: list[int], each_day: int, prize: int) -> None:
    players = story.strangers(each_day)
    for day in range(story.stage.days):
        for _ in range(max(5, len(players) // 2)):
            at = story.moment(day, 8, 23.5)
            story.transfer(at, story.one_of(players), operator, story.one_of(prices), group="lottery", channel=WEB)
        for _ in range(story.count(0, 3)):
            won = prize * story.between(0.1, 1) // 1_000 * 1_000
            story.transfer(story.moment(day, 21, 23.9), operator, story.one_of(players), won, group="prize")


def convicted_trader(story: Story) -> None:
    """Somebody once convicted sells at a market: small sums, the same people, suppliers, taxes: not T13."""
    population, records = story.stage.population, story.stage.records
    trader = story.actor(30, 65)
    since = story.stage.start - story.between(1, 5) * 365 * DAY
    entry = Listed(
        records.person(trader), "convicted", "court", "Criminal Code Art. 190", "court_judgment",
        valid_from=since, valid_days=3_650,
    )  # fmt: skip
    records.listed(story.stage.start + story.between(0.1, 3) * HOUR, [entry], story.case)
    customers = story.strangers(story.count(25, 60), besides=[trader])
    for day in range(story.stage.days):
        for _ in range(story.count(4, 14)):
            paid = story.count(8, 160) * 50
            story.transfer(story.moment(day, 9, 20), story.one_of(customers), trader, paid, group="trader")
        if story.chance(0.4):
            bought = story.count(20, 90) * 1_000
            story.transfer(story.moment(day, 9, 18), trader, story.company("wholesaler"), bought, group="supplier")
        if story.chance(0.2):
            tax = int(population.company["tax"][0])
            story.transfer(story.moment(day, 9, 18), trader, tax, story.count(5, 20) * 1_000, group="tax")


def team_phones(story: Story) -> None:
    """A foreman fills the telephones of his team on one morning: not T19."""
    foreman = story.actor(28, 60)
    device = int(story.stage.population.device[foreman])
    at = story.moment(story.first_day(1), 8, 11)
    tenge = story.one_of([2_000, 3_000, 5_000])
    for _ in range(story.count(10, 22)):
        story.add(at, TOP_UP, tenge, payer=foreman, payee=story.company("telecom"), device=device)
        at += story.between(0.5, 4) * MINUTE


def blocked_by_mistake(story: Story) -> None:
    """A shop's page is blocked by mistake and set free again, and its customers go on paying: not T11."""
    population, records = story.stage.population, story.stage.records
    seller = story.actor(22, 55)
    first = story.first_day(3)
    resource = f"https://shop-{story.case}.example"
    told = story.moment(first - 1, 9, 12)
    accounts = [population.account_number(seller)]
    records.blocked(told, resource, "site", "fake_shop", accounts=accounts, case=story.case)
    free = told + story.between(4, 11) * HOUR
    records.blocked(free, resource, "site", "fake_shop", accounts=accounts, action="withdrawn", case=story.case)
    for day in range(first, first + 3):
        for buyer in story.strangers(story.count(3, 9), besides=[seller]):
            story.transfer(story.moment(day, 9, 23), buyer, seller, story.count(4, 30) * 1_000 - 10, group="order")
