"""The "loan despite refusal" document: a pure function from an alert, refusal entries and loan rows to plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final, NamedTuple

import numpy as np

from rules.events import NO_TIME
from rules.references import ACTIONS, ENTRY, LISTS, Entries, ReferenceSets
from streams.contracts.fields import milliseconds, write_instant
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.evidence.texts import FINDINGS, LANGUAGES, LAW, NOT_CLAIMED, TITLE, Finding

TYPE: Final = "loan_despite_refusal"
FORMAT: Final = 1
# Domain.md, section 3: from then on a loan given against a refusal is written off.
LAW_FROM: Final = datetime(2024, 9, 1, tzinfo=timezone(timedelta(hours=5)))
REFUSAL: Final = LISTS.index("refusal")
# A loan is given by its contract; where the records hold none, by the money.
GIVEN_BY: Final = ("contract", "disbursement")


class NoLoan(ValueError):
    """There is nothing to make a document of; the message says what is missing."""


class Place(NamedTuple):
    """Where a record stands in the log."""

    topic: str
    partition: int
    offset: int


class OrderKey(NamedTuple):
    """From where on the center knows a record: (append time, 0) live, (epoch, occurred_at) of a replayed history."""

    epoch: int
    order_time: int


@dataclass(frozen=True, slots=True)
class RefusalEntry:
    """One entry of the registry about the borrower, with both its times and its place."""

    action: str  # set or withdrawn
    valid_from: datetime
    sequence: int
    publisher: str
    event_id: str  # of the record
    recorded_at: datetime  # the broker's append time
    order: OrderKey
    place: Place
    number: int  # of the entry within the record, from 0


@dataclass(frozen=True, slots=True)
class LoanStep:
    """One step of the loan as its lender published it."""

    stage: str
    event_id: str
    occurred_at: datetime
    recorded_at: datetime
    order: OrderKey
    place: Place
    loan_id: str
    lender: str
    amount: str
    currency: str
    online: bool
    secured: bool


def loan_document(
    alert: SuspiciousOperation,
    borrower: str,
    entries: Sequence[RefusalEntry],
    steps: Sequence[LoanStep],
    prepared_at: datetime,
) -> dict[str, Any]:
    """What the records show: which refusal was in force, as known when, at each step of the loan.

    `borrower` is the borrower's token. The result holds texts, whole numbers, truths, lists and objects only, so that
    its canonical form is one; the order of `entries` and `steps` does not matter, and repeats are left out.

    Raises:
        NoLoan: there is no step, steps are of several loans, or none of them gives a loan.
    """
    ordered = sorted(set(steps), key=lambda step: (step.occurred_at, step.order, step.place))
    if not ordered:
        raise NoLoan("there is no step of the loan")
    if len({(step.loan_id, step.lender) for step in ordered}) > 1:
        raise NoLoan("the steps are of several loans")
    given = _given(ordered)
    known = sorted(set(entries), key=lambda entry: (entry.order, entry.place, entry.number))
    references, sources = _references(known)
    told_steps = [_step(step, references, sources, known) for step in ordered]
    finding = _finding(given, ordered, references)
    return {
        "type": TYPE,
        "format": FORMAT,
        "title": TITLE,
        "prepared_at": write_instant(prepared_at),
        "alert": {
            "alert_id": alert.alert_id,
            "typology": {
                "id": alert.typology.id,
                "version": alert.typology.version,
                "name": {language: getattr(alert.typology.name, language) for language in LANGUAGES},
            },
            "institution": alert.institution,
            "event_id": alert.event_id,
            "occurred_at": write_instant(alert.occurred_at),
            "place": _place(Place(alert.source.topic, alert.source.partition, alert.source.offset)),
        },
        "rulebook": alert.rulebook.model_dump(),
        "borrower": borrower,
        "loan": {
            "loan_id": given.loan_id,
            "lender": given.lender,
            "amount": given.amount,
            "currency": given.currency,
            "online": given.online,
            "secured": given.secured,
            "given_by": given.stage,
            "steps": told_steps,
        },
        "refusals": [_entry(entry) for entry in known],
        "finding": {"code": finding, "text": FINDINGS[finding]},
        "law": list(LAW),
        "does_not_claim": list(NOT_CLAIMED),
    }


def _given(steps: Sequence[LoanStep]) -> LoanStep:
    for stage in GIVEN_BY:
        for step in steps:
            if step.stage == stage:
                return step
    raise NoLoan("no contract and no payment of the loan is recorded: it was not given")


def _references(entries: Sequence[RefusalEntry]) -> tuple[ReferenceSets, list[tuple[str, int]]]:
    """The entries as the center's own reference set, so that what was in force is answered by the rule it judges by."""
    references = ReferenceSets()
    rows = np.zeros(len(entries), ENTRY)
    for row, entry in zip(rows, entries, strict=True):
        row["key"], row["list"], row["action"] = 1, REFUSAL, ACTIONS.index(entry.action)
        row["valid_from"], row["valid_to"] = milliseconds(entry.valid_from), NO_TIME
        row["epoch"], row["order_time"] = entry.order
        row["sequence"], row["number"] = entry.sequence, entry.number
        row["source"] = references.source(entry.place.topic, entry.place.partition)
        row["offset"] = entry.place.offset
    references.insert(rows)
    return references, references.sources


def _in_force(references: ReferenceSets, at: datetime, known: OrderKey) -> Entries:
    return references.in_force(1, REFUSAL, milliseconds(at), known)


_EVER: Final = OrderKey(np.iinfo(np.int64).max, np.iinfo(np.int64).max)


def _finding(given: LoanStep, steps: Sequence[LoanStep], references: ReferenceSets) -> Finding:
    if given.occurred_at < LAW_FROM:
        return "before_the_law"
    if len(_in_force(references, given.occurred_at, given.order)):
        return "given_against_refusal"
    if len(_in_force(references, given.occurred_at, _EVER)):
        return "recorded_later"
    paid = [step for step in steps if step.stage == "disbursement"]
    if any(len(_in_force(references, step.occurred_at, step.order)) for step in paid):
        return "set_before_payout"
    return "not_in_force"


def _step(
    step: LoanStep, references: ReferenceSets, sources: Sequence[tuple[str, int]], entries: Sequence[RefusalEntry]
) -> dict[str, Any]:
    then, ever = (_in_force(references, step.occurred_at, known) for known in (step.order, _EVER))
    places = {
        (*sources[int(row["source"])], int(row["offset"]), int(row["number"])) for row in (then if len(then) else ever)
    }
    by = [number for number, entry in enumerate(entries) if (*entry.place, entry.number) in places]
    return {
        "stage": step.stage,
        "event_id": step.event_id,
        "occurred_at": write_instant(step.occurred_at),
        "recorded_at": write_instant(step.recorded_at),
        "place": _place(step.place),
        "refusal_in_force": "yes" if len(then) else "later" if len(ever) else "no",
        "by_entries": by,  # positions in `refusals`
    }


def _entry(entry: RefusalEntry) -> dict[str, Any]:
    return {
        "action": entry.action,
        "valid_from": write_instant(entry.valid_from),
        "recorded_at": write_instant(entry.recorded_at),
        "sequence": entry.sequence,
        "publisher": entry.publisher,
        "event_id": entry.event_id,
        "place": {**_place(entry.place), "entry": entry.number},
    }


def _place(place: Place) -> dict[str, Any]:
    return place._asdict()
