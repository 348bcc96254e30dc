"""What was done against frauds, and what came of it: money, holds, warnings, registries, pyramids."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any, Final

from sqlalchemy import Connection

from console.statistics.figures import Figures, by_size, columns, share
from console.statistics.period import Step, period_of
from console.store import fraud_counts
from console.store import statistics as store
from console.store.returned import returned
from console.store.statistics import Choice
from rules.holds import EXPIRED, OPEN, PROCEEDED, RELEASED, RESTRAINING
from rules.warning import effect
from streams.cli.warnings import Told, together
from streams.contracts.warning import WarningEffect

_SET: Final = "set"


def money(connection: Connection, choice: Choice) -> list[Figures]:
    """Where the money is: taken by confirmed frauds, held, returned and by what, lost, let go, asked back, frozen.

    Lost is what confirmed frauds took, less what of it a hold still keeps, less what came back to victims.
    """
    taken, recalled = fraud_counts.taken(connection, choice), store.recalled(connection, choice)
    back, balances = returned(connection, choice), store.ledger_balances(connection, choice)
    outcomes = [row for row in store.hold_outcomes(connection, choice) if row.decision in RESTRAINING]
    held = fraud_counts.still_held(connection, choice)
    by_the_books = choice.institution is None  # a case's books do not say at which institution
    lost = max(0, int(taken.amount) - held - back.total)
    rows = (
        ("taken", taken.operations, int(taken.amount)),
        ("held_of_taken", None, held),
        ("returned", None, back.total),
        ("returned_recalled", None, back.recalled),
        ("returned_distributed", None, back.distributed if by_the_books else None),
        ("returned_lifted", None, back.lifted if by_the_books else None),
        ("returned_released", None, back.released),
        ("lost", None, lost),
        ("held_now", *_sums(outcomes, OPEN)),
        ("let_go_released", *_sums(outcomes, (RELEASED,))),
        ("let_go_proceeded", *_sums(outcomes, (PROCEEDED,))),
        ("let_go_expired", *_sums(outcomes, (EXPIRED,))),
        ("asked_back", recalled.recalls, int(recalled.amount)),
        ("frozen", None, balances.get("froz", 0) if by_the_books else None),
    )
    return [Figures("money", columns(measure="word", operations="count", amount="money"), rows, (2,), summed=False)]


def holds(connection: Connection, choice: Choice) -> list[Figures]:
    """Holds, blocks and step-ups of the period by their present state or their end."""
    rows = store.hold_outcomes(connection, choice)
    return [
        Figures(
            "holds_by_outcome",
            columns(decision="word", state="word", holds="count", amount="money"),
            by_size(((f"decision_{row.decision}", f"hold_{row.state}", row.holds, int(row.amount)) for row in rows), 2),
            (2,),
        )
    ]


def warnings(connection: Connection, choice: Choice) -> list[Figures]:
    """Warnings by rule, and what they changed: the share that paid again, of those warned and those held out."""
    effects = [WarningEffect.model_validate_json(document) for document in store.effects(connection, choice)]
    rows = []
    for row in store.warned(connection, choice):
        told = [Told(one.payee, one.rule, latest=one) for one in effects if one.rule == row.rule]
        warned, held = together(told)
        changed = effect(warned, held)
        rows.append(
            (
                f"rule_{row.rule}",
                row.warnings,
                warned.measured,
                share(warned.again, warned.measured),
                held.measured,
                share(held.again, held.measured),
                *(None if math.isnan(one) else one for one in changed[:3]),
                None if math.isnan(changed.averted) else round(changed.averted * 100),
            )
        )
    head = columns(
        rule="word",
        warnings="count",
        measured="count",
        paid_again="share",
        held_out="count",
        held_out_paid_again="share",
        difference="difference",
        low="difference",
        high="difference",
        averted="money",
    )
    return [Figures("warnings_by_rule", head, by_size(rows, 1), (3, 5))]


def registries(connection: Connection, choice: Choice, step: Step) -> list[Figures]:
    """Entries of lists, blocked resources, and refusals of credit: set and withdrawn."""
    entries: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in store.registered(connection, choice):
        entries[row.registry, row.list][row.action != _SET] += row.entries
    refused: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in store.refusals(connection, choice):
        refused[period_of(row.day, step)][row.action != _SET] += row.entries
    return [
        Figures(
            "registries",
            columns(registry="word", list="word", set="count", withdrawn="count"),
            by_size(
                ((f"registry_{registry}", f"list_{name}", *counts) for (registry, name), counts in entries.items()), 2
            ),
            (2, 3),
        ),
        Figures(
            "refusals",
            columns(period="period", set="count", withdrawn="count"),
            tuple((period, *counts) for period, counts in sorted(refused.items())),
            (1, 2),
        ),
    ]


def pyramids(connection: Connection, choice: Choice, step: Step) -> list[Figures]:
    """Collectors whose meter stood above the line, by period; people and money as the meter read them at most."""
    most: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    for row in store.pyramids(connection, choice):
        known = most[period_of(row.day, step)]
        people, paid = known.get(row.collector, (0, 0))
        known[row.collector] = max(people, row.people), max(paid, row.money)
    rows = tuple(
        (period, len(known), sum(people for people, _ in known.values()), sum(paid for _, paid in known.values()))
        for period, known in sorted(most.items())
    )
    # The same collector stands in several periods: nothing here may be added up.
    head = columns(period="period", collectors="count", people="count", money_in="money")
    return [Figures("pyramids_by_period", head, rows, (1,), summed=False)]


def participation(connection: Connection, choice: Choice) -> list[Figures]:
    """How institutions take part: events, late ones, refused ones, and decisions that were answered in time."""
    judged = {row.institution: row for row in store.participation(connection, choice)}
    refused: dict[str, int] = defaultdict(int)
    for row in store.rejected(connection, choice):
        refused[row.publisher] += int(row.events)
    answers = {row.institution: row for row in store.hold_answers(connection, choice)}
    rows = []
    for name in judged.keys() | refused.keys() | answers.keys():
        events = int(judged[name].events) if name in judged else 0
        late = int(judged[name].late) if name in judged else 0
        told = answers.get(name)
        asked, waiting = (told.holds, told.waiting) if told is not None else (0, 0)
        answered = told.answered if told is not None else 0
        rows.append(
            (
                name,
                events,
                late,
                share(late, events),
                refused[name],
                share(refused[name], events + refused[name]),
                asked,
                answered,
                waiting,
                share(answered, asked - waiting),
            )
        )
    head = columns(
        institution="institution",
        events="count",
        late="count",
        late_share="share",
        rejected="count",
        rejected_share="share",
        decisions="count",
        answered="count",
        waiting="count",
        answered_share="share",
    )
    return [Figures("participation", head, by_size(rows, 1), (3, 5))]


def rejections(connection: Connection, choice: Choice) -> list[Figures]:
    """Why records were refused, by publisher."""
    rows = store.rejected(connection, choice)
    return [
        Figures(
            "rejections",
            columns(institution="institution", reason="word", rejected="count"),
            by_size(((row.publisher, f"reason_{row.reason}", int(row.events)) for row in rows), 2),
            (2,),
        )
    ]


def _sums(rows: list[Any], states: tuple[str, ...]) -> tuple[int, int]:
    chosen = [row for row in rows if row.state in states]
    return sum(row.holds for row in chosen), sum(int(row.amount) for row in chosen)
