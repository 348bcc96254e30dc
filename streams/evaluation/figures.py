"""The figures that an evaluation states, as plain dataclasses ready to be written as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

EARLY: Final = 0.10  # of a case's money: who names it before, names it early


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well the risk ranks all events."""

    average_precision: float
    recall_at_1_percent: float
    precision_at_1_percent: float
    share_of_fraud: float
    curve: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Innocents:
    """What holds and blocks did to honest events and people."""

    events: int  # honest transactions
    held: int  # of them, with a hold or block
    share: float
    warned: int
    stepped_up: int
    people: int  # whom the holds were about and who have no part in a fraud
    days_mean: float | None  # the legal term of a hold, in calendar days
    days_longest: float | None


@dataclass(frozen=True, slots=True)
class CaseFigures:
    """How cases of one kind were found, by one typology or by any."""

    cases: int
    found: int
    recall: float | None
    found_by_event: int  # with an alert on an event of the case itself
    events: int
    events_found: int
    event_recall: float | None
    lead_days: float | None  # median over the found, from the case's first event to the first alert
    to_come: float | None  # median share of the money that came in after the first alert
    recoverable: float | None  # median share of the money that could still be held or taken back
    money: int  # tiyn
    held: int  # tiyn of events at and after the first hold or block
    warned: int  # tiyn of events at and after the first warning, and not held


@dataclass(frozen=True, slots=True)
class TypologyFigures:
    """One typology: what it raised, and the cases that are its own."""

    id: str
    name: str
    status: str
    alerts: int
    alerts_per_analyst_day: float
    subjects: int  # whom the alerts are about
    right: int  # on an event of a fraud, whichever
    right_strict: int  # on an event of this typology's own fraud
    precision: float | None
    strict_precision: float | None
    honest_held: int
    own: CaseFigures
    by_any: CaseFigures


@dataclass(frozen=True, slots=True)
class FindingOfCase:
    """A typology that named a case."""

    typology: str
    alerts: int
    first_day: float  # since the case's first event
    money_before: float | None  # share of the case's money that had come in before the first alert
    by_event: bool  # any of its alerts is on an event of the case, not only about a subject of it


@dataclass(frozen=True, slots=True)
class CaseFound:
    """One case with the typologies that named it, the earliest first."""

    run: str
    case: str
    scenarios: tuple[str, ...]
    events: int
    days: float
    money: int
    recoverable: float | None
    findings_before_10_percent: int  # typologies that named it before that share of its money had come in
    alerts_before_10_percent: int
    findings: list[FindingOfCase]


@dataclass(frozen=True, slots=True)
class LookAlike:
    """Honest people who look like a fraud, by the kind of their story."""

    kind: str
    cases: int
    events: int
    alerted: int  # cases with an alert on one of their events
    held: int  # cases with a hold or block
    alerts: dict[str, int]  # by typology


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is said of one run, or of several together."""

    events: int
    rejected: int
    late: int
    unlabelled: int
    days: float
    fraud_events: int
    fraud_events_not_judged: int
    cases: int
    cases_not_judged: list[str]  # named by the labels, with no event that could be judged: in no figure below
    alerts: int
    alerts_per_analyst_day: float
    precision: float | None
    all_cases: CaseFigures
    ranking: Ranking
    innocents: Innocents
    typologies: list[TypologyFigures]
    scenarios: dict[str, CaseFigures]
    case_list: list[CaseFound]
    look_alikes: list[LookAlike]
