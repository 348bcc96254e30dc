"""Frauds that no rule names."""

from __future__ import annotations

import numpy as np

from simulator import texts
from simulator.moves import CARD, CARD_PAYMENT, MINUTE, NOBODY, TOP_UP, WEB
from simulator.stage import Story


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
        story.add(
            at, CARD_PAYMENT, tenge, payer=owner, payee=shop, channel=WEB if online else CARD, device=device,
            context=int(context[category])
        )  # fmt: skip
        at += story.between(1, 14) * MINUTE
        tenge = min(tenge * story.between(1.1, 2.2), 900_000)


def drained_by_top_ups(story: Story) -> None:
    """T22: an elderly person's account fills the telephones of others, one after the other, before dawn."""
    population = story.stage.population
    owner = story.actor(55, 85)
    device = int(population.device[owner])
    at = story.moment(story.first_day(1), 1, 5)
    for _ in range(story.count(6, 12)):
        story.add(
            at, TOP_UP, story.count(16, 40) * 500, payer=owner, payee=story.company("telecom"), device=device
        )  # fmt: skip
        at += story.between(0.5, 6) * MINUTE
