"""Who is warned of whom: the cap, the hold-out group, and what warnings changed, as a pure function of payments.

A *campaign* is a payee with findings about it. Everybody who pays it for the first time after a finding belongs to one
of three groups, for `once_days`: warned; held out, by a keyed hash of payer and payee, so that there is somebody to
compare with; or passed over, because that person has had warnings enough this month. Where a delay could cost a person
everything (coercion) nobody is held out.

The effect is measured `effect_days` after each assignment: has the person paid the payee again, and how much? The
difference between the shares of the two groups has Newcombe's hybrid score interval (R. G. Newcombe, Statistics in
Medicine 17 (1998) 873-890, method 10); the money averted is that of Welch's difference of means.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from pydantic import Field

from rules.events import DAY_MS, LOCAL_OFFSET_MS
from rules.lists import Identifier, Sourced
from rules.texts import Texts
from rules.typology import Region, TypologyId

Language = Literal["kk", "ru", "en"]
Group = Literal["warned", "held_out", "passed_over"]
Z: Final = 1.959963984540054  # of a two-sided interval of 95 %
_CLOSED_MS: Final = 180 * DAY_MS  # a campaign that nobody has paid for so long is forgotten


class WarningPolicy(Sourced):
    """How often people are warned, and how the effect is measured; an officer's numbers."""

    cap: Annotated[int, Field(ge=1, le=100)]
    cap_days: Annotated[int, Field(ge=1, le=366)]
    once_days: Annotated[int, Field(ge=1, le=3660)]
    hold_out_share: Annotated[float, Field(ge=0, le=0.5)]
    effect_days: Annotated[int, Field(ge=1, le=90)]
    default_language: Language
    russian_regions: list[Region] = Field(default_factory=list)

    def language(self, region: int) -> Language:
        """In which language a person of this region is addressed first; the other texts go with it."""
        return "ru" if region in self.russian_regions else self.default_language


class WarningRule(Sourced):
    """What a payer is told because of a finding about the payee or about the payment."""

    name: Identifier
    typologies: Annotated[list[TypologyId], Field(min_length=1)]
    hold_out: bool  # whether some are left out to compare with
    text: Texts
    advice: Texts


def held_out(payer: int, payee: int, share: float) -> bool:
    """Whether this payer is left out of what is said about this payee.

    `payer` and `payee` are the first 64 bits of keyed tokens, so nobody without the key can tell who is; the answer is
    the same for ever (the finaliser of splitmix64 spreads it evenly).
    """
    mixed = (payer * 0x9E3779B97F4A7C15 + payee) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return (mixed ^ mixed >> 31) < share * 2.0**64


class Payment(NamedTuple):
    """A payment to a campaign's payee."""

    payer: int
    payee: int
    amount: int  # tiyn
    moment: int  # ms, as streams.following.moment


class Arm(msgspec.Struct):
    """One group of a campaign: how many, how many paid again in time, and the money of it (tenge, and its squares)."""

    people: int = 0
    measured: int = 0  # of them, those whose time is over
    again: int = 0  # of the measured
    money: float = 0.0
    squares: float = 0.0

    def measure(self, tenge: float) -> None:
        self.measured += 1
        self.again += tenge > 0
        self.money += tenge
        self.squares += tenge * tenge

    @property
    def share(self) -> float:
        """The share of the measured that paid again; NaN of none."""
        return self.again / self.measured if self.measured else math.nan


class Member(msgspec.Struct):
    """A person of a campaign."""

    group: str
    since: int  # ms
    until: int  # ms: so long it is measured
    again: int = 0  # tiyn paid after it, until then


class Campaign(msgspec.Struct):
    """A payee whom people were warned of."""

    rest: int  # of the payee's token
    rule: str
    began: int
    last: int
    members: dict[int, Member] = msgspec.field(default_factory=dict)
    warned: Arm = msgspec.field(default_factory=Arm)
    held: Arm = msgspec.field(default_factory=Arm)
    passed_over: int = 0


class _Saved(msgspec.Struct):
    campaigns: dict[int, Campaign]
    told: dict[int, list[int]]
    due: list[tuple[int, int, int]]
    changed: list[int]
    report_at: int


class Effect(NamedTuple):
    """What warning changed: differences are warned minus held out, so that less is better."""

    difference: float  # of the shares that paid again; NaN while one group has nobody measured
    low: float
    high: float
    averted: float  # tenge, of all measured warned people
    averted_low: float
    averted_high: float


def wilson(again: int, measured: int) -> tuple[float, float]:
    """Wilson's score interval of a share (E. B. Wilson, JASA 22 (1927) 209-212)."""
    share, square = again / measured, Z * Z / measured
    centre = share + square / 2
    spread = Z * math.sqrt(share * (1 - share) / measured + square / (4 * measured))
    return (centre - spread) / (1 + square), (centre + spread) / (1 + square)


def effect(warned: Arm, held: Arm) -> Effect:
    """The effect of warning on those measured, with intervals of 95 %."""
    if not warned.measured or not held.measured:
        return Effect(*(math.nan,) * 6)
    (low1, high1), (low2, high2) = wilson(warned.again, warned.measured), wilson(held.again, held.measured)
    p1, p2 = warned.share, held.share
    low = p1 - p2 - math.hypot(p1 - low1, high2 - p2)
    high = p1 - p2 + math.hypot(high1 - p1, p2 - low2)
    mean1, mean2 = warned.money / warned.measured, held.money / held.measured
    spread = Z * math.sqrt(_variance(warned) / warned.measured + _variance(held) / held.measured)
    averted = (mean2 - mean1) * warned.measured
    return Effect(p1 - p2, low, high, averted, averted - spread * warned.measured, averted + spread * warned.measured)


def _variance(arm: Arm) -> float:
    if arm.measured < 2:
        return 0.0
    return max(0.0, (arm.squares - arm.money * arm.money / arm.measured) / (arm.measured - 1))


@dataclass(slots=True)
class Warnings:
    """The state: campaigns, who was told what when, and whose time to be measured is not over."""

    campaigns: dict[int, Campaign] = field(default_factory=dict)
    _told: dict[int, list[int]] = field(default_factory=dict)  # person → moments of their latest warnings
    _due: deque[tuple[int, int, int]] = field(default_factory=deque)  # (moment, payee, payer), in order
    _changed: dict[int, None] = field(default_factory=dict)  # campaigns whose figures moved since the last report
    _report_at: int = 0  # the local midnight at which they are told; 0 where none moved

    def assign(self, payment: Payment, payee_rest: int, rule: WarningRule, policy: WarningPolicy) -> Group | None:
        """To which group a payer with a finding belongs; None where that was decided before."""
        campaign = self.campaigns.get(payment.payee)
        if campaign is None:
            campaign = self.campaigns[payment.payee] = Campaign(payee_rest, rule.name, payment.moment, payment.moment)
        member = campaign.members.get(payment.payer)
        if member is not None and payment.moment - member.since < policy.once_days * DAY_MS:
            return None
        since = payment.moment - policy.cap_days * DAY_MS
        told = [at for at in self._told.get(payment.payer, ()) if at > since]
        group: Group
        if rule.hold_out and held_out(payment.payer, payment.payee, policy.hold_out_share):
            group = "held_out"
            campaign.held.people += 1
        elif len(told) >= policy.cap:
            group = "passed_over"
            campaign.passed_over += 1
        else:
            group = "warned"
            campaign.warned.people += 1
            self._told[payment.payer] = [*told, payment.moment]
        until = payment.moment + policy.effect_days * DAY_MS
        campaign.members[payment.payer] = Member(group, payment.moment, until)
        if group != "passed_over":
            self._due.append((until, payment.payee, payment.payer))
        self._move(payment.payee, payment.moment)
        return group

    def paid(self, payment: Payment) -> None:
        """Somebody paid a campaign's payee; counts where that person's effect is still being measured."""
        campaign = self.campaigns[payment.payee]
        campaign.last = max(campaign.last, payment.moment)
        member = campaign.members.get(payment.payer)
        if member is not None and member.since < payment.moment < member.until:
            member.again += payment.amount

    def due(self, moment: int) -> Iterator[tuple[int, list[int]]]:
        """Everything due up to an instant (ms): yields (instant of a report, payees whose figures moved) in order."""
        while True:
            measured_at = self._due[0][0] if self._due else math.inf
            reported_at = self._report_at or math.inf
            if min(measured_at, reported_at) > moment:
                return
            if measured_at <= reported_at:
                _, payee, payer = self._due.popleft()
                campaign = self.campaigns.get(payee)
                member = campaign.members.get(payer) if campaign is not None else None
                if campaign is not None and member is not None:
                    arm = campaign.warned if member.group == "warned" else campaign.held
                    arm.measure(member.again / 100)
                    self._move(payee, int(measured_at))
            else:
                at, moved = self._report_at, list(self._changed)
                self._changed, self._report_at = {}, 0
                yield at, moved
                self._forget(at)

    def _move(self, payee: int, moment: int) -> None:
        self._changed[payee] = None
        if not self._report_at:
            local = moment + LOCAL_OFFSET_MS
            self._report_at = (local // DAY_MS + 1) * DAY_MS - LOCAL_OFFSET_MS

    def _forget(self, moment: int) -> None:
        """Let go of what no longer decides anything."""
        old = [payee for payee, one in self.campaigns.items() if one.last < moment - _CLOSED_MS]
        for payee in old:
            del self.campaigns[payee]
        silent = [person for person, told in self._told.items() if told[-1] < moment - _CLOSED_MS]
        for person in silent:
            del self._told[person]

    def saved(self) -> bytes:
        """The state as MessagePack."""
        return msgspec.msgpack.encode(
            _Saved(self.campaigns, self._told, list(self._due), list(self._changed), self._report_at)
        )

    @classmethod
    def restored(cls, document: bytes) -> Warnings:
        """The state whose `saved()` this was."""
        said = msgspec.msgpack.decode(document, type=_Saved)
        return cls(said.campaigns, said.told, deque(said.due), dict.fromkeys(said.changed), said.report_at)


def rule_for(rules: Mapping[str, WarningRule], typologies: list[str]) -> tuple[WarningRule, str] | None:
    """The rule, and the typology, that a payer is told of: the first rule of the list that one of these belongs to."""
    for rule in rules.values():
        for typology in typologies:
            if typology in rule.typologies:
                return rule, typology
    return None
