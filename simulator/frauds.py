"""The frauds of the first rulebook, played with their labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator import texts
from simulator.moves import (
    ATM,
    BRANCH,
    CARD,
    CARD_PAYMENT,
    CASH_DEPOSIT,
    CRYPTO_EXCHANGE,
    DAY,
    HOUR,
    MINUTE,
    NOBODY,
    TOP_UP,
    WEB,
)
from simulator.phrases import local_time
from simulator.stage import Stage, Story

_NOTE_LIMIT: Final = 200_000  # what a cash machine gives at a time, in tenge


@dataclass(frozen=True)
class Fraud:
    """A typology and how often its fraud is played, for each 20,000 people in a week."""

    typology: int
    weekly: float
    play: Callable[[Story], None]


def stage_frauds(stage: Stage) -> dict[str, int]:
    """Play all frauds; how many times each was played."""
    if stage.days < 2:
        # There is no past yet in which a fraud could be told from the ordinary.
        return {}
    played: dict[str, int] = {}
    for position, fraud in enumerate(FRAUDS):
        times = max(1, round(fraud.weekly * stage.population.people / 20_000 * stage.days / 7))
        for number in range(times):
            rng = np.random.default_rng([stage.population.seed, 100 + position, number])
            fraud.play(Story(stage, rng, fraud.typology))
        name = f"T{fraud.typology:02d}"
        played[name] = played.get(name, 0) + times
    return played


def pyramid(story: Story) -> None:
    """T01: ever more people pay round tickets to one collector, who pays the earlier with the money of the later."""
    stage, population = story.stage, story.stage.population
    organiser = story.actor(25, 60)
    if story.chance(0.4):
        collector = story.company("shell")
    else:
        collector = story.fresh_account(organiser, 60) if story.chance(0.5) else organiser
    lasting = min(stage.days - 1, story.count(6, 21))
    first = story.first_day(lasting)
    size = min(story.count(110, 260) * max(lasting, 3) // 6, population.people // 10)
    payers = story.strangers(size, regions=story.count(4, 9), besides=[organiser])
    tickets = [story.one_of([20, 30, 50, 100]) * 1_000, story.one_of([150, 200, 300, 500]) * 1_000]
    interest = story.between(0.12, 0.35)
    # Entrants grow by about a third a day: the share of them that has come is a curve, not a line.
    entered = np.sort(np.log1p(story.rng.random(len(payers)) * (np.exp(2.0) - 1)) / 2.0) * lasting
    entries = []
    for payer, day in zip(payers, entered.tolist(), strict=True):
        at = story.moment(first + int(day), 9, 23)
        tenge = tickets[0] if story.chance(0.7) else tickets[1]
        entries.append((at, payer, tenge))
        story.transfer(at, payer, collector, tenge, group="pyramid")
        if story.chance(0.12):
            again = at + story.between(0.5, 2.5) * DAY
            entries.append((again, payer, tickets[0]))
            story.transfer(again, payer, collector, tickets[0], group="pyramid")
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


def mule_pass_through(story: Story) -> None:
    """T03: money of victims comes in and is gone within the half hour."""
    mule = story.actor(18, 45)
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
        rest = total * story.between(0.93, 0.99)
        parts = story.count(1, len(onward))
        for payee in onward[:parts]:
            at += story.between(1, 8) * MINUTE
            if story.chance(0.15):
                _buy_crypto(story, at, mule, rest / parts)
            else:
                story.transfer(at, mule, payee, rest / parts // 100 * 100)


def _buy_crypto(story: Story, at: float, payer: int, tenge: float) -> None:
    population = story.stage.population
    story.stage.ledger.add(
        at, CRYPTO_EXCHANGE, tenge, payer=payer, payee=int(population.company["exchange"][0]), channel=WEB,
        device=population.people + population.owner[payer], scenario=story.scenario,
    )  # fmt: skip


def young_mule(story: Story) -> None:
    """T04: an account of a few days, without income, takes large sums from strangers and gives them away later."""
    mule = story.actor(16, 24)
    account = story.fresh_account(mule, 20)
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
    lasting = story.count(2, 4)
    first = story.first_day(lasting)
    for day in range(first, first + lasting):
        at = story.moment(day, 10, 19)
        for account in accounts:
            if story.chance(0.2):
                continue
            if story.chance(0.35):
                story.stage.ledger.add(
                    at, CASH_DEPOSIT, story.count(4, 40) * 10_000, payee=account, channel=ATM, scenario=story.scenario
                )
            other = story.one_of(accounts)
            if other == account:
                other = story.actor()
            at += story.between(1, 9) * MINUTE
            story.transfer(at, account, other, story.count(15, 150) * 2_000, device=device)


def fake_shop(story: Story) -> None:
    """T10: many people pay a private person for goods that will not come."""
    seller = story.actor(18, 50)
    account = story.fresh_account(seller, 45) if story.chance(0.6) else seller
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
            story.cash_out(at, account, min(part, 2 * _NOTE_LIMIT))
        held -= part


def account_takeover(story: Story) -> None:
    """T12: a stranger's device, often on a new SIM card, sends the victim's savings to somebody new."""
    stage = story.stage
    victim = story.actor(30, 80)
    drops = [story.fresh_account(story.actor(18, 40), 120) for _ in range(story.count(1, 3))]
    at = story.moment(story.first_day(1), *((19, 23.5) if story.chance(0.5) else (6, 22)))
    remote = story.chance(0.3)
    said: dict[str, object] = {}
    if remote:
        # The victim's own telephone, steered from afar.
        said["remote_access"] = True
    else:
        said["device_new"] = True
    if not remote and story.chance(0.6):
        said["sim_changed_at"] = local_time(int(at - story.between(0.3, 30) * HOUR))
    broken = story.chance(0.55)
    device = NOBODY if remote else stage.population.new_device()
    savings = story.count(30, 250) * 10_000
    for number, drop in enumerate(drops):
        context = stage.contexts.of(**said, **({"own_deposit_broken": True} if broken and number == 0 else {}))
        story.transfer(at, victim, drop, savings / len(drops) // 1_000 * 1_000, device=device, context=context)
        at += story.between(1, 12) * MINUTE


def layering(story: Story) -> None:
    """T15: many pay one hub, which spreads the money over mules, who bring it together again elsewhere."""
    hub = story.actor(18, 55)
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


def cash_out_burst(story: Story) -> None:
    """T16: money that has just come in is drawn from cash machines, as fast as they give it."""
    person = story.actor(18, 50)
    account = story.fresh_account(person, 300) if story.chance(0.5) else person
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
        note = min(_NOTE_LIMIT if story.chance(0.8) else story.count(10, 19) * 10_000, total // 10_000 * 10_000)
        story.cash_out(at, account, note)
        total -= note
        at += story.between(1, 6) * MINUTE


def structuring(story: Story) -> None:
    """T21: one sum in parts that each stay a little under a threshold."""
    person = story.actor(25, 65)
    threshold = story.one_of([1_000_000, 1_000_000, 1_000_000, 3_000_000, 5_000_000])
    payee = story.fresh_account(story.actor(25, 65), 700)
    depositing = story.chance(0.6)
    lasting = story.count(1, 3)
    first = story.first_day(lasting)
    for day in range(first, first + lasting):
        at = story.moment(day, 9, 13)
        for _ in range(story.count(3, 5)):
            tenge = threshold * story.between(0.9, 0.995) // 1_000 * 1_000
            if depositing:
                story.stage.ledger.add(at, CASH_DEPOSIT, tenge, payee=person, channel=BRANCH, scenario=story.scenario)
            else:
                story.transfer(at, person, payee, tenge)
            at += story.between(15, 110) * MINUTE


def stolen_card(story: Story) -> None:
    """T22: at night a card buys what its owner never buys, where the owner never is; no rule names it."""
    stage, population = story.stage, story.stage.population
    owner = story.actor(20, 80)
    wanted = [list(texts.MERCHANTS).index(code) for code in ("5732", "5944", "5816", "4511", "5651")]
    shops = population.company["shop"]
    shops = shops[np.isin(population.category[shops], wanted)]
    if not len(shops):
        shops = population.company["shop"]
    at = story.moment(story.first_day(1), 1, 4.5)
    tenge = story.between(4_000, 30_000)
    online = story.chance(0.5)
    device = population.new_device() if online else NOBODY
    for _ in range(story.count(5, 10)):
        shop = story.one_of(shops.tolist())
        category = population.category[shop]
        context = stage.contexts.merchant_new_device if online else stage.contexts.merchant
        stage.ledger.add(
            at, CARD_PAYMENT, tenge, payer=owner, payee=shop, channel=WEB if online else CARD, device=device,
            context=int(context[category]), scenario=story.scenario,
        )  # fmt: skip
        at += story.between(1, 14) * MINUTE
        tenge = min(tenge * story.between(1.1, 2.2), 900_000)


def drained_by_top_ups(story: Story) -> None:
    """T22: an elderly person's account fills the telephones of others, one after the other, before dawn."""
    stage, population = story.stage, story.stage.population
    owner = story.actor(55, 85)
    device = int(population.device[owner])
    at = story.moment(story.first_day(1), 1, 5)
    for _ in range(story.count(6, 12)):
        stage.ledger.add(
            at, TOP_UP, story.count(16, 40) * 500, payer=owner, payee=story.company("telecom"), device=device,
            scenario=story.scenario,
        )  # fmt: skip
        at += story.between(0.5, 6) * MINUTE


FRAUDS: Final = (
    Fraud(1, 3, pyramid),
    Fraud(3, 16, mule_pass_through),
    Fraud(4, 16, young_mule),
    Fraud(5, 8, shared_device),
    Fraud(10, 6, fake_shop),
    Fraud(12, 40, account_takeover),
    Fraud(15, 6, layering),
    Fraud(16, 28, cash_out_burst),
    Fraud(21, 18, structuring),
    Fraud(22, 40, stolen_card),
    Fraud(22, 12, drained_by_top_ups),
)
