"""Frauds that hide where money came from: layers, crypto currency, telephones, sums kept small."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from simulator.moves import BRANCH, CASH_DEPOSIT, HOUR, MINUTE, TOP_UP
from simulator.stage import Story


def layering(story: Story) -> None:
    """T15: many pay one hub, which spreads the money over mules, who bring it together again elsewhere."""
    hub = story.actor(18, 55)
    story.suspects += [hub]
    lasting = story.count(1, 2)
    first = story.first_day(lasting + 1)
    for day in range(first, first + lasting):
        at = story.moment(day, 9, 12)
        total = 0.0
        for source in story.strangers(story.count(8, 18), besides=[hub]):
            tenge = story.count(10, 120) * 5_000
            story.transfer(at + story.between(0, 3) * HOUR, source, hub, tenge, group="victim")
            total += tenge
        mules = [story.fresh_account(story.actor(18, 50), 150) for _ in range(story.count(5, 9))]
        collectors = [story.fresh_account(story.actor(25, 60), 400) for _ in range(story.count(1, 2))]
        part = total * 0.95 / len(mules)
        out = at + story.between(3.2, 5) * HOUR
        for mule in mules:
            out += story.between(2, 12) * MINUTE
            share = part * story.between(0.85, 1.0) // 100 * 100
            story.transfer(out, hub, mule, share)
            onward = out + story.between(10, 180) * MINUTE
            story.transfer(onward, mule, story.one_of(collectors), share * 0.97 // 100 * 100)


def structuring(story: Story) -> None:
    """T21: one sum in parts that each stay under a threshold: a little, or, of the evasive, by a quarter."""
    person = story.actor(25, 65)
    threshold = story.one_of([1_000_000, 1_000_000, 1_000_000, 3_000_000, 5_000_000])
    payee = story.fresh_account(story.actor(25, 65), 700)
    story.suspects += [person, payee]
    depositing = story.chance(0.6)
    lasting = story.count(1, 3)
    first = story.first_day(lasting)
    for day in range(first, first + lasting):
        at = story.moment(day, 9, 13)
        for _ in range(story.count(3, 5)):
            under = story.between(0.7, 0.82) if story.evasive else story.between(0.9, 0.995)
            tenge = threshold * under // 1_000 * 1_000
            if depositing:
                story.add(at, CASH_DEPOSIT, tenge, payee=person, channel=BRANCH)
            else:
                story.transfer(at, person, payee, tenge)
            at += story.between(15, 110) * MINUTE


def chain(story: Story) -> None:
    """T15: money of victims goes through five or more hands, one after the other, within a day."""
    hands = _hands(story, story.count(5, 8), 200)
    at = story.moment(story.first_day(2), 9, 15)
    total = 0.0
    for victim in story.strangers(story.count(2, 4), besides=hands):
        tenge = story.count(20, 160) * 10_000
        story.transfer(at, victim, hands[0], tenge, group="victim")
        at += story.between(2, 30) * MINUTE
        total += tenge
    for payer, payee in pairwise(hands):
        at += story.between(8, 75) * MINUTE
        total = total * story.between(0.95, 0.995) // 100 * 100
        story.transfer(at, payer, payee, total)
    story.cash_out(at + story.between(10, 40) * MINUTE, hands[-1], 200_000)


def cycle(story: Story) -> None:
    """T15: a sum goes round a circle and comes back to where it began, so that it looks like turnover."""
    hands = _hands(story, story.count(3, 6), 500)
    first = story.first_day(2)
    tenge = story.count(40, 400) * 10_000.0
    for day in range(first, first + story.count(1, 2)):
        at = story.moment(day, 9, 12)
        for _ in range(story.count(1, 2)):
            for payer, payee in zip(hands, [*hands[1:], hands[0]], strict=True):
                story.transfer(at, payer, payee, tenge, group="supplier" if story.chance(0.3) else "")
                tenge = tenge * story.between(0.97, 0.998) // 100 * 100
                at += story.between(5, 60) * MINUTE


def scatter_gather(story: Story) -> None:
    """T15: one source pays many hands in like parts, and all of them pay one collector."""
    source = story.actor(25, 60)
    hands = _hands(story, story.count(6, 14), 250)
    collector = story.fresh_account(story.actor(25, 60), 400)
    story.suspects += [source, collector]
    at = story.moment(story.first_day(2), 9, 14)
    part = story.count(12, 60) * 10_000
    for hand in hands:
        at += story.between(1, 12) * MINUTE
        share = part * story.between(0.9, 1.1) // 1_000 * 1_000
        story.transfer(at, source, hand, share)
        story.transfer(at + story.between(0.3, 6) * HOUR, hand, collector, share * 0.98 // 100 * 100)


def fan_in_out(story: Story) -> None:
    """T15: a hub takes from many and pays many others at once; no sum leaves as it came."""
    hub = story.fresh_account(story.actor(20, 55), 300)
    story.suspects += [hub]
    first = story.first_day(2)
    at = story.moment(first, 9, 12)
    total = 0.0
    for source in story.strangers(story.count(10, 22), besides=[hub]):
        tenge = story.count(8, 70) * 5_000
        story.transfer(at + story.between(0, 4) * HOUR, source, hub, tenge, group="victim")
        total += tenge
    out = at + story.between(4.2, 6) * HOUR
    payees = [story.fresh_account(story.actor(18, 60), 500) for _ in range(story.count(7, 14))]
    for payee in payees:
        out += story.between(0.5, 6) * MINUTE
        story.transfer(out, hub, payee, total * 0.94 / len(payees) * story.between(0.8, 1.2) // 100 * 100)


def crypto_exit(story: Story) -> None:
    """T17: money of victims leaves through an exchange of crypto currency within the hour, or hours later."""
    mule = story.actor(18, 40)
    account = story.fresh_account(mule, 150) if story.chance(0.6) else mule
    story.suspects += [account]
    device = story.stage.population.new_device() if story.chance(0.4) else story.stage.population.people + mule
    first = story.first_day(2)
    for day in range(first, first + story.count(1, 2)):
        at = story.moment(day, 9, 20)
        for victim in story.strangers(story.count(2, 6), besides=[mule]):
            tenge = story.count(10, 90) * 10_000
            story.transfer(at, victim, account, tenge, group="victim")
            at += (story.between(70, 400) if story.evasive else story.between(3, 35)) * MINUTE
            story.buy_crypto(at, account, tenge * story.between(0.9, 0.99) // 1_000 * 1_000, device)
            at += story.between(5, 50) * MINUTE


def mobile_balances(story: Story) -> None:
    """T19: what came from victims is put on dozens of telephones, a little on each; the evasive take a day."""
    mule = story.actor(18, 40)
    account = story.fresh_account(mule, 200) if story.chance(0.5) else mule
    story.suspects += [account]
    device = int(story.stage.population.device[mule])
    at = story.moment(story.first_day(1), 9, 19)
    total = 0.0
    for victim in story.strangers(story.count(1, 4), besides=[mule]):
        tenge = story.count(10, 50) * 10_000
        story.transfer(at, victim, account, tenge, group="victim")
        at += story.between(1, 20) * MINUTE
        total += tenge
    for _ in range(story.count(18, 50)):
        part = story.count(6, 40) * 1_000
        if total < part:
            break
        at += (story.between(20, 60) if story.evasive else story.between(0.5, 5)) * MINUTE
        story.add(at, TOP_UP, part, payer=account, payee=story.company("telecom"), device=device)
        total -= part


def _hands(story: Story, count: int, oldest_days: int) -> Sequence[int]:
    """Accounts of people who lend them, half of them opened for it."""
    people = [story.actor(18, 55) for _ in range(count)]
    hands = [story.fresh_account(person, oldest_days) if story.chance(0.5) else person for person in people]
    story.suspects += hands
    return hands
