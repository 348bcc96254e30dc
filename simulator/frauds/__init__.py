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
    """A typology and how often its fraud is played, for each 20,000 people in a week.

    Of an `evasive` one every fifth, but never the first, is played by somebody who knows the typology and stays outside
    its windows and words; such cases are named `…-evasive-…`, so that figures can tell them apart.
    """

    typology: int
    weekly: float
    play: Callable[[Story], None]
    evasive: bool = False

    @property
    def name(self) -> str:
        """As cases are named after it."""
        return self.play.__name__.replace("_", "-")


_EVASIVE: Final = 0.2
# T02 is the payers' side of T01, and has no cases of its own. How often each is played follows what domain.md tells of
# their numbers: mules, calls and takeovers are daily, pyramids and lotteries few and large.
FRAUDS: Final = (
    Fraud(1, 3, collectors.pyramid, evasive=True),
    Fraud(3, 16, mules.mule_pass_through, evasive=True),
    Fraud(4, 16, mules.young_mule),
    Fraud(5, 8, mules.shared_device),
    Fraud(6, 30, victims.called, evasive=True),
    Fraud(7, 16, victims.loan_given_away),
    Fraud(8, 10, credit.despite_refusal),
    Fraud(9, 5, credit.wait_not_kept),
    Fraud(9, 5, credit.split_loan),
    Fraud(10, 6, collectors.fake_shop),
    Fraud(11, 8, listed.blocked_payee),
    Fraud(12, 30, victims.account_takeover),
    Fraud(13, 3, collectors.convicted_collector),
    Fraud(14, 2, collectors.lottery, evasive=True),
    Fraud(14, 2, collectors.casino),
    Fraud(15, 3, laundering.layering),
    Fraud(15, 2, laundering.chain),
    Fraud(15, 2, laundering.cycle),
    Fraud(15, 2, laundering.scatter_gather),
    Fraud(15, 2, laundering.fan_in_out),
    Fraud(16, 20, mules.cash_out_burst, evasive=True),
    Fraud(17, 8, laundering.crypto_exit, evasive=True),
    Fraud(18, 10, victims.impersonation),
    Fraud(18, 8, victims.relative_in_need),
    Fraud(19, 6, laundering.mobile_balances, evasive=True),
    Fraud(20, 8, listed.listed_account),
    Fraud(21, 14, laundering.structuring, evasive=True),
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
            dice = np.random.default_rng([stage.population.seed, 101, position, number])
            evasive = fraud.evasive and number > 0 and bool(dice.random() < _EVASIVE)
            name = f"{typology}-{fraud.name}{'-evasive' if evasive else ''}-{number + 1}"
            story = Story(stage, rng, stage.ledger.case(name, fraud.typology), evasive)
            before = len(stage.ledger)
            fraud.play(story)
            reported(story, fraud.typology, stage.ledger.latest(before))
        played[typology] = played.get(typology, 0) + times
    return played
