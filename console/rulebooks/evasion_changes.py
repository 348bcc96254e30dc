"""What somebody who knows the rulebook can change about a story: sums, times, parts, helpers, words, acquaintance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from console.rulebooks.stories import Moment, Story
from rules.events import DAY_MS
from rules.typology import Typology

Kind = Literal[
    "keep_under", "split", "pace", "wait", "stop_after", "more_payees", "more_payers", "more_devices",
    "say_nothing", "meet_before", "old_accounts", "known_device",
]  # fmt: skip

MINUTE_MS: Final = 60_000
_PART_MS: Final = 10 * MINUTE_MS  # between the parts of a sum
_GREETING: Final = 500.0  # tenge of the payment by which a stranger becomes an acquaintance
_OLD: Final = timedelta(days=800)

_MOVED: Final = ("transfer", "top_up", "card_payment", "cash_deposit", "cash_withdrawal", "crypto_exchange")

_MINUTES: Final = (31, 61, 121, 181, 361, 721, 1_441, 2_881, 4_321, 10_081, 20_161, 43_201)
_SHARES: Final = (0.9, 0.75, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02)
_PARTS: Final = (2, 3, 4, 5, 6, 8, 10, 15, 20)
_HELPERS: Final = (2, 3, 4, 5, 6, 8, 10, 15, 20, 30)


@dataclass(frozen=True, slots=True)
class Change:
    """One change with its number: tenge, minutes, parts, events, helpers or days; 1 where it has none."""

    kind: Kind
    number: float

    def apply(self, story: Story) -> Story:
        """The story with the change made to the evader's own events; in order of time."""
        return tuple(sorted(_CHANGES[self.kind](story, self.number), key=lambda moment: moment.at))


def choices(typology: Typology, story: Story) -> dict[Kind, list[float]]:
    """The numbers worth trying for each kind of change, from the slightest to the hardest."""
    own = [moment for moment in story if moment.own]
    largest = max((moment.amount for moment in own), default=0.0)
    limits = {parameter.value - 1 for parameter in typology.parameters if parameter.unit == "tenge"}
    sums = sorted({*limits, *(round(largest * share, -3) for share in _SHARES)}, reverse=True)
    found: dict[Kind, list[float]] = {
        "keep_under": [each for each in sums if 0 < each < largest],
        "split": list(map(float, _PARTS)) if largest else [],
        "pace": list(map(float, _MINUTES)) if len(own) > 1 else [],
        "wait": list(map(float, _MINUTES)) if len(own) < len(story) else [],
        "stop_after": sorted({float(len(own) * part // 8) for part in range(1, 8)} - {0.0}, reverse=True),
        "say_nothing": [1.0] if any(moment.said.purpose for moment in own) else [],
        "meet_before": [3.0, 31.0, 91.0] if any(moment.said.payer and moment.said.payee for moment in own) else [],
        "old_accounts": [1.0] if any(_opened(moment) for moment in own) else [],
        "known_device": [1.0] if any(m.said.device_new or m.said.remote_access for m in own) else [],
    }
    for kind, role in _ROLES.items():
        found[kind] = list(map(float, _HELPERS)) if _names(story, role) else []
    return {kind: numbers for kind, numbers in found.items() if numbers}


def _opened(moment: Moment) -> bool:
    return moment.said.payer_account_opened is not None or moment.said.payee_account_opened is not None


def _own(change: Callable[[Moment], Moment]) -> Callable[[Story, float], Iterator[Moment]]:
    """A change made to each of the evader's events alone."""
    return lambda story, _: (change(moment) if moment.own else moment for moment in story)


def _keep_under(story: Story, most: float) -> Iterator[Moment]:
    for moment in story:
        lower = moment.own and moment.amount > most
        yield moment._replace(said=moment.said.model_copy(update={"amount": most})) if lower else moment


def _split(story: Story, parts: float) -> Iterator[Moment]:
    for moment in story:
        if not (moment.own and moment.amount):
            yield moment
            continue
        part = moment.said.model_copy(update={"amount": round(moment.amount / parts, 2)})
        for number in range(int(parts)):
            yield moment._replace(at=moment.at + number * _PART_MS, said=part)


def _pace(story: Story, minutes: float) -> Iterator[Moment]:
    earliest = None
    for moment in story:
        if not moment.own:
            yield moment
            continue
        at = moment.at if earliest is None else max(moment.at, earliest)
        earliest = at + int(minutes) * MINUTE_MS
        yield moment._replace(at=at)


def _wait(story: Story, minutes: float) -> Iterator[Moment]:
    for moment in story:
        yield moment._replace(at=moment.at + int(minutes) * MINUTE_MS) if moment.own else moment


def _stop_after(story: Story, events: float) -> Iterator[Moment]:
    seen = 0
    for moment in story:
        seen += moment.own
        if not moment.own or seen <= events:
            yield moment


def _among(role: str) -> Callable[[Story, float], Iterator[Moment]]:
    """What the evader's own accounts do, divided among several of them: who pays on has been paid before."""

    def divided(story: Story, helpers: float) -> Iterator[Moment]:
        names = _names(story, role)
        coming = Counter(moment.said.payee for moment in story)
        turns: Counter[tuple[str, str]] = Counter()
        for moment in story:
            field = next((field for field in _DIVIDED[role] if getattr(moment.said, field) in names), None)
            if field is None:
                yield moment
                continue
            name = getattr(moment.said, field)
            in_turn = coming[name] >= helpers if field == "payee" else field == "device"
            if in_turn or not moment.amount:
                turns[field, name] += 1
                yield _helped(moment, field, name, (turns[field, name] - 1) % int(helpers))
                continue
            part = moment._replace(said=moment.said.model_copy(update={"amount": round(moment.amount / helpers, 2)}))
            for which in range(int(helpers)):
                yield _helped(part, field, name, which)

    return divided


def _helped(moment: Moment, field: str, name: str, which: int) -> Moment:
    if not which:
        return moment
    changed = {field: f"{name[:40]}.{which}"}
    account = getattr(moment.said, f"{field}_account", None)
    if account is not None:
        changed[f"{field}_account"] = f"{account[:40]}.{which}"
    return moment._replace(said=moment.said.model_copy(update=changed))


def _names(story: Story, role: str) -> set[str]:
    """Who can be several: a payee, a device, and a payer whose money the story tells of; nobody's victim."""
    paid = {moment.said.payee for moment in story if moment.amount}
    named = {getattr(moment.said, role) for moment in story if moment.own and moment.said.kind in _MOVED} - {None}
    return named & paid if role == "payer" else named


def _say_nothing(moment: Moment) -> Moment:
    return moment._replace(said=moment.said.model_copy(update={"purpose": None, "purpose_code": None}))


def _meet_before(story: Story, days: float) -> Iterator[Moment]:
    met = set()
    for moment in story:
        yield moment
        pair = moment.said.payer, moment.said.payee
        if not moment.own or None in pair or pair in met:
            continue
        met.add(pair)
        greeting = moment.said.model_copy(update={"kind": "transfer", "amount": _GREETING, "purpose": None})
        yield moment._replace(at=moment.at - int(days) * DAY_MS, said=greeting, own=False)


def _old_accounts(moment: Moment) -> Moment:
    old = (datetime.fromtimestamp(moment.at / 1000, UTC) - _OLD).date().isoformat()
    opened = {name: old for name in ("payer_account_opened", "payee_account_opened") if getattr(moment.said, name)}
    return moment._replace(said=moment.said.model_copy(update=opened))


def _known_device(moment: Moment) -> Moment:
    return moment._replace(said=moment.said.model_copy(update={"device_new": False, "remote_access": False}))


_ROLES: Final[dict[Kind, str]] = {"more_payees": "payee", "more_payers": "payer", "more_devices": "device"}
# Where a name is looked for: what somebody is paid and what he pays on go the same ways.
_DIVIDED: Final = {"payee": ("payee", "payer"), "payer": ("payer", "payee"), "device": ("device",)}
_CHANGES: Final[dict[Kind, Callable[[Story, float], Iterator[Moment]]]] = {
    "keep_under": _keep_under,
    "split": _split,
    "pace": _pace,
    "wait": _wait,
    "stop_after": _stop_after,
    "say_nothing": _own(_say_nothing),
    "meet_before": _meet_before,
    "old_accounts": _own(_old_accounts),
    "known_device": _own(_known_device),
    **{kind: _among(role) for kind, role in _ROLES.items()},
}
