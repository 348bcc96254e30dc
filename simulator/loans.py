"""Ordinary loans: who applies, waits as the law wants, gets the money and pays it back with everybody else."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulator.moves import CARD_PAYMENT, DAY, HOUR, TERMINAL
from simulator.stage import Stage, Story

# The monthly calculation index of 2026, in tenge, and for how many of them an unsecured online loan waits for hours:
# of a bank 8 from 150 and 24 above 255, of a microfinance organisation 24 above 75; loans of one day are summed.
MRP: Final = 4_325
BANK_WAITS_8: Final = 150 * MRP
BANK_WAITS_24: Final = 255 * MRP
LENDER_WAITS_24: Final = 75 * MRP


def waiting_hours(small: bool, tenge: float) -> float:
    """How long after its contract an unsecured online loan is paid out by law.

    >>> waiting_hours(True, 300_000), waiting_hours(True, 330_000), waiting_hours(False, 700_000)
    (0.0, 24.0, 8.0)
    """
    if small:
        return 24.0 if tenge > LENDER_WAITS_24 else 0.0
    return 24.0 if tenge > BANK_WAITS_24 else 8.0 if tenge >= BANK_WAITS_8 else 0.0


def stage_loans(stage: Stage) -> None:
    """The loans of ordinary people over the simulated days; nobody who refused loans gets one."""
    population = stage.population
    rng = np.random.default_rng([population.seed, 5])
    adults = np.flatnonzero((population.age[: population.people] < 70) & (population.age[: population.people] >= 18))
    adults = np.setdiff1d(adults, np.array([*stage.refused, *stage.cast], dtype=np.int64))
    count = min(rng.poisson(0.0027 * len(adults) * stage.days), len(adults))
    story = Story(stage, rng)
    for borrower in rng.choice(adults, count, replace=False).tolist():
        _ordinary(story, int(borrower))
    # Who has told eGov to refuse, and asks a lender all the same, is turned down.
    refused = np.array(sorted(stage.refused), dtype=np.int64)
    for borrower in rng.choice(
        refused, min(len(refused), 1 + len(refused) * stage.days // 500), replace=False
    ).tolist():
        lender = story.lender(story.chance(0.6))
        at = story.moment(story.count(0, stage.days - 1), 8, 23)
        _apply_only(story, at, lender, int(borrower), story.count(5, 100) * 10_000)


def _ordinary(story: Story, borrower: int) -> None:
    online, small = story.chance(0.7), story.chance(0.4)
    lender = story.lender(small)
    tenge = (story.count(2, 30) if small else story.count(15, 250) * 2) * 10_000
    secured = not online and tenge > 2_000_000
    at = story.moment(story.count(0, story.stage.days - 1), 8, 23 if online else 17)
    if story.chance(0.25):
        _apply_only(story, at, lender, borrower, tenge, online=online)
        return
    waiting = waiting_hours(small, tenge) if online else 0.0
    wait = waiting * story.between(1.01, 1.3)
    at = story.borrow(at, lender, borrower, tenge, wait_hours=wait, online=online, secured=secured, consent=waiting > 0)
    if story.chance(0.3):
        # A shop gets some of it within the day: what the loan was taken for.
        population = story.stage.population
        shop = int(population.shops[borrower, 0])
        context = int(story.stage.contexts.merchant[population.category[shop]])
        at += story.between(0.3, 20) * HOUR
        story.add(
            at, CARD_PAYMENT, tenge * story.between(0.2, 0.9) // 10 * 10, payer=borrower, payee=shop,
            channel=TERMINAL, context=context,
        )  # fmt: skip
    elif story.chance(0.15):
        # Or family does, which has been paid before.
        friend = int(story.stage.population.friends[borrower, 0])
        if friend != borrower:
            story.transfer(at - story.between(0.2, 1) * DAY, borrower, friend, 5_000, group="family")
            share = tenge * story.between(0.2, 0.8) // 5_000 * 5_000
            story.transfer(at + story.between(0.3, 20) * HOUR, borrower, friend, share, group="family")


def _apply_only(story: Story, at: float, lender: int, borrower: int, tenge: float, *, online: bool = True) -> None:
    """An application that came to nothing."""
    records = story.stage.records
    records.loan(at, lender, records.next_loan(), "application", borrower, tenge, online=online, case=story.case)
