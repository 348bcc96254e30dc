"""Frauds at accounts that the center has been told of: blocked resources, and the black and grey lists."""

from __future__ import annotations

from simulator.moves import CRYPTO_EXCHANGE, DAY, HOUR, MINUTE, WEB
from simulator.records import Listed, wallet
from simulator.stage import Story


def blocked_payee(story: Story) -> None:
    """T11: a site is blocked, and people go on paying the account, the person or the wallet behind it."""
    stage, population = story.stage, story.stage.population
    owner = story.actor(18, 50)
    account = story.fresh_account(owner, 120)
    story.suspects += [account]
    lasting = story.count(2, 3)
    first = story.first_day(lasting)
    reason = ("phishing", "fake_shop", "casino", "pyramid_advertising")[story.count(0, 3)]
    social = story.chance(0.3)
    name = f"{reason.replace('_', '-')}-{population.seed}-{story.case}"
    resource = f"https://instagram.example/{name}" if social else f"https://{name}.example"
    told = story.moment(first - 1, 9, 20)
    address = wallet(story.rng) if story.chance(0.3) else ""
    stage.records.blocked(
        told, resource, "social_account" if social else "site", reason,
        accounts=[population.account_number(account)], people=[owner] if story.chance(0.5) else [],
        phones=[population.phone[owner]] if story.chance(0.4) else [],
        wallets=[address] if address else [], valid_from=told - story.between(0, 1) * DAY, case=story.case,
    )  # fmt: skip
    purse = population.outside_account(f'"account":"{address}"') if address else -1
    price = story.count(4, 40) * 1_000 - 10
    for day in range(first, first + lasting):
        for payer in story.strangers(story.count(3, 9), besides=[owner]):
            at = story.moment(day, 9, 23)
            if address and story.chance(0.3):
                device = population.people + payer
                story.add(at, CRYPTO_EXCHANGE, price * 3, payer=payer, payee=purse, channel=WEB, device=device)
            else:
                story.transfer(at, payer, account, price * story.one_of([1, 1, 2]), group="phishing")
        at = story.moment(day, 23, 23.7)
        story.transfer(at, account, story.fresh_account(story.actor(18, 60), 300), price * 3)


def listed_account(story: Story) -> None:
    """T20: an account comes on the black or grey list, as a dropper's, and money goes on running through it."""
    stage = story.stage
    person = story.actor(18, 45)
    account = story.fresh_account(person, 200)
    story.suspects += [account]
    chosen = story.count(0, 3)
    where = ("black", "grey", "dropper_confirmed", "dropper_suspected")[chosen]
    proof = ("clear_evidence", "reasonable_grounds", "clear_evidence", "reasonable_grounds")[chosen]
    first = story.first_day(3)
    told = story.moment(first - 1, 10, 20)
    records = stage.records
    subject = records.account(account) if story.chance(0.6) else records.person(person)
    entry = Listed(subject, where, "bank", "Account lent to strangers", proof, valid_days=365)
    records.listed(told, [entry], story.case)
    at = told + story.between(1, 20) * HOUR
    for _ in range(story.count(1, 3)):
        total = 0.0
        for victim in story.strangers(story.count(1, 3), besides=[person]):
            tenge = story.count(6, 60) * 10_000
            story.transfer(at, victim, account, tenge, group="victim")
            at += story.between(5, 60) * MINUTE
            total += tenge
        at += story.between(0.6, 3) * HOUR
        story.transfer(at, account, story.fresh_account(story.actor(18, 60), 300), total * 0.9 // 1_000 * 1_000)
        at += story.between(3, 12) * HOUR
