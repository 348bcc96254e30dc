"""The cheapest way around a typology: changes of its own alerting examples, tried from the cheapest on until silence.

What a change costs an evader is money given up, days of waiting, helpers and operations; `Prices` says what each is
taken to be worth, so that unlike efforts can be put in order. The order is that of a stated assumption; that a change
is silent is the engine's own word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from console.rulebooks.evasion_changes import Change, Kind, choices
from console.rulebooks.reports import Evasion, EvasionReport, Step, Way
from console.rulebooks.stories import Story, Verdict, story_of, verdict
from rules.events import DAY_MS
from rules.rulebook import Rulebook
from rules.typology import Example

MOST_TRIES: Final = 400  # judgements of one example
MOST_EVENTS: Final = 2_000  # of a changed story
_FINER: Final = 6  # halvings between the number that was silent and the slighter one before it
_PREPARED: Final[tuple[Kind, ...]] = ("old_accounts",)


@dataclass(frozen=True, slots=True)
class Prices:
    """What effort is worth to an evader, in tenge: deduced from what mules are paid, to be tuned on known cases."""

    helper: float = 50_000.0  # one more person, account or device
    operation: float = 500.0  # one more operation
    day: float = 0.02  # of the money, a day: a victim may notice, a bank may call
    account: float = 30_000.0  # one account with a past


@dataclass(frozen=True, slots=True)
class _Effort:
    """What changes cost, measured on the stories before and after."""

    forgone: float
    days: float
    helpers: int
    operations: int
    price: float


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Changes, the story that they make, and what they cost."""

    changes: tuple[Change, ...]
    story: Story
    effort: _Effort


def evasions(
    rulebook: Rulebook,
    typology_id: str,
    *,
    prices: Prices = Prices(),
    most_tries: int = MOST_TRIES,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> EvasionReport:
    """The cheapest evasion of each alerting example of a typology; ValueError where there is none of this id.

    An example whose model scores are stated, not measured, is not tried: no change of its events would change them.
    """
    place = [typology.id for typology in rulebook.typologies].index(typology_id)
    examples = rulebook.typologies[place].examples.alerting
    found, missed, tries = [], [], 0
    for number, example in enumerate(examples):
        ways, tried = _of_example(rulebook, place, example, prices, most_tries)
        tries += tried
        if ways:
            found.append(Evasion(example=example.name, **ways[0].model_dump()))
        else:
            missed.append(example.name)
        progress(number + 1, len(examples))
    return EvasionReport(typology=typology_id, digest=rulebook.digest, tries=tries, found=found, not_found=missed)


def cheapest_ways(
    rulebook: Rulebook,
    place: int,
    story: Story,
    *,
    prices: Prices = Prices(),
    most_ways: int = 1,
    most_tries: int = MOST_TRIES,
    ended: Callable[[], bool] = lambda: False,
) -> tuple[list[Way], int]:
    """The cheapest ways to keep the typology at `place` silent on a story, and how many judgements it took.

    A way that only adds a change to one that is found already is none. The search stops at `most_ways`, at
    `most_tries`, or once `ended`, which is asked before each judgement.
    """
    options = choices(rulebook.typologies[place], story)
    ways: list[Way] = []
    known: list[set[Kind]] = []
    tries = 0
    for changes in _in_order(story, options, prices):
        kinds = {change.kind for change in changes}
        if any(each <= kinds for each in known):
            continue
        attempt = _attempt(story, changes, prices)
        if len(attempt.story) > MOST_EVENTS:
            continue
        if tries >= most_tries or ended():
            break
        tries += 1
        said = verdict(rulebook, place, attempt.story)
        if said.silent:
            attempt, said, more = _finer(rulebook, place, story, attempt, said, options, prices)
            tries += more
            known.append(kinds)
            ways.append(_told(story, attempt, said))
        if len(ways) == most_ways:
            break
    return sorted(ways, key=lambda way: way.price), tries


def _of_example(
    rulebook: Rulebook, place: int, example: Example, prices: Prices, most_tries: int
) -> tuple[list[Way], int]:
    if any(said.anomaly for said in example.events):
        return [], 0
    return cheapest_ways(rulebook, place, story_of(rulebook, place, example), prices=prices, most_tries=most_tries)


def _in_order(story: Story, options: dict[Kind, list[float]], prices: Prices) -> list[tuple[Change, ...]]:
    """Every single change, and every two of different kinds, by rising price; that of two is taken to be the sum."""
    price = {
        Change(kind, number): _attempt(story, (Change(kind, number),), prices).effort.price
        for kind, numbers in options.items()
        for number in numbers
    }
    pairs = [pair for pair in combinations(price, 2) if pair[0].kind != pair[1].kind]
    every: list[tuple[Change, ...]] = [*((change,) for change in price), *pairs]
    return sorted(every, key=lambda changes: (sum(price[change] for change in changes), len(changes)))


def _attempt(story: Story, changes: tuple[Change, ...], prices: Prices) -> _Attempt:
    changed = story
    for change in changes:
        changed = change.apply(changed)
    return _Attempt(changes, changed, _effort(story, changed, changes, prices))


def _effort(before: Story, after: Story, changes: tuple[Change, ...], prices: Prices) -> _Effort:
    money = sum(moment.amount for moment in before if moment.own)
    forgone = max(0.0, money - sum(moment.amount for moment in after if moment.own))
    days = max(0.0, (_length(after) - _length(before)) / DAY_MS)
    operations = max(0, len(after) - len(before))
    helpers = max(0, _who(after) - _who(before))
    accounts = sum(change.kind in _PREPARED for change in changes) * _accounts(before)
    price = forgone + days * prices.day * money + helpers * prices.helper
    price += operations * prices.operation + accounts * prices.account
    return _Effort(forgone, days, helpers, operations, price)


def _length(story: Story) -> int:
    return max(moment.at for moment in story) - min(moment.at for moment in story)


def _who(story: Story) -> int:
    """People, accounts and devices of the evader's events."""
    return len({
        (role, name)
        for moment in story
        if moment.own
        for role in ("payer", "payee", "device")
        if (name := getattr(moment.said, role))
    })  # fmt: skip


def _accounts(story: Story) -> int:
    """Accounts of the evader's events that are told to be new."""
    return len({
        (role, getattr(moment.said, role))
        for moment in story
        if moment.own
        for role in ("payer", "payee")
        if getattr(moment.said, f"{role}_account_opened")
    })  # fmt: skip


def _finer(
    rulebook: Rulebook,
    place: int,
    story: Story,
    silent: _Attempt,
    said: Verdict,
    options: dict[Kind, list[float]],
    prices: Prices,
) -> tuple[_Attempt, Verdict, int]:
    """Narrow each number down between the slightest known to be silent and the one before it on the list."""
    tries = 0
    for at, change in enumerate(silent.changes):
        numbers = options[change.kind]
        where = numbers.index(change.number)
        slighter = numbers[where - 1] if where else _slightest(story, change)
        for _ in range(_FINER):
            middle = _rounded(change.kind, (slighter + silent.changes[at].number) / 2)
            if middle in (slighter, silent.changes[at].number):
                break
            changes = (*silent.changes[:at], Change(change.kind, middle), *silent.changes[at + 1 :])
            attempt = _attempt(story, changes, prices)
            tries += 1
            found = verdict(rulebook, place, attempt.story)
            if found.silent and attempt.effort.price <= silent.effort.price:
                silent, said = attempt, found
            else:
                slighter = middle
    return silent, said, tries


def _slightest(story: Story, change: Change) -> float:
    """The number that changes nothing, or next to nothing."""
    if change.kind == "keep_under":
        return max(moment.amount for moment in story if moment.own)
    return change.number if change.kind == "stop_after" else min(1.0, change.number)


def _rounded(kind: Kind, number: float) -> float:
    return round(number, -3) if kind == "keep_under" else float(round(number))


def _told(story: Story, attempt: _Attempt, said: Verdict) -> Way:
    return Way(
        steps=[Step(kind=change.kind, number=change.number) for change in attempt.changes],
        money_moved=sum(moment.amount for moment in story if moment.own),
        money_forgone=round(attempt.effort.forgone, 2),
        days=round(attempt.effort.days, 3),
        helpers=attempt.effort.helpers,
        operations=attempt.effort.operations,
        price=round(attempt.effort.price),
        score=said.score,
        still_caught_by=list(said.others),
    )
