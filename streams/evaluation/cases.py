"""The cases of a run: which events and subjects belong to each, how its money came in, and who named it when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.events import DAY_MS, KINDS, ROLES
from streams.evaluation.observed import TRANSACTIONS, Alert, Observed

# A subject is of a case where the case's events are at least so much more common among its events than fraud is in
# the whole file: a shop that a stolen card paid once is not.
MORE_THAN_CHANCE: Final = 2.0
# An alert about a subject of a case counts as naming it while the case runs and so long after its last event.
STILL_ABOUT_MS: Final = 7 * DAY_MS
# Money that goes there has left the accounts from which it could be taken back.
LEAVING: Final = frozenset(map(KINDS.index, ("cash_withdrawal", "crypto_exchange", "card_payment", "loan_repayment")))

_LISTING: Final = KINDS.index("listing")


class Named(NamedTuple):
    """One alert that named a case."""

    alert: Alert
    at: int  # position in Case.rows: the event itself, or the first event that is not before the alert
    by_event: bool


@dataclass(slots=True)
class Case:
    """One fraud, from its first event to its last."""

    run: str
    name: str
    scenarios: tuple[str, ...]
    rows: NDArray[np.intp]  # of its events in Observed.rows, by time
    subjects: frozenset[int]
    first: int  # ms
    last: int
    entering: NDArray[np.int64]  # [events] tiyn that came into the case with each event
    within: NDArray[np.int64]  # [events + 1] tiyn that lay on accounts of the case before each event
    amounts: NDArray[np.int64]  # [events] tiyn moved; 0 where no money moves
    parties: NDArray[np.uint64]  # [events, 4]
    named: list[Named] = field(default_factory=list)

    @property
    def money(self) -> int:
        """Tiyn that came into the case in all, each counted once however often it was passed on."""
        return int(self.entering.sum())

    def come_before(self, position: int) -> float | None:
        """The share of the case's money that had come in before this event; None of a case without money."""
        return float(self.entering[:position].sum() / self.money) if self.money else None

    def still_to_come(self, named: Named) -> float | None:
        """The share of the money that came in after the alert, that of the alert's own event not included."""
        begin = named.at + named.by_event
        return float(self.entering[begin:].sum() / self.money) if self.money else None

    def recoverable(self, named: Named) -> float | None:
        """The share that was still to come, or being moved, or on accounts of the case, when the alert was raised."""
        if not self.money:
            return None
        return float((self.entering[named.at :].sum() + self.within[named.at]) / self.money)

    def first_named(self, typology: str | None = None) -> Named | None:
        """The first alert (of a typology) that named the case."""
        found = (each for each in self.named if typology is None or each.alert.typology == typology)
        return min(found, key=lambda each: (each.alert.occurred_at, each.at, each.alert.alert_id), default=None)

    def protected(self, typology: str | None = None) -> tuple[int, int]:
        """Tiyn of its events at and after the first hold or block, and the first warning, of who takes part in them.

        Money that a hold would have stopped more than once on its way is counted at most once; what a hold and a
        warning would both have stopped counts as held.
        """
        held, warned = np.zeros(len(self.rows), bool), np.zeros(len(self.rows), bool)
        for each in self.named:
            if typology is not None and each.alert.typology != typology:
                continue
            if each.alert.decision not in ("hold", "block", "warn"):
                continue
            stopped = warned if each.alert.decision == "warn" else held
            if each.by_event:
                stopped[each.at] = True
            if each.alert.subject:
                stopped[each.at :] |= (self.parties[each.at :] == np.uint64(each.alert.subject)).any(axis=1)
        by_hold = min(int(self.amounts[held].sum()), self.money)
        by_warning = min(int(self.amounts[warned & ~held].sum()), self.money - by_hold)
        return by_hold, by_warning


def cases_of(run: Observed) -> list[Case]:
    """The cases of fraud, by their first event, with the alerts that named each.

    Where the labels name no cases, a case is what one scenario's events have in common: those connected by a payer or
    payee, where fraud is more common among that one's events than in the file.
    """
    fraud = np.flatnonzero(run.fraud)
    if not len(fraud):
        return []
    fraud = fraud[np.argsort(run.rows["occurred_at"][fraud], kind="stable")]
    common = MORE_THAN_CHANCE * len(fraud) / len(run.rows)
    totals = _events_of_subjects(run, fraud)
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    nameless: dict[str, list[int]] = defaultdict(list)
    for row in fraud.tolist():
        label = run.known[run.rows["label"][row]]
        if label.case:
            groups["", label.case].append(row)
        else:
            nameless[label.scenario].append(row)
    for scenario, rows in nameless.items():
        for number, connected in enumerate(_connected(run, rows, totals, common), start=1):
            groups[scenario, f"{scenario}-{number}"] = connected
    cases = [_case(run, name, np.array(rows), totals, common) for (_, name), rows in groups.items()]
    _name(cases, run)
    # Whoever took money of a fraud, also one whose other life is longer than his part in it.
    listed = np.isin(run.rows["payee"], np.unique(run.rows["payee"][fraud])) & (run.rows["payee"] != 0)
    run.listings_of_frauds = frozenset(np.flatnonzero(listed & (run.rows["kind"] == _LISTING)).tolist())
    return sorted(cases, key=lambda case: (case.first, case.name))


def _case(run: Observed, name: str, rows: NDArray[np.intp], totals: dict[int, int], common: float) -> Case:
    events = run.rows[rows]
    parties = np.stack([events[role] for role in ROLES], axis=1)
    own: dict[int, int] = defaultdict(int)
    for row in parties.tolist():
        for token in set(row) - {0}:
            own[token] += 1
    moves = np.isin(events["kind"], list(TRANSACTIONS))
    amounts = np.where(moves, events["amount"], 0)
    entering, within = _money(parties, amounts, events["kind"])
    return Case(
        run=run.name,
        name=name,
        scenarios=tuple(sorted({run.known[number].scenario for number in events["label"].tolist()})),
        rows=rows,
        subjects=frozenset(token for token, count in own.items() if count / totals[token] >= min(1.0, common)),
        first=int(events["occurred_at"][0]),
        last=int(events["occurred_at"][-1]),
        entering=entering,
        within=within,
        amounts=amounts,
        parties=parties,
    )


def _money(
    parties: NDArray[np.uint64], amounts: NDArray[np.int64], kinds: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What came in with each event, and what lay inside before each: a payer spends the case's money first."""
    inside: dict[int, int] = defaultdict(int)
    entering, within = np.zeros(len(amounts), np.int64), np.zeros(len(amounts) + 1, np.int64)
    held = 0
    moves = zip(parties[:, 0].tolist(), parties[:, 1].tolist(), amounts.tolist(), kinds.tolist(), strict=True)
    for i, (payer, payee, amount, kind) in enumerate(moves):
        spent = min(inside[payer], amount) if payer else 0
        inside[payer] -= spent
        entering[i] = amount - spent
        held -= spent
        if payee and kind not in LEAVING:
            inside[payee] += amount
            held += amount
        within[i + 1] = held
    return entering, within


def _events_of_subjects(run: Observed, fraud: NDArray[np.intp]) -> dict[int, int]:
    """How many events of the run each subject of a fraud's event has, whatever its role."""
    involved = np.unique(np.concatenate([run.rows[role][fraud] for role in ROLES]))
    columns = [run.rows[role] for role in ROLES]
    counts = np.zeros(len(involved), np.int64)
    for number, column in enumerate(columns):
        # A subject in two roles of one event, such as a device that is nobody's, has one event.
        repeated = np.zeros(len(column), bool)
        for earlier in columns[:number]:
            repeated |= column == earlier
        tokens = column[~repeated]
        places = np.searchsorted(involved, tokens).clip(0, len(involved) - 1)
        counts += np.bincount(places[involved[places] == tokens], minlength=len(involved))
    return dict(zip(involved.tolist(), counts.tolist(), strict=True))


def _connected(run: Observed, rows: list[int], totals: dict[int, int], common: float) -> Iterable[list[int]]:
    """The rows, by time, divided into groups that share a payer or payee; groups by their first row."""
    own: dict[int, int] = defaultdict(int)
    ends = [(row, [int(run.rows[role][row]) for role in ROLES[:2]]) for row in rows]
    for _, parties in ends:
        for token in set(parties) - {0}:
            own[token] += 1
    leader = dict(zip(rows, rows, strict=True))

    def find(row: int) -> int:
        while leader[row] != row:
            leader[row] = leader[leader[row]]
            row = leader[row]
        return row

    seen: dict[int, int] = {}
    for row, parties in ends:
        for token in parties:
            if token and own[token] / totals[token] >= min(1.0, common):
                a, b = find(seen.setdefault(token, row)), find(row)
                leader[max(a, b)] = min(a, b)
    groups: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        groups[find(row)].append(row)
    return groups.values()


def _name(cases: list[Case], run: Observed) -> None:
    """Tell each case which alerts name an event or a subject of it."""
    of_event: dict[int, tuple[Case, int]] = {}
    of_subject: dict[int, list[Case]] = defaultdict(list)
    for case in cases:
        of_event.update((row, (case, position)) for position, row in enumerate(case.rows.tolist()))
        for token in sorted(case.subjects):
            of_subject[token].append(case)
    for alert in run.alerts:
        own = of_event.get(alert.row)
        if own is not None:
            own[0].named.append(Named(alert, own[1], True))
        for case in of_subject.get(alert.subject, ()):
            if own is not None and case is own[0]:
                continue
            if case.first <= alert.occurred_at <= case.last + STILL_ABOUT_MS:
                times = run.rows["occurred_at"][case.rows]
                case.named.append(Named(alert, int(np.searchsorted(times, alert.occurred_at)), False))
