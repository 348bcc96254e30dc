"""Which payers of a collector have not been warned, and which of them must not be: the group to compare with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from console.pyramids.story import Member, Story
from console.store.keys import unsigned
from rules.procedure import Procedure
from rules.warning import held_out

RULE = "pyramid"  # the warning that payers of a collector get


@dataclass(frozen=True)
class ToWarn:
    """Payers by what they were told. Who paid most stands first among those who have heard nothing."""

    payers: int
    warned: int
    compared: int  # left out on purpose, so that the effect of warnings can be measured
    unwarned: list[Member]

    @property
    def at_stake(self) -> int:
        """What the unwarned have paid and not got back, tiyn."""
        return sum(max(0, one.paid - one.received - one.refunded) for one in self.unwarned)


def to_warn(collector: int, story: Story, warned: Collection[int], procedure: Procedure) -> ToWarn:
    """Whom of a collector's payers to warn; keys signed, as the store has them.

    Somebody of the group to compare with stays unwarned by the center: a telephone call to them would spoil the
    measurement, so they are counted apart and not listed.
    """
    policy, rule = procedure.warning_policy, procedure.warnings.get(RULE)
    share = policy.hold_out_share if policy is not None and rule is not None and rule.hold_out else 0.0
    unwarned, compared = [], 0
    for key, member in story.members.items():
        if key in warned:
            continue
        if held_out(unsigned(key), unsigned(collector), share):
            compared += 1
        else:
            unwarned.append(member)
    unwarned.sort(key=lambda one: (one.received + one.refunded - one.paid, one.key))
    told = sum(key in warned for key in story.members)
    return ToWarn(len(story.members), told, compared, unwarned)
