"""What becomes of a fraud once it is known: victims are told, droppers are listed, and some of the work is wrong."""

from __future__ import annotations

from simulator.moves import DAY
from simulator.records import Listed
from simulator.stage import Story

_REPORTED = 0.55  # share of frauds that come to the police within days
_MISTAKEN = 0.06  # share of outcomes that are wrong


def reported(story: Story, typology: int, over: float) -> None:
    """Dispositions of a fraud's subjects, days after it was over, and entries of those who lent their accounts.

    What is later than the simulated time is lost, as it is in life.
    """
    records, stage = story.stage.records, story.stage
    if not story.chance(_REPORTED):
        return
    known = over + story.between(0.2, 5) * DAY
    for suspect in list(dict.fromkeys(story.suspects))[:4]:
        at = known + story.between(0, 1) * DAY
        owner = stage.population.owner[suspect]
        subject = records.account(suspect) if suspect != owner else records.person(owner)
        right = "mule" if typology in _MULES else "confirmed"
        outcome = "false_positive" if story.chance(_MISTAKEN) else right
        records.disposition(at, outcome, subject, typology=typology, case=story.case)
        if outcome == "confirmed" and typology in _COLLECTORS and story.chance(0.7):
            found = Listed(subject, "pyramid", "AFM", "Money taken from the public", "clear_evidence")
            records.listed(at + story.between(0.05, 1) * DAY, [found], story.case)
        if outcome == "mule" and story.chance(0.5):
            sure = story.chance(0.4)
            listed = Listed(
                records.person(owner), "dropper_confirmed" if sure else "dropper_suspected", "bank",
                "Criminal Code Art. 232-1" if sure else "Money of victims passed through",
                "clear_evidence" if sure else "reasonable_grounds", valid_days=365,
            )  # fmt: skip
            records.listed(at + story.between(0.05, 1) * DAY, [listed], story.case)
    for victim in list(dict.fromkeys(story.victims))[:3]:
        at = known + story.between(-0.15, 0.5) * DAY
        records.disposition(at, "victim", records.person(victim), typology=typology, case=story.case)
        if story.chance(0.1):
            tenge = story.count(2, 40) * 10_000
            at += story.between(0.5, 3) * DAY
            records.disposition(at, "returned_money", records.person(victim), tenge=tenge, case=story.case)


_COLLECTORS = frozenset((1, 13, 14))
_MULES = frozenset((3, 4, 5, 6, 7, 12, 15, 16, 17, 18, 19, 20))
