"""Frauds seen at the victim: calls, loans taken under pressure, and accounts taken over."""

from __future__ import annotations

from simulator.moves import HOUR, MINUTE, NOBODY
from simulator.phrases import local_time
from simulator.stage import Story


def account_takeover(story: Story) -> None:
    """T12: a stranger's device, often on a new SIM card, sends the victim's savings to somebody new."""
    stage = story.stage
    victim = story.actor(30, 80)
    drops = [story.drop(18, 40, 120) for _ in range(story.count(1, 3))]
    story.victims += [victim]
    at = story.moment(story.first_day(1), *((19, 23.5) if story.chance(0.5) else (6, 22)))
    remote = story.chance(0.3)
    said: dict[str, object] = {}
    if remote:
        # The victim's own telephone, steered from afar.
        said["remote_access"] = True
    else:
        said["device_new"] = True
    if not remote and story.chance(0.6):
        swapped = at - story.between(0.3, 30) * HOUR
        said["sim_changed_at"] = local_time(int(swapped))
        if story.chance(0.6):
            story.call(swapped, victim, "sim_swap")
    broken = story.chance(0.55)
    device = NOBODY if remote else stage.population.new_device()
    savings = story.count(30, 250) * 10_000
    for number, drop in enumerate(drops):
        context = stage.contexts.of(**said, **({"own_deposit_broken": True} if broken and number == 0 else {}))
        story.transfer(at, victim, drop, savings / len(drops) // 1_000 * 1_000, device=device, context=context)
        at += story.between(1, 12) * MINUTE


def called(story: Story) -> None:
    """T06: a spoofed number calls, once or several times, and within hours money goes to somebody never paid before.

    The evasive let a night pass, and have the victim send a small sum first.
    """
    victim = story.actor(22, 80)
    drop = story.drop(18, 40, 90)
    at = story.moment(story.first_day(3 if story.evasive else 1), 9, 18)
    for _ in range(story.count(1, 4)):
        story.call(at, victim, "spoofed" if story.chance(0.75) else "scam", story.count(60, 2_400))
        at += story.between(2, 25) * MINUTE
    if story.evasive:
        at += story.between(14, 30) * HOUR
        story.transfer(at - 2 * HOUR, victim, drop, story.count(1, 5) * 1_000, group="friends")
    else:
        at += story.between(0.1, 4) * HOUR
    for _ in range(story.count(1, 3)):
        story.transfer(at, victim, drop, story.count(8, 120) * 10_000 - story.one_of([0, 0, 1_000]), group="victim")
        at += story.between(2, 40) * MINUTE


def loan_given_away(story: Story) -> None:
    """T07: somebody is talked into an online loan, and passes it on to strangers within the day."""
    victim = story.borrower(21, 70)
    drops = [story.drop(18, 45, 120) for _ in range(story.count(1, 2))]
    at = story.moment(story.first_day(2), 9, 17)
    small = story.chance(0.5)
    # Under the sums for which the law wants hours of waiting, or with the hours waited for.
    tenge = (story.count(10, 32) if small else story.count(20, 64)) * 10_000
    long = not small and story.chance(0.25)
    if long:
        tenge = story.count(66, 109) * 10_000
    at = story.borrow(at, story.lender(small), victim, tenge, wait_hours=8.1 if long else 0, consent=long)
    at += story.between(0.05, 1) ** 2 * 14 * HOUR
    rest = tenge * story.between(0.85, 1.0)
    for drop in drops:
        story.transfer(at, victim, drop, rest / len(drops) // 1_000 * 1_000, group="victim")
        at += story.between(2, 60) * MINUTE


def impersonation(story: Story) -> None:
    """T18: a "police officer" or "bank" keeps the victim on the line: loan, deposit broken, "safe account"."""
    stage = story.stage
    victim = story.borrower(25, 75)
    drops = [story.drop(18, 45, 60) for _ in range(story.count(2, 4))]
    at = story.moment(story.first_day(2), 9, 13)
    for _ in range(story.count(2, 5)):
        story.call(at, victim, "spoofed", story.count(600, 5_400))
        at += story.between(10, 45) * MINUTE
    if story.chance(0.7):
        small = story.chance(0.5)
        tenge = (story.count(15, 32) if small else story.count(30, 64)) * 10_000
        at = story.borrow(at, story.lender(small), victim, tenge)
        at += story.between(4, 40) * MINUTE
        story.transfer(at, victim, drops[0], tenge * 0.97 // 1_000 * 1_000, group="safe_account")
    broken = stage.contexts.of(own_deposit_broken=True)
    remote = stage.contexts.of(own_deposit_broken=True, remote_access=True)
    context = remote if story.chance(0.35) else broken
    for drop in drops[1:]:
        at += story.between(10, 90) * MINUTE
        story.call(at, victim, "spoofed", story.count(300, 3_000))
        at += story.between(3, 20) * MINUTE
        tenge = story.count(30, 300) * 10_000
        story.transfer(at, victim, drop, tenge, group="safe_account", context=context)
        context = 0


def relative_in_need(story: Story) -> None:
    """T18: "Grandmother, I had an accident": the elderly send what there is, or draw it for a courier."""
    victim = story.actor(60, 85)
    drop = story.drop(18, 40, 90)
    story.victims += [victim]
    at = story.moment(story.first_day(1), 10, 20)
    story.call(at, victim, "scam" if story.chance(0.6) else "spoofed", story.count(400, 3_600))
    at += story.between(10, 70) * MINUTE
    story.transfer(at, victim, drop, story.count(10, 90) * 10_000, group="relative")
    if story.chance(0.6):
        at += story.between(20, 120) * MINUTE
        for _ in range(story.count(1, 3)):
            story.cash_out(at, victim, 200_000)
            at += story.between(1, 4) * MINUTE
    if story.chance(0.5):
        at += story.between(0.5, 2) * HOUR
        story.call(at, victim, "scam", story.count(200, 1_800))
        at += story.between(5, 30) * MINUTE
        story.transfer(at, victim, drop, story.count(5, 50) * 10_000, group="relative")
