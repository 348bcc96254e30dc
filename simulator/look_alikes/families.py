"""Families, friends and neighbours who collect and give: many pay one, and nobody is deceived."""

from __future__ import annotations

from simulator.look_alikes.people import friends_of, relatives
from simulator.moves import CARD_PAYMENT, DAY, HOUR, MINUTE, TERMINAL
from simulator.stage import Story


def wedding(story: Story) -> None:
    """Relatives of one family send round sums within a few days, and the banquet hall is paid: not T01, not T10."""
    host = story.actor(40, 65)
    first = story.first_day(3)
    guests = relatives(story, host, story.count(40, 110))
    for guest in guests:
        tenge = story.one_of([10, 20, 20, 30, 50, 50, 100]) * 1_000
        story.transfer(story.moment(first + story.count(0, 2), 9, 23), guest, host, tenge, group="wedding")
    caterer = story.company("caterer")
    for _ in range(2):
        at = story.moment(first + story.count(1, 3), 10, 20)
        story.transfer(at, host, caterer, story.count(4, 12) * 100_000, group="caterer")


def tontine(story: Story) -> None:
    """A circle of friends: each pays the same to the one whose month it is; some paid by it before: not T01."""
    holder = story.actor(28, 60)
    day = story.first_day(1)
    tenge = story.one_of([20, 30, 50, 100]) * 1_000
    circle = relatives(story, holder, story.count(9, 14))
    for friend in circle:
        story.transfer(story.moment(day, 10, 22), friend, holder, tenge, group="tontine")
    last_month = story.one_of(circle)
    for friend in [holder, *circle[:6]]:
        if friend != last_month:
            story.transfer(story.moment(0, 10, 22), friend, last_month, tenge, group="tontine")


def parents_committee(story: Story) -> None:
    """The parents of a class pay one mother equal contributions, which she spends in a shop: not T01."""
    mother = story.actor(30, 50)
    day = story.first_day(2)
    tenge = story.one_of([2_000, 3_000, 5_000, 7_000])
    for parent in relatives(story, mother, story.count(16, 28)):
        story.transfer(story.moment(day + story.count(0, 1), 9, 23), parent, mother, tenge, group="classmates")
    supplier = story.company("wholesaler")
    story.transfer(story.moment(day + 2, 10, 18), mother, supplier, tenge * 12, group="supplier")


def fundraiser(story: Story) -> None:
    """Strangers of the whole country pay for a child's operation, and the clinic is paid: not T01, not T10."""
    parent = story.actor(25, 45)
    first = story.first_day(4)
    for donor in story.strangers(story.count(80, 220), besides=[parent]):
        at = story.moment(first + int(story.between(0, 1.9) ** 1.7), 8, 23.9)
        story.transfer(at, donor, parent, story.one_of([500, 1_000, 1_000, 2_000, 5_000, 10_000]), group="fundraiser")
    clinic = story.company("clinic")
    for day in (1, 3):
        story.transfer(story.moment(first + day, 10, 17), parent, clinic, story.count(2, 6) * 100_000, group="clinic")


def shared_dinner(story: Story) -> None:
    """Friends give back their part of the bill within the hour: not T15."""
    host = story.actor(20, 55)
    at = story.moment(story.count(0, story.stage.days - 1), 19, 23)
    bill = story.count(25, 90) * 1_000
    company = [friend for friend in friends_of(story, host) if friend != host]
    for friend in company:
        at += story.between(0.2, 15) * MINUTE
        story.transfer(at, friend, host, bill / (len(company) + 1) // 10 * 10, group="dinner")


def moving_student(story: Story) -> None:
    """Parents and grandparents send money, and the deposit for a room goes out the same hour: not T03, not T04."""
    student = story.actor(17, 22)
    account = story.fresh_account(student, 25)
    day = story.first_day(1)
    at = story.moment(day, 9, 20)
    total = 0.0
    for relative in friends_of(story, student)[: story.count(2, 4)]:
        tenge = story.count(3, 20) * 10_000
        story.transfer(at, relative, account, tenge, group="family")
        at += story.between(5, 90) * MINUTE
        total += tenge
    landlord = story.actor(35, 70)
    at += story.between(5, 50) * MINUTE
    story.transfer(at, account, landlord, total * 0.85 // 1_000 * 1_000, group="flat_deposit")


def car_buyer(story: Story) -> None:
    """Savings are broken for a car, whose seller has been paid an advance before: not T12."""
    buyer, seller = story.actor(25, 65), story.actor(25, 65)
    day = story.first_day(2)
    story.transfer(story.moment(day - 1, 10, 21), buyer, seller, story.count(5, 20) * 10_000, group="car_advance")
    broken = story.stage.contexts.of(own_deposit_broken=True)
    price = story.count(20, 90) * 100_000
    story.transfer(story.moment(day, 10, 20), buyer, seller, price, group="car", context=broken)
    if story.chance(0.4):
        # The seller puts part of it aside in cash over the following days, each time in a sum that is round.
        for later in range(story.count(1, 3)):
            story.cash_out(story.moment(day + later, 12, 20), seller, 200_000)


def moved_savings(story: Story) -> None:
    """Savings are broken to be kept at another bank, in the same person's name: not T12."""
    saver = story.actor(30, 75)
    account = story.fresh_account(saver, 3)
    broken = story.stage.contexts.of(own_deposit_broken=True)
    at = story.moment(story.first_day(1), 9, 21)
    story.transfer(at, saver, account, story.count(5, 60) * 100_000, group="own", context=broken)


def renovation(story: Story) -> None:
    """A family draws its savings for builders who want cash, in several notes of the machine's limit: not T16."""
    owner = story.actor(28, 65)
    at = story.moment(story.count(0, story.stage.days - 1), 10, 19)
    for _ in range(story.count(3, 5)):
        story.cash_out(at, owner, 200_000)
        at += story.between(1, 5) * MINUTE


def night_shift(story: Story) -> None:
    """Somebody who works at night eats, refuels and orders then, every day: not T22."""
    worker = story.actor(20, 60)
    population = story.stage.population
    friends = friends_of(story, worker)
    for day in range(story.stage.days):
        for _ in range(story.count(1, 3)):
            at = story.stage.start + day * DAY + story.between(0.5, 5.5) * HOUR
            story.transfer(at, worker, story.one_of(friends), story.count(2, 20) * 500, group="friends")
        supper = int(population.shops[worker, 0])
        context = int(story.stage.contexts.merchant[population.category[supper]])
        story.add(
            story.moment(day, 1, 5), CARD_PAYMENT, story.count(10, 60) * 100, payer=worker, payee=supper,
            channel=TERMINAL, context=context,
        )  # fmt: skip
