"""People whose own money takes unusual ways: chains of flats, crypto currency, telephones, remittances."""

from __future__ import annotations

from itertools import pairwise

from simulator.moves import HOUR, MINUTE, TOP_UP
from simulator.stage import Story


def chain_of_flats(story: Story) -> None:
    """A buys of B, who buys of C the same day, who buys of D: large sums in a chain, from deposits: not T15."""
    people = [story.actor(28, 70) for _ in range(story.count(3, 5))]
    broken = story.stage.contexts.of(own_deposit_broken=True)
    at = story.moment(story.first_day(2), 10, 13)
    price = story.count(12, 28) * 1_000_000
    for payer, payee in pairwise(people):
        story.transfer(at, payer, payee, price, group="flat", context=broken)
        at += story.between(0.5, 2.5) * HOUR
        price += story.count(-3, 5) * 1_000_000


def own_round(story: Story) -> None:
    """Somebody moves savings round the own accounts of three banks for the sake of their bonuses: not T15, not T03."""
    owner = story.actor(25, 60)
    accounts = [owner, story.fresh_account(owner, 900), story.fresh_account(owner, 900)]
    at = story.moment(story.first_day(1), 9, 15)
    tenge = story.count(20, 150) * 10_000
    for payer, payee in zip(accounts, [*accounts[1:], accounts[0]], strict=True):
        story.transfer(at, payer, payee, tenge, group="own")
        at += story.between(3, 90) * MINUTE


def crypto_saver(story: Story) -> None:
    """Somebody sells an old thing, and buys crypto currency with it and with savings, as for years: not T17."""
    saver = story.actor(20, 50)
    first = story.first_day(2)
    for day in (0, first, first + 1):
        at = story.moment(day, 10, 22)
        tenge = story.count(4, 50) * 10_000
        if story.chance(0.4):
            story.transfer(at, story.actor(20, 60), saver, tenge, group="order")
            at += story.between(15, 150) * MINUTE
        story.buy_crypto(at, saver, tenge * story.between(0.3, 1) // 1_000 * 1_000)


def student_top_ups(story: Story) -> None:
    """A student fills the telephones of the whole dormitory for a small profit: not T19."""
    student = story.actor(17, 24)
    device = int(story.stage.population.device[student])
    for day in range(story.stage.days):
        for _ in range(story.count(2, 8)):
            neighbour = story.one_of(range(story.stage.population.people))
            at = story.moment(day, 10, 23)
            tenge = story.one_of([500, 1_000, 1_500, 2_000])
            if neighbour != student:
                story.transfer(at, neighbour, student, tenge + 50)
            at += story.between(0.5, 10) * MINUTE
            story.add(at, TOP_UP, tenge, payer=student, payee=story.company("telecom"), device=device)


def remittances(story: Story) -> None:
    """Workers of one site send their wages home over the border, some on a workmate's telephone: not T05, not T15."""
    population = story.stage.population
    workers = [story.actor(19, 55) for _ in range(story.count(5, 12))]
    device = int(population.device[workers[0]])
    at = story.moment(story.first_day(1), 18, 21)
    for worker in workers:
        country = ("UZ", "KG", "TJ")[story.count(0, 2)]
        number = story.count(10**8, 10**9)
        home = population.outside_account(
            f'"id":"{country}:{number}","account":"{country}{number}","region":"{country}-01"'
        )
        shared = device if story.chance(0.25) else -1
        story.transfer(at, worker, home, story.count(20, 120) * 2_500, group="family", device=shared)
        at += story.between(1, 15) * MINUTE
