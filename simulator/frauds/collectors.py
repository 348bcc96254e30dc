"""Frauds in which many pay one: pyramids, shops that deliver nothing, lotteries, and who was convicted before."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulator.moves import DAY, HOUR, MINUTE
from simulator.records import Listed
from simulator.stage import Story

NOTE_LIMIT: Final = 200_000  # what a cash machine gives at a time, in tenge


def pyramid(story: Story) -> None:
    """T01: ever more people pay round tickets to one collector, who pays the earlier with the money of the later.

    The evasive ask for odd sums, and for no word of it in the purpose.
    """
    stage, population = story.stage, story.stage.population
    organiser = story.actor(25, 60)
    if story.chance(0.4):
        collector = story.company("shell")
    else:
        collector = story.fresh_account(organiser, 60) if story.chance(0.5) else organiser
    story.suspects += [collector]
    lasting = min(stage.days - 1, story.count(6, 21))
    first = story.first_day(lasting)
    size = min(story.count(110, 260) * max(lasting, 3) // 6, population.people // 10)
    payers = story.strangers(size, regions=story.count(4, 9), besides=[organiser])
    tickets = [story.one_of([20, 30, 50, 100]) * 1_000, story.one_of([150, 200, 300, 500]) * 1_000]
    interest = story.between(0.12, 0.35)
    words = "order" if story.evasive else "pyramid"
    # Entrants grow by about a third a day: the share of them that has come is a curve, not a line.
    entered = np.sort(np.log1p(story.rng.random(len(payers)) * (np.exp(2.0) - 1)) / 2.0) * lasting
    entries = []
    for payer, day in zip(payers, entered.tolist(), strict=True):
        at = story.moment(first + int(day), 9, 23)
        tenge = tickets[0] if story.chance(0.7) else tickets[1]
        if story.evasive:
            tenge -= story.count(1, 90) * 110
        entries.append((at, payer, tenge))
        story.transfer(at, payer, collector, tenge, group=words)
        if story.chance(0.12):
            again = at + story.between(0.5, 2.5) * DAY
            entries.append((again, payer, tickets[0]))
            story.transfer(again, payer, collector, tickets[0], group=words)
    _pyramid_pays(story, collector, organiser, entries, first, lasting, interest)


def _pyramid_pays(
    story: Story,
    collector: int,
    organiser: int,
    entries: list[tuple[float, int, int]],
    first: int,
    lasting: int,
    interest: float,
) -> None:
    """Every evening the earlier payers get their interest and the organiser takes a share, as far as the money goes."""
    device = int(story.stage.population.device[organiser])
    hideout = story.fresh_account(organiser, 200)
    spent = 0.0
    for day in range(first + 1, first + lasting):
        evening = story.moment(day, 17, 18)
        balance = sum(tenge for at, _, tenge in entries if at < evening) - spent
        for at, payer, tenge in entries:
            pay = tenge * interest // 500 * 500
            if at < evening - 0.8 * DAY and story.chance(0.3) and pay <= balance:
                moment = evening + story.between(0, 4) * HOUR
                story.transfer(moment, collector, payer, pay, group="pyramid_payout", device=device)
                balance, spent = balance - pay, spent + pay
        share = balance * story.between(0.2, 0.5) // 1_000 * 1_000
        if share > 50_000:
            story.transfer(story.moment(day, 21.5, 23.5), collector, hideout, share, device=device)
            spent += share


def fake_shop(story: Story) -> None:
    """T10: many people pay a private person for goods that will not come."""
    seller = story.actor(18, 50)
    account = story.fresh_account(seller, 45) if story.chance(0.6) else seller
    story.suspects += [account]
    lasting = story.count(2, 4)
    first = story.first_day(lasting)
    prices = [story.count(9, 60) * 1_000 - 10 for _ in range(story.count(2, 4))]
    held = 0.0
    for day in range(first, first + lasting):
        for buyer in story.strangers(story.count(14, 34), besides=[seller]):
            price = story.one_of(prices)
            story.transfer(story.moment(day, 9, 23), buyer, account, price, group="fake_shop")
            held += price
        at = story.moment(day, 23, 23.5)
        part = held * story.between(0.6, 0.95) // 1_000 * 1_000
        if story.chance(0.5):
            story.transfer(at, account, story.actor(), part)
        else:
            story.cash_out(at, account, min(part, 2 * NOTE_LIMIT))
        held -= part


def convicted_collector(story: Story) -> None:
    """T13: somebody once convicted of fraud begins again: the first dozens pay, before it looks like a pyramid."""
    organiser = story.actor(28, 65)
    records = story.stage.records
    years = story.between(1, 6) * 365 * DAY
    # He has been on the list for long; what the center hears of him now is a confirmation.
    records.listed(
        story.stage.start + story.between(0, 3) * HOUR,
        [
            Listed(
                records.person(organiser), "convicted", "court", "Criminal Code Art. 190", "court_judgment",
                valid_from=story.stage.start - years, valid_days=3_650,
            )
        ],
        story.case,
    )  # fmt: skip
    account = story.fresh_account(organiser, 40) if story.chance(0.7) else organiser
    story.suspects += [account]
    lasting = story.count(2, 4)
    first = story.first_day(lasting)
    tickets = [story.one_of([10, 20, 25, 50]) * 1_000, story.one_of([50, 100, 150]) * 1_000]
    payers = story.strangers(story.count(14, 60), regions=story.count(1, 4), besides=[organiser])
    held = 0.0
    for payer in payers:
        at = story.moment(first + story.count(0, lasting - 1), 9, 22.5)
        tenge = tickets[0] if story.chance(0.75) else tickets[1]
        story.transfer(at, payer, account, tenge, group="pyramid" if story.chance(0.6) else "order")
        held += tenge
    at = story.moment(first + lasting, 10, 16)
    story.transfer(at, account, story.fresh_account(story.actor(25, 60), 90), held * 0.8 // 1_000 * 1_000)


def lottery(story: Story, tickets: int = 0) -> None:
    """T14: many buy equal tickets of a private person or a shell, by the draw a few get much, the rest nothing."""
    organiser = story.actor(22, 55)
    if story.chance(0.3):
        collector = story.company("shell")
    else:
        collector = story.fresh_account(organiser, 60) if story.chance(0.6) else organiser
    story.suspects += [collector]
    lasting = min(story.stage.days - 1, story.count(3, 6))
    first = story.first_day(lasting)
    price = story.one_of([500, 1_000, 1_000, 2_000, 2_000, 3_000, 5_000])
    count = tickets or story.count(90, 260)
    buyers = story.strangers(
        min(count, story.stage.population.people // 5), regions=story.count(3, 10), besides=[organiser]
    )
    held = 0.0
    for _ in range(round(count * 1.4)):
        at = story.moment(first + story.count(0, max(0, lasting - 1)), 8, 23.5)
        tickets_bought = story.one_of([1, 2, 3, 4, 5, 7] if story.evasive else [1, 1, 1, 1, 2])
        words = "order" if story.evasive else "lottery"
        story.transfer(at, story.one_of(buyers), collector, price * tickets_bought, group=words)
        held += price
    device = int(story.stage.population.device[organiser])
    for day in range(first, first + lasting):
        for _ in range(story.count(0, 2)):
            prize = min(held * story.between(0.08, 0.3), 3_000_000) // 5_000 * 5_000
            if prize >= 20 * price:
                winner = story.one_of(buyers)
                story.transfer(story.moment(day, 20, 23.5), collector, winner, prize, group="prize", device=device)
                held -= prize
    end = story.moment(first + lasting - 1, 23.5, 23.9)
    story.transfer(end, collector, story.fresh_account(organiser, 200), held * 0.6 // 1_000 * 1_000, device=device)


def casino(story: Story) -> None:
    """T14: gamblers top up an illegal casino's drop account again and again; at night, and a few get much back."""
    organiser = story.actor(20, 45)
    drop = story.fresh_account(organiser, 30)
    story.suspects += [drop]
    lasting = story.count(2, 3)
    first = story.first_day(lasting)
    gamblers = story.strangers(story.count(18, 45), besides=[organiser])
    stakes = [2_000, 2_000, 5_000, 5_000, 5_000, 10_000, 20_000]
    device = story.stage.population.new_device()
    for day in range(first, first + lasting):
        held = 0.0
        for gambler in gamblers:
            at = story.moment(day, 18, 23)
            for _ in range(story.count(0, 5)):
                stake = story.one_of(stakes)
                story.transfer(at, gambler, drop, stake, group="lottery" if story.chance(0.2) else "")
                at += story.between(2, 25) * MINUTE
                held += stake
        at = story.moment(day, 23, 23.6)
        for _ in range(story.count(1, 3)):
            winning = story.count(20, 90) * 5_000
            if winning < held * 0.5:
                story.transfer(at, drop, story.one_of(gamblers), winning, device=device)
                held -= winning
        onward = story.fresh_account(story.actor(20, 50), 200)
        story.transfer(at + story.between(5, 15) * MINUTE, drop, onward, held * 0.9 // 1_000 * 1_000, device=device)
