"""What the other streams say of honest people: marked calls that lead to nothing, refusals, lists, blocked sites."""

from __future__ import annotations

import numpy as np

from simulator import identities
from simulator.moves import DAY, HOUR, MINUTE
from simulator.records import Listed, wallet
from simulator.stage import Stage, Story

_CONVICTED, _DROPPERS, _REFUSED = 0.003, 0.0015, 0.06  # shares of the people


def stage_refusals(stage: Stage) -> None:
    """Credit refusals: those of the past in bulk, then day by day, some told late, twice or out of order."""
    population, records = stage.population, stage.records
    story = Story(stage, np.random.default_rng([population.seed, 6]))
    rng = story.rng
    grown = np.flatnonzero(population.age[: population.people] >= 18)
    rng.shuffle(grown)
    past, new = int(len(grown) * _REFUSED), max(2, round(len(grown) * 0.0004 * stage.days))
    standing = grown[:past].tolist()
    stage.refused.update(standing)
    entries = [(person, "set", stage.start - story.between(5, 600) * DAY) for person in standing]
    # Some have taken it back since, and may borrow like everybody: their older entry stands in the register too.
    withdrawn = grown[past : past + past // 8].tolist()
    for person in withdrawn:
        set_at = stage.start - story.between(60, 600) * DAY
        entries += [(person, "set", set_at), (person, "withdrawn", set_at + story.between(5, 55) * DAY)]
    records.refusals(stage.start + story.between(1, 4) * MINUTE, entries)
    for person in grown[past + past // 8 :][:new].tolist():
        stage.refused.add(person)
        at = stage.start + story.between(0, stage.days) * DAY
        late = story.between(2, 30) * HOUR if story.chance(0.08) else 0.0
        records.refusals(at, [(person, "set", at - late)])
        if story.chance(0.03):
            records.refusals(at + story.between(1, 50) * MINUTE, [(person, "set", at - late)])
    for person in standing[: new // 2]:
        at = stage.start + story.between(0, stage.days) * DAY
        records.refusals(at, [(person, "withdrawn", at)])
        if story.chance(0.5):
            # He changes his mind again, and the register tells of it before it tells of the first change.
            records.refusals(at - story.between(1, 40) * MINUTE, [(person, "set", at + story.between(1, 9) * HOUR)])


def stage_background(stage: Stage) -> None:
    """Calls, lists and blocked resources that belong to no fraud; wrong outcomes among them."""
    _lists(Story(stage, np.random.default_rng([stage.population.seed, 7])))
    _calls(Story(stage, np.random.default_rng([stage.population.seed, 8])))
    _blocked(Story(stage, np.random.default_rng([stage.population.seed, 9])))
    _outcomes(Story(stage, np.random.default_rng([stage.population.seed, 10])))


def _lists(story: Story) -> None:
    """Whom the lists name already: convicted people who live honestly, droppers, licensed and protected payees."""
    stage, population, records, rng = story.stage, story.stage.population, story.stage.records, story.rng
    people = population.people
    entries = []
    for kind, name, reason in (
        ("bank", "licensed", "banking licence"), ("mfo", "licensed", "microfinance licence"),
        ("exchange", "licensed", "digital assets licence"), ("lottery", "licensed", "lottery operator"),
        ("bookmaker", "licensed", "bookmaker licence"), ("utility", "protected", "utilities"),
        ("tax", "protected", "taxes"), ("pension_fund", "protected", "pensions"),
    ):  # fmt: skip
        entries += [
            Listed(
                records.person(company),
                name,
                "register",
                reason,
                "clear_evidence",
                valid_from=stage.start - 900 * DAY,
                valid_days=3_650,
            )
            for company in population.company[kind].tolist()
        ]
    free = np.setdiff1d(np.arange(people), np.array(sorted(stage.cast), dtype=np.int64))
    rng.shuffle(free)
    convicted = free[: max(3, round(people * _CONVICTED))].tolist()
    for person in convicted:
        since = stage.start - story.between(100, 2_500) * DAY
        entries.append(
            Listed(
                records.person(person), "convicted", "court", "Criminal Code Art. 190", "court_judgment",
                valid_from=since, valid_days=3_650,
            )
        )  # fmt: skip
    droppers = free[len(convicted) :][: max(4, round(people * _DROPPERS))].tolist()
    for number, person in enumerate(droppers):
        confirmed = story.chance(0.3)
        name = "dropper_confirmed" if confirmed else "dropper_suspected"
        proof = "clear_evidence" if confirmed else "reasonable_grounds"
        entry_id = records.next_entry()
        since = stage.start - story.between(5, 300) * DAY
        subject = records.person(person)
        entries.append(Listed(subject, name, "bank", "Account lent", proof, "set", since, 365, entry_id=entry_id))
        # One in six appeals, and half of those are right: a student who sold his telephone, a namesake.
        if number % 6 == 5:
            at = stage.start + story.between(0.1, stage.days) * DAY
            appeal = "upheld" if story.chance(0.5) else "open"
            again = Listed(subject, name, "bank", "Account lent", proof, "set", at, 300, appeal, entry_id)
            records.listed(at, [again])
    foreign = [f"RU:{number:010d}" for number in rng.integers(10**9, 10**10, 6).tolist()]
    entries += [Listed({"id": name}, "black", "partner", "Foreign request", "clear_evidence") for name in foreign]
    numbers = identities.phone_numbers(8, rng)
    entries += [Listed({"phone": number}, "grey", "operator", "Scam calls") for number in numbers]
    entries += [Listed({"wallet": wallet(rng)}, "black", "exchange", "Ransom", "clear_evidence") for _ in range(5)]
    records.listed(stage.start + story.between(1, 9) * MINUTE, entries)
    for _ in range(stage.times(4)):
        # Suspended until confirmed, and cleared days later.
        person, at = story.actor(18, 70), stage.start + story.between(0.3, stage.days) * DAY
        entry_id = records.next_entry()
        records.listed(at, [Listed(records.person(person), "grey", "bank", "Unusual turnover", entry_id=entry_id)])
        cleared = Listed(
            records.person(person), "grey", "bank", "Turnover explained", action="withdrawn", entry_id=entry_id
        )
        records.listed(at + story.between(0.5, 4) * DAY, [cleared])


def _calls(story: Story) -> None:
    """Marked calls of every day: nearly all lead to nothing, though people go on paying as they always do."""
    stage, population, rng = story.stage, story.stage.population, story.rng
    count = int(rng.poisson(0.003 * population.people * stage.days))
    for person in rng.integers(0, population.people, count).tolist():
        at = story.moment(story.count(0, stage.days - 1), 8, 21)
        sign = ("spoofed", "spoofed", "scam", "scam", "scam", "sim_box")[story.count(0, 5)]
        for _ in range(story.one_of([1, 1, 1, 2, 3])):
            # Most hang up at once; some listen, and do not pay.
            story.call(at, person, sign, story.count(1, 40) if story.chance(0.8) else story.count(60, 900))
            at += story.between(1, 60) * MINUTE
    for person in rng.integers(0, population.people, max(2, round(population.people * 0.0004 * stage.days))).tolist():
        story.call(story.moment(story.count(0, stage.days - 1), 9, 20), person, "sim_swap", 1)


def _blocked(story: Story) -> None:
    """Sites that were blocked before anybody here paid them, and some that were blocked by mistake."""
    stage, rng, records = story.stage, story.rng, story.stage.records
    reasons = ("phishing", "phishing", "phishing", "casino", "pyramid_advertising", "fake_shop")
    for number in range(stage.times(12)):
        at = stage.start + story.between(0, stage.days) * DAY
        reason = reasons[story.count(0, 5)]
        social = story.chance(0.4)
        host = "t.example/" if social else "site.example/"
        serial = int(rng.integers(10**11))
        accounts = identities.account_numbers(np.array([722]), np.array([serial])) if story.chance(0.5) else []
        resource, kind = f"https://{host}{reason}{number}", "social_account" if social else "site"
        records.blocked(
            at, resource, kind, reason, accounts=accounts,
            phones=identities.phone_numbers(1, rng) if story.chance(0.4) else [],
            wallets=[wallet(rng)] if story.chance(0.2) else [], cards=[f"card-{serial}"] if story.chance(0.2) else [],
        )  # fmt: skip
        if story.chance(0.05):
            again = at + story.between(0.1, 2) * DAY
            records.blocked(again, resource, kind, reason, accounts=accounts, action="withdrawn")


def _outcomes(story: Story) -> None:
    """Work on honest people: nearly always a false positive, and now and then taken for a fraud."""
    stage, records = story.stage, story.stage.records
    for _ in range(stage.times(15)):
        person, at = story.one_of(range(stage.population.people)), stage.start + story.between(1, stage.days) * DAY
        typology = story.one_of([1, 3, 4, 10, 12, 16])
        wrong = story.chance(0.1)
        subject = records.person(person)
        records.disposition(at, "confirmed" if wrong else "false_positive", subject, typology=typology)
        if wrong:
            records.disposition(at + story.between(0.5, 4) * DAY, "false_positive", subject, typology=typology)
