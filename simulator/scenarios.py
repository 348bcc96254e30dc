"""What a country can be simulated for: all frauds as they come, or one that is told as a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulator.frauds import FRAUDS, Fraud, collectors, credit, laundering, victims
from simulator.frauds.cases import dropper_network, elimai, national_lottery


@dataclass(frozen=True)
class Scenario:
    """Which frauds are played, and for how many people and days if nothing else is asked for."""

    frauds: Sequence[Fraud]
    people: int = 20_000
    days: int = 7


# Weekly numbers below one a country are played once: a case is one case in a country of any size.
SCENARIOS: Final[dict[str, Scenario]] = {
    "country": Scenario(FRAUDS),
    # «Елімай-2019»: 8 regions, more than 3,000 people, 1.5 bn tenge, a convicted organiser.
    "elimai": Scenario((Fraud(1, 0, elimai),), people=12_000, days=28),
    "phone-wave": Scenario(
        (
            Fraud(6, 140, victims.called, evasive=True),
            Fraud(18, 60, victims.impersonation),
            Fraud(18, 40, victims.relative_in_need),
            Fraud(12, 40, victims.account_takeover),
            Fraud(7, 30, victims.loan_given_away),
            Fraud(8, 15, credit.despite_refusal),
        ),
        people=10_000,
    ),
    "dropper-network": Scenario(
        (Fraud(5, 0, dropper_network), Fraud(15, 4, laundering.chain), Fraud(17, 4, laundering.crypto_exit)),
        people=10_000,
        days=14,
    ),
    # «Тараз хит» and its like.
    "lottery": Scenario((Fraud(14, 0, national_lottery), Fraud(14, 4, collectors.casino)), people=10_000, days=14),
}
