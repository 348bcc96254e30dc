"""The frauds of all typologies, played with their labels; a module for each family of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.frauds import collectors, credit, laundering, listed, mules, odd, victims
from simulator.frauds.aftermath import reported
from simulator.stage import Stage, Story


@dataclass(frozen=True)
class Fraud:
    """A typology and how often its fraud is played, for each 20,000 people in a week."""

    typology: int
    weekly: float
    play: Callable[[Story], None]

    @property
    def name(self) -> str:
        """As cases are named after it."""
        return self.play.__name__.replace("_", "-")


# T02 is the payers' side of T01, and has no cases of its own. How often each is played follows what domain.md tells of
# their numbers: mules, calls and takeovers are daily, pyramids and lotteries few and large.
FRAUDS: Final = (
    Fraud(1, 3, collectors.pyramid),
    Fraud(3, 16, mules.mule_pass_through),
    Fraud(4, 16, mules.young_mule),
    Fraud(5, 8, mules.shared_device),
    Fraud(6, 30, victims.called),
    Fraud(7, 16, victims.loan_given_away),
    Fraud(8, 10, credit.despite_refusal),
    Fraud(9, 5, credit.wait_not_kept),
    Fraud(9, 5, credit.split_loan),
    Fraud(10, 6, collectors.fake_shop),
    Fraud(11, 8, listed.blocked_payee),
    Fraud(12, 30, victims.account_takeover),
    Fraud(13, 3, collectors.convicted_collector),
    Fraud(14, 2, collectors.lottery),
    Fraud(14, 2, collectors.casino),
    Fraud(15, 3, laundering.layering),
    Fraud(15, 2, laundering.chain),
    Fraud(15, 2, laundering.cycle),
    Fraud(15, 2, laundering.scatter_gather),
    Fraud(15, 2, laundering.fan_in_out),
    Fraud(16, 20, mules.cash_out_burst),
    Fraud(17, 8, laundering.crypto_exit),
    Fraud(18, 10, victims.impersonation),
    Fraud(18, 8, victims.relative_in_need),
    Fraud(19, 6, laundering.mobile_balances),
    Fraud(20, 8, listed.listed_account),
    Fraud(21, 14, laundering.structuring),
    Fraud(22, 30, odd.stolen_card),
    Fraud(22, 10, odd.drained_by_top_ups),
)


def stage_frauds(stage: Stage, frauds: Sequence[Fraud]) -> dict[str, int]:
    """Play the frauds and what the work on them comes to; typology → how many times it was played."""
    if stage.days < 2 or not stage.rate:
        # In one day there is no past in which a fraud could be told from the ordinary.
        return {}
    played: dict[str, int] = {}
    for position, fraud in enumerate(frauds):
        times = stage.times(fraud.weekly * stage.rate)
        typology = f"T{fraud.typology:02d}"
        for number in range(times):
            rng = np.random.default_rng([stage.population.seed, 100, position, number])
            case = stage.ledger.case(f"{typology}-{fraud.name}-{number + 1}", fraud.typology)
            story = Story(stage, rng, case)
            before = len(stage.ledger)
            fraud.play(story)
            reported(story, fraud.typology, stage.ledger.latest(before))
        played[typology] = played.get(typology, 0) + times
    return played
