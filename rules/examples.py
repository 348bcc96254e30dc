"""The examples of typologies: written out as events and entries of lists, judged, compared with what they must show."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rules.events import (
    CHANNELS,
    DEVICE_NEW,
    EVENT,
    FACT_KINDS,
    KINDS,
    LOAN_ONLINE,
    LOAN_SECURED,
    LOCAL_OFFSET_MS,
    NO_TIME,
    OWN_DEPOSIT_BROKEN,
    PARTY_KINDS,
    REMOTE_ACCESS,
    ROLES,
    Events,
)
from rules.history import Histories
from rules.judged import Judged
from rules.lists import day_starts
from rules.loans import Loans, judge_again
from rules.references import ACTIONS, APPEALS, ENTRY, LISTS, PROOFS, Entries, ReferenceSets
from rules.rulebook import Rulebook
from rules.typology import Example, Occurrence, Typology, milliseconds
from rules.words import first_words

_INSTITUTION: Final = "CASPKZKA"
_COUNTED: Final = re.compile(r"\{(\d+)\.\.(\d+)\}")
_FLAGS: Final = {
    "device_new": DEVICE_NEW,
    "remote_access": REMOTE_ACCESS,
    "own_deposit_broken": OWN_DEPOSIT_BROKEN,
    "online": LOAN_ONLINE,
    "secured": LOAN_SECURED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """An example written out: event rows in order of time, the model scores that it states, and entries of lists."""

    rows: Events
    scores: np.ndarray[Any, np.dtype[np.float64]]
    entries: Entries
    lists: NDArray[np.uint32] | None = None  # [n, 4] where it is known who was on which; else `entries` say it


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one example."""

    typology: str
    kind: str  # alerting or silent
    name: str
    passed: bool
    events: int
    expected: str
    alerts: tuple[int, ...]  # the events that alerted, from 1
    best: int  # the event with the highest score, from 1
    score: float  # its score
    signals: dict[str, str]  # its signals: yes, no, not judged
    others: tuple[str, ...]  # typologies that alerted on the same events

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def _key(kind: str, name: str) -> tuple[int, int]:
    """An invented token: the same name is the same subject in every example."""
    digest = hashlib.sha256(f"{kind}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "little") or 1, int.from_bytes(digest[8:16], "little")


def _local_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000) - LOCAL_OFFSET_MS


def _in_turn(value: Any, number: int) -> Any:
    return value[number % len(value)] if isinstance(value, list) else value


def _named(pattern: str, number: int) -> str:
    """The name that a pattern stands for the n-th time."""

    def counted(found: re.Match[str]) -> str:
        first, last = int(found.group(1)), int(found.group(2))
        return str(first + number % max(last - first + 1, 1))

    return _COUNTED.sub(counted, pattern).replace("*", str(number + 1))


def tell(example: Example) -> Told:
    """Write an example out as event rows and entries of lists, each in order of time."""
    told = [
        (_local_ms(said.at) + number * (milliseconds(said.every) if said.every else 0), said, number)
        for said in example.events
        for number in range(said.times)
    ]
    told.sort(key=lambda one: one[0])
    events = [one for one in told if one[1].entry is None]
    rows = np.zeros(len(events), EVENT)
    scores = np.full((len(events), 2), np.nan)
    for place, (at, said, number) in enumerate(events):
        _write(rows[place : place + 1], at, said, number, place)
        for side, role in enumerate(("payer", "payee")):
            scores[place, side] = said.anomaly.get(role, np.nan)  # type: ignore[call-overload]
    said_of_lists = [one for one in told if one[1].entry is not None]
    entries = np.zeros(len(said_of_lists), ENTRY)
    for place, (at, said, number) in enumerate(said_of_lists):
        _write_entry(entries[place : place + 1], at, said, number, place)
    return Told(rows, scores, entries)


def written_out(example: Example) -> list[tuple[int, Occurrence]]:
    """An example as single occurrences in order of time: when each happens (ms UTC), and with whom and how much."""
    told = []
    for said in example.events:
        for number in range(said.times):
            one: dict[str, Any] = {"times": 1, "every": None}
            for name in ("amount", "payer_region", "payee_region"):
                one[name] = _in_turn(getattr(said, name), number)
            for name in ("payer", "payee", "device", "phone", "payer_account", "payee_account", "subject"):
                pattern = getattr(said, name)
                one[name] = _named(pattern, number) if pattern else None
            at = _local_ms(said.at) + number * (milliseconds(said.every) if said.every else 0)
            told.append((at, said.model_copy(update=one)))
    return sorted(told, key=lambda one: one[0])


def _write_entry(entry: Entries, at: int, said: Occurrence, number: int, place: int) -> None:
    assert said.subject is not None
    assert said.list is not None
    assert said.entry is not None
    kind, _, name = _named(said.subject, number).rpartition(":")
    entry["key"], _ = _key(kind or "person", name)
    entry["list"] = LISTS.index(said.list)
    entry["action"] = ACTIONS.index(said.entry)
    entry["proof"] = PROOFS.index(said.proof or PROOFS[0])
    entry["appeal"] = APPEALS.index(said.appeal)
    entry["valid_from"] = _local_ms(said.valid_from) if said.valid_from else at
    entry["valid_to"] = _local_ms(said.valid_to) if said.valid_to else NO_TIME
    entry["epoch"], entry["sequence"], entry["offset"] = at, said.sequence, place


def _write(row: Events, at: int, said: Occurrence, number: int, place: int) -> None:
    row["event_id"] = f"example-{place + 1}".encode()
    row["event"], row["content"] = _key("event", f"{place}")
    row["institution"] = _INSTITUTION.encode()
    row["offset"] = place
    row["occurred_at"] = row["appended_at"] = row["epoch"] = at
    row["kind"] = KINDS.index(said.kind)
    row["channel"] = CHANNELS.index(said.channel) if said.channel else 255
    row["flags"] = sum(bit for name, bit in _FLAGS.items() if getattr(said, name))
    row["amount"] = round((_in_turn(said.amount, number) or 0) * 100)
    row["currency"] = said.currency.encode()
    row["purpose_code"] = said.purpose_code or 0
    row["merchant_category"] = said.merchant_category or 0
    row["words"] = first_words(said.purpose) if said.purpose else 0
    if said.list is not None:
        row["words"] = [LISTS.index(said.list) + 1, 0, 0, 0]
    row["sim_changed_at"] = _local_ms(said.sim_changed) if said.sim_changed else NO_TIME
    row["home"] = 1
    for role in ("payer", "payee"):
        _write_party(row, role, said, number)
    if said.kind.startswith("loan_") and said.kind in FACT_KINDS:
        row["payer_institution"] = (said.payer_institution or _INSTITUTION).encode()
    for role in ("device", "phone"):
        name = getattr(said, role)
        if name:
            row[role], row[f"{role}_rest"] = _key(role, _named(name, number))
    row["roles"] = sum(1 << bit for bit, role in enumerate(ROLES) if row[role][0])


def _write_party(row: Events, role: str, said: Occurrence, number: int) -> None:
    opened = getattr(said, f"{role}_account_opened")
    row[f"{role}_account_opened_at"] = day_starts(opened) if opened else NO_TIME
    pattern = getattr(said, role)
    if pattern is None:
        return
    kind, _, name = _named(pattern, number).rpartition(":")
    row[role], row[f"{role}_rest"] = _key(kind or "person", name)
    row[f"{role}_kind"] = PARTY_KINDS.index(kind or "person")
    account = getattr(said, f"{role}_account")
    row[f"{role}_account"], _ = _key("account", _named(account, number) if account else name)
    row[f"{role}_region"] = _in_turn(getattr(said, f"{role}_region"), number) or 0
    row[f"{role}_institution"] = (getattr(said, f"{role}_institution") or _INSTITUTION).encode()


def judge(rulebook: Rulebook, told: Told) -> Judged:
    """Judge the rows of an example in order, in histories and lists that know nothing else.

    A loan is judged once more when a refusal becomes known too late: what the typologies say of it then stands.
    """
    rows = told.rows
    rows["amount_kzt"] = rulebook.amounts_in_tenge(rows)
    needed = rulebook.applicable(rows)
    applied = Histories(subjects=1 << 12, entries=1 << 16).apply(rows, rulebook.features, needed)
    references = ReferenceSets()
    references.source("example", 0)
    references.insert(told.entries)
    lists = told.lists if told.lists is not None else references.of_events(rows, rulebook.listed_roles)
    judged = rulebook.judge(rows, needed, applied.values, applied.statistics, told.scores, lists)
    loans = Loans()
    loans.add(rows)
    concerned, known_at = loans.concerned(told.entries)
    again, alerts = judge_again(rulebook, concerned, known_at, references)
    for i, t in zip(*np.nonzero(alerts), strict=True):
        place = int(concerned["offset"][i])
        if judged.score[place, t] < rulebook.alert_at[t]:
            judged.score[place, t] = again.score[i, t]
            judged.signals[place, rulebook.signal_of[t]] = again.signals[i, rulebook.signal_of[t]]
    return judged


def run(rulebook: Rulebook) -> Iterator[Outcome]:
    """Run every example of every typology."""
    for place, typology in enumerate(rulebook.typologies):
        for kind, examples in (("alerting", typology.examples.alerting), ("silent", typology.examples.silent)):
            for example in examples:
                yield outcome_of(rulebook, place, kind, example, judge(rulebook, tell(example)))


def outcome_of(rulebook: Rulebook, place: int, kind: str, example: Example, judged: Judged) -> Outcome:
    """What became of an example of the typology at `place`, judged as `judge` does."""
    typology = rulebook.typologies[place]
    fired = judged.score >= rulebook.alert_at
    alerts = tuple(int(i) + 1 for i in np.flatnonzero(fired[:, place]))
    best = int(np.argmax(judged.score[:, place]))
    passed, expected = _compared(kind, example, alerts, len(judged.rows))
    return Outcome(
        typology.id,
        kind,
        example.name,
        passed,
        len(judged.rows),
        expected,
        alerts,
        best + 1,
        float(judged.score[best, place]),
        _said(typology, judged.signals[best, rulebook.signal_of[place]].tolist()),
        tuple(other.id for t, other in enumerate(rulebook.typologies) if t != place and fired[:, t].any()),
    )


def _compared(kind: str, example: Example, alerts: tuple[int, ...], events: int) -> tuple[bool, str]:
    if kind == "silent":
        return not alerts, "no alert"
    if example.alerts == "any":
        return bool(alerts), "an alert"
    if example.alerts == "last":
        return events in alerts, f"an alert at event {events}, the last"
    return list(alerts) == sorted(set(example.alerts)), f"alerts at exactly {sorted(set(example.alerts))}"


def _said(typology: Typology, states: Sequence[int]) -> dict[str, str]:
    words = ("no", "yes", "not judged")
    return {signal.id: words[state] for signal, state in zip(typology.signals, states, strict=True)}
