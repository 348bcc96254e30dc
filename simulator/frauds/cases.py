"""Great cases, each a scenario of its own: a pyramid over half the country, a network of droppers, a lottery."""

from __future__ import annotations

import numpy as np

from simulator.frauds.collectors import NOTE_LIMIT, lottery
from simulator.moves import DAY, HOUR, MINUTE
from simulator.people import REGIONS
from simulator.records import Listed
from simulator.stage import Story

_TICKETS = (100_000, 200_000, 300_000, 500_000, 1_000_000, 2_000_000)
_TICKET_SHARES = (0.20, 0.20, 0.20, 0.23, 0.13, 0.04)
_PAYERS = 3_200  # in a country large enough


def elimai(story: Story) -> None:
    """T01, after «Елімай-2019»: a convicted organiser takes 1.5 bn tenge of over 3,000 people in 8 regions.

    Deposits grow week by week, the earlier are paid 7 % a week from the money of the later, and what is left is laid
    out in flats and cars through relatives. In a small country both are smaller.
    """
    stage, population, records = story.stage, story.stage.population, story.stage.records
    organiser = story.actor(35, 60)
    entry = Listed(
        records.person(organiser), "convicted", "court", "Criminal Code Art. 190", "court_judgment",
        valid_from=stage.start - 4 * 365 * DAY, valid_days=3_650,
    )  # fmt: skip
    records.listed(stage.start + story.between(1, 3) * HOUR, [entry], story.case)
    # Accounts at two banks and a cooperative: no single bank sees the whole.
    collectors = [organiser, story.fresh_account(organiser, 120, 2), story.company("shell")]
    story.suspects += collectors
    largest = np.argsort([-people for people in REGIONS.values()])[:8]
    pool = np.flatnonzero(np.isin(population.region[: population.people], largest))
    pool = pool[pool != organiser]
    payers = story.rng.choice(pool, min(_PAYERS, round(len(pool) * 0.48)), replace=False).tolist()
    lasting = max(1, stage.days - 1)
    entered = np.sort(np.log1p(story.rng.random(len(payers)) * (np.exp(1.8) - 1)) / 1.8) * (lasting - 0.2)
    deposits: list[tuple[float, int, int, int]] = []
    for payer, day in zip(payers, entered.tolist(), strict=True):
        at = story.moment(1 + int(day), 8.5, 22.5)
        tenge = int(story.rng.choice(_TICKETS, p=_TICKET_SHARES))
        collector = collectors[int(story.rng.choice(3, p=[0.45, 0.35, 0.2]))]
        deposits.append((at, int(payer), tenge, collector))
        if story.chance(0.15):
            deposits.append((at + story.between(2, 9) * DAY, int(payer), tenge, collector))
    deposits = sorted(deposit for deposit in deposits if deposit[0] < stage.end)
    for at, payer, tenge, collector in deposits:
        story.transfer(at, payer, collector, tenge, group="pyramid")
    _pay_and_launder(story, organiser, collectors, deposits)


def _pay_and_launder(
    story: Story, organiser: int, collectors: list[int], deposits: list[tuple[float, int, int, int]]
) -> None:
    """Every evening: interest to those whose week is full, then a share into relatives' hands and property."""
    stage = story.stage
    device = int(stage.population.device[organiser])
    relatives = [story.fresh_account(story.actor(25, 65), 300) for _ in range(3)]
    held = dict.fromkeys(collectors, 0.0)
    came = 0
    for day in range(1, stage.days):
        evening = story.moment(day, 18, 19)
        while came < len(deposits) and deposits[came][0] < evening:
            held[deposits[came][3]] += deposits[came][2]
            came += 1
        for at, payer, tenge, collector in deposits[:came]:
            full_days = int((evening - at) / DAY)
            pay = tenge * 0.07 // 500 * 500
            if full_days and full_days % 7 == 0 and pay <= held[collector] and story.chance(0.8):
                moment = evening + story.between(0, 3.5) * HOUR
                story.transfer(moment, collector, payer, pay, group="pyramid_payout", device=device)
                held[collector] -= pay
        for collector in collectors:
            share = held[collector] * story.between(0.15, 0.4) // 10_000 * 10_000
            if share < 300_000 or day < 3:
                continue
            at = story.moment(day, 21, 22.5)
            relative = story.one_of(relatives)
            story.transfer(at, collector, relative, share, device=device)
            held[collector] -= share
            if story.chance(0.7):
                # The next morning it becomes a flat or a car.
                seller = story.company("developer" if story.chance(0.6) else "dealer")
                bought = share * story.between(0.8, 0.98) // 10_000 * 10_000
                group = "flat" if story.chance(0.6) else "car"
                story.transfer(at + story.between(11, 18) * HOUR, relative, seller, bought, group=group)


def dropper_network(story: Story) -> None:
    """T05: recruiters run dozens of young people's new accounts on a few telephones, and the money goes upward.

    Victims pay the droppers; droppers pay runners, part of it in cash; runners pay two heads, who buy crypto currency.
    """
    stage, population = story.stage, story.stage.population
    droppers = [story.fresh_account(story.actor(17, 24), 30) for _ in range(min(48, max(12, population.people // 150)))]
    runners = [story.fresh_account(story.actor(20, 35), 120) for _ in range(4)]
    heads = [story.fresh_account(story.actor(25, 45), 300) for _ in range(2)]
    story.suspects += [*heads, *runners, *droppers]
    devices = [population.new_device() for _ in range(max(2, len(droppers) // 8))]
    lasting = max(1, stage.days - 2)
    recruited = np.sort(story.rng.integers(0, max(1, lasting * 2 // 3), len(droppers))).tolist()
    for number, (dropper, first) in enumerate(zip(droppers, recruited, strict=True)):
        device, runner = devices[number % len(devices)], runners[number % len(runners)]
        # A dropper's account lives for some days, until the bank closes it.
        for day in range(1 + first, min(1 + first + story.count(2, 5), stage.days)):
            at = story.moment(day, 9, 19)
            total = 0.0
            for victim in story.strangers(story.count(1, 4), besides=droppers):
                tenge = story.count(10, 140) * 5_000
                story.transfer(at, victim, dropper, tenge, group="victim")
                at += story.between(2, 40) * MINUTE
                total += tenge
            at += story.between(3, 50) * MINUTE
            if story.chance(0.3):
                cash = min(total * 0.4, NOTE_LIMIT) // 10_000 * 10_000
                story.cash_out(at, dropper, max(cash, 10_000))
                total -= cash
                at += story.between(2, 10) * MINUTE
            sent = total * story.between(0.88, 0.97) // 1_000 * 1_000
            story.transfer(at, dropper, runner, sent, device=device)
            if story.chance(0.8):
                at += story.between(0.3, 3) * HOUR
                head = heads[number % 2]
                story.transfer(at, runner, head, sent * 0.97 // 1_000 * 1_000)
                if story.chance(0.5):
                    story.buy_crypto(at + story.between(0.1, 2) * HOUR, head, sent * 0.9 // 1_000 * 1_000)


def national_lottery(story: Story) -> None:
    """T14, after «Тараз хит»: one lottery without a licence sells tickets all over the country."""
    lottery(story, tickets=max(300, story.stage.population.people // 8))
