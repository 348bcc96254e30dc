"""Frauds seen at the accounts through which stolen money runs."""

from __future__ import annotations

from simulator.frauds.collectors import NOTE_LIMIT
from simulator.moves import ATM, CASH_DEPOSIT, MINUTE
from simulator.stage import Story


def mule_pass_through(story: Story) -> None:
    """T03: money of victims comes in and is gone within the half hour; of the evasive, most of it after some hours."""
    mule = story.actor(18, 45)
    story.suspects += [mule]
    onward = [story.fresh_account(story.actor(18, 60), 90) for _ in range(story.count(1, 3))]
    first = story.first_day(3)
    for episode in range(story.count(1, 3)):
        at = story.moment(first + episode, 8, 23)
        total = 0.0
        for victim in story.strangers(story.count(1, 5), besides=[mule]):
            tenge = story.count(16, 240) * 5_000 - story.one_of([0, 0, 500, 1_700])
            story.transfer(at, victim, mule, tenge, group="victim")
            at += story.between(0.5, 7) * MINUTE
            total += tenge
        rest = total * (story.between(0.7, 0.88) if story.evasive else story.between(0.93, 0.99))
        if story.evasive:
            at += story.between(40, 240) * MINUTE
        parts = story.count(1, len(onward))
        for payee in onward[:parts]:
            at += story.between(1, 8) * MINUTE
            if story.chance(0.15):
                story.buy_crypto(at, mule, rest / parts)
            else:
                story.transfer(at, mule, payee, rest / parts // 100 * 100)


def young_mule(story: Story) -> None:
    """T04: an account of a few days, without income, takes large sums from strangers and gives them away later."""
    mule = story.actor(16, 24)
    account = story.fresh_account(mule, 20)
    story.suspects += [account]
    lasting = story.count(2, 3)
    first = story.first_day(lasting)
    held = 0.0
    for day in range(first, first + lasting):
        for victim in story.strangers(story.count(3, 7), besides=[mule]):
            tenge = story.count(12, 160) * 2_500
            story.transfer(story.moment(day, 8, 20), victim, account, tenge, group="victim")
            held += tenge
        # Hours later, not minutes: what tells this mule is the age of the account and who pays it.
        evening = story.moment(day, 20.5, 22)
        while held > 40_000:
            part = min(held, story.count(4, 20) * 10_000)
            if story.chance(0.6):
                story.cash_out(evening, account, part // 5_000 * 5_000)
            else:
                story.transfer(evening, account, story.actor(), part // 1_000 * 1_000)
            held -= part
            evening += story.between(2, 15) * MINUTE


def shared_device(story: Story) -> None:
    """T05: one device in the hands of one person moves the accounts of many, or many accounts of one."""
    device = story.stage.population.new_device()
    if story.chance(0.7):
        accounts = [story.fresh_account(story.actor(17, 40), 60) for _ in range(story.count(6, 14))]
    else:
        owner = story.actor(18, 45)
        accounts = [story.fresh_account(owner, 60, bank % 5) for bank in range(story.count(5, 9))]
    story.suspects += accounts[:3]
    lasting = story.count(2, 4)
    first = story.first_day(lasting)
    for day in range(first, first + lasting):
        at = story.moment(day, 10, 19)
        for account in accounts:
            if story.chance(0.2):
                continue
            if story.chance(0.35):
                story.add(at, CASH_DEPOSIT, story.count(4, 40) * 10_000, payee=account, channel=ATM)
            other = story.one_of(accounts)
            if other == account:
                other = story.actor()
            at += story.between(1, 9) * MINUTE
            story.transfer(at, account, other, story.count(15, 150) * 2_000, device=device)


def cash_out_burst(story: Story) -> None:
    """T16: money that has just come in is drawn from cash machines, as fast as they give it; or evenly over hours."""
    person = story.actor(18, 50)
    account = story.fresh_account(person, 300) if story.chance(0.5) else person
    story.suspects += [account]
    first_hour, last_hour = (0, 5) if story.chance(0.5) else (8, 22)
    at = story.moment(story.first_day(1), first_hour, last_hour)
    total = 0.0
    for victim in story.strangers(story.count(1, 3), besides=[person]):
        tenge = story.count(30, 120) * 10_000
        story.transfer(at, victim, account, tenge, group="victim")
        at += story.between(1, 15) * MINUTE
        total += tenge
    at += story.between(3, 40) * MINUTE
    while total >= 50_000 and at < story.stage.end:
        full = story.chance(0.3 if story.evasive else 0.8)
        note = min(NOTE_LIMIT if full else story.count(10, 19) * 10_000, total // 10_000 * 10_000)
        story.cash_out(at, account, note)
        total -= note
        at += (story.between(50, 200) if story.evasive else story.between(1, 6)) * MINUTE
