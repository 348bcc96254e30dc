"""Honest people whose payments look like the frauds of the rulebook, and who must be left in peace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from simulator.look_alikes import business, credit, families, money
from simulator.stage import Stage, Story

# How often each is played, for each 20,000 people in a week.
LOOK_ALIKES: Final[tuple[tuple[float, Callable[[Story], None]], ...]] = (
    (8, families.wedding),
    (12, families.tontine),
    (10, families.parents_committee),
    (2, families.fundraiser),
    (10, business.home_shop),
    (60, families.shared_dinner),
    (12, families.moving_student),
    (20, families.car_buyer),
    (20, families.moved_savings),
    (5, business.bookkeeper),
    (15, business.takings),
    (20, families.renovation),
    (40, families.night_shift),
    (8, business.rented_rooms),
    (6, business.payroll),
    (1, business.licensed_lottery),
    (1, business.licensed_bookmaker),
    (3, business.convicted_trader),
    (8, business.team_phones),
    (4, business.blocked_by_mistake),
    (16, credit.loan_for_a_car),
    (16, credit.loan_for_tuition),
    (12, credit.debt_repaid),
    (6, credit.refusal_withdrawn),
    (40, credit.call_that_failed),
    (20, credit.new_telephone),
    (5, credit.appeal_upheld),
    (6, money.chain_of_flats),
    (10, money.own_round),
    (20, money.crypto_saver),
    (6, money.student_top_ups),
    (6, money.remittances),
)


def stage_look_alikes(stage: Stage) -> None:
    """Play every kind of look-alike, as often as its place in a country of this size asks."""
    for number, (weekly, play) in enumerate(LOOK_ALIKES):
        name = play.__name__.replace("_", "-")
        for repeat in range(stage.times(weekly)):
            case = stage.ledger.case(f"{name}-{repeat + 1}", 0)
            play(Story(stage, np.random.default_rng([stage.population.seed, 300 + number, repeat]), case))
