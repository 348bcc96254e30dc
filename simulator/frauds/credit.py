"""Frauds and breaches of lenders: loans given against a refusal, and waits that the law sets not kept."""

from __future__ import annotations

from simulator.loans import BANK_WAITS_8, LENDER_WAITS_24, waiting_hours
from simulator.moves import DAY, HOUR, MINUTE
from simulator.stage import Story


def despite_refusal(story: Story) -> None:
    """T08: a lender gives an online loan in the name of somebody who told eGov to refuse all loans."""
    victim = story.actor(20, 75)
    stage = story.stage
    stage.refused.add(victim)
    day = story.first_day(2)
    # Told long ago, or some days or only an hour before.
    ago = story.between(20, 400) * DAY if story.chance(0.6) else story.between(1.2, 40) * HOUR
    at = story.moment(day, 9, 16)
    told = at - ago
    stage.records.refusals(max(told, stage.start + 5 * MINUTE), [(victim, "set", told)], story.case)
    small = story.chance(0.7)
    tenge = (story.count(6, 32) if small else story.count(15, 64)) * 10_000
    story.victims += [victim]
    at = story.borrow(at, story.lender(small), victim, tenge)
    if story.chance(0.7):
        drop = story.drop(18, 45, 90)
        at += story.between(0.1, 8) * HOUR
        story.transfer(at, victim, drop, tenge * story.between(0.9, 1) // 1_000 * 1_000, group="victim")


def wait_not_kept(story: Story) -> None:
    """T09: a large online loan is paid out minutes after its contract, or long before its hours have passed."""
    borrower = story.borrower(21, 70)
    small = story.chance(0.5)
    tenge = (story.count(34, 90) if small else story.count(66, 220)) * 10_000
    hours = waiting_hours(small, tenge)
    early = hours * story.between(0.05, 0.7) if story.chance(0.4) else 0.0
    at = story.moment(story.first_day(2), 9, 17)
    at = story.borrow(at, story.lender(small), borrower, tenge, wait_hours=early)
    _spend(story, at, borrower, tenge)


def split_loan(story: Story) -> None:
    """T09: several loans of one day, each under the sum that waits, together far above it."""
    borrower = story.borrower(21, 70)
    at = story.moment(story.first_day(1), 9, 13)
    small = story.chance(0.7)
    limit = LENDER_WAITS_24 if small else BANK_WAITS_8
    lender = story.lender(small)
    total = 0.0
    for _ in range(story.count(2, 4) if small else story.count(2, 3)):
        tenge = limit * story.between(0.75, 0.99) // 10_000 * 10_000
        at = story.borrow(at, lender, borrower, tenge) + story.between(8, 90) * MINUTE
        if story.chance(0.4):
            lender = story.lender(small)
        total += tenge
    _spend(story, at, borrower, total)


def _spend(story: Story, at: float, borrower: int, tenge: float) -> None:
    """Half of the money goes on the same day to somebody new."""
    if story.chance(0.6):
        drop = story.drop(18, 45, 120)
        story.transfer(at + story.between(0.3, 5) * HOUR, borrower, drop, tenge * 0.9 // 1_000 * 1_000, group="victim")
