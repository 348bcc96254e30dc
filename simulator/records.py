"""Records of the other streams: calls, loans, credit refusals, lists, blocked resources and outcomes of work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.moves import DAY, NOBODY, Ledger
from simulator.people import INSTITUTIONS, REGIONS, Population
from simulator.phrases import local_time

Subject = dict[str, str]

_REFUSALS, _LISTED = 1_000, 500  # entries in one record, which may have 1,000 of them and 256 KiB
_BICS: Final = tuple(INSTITUTIONS)
_OPERATORS: Final = {
    "700": "TELE2", "701": "KCELL", "702": "KCELL", "775": "KCELL", "778": "KCELL", "705": "BEELN", "771": "BEELN",
    "776": "BEELN", "777": "BEELN", "707": "TELE2", "747": "TELE2",
}  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """One entry of a list: who is set on it or withdrawn from it, why, and since when."""

    subject: Subject
    list: str
    source: str
    reason: str
    proof: str = "reasonable_grounds"
    action: str = "set"
    valid_from: float | None = None  # the moment of the record where not given
    valid_days: int = 365
    appeal: str = "none"
    entry_id: str = ""


@dataclass
class Records:
    """Writes the records of one country into its ledger."""

    population: Population
    ledger: Ledger
    entries: int = 0
    sequence: int = 0
    loans: int = 0

    def person(self, person: int) -> Subject:
        """A person or company as the subject of a record."""
        return {"id": self.population.identifier[self.population.owner[person]]}

    def account(self, account: int) -> Subject:
        """An account as the subject of a record."""
        return {"account": self.population.account_number(account)}

    def call(self, at: float, person: int, sign: str, seconds: int, *, named: bool = True, case: int = 0) -> None:
        """A marked call that a person got; the operator knows two people in three by their IIN."""
        phone = self.population.phone[person]
        callee = {"phone": phone}
        if named:
            callee["id"] = self.population.identifier[person]
        body: dict[str, object] = {"operator": _OPERATORS[phone[2:5]], "sign": sign, "callee": callee}
        if sign in ("spoofed", "scam") and person % 4:
            # A spoofed number pretends to be a bank's or the police's; the others show where they come from.
            own = sign == "spoofed"
            body["caller"] = f"+7727{2_000_000 + person % 900_000}" if own else f"+44790{1_000_000 + person % 900_000}"
        if sign != "sim_swap":
            body["duration_seconds"] = seconds
        self.ledger.record(at, "call", body, case)

    def next_loan(self) -> str:
        """The lender's name of a new loan."""
        self.loans += 1
        return f"L{self.population.seed % 1000:03d}-{self.loans:07d}"

    def loan(
        self, at: float, lender: int, loan_id: str, stage: str, borrower: int, tenge: float, *, account: int = NOBODY,
        online: bool = True, secured: bool = False, case: int = 0,
    ) -> None:  # fmt: skip
        """One stage of a loan of a lending company to a person."""
        population = self.population
        person = population.owner[borrower]
        party = {
            "id": population.identifier[person],
            "account": population.account_number(account if account != NOBODY else borrower),
            "region": list(REGIONS)[population.region[person]],
        }
        if person < population.people and person % 3:
            party["phone"] = population.phone[person]
        body: dict[str, object] = {
            "institution": _BICS[population.institution[lender]], "loan_id": loan_id, "stage": stage,
            "borrower": party, "amount": f"{round(tenge)}.00", "currency": "KZT", "online": online, "secured": secured,
        }  # fmt: skip
        self.ledger.record(at, "loan", body, case)

    def refusals(self, at: float, entries: Sequence[tuple[int, str, float]], case: int = 0) -> None:
        """Credit refusals set or withdrawn: (person, action, valid from), in as many records as they need."""
        said = []
        for person, action, valid_from in entries:
            self.sequence += 1
            said.append({
                "id": self.population.identifier[person], "action": action, "valid_from": local_time(int(valid_from)),
                "sequence": self.sequence,
            })  # fmt: skip
        for first in range(0, len(said), _REFUSALS):
            part = said[first : first + _REFUSALS]
            self.ledger.record(at, "credit_refusals", {"publisher": "EGOV", "entries": part}, case)

    def listed(self, at: float, entries: Sequence[Listed], case: int = 0) -> None:
        """Entries of the lists, in as many records as they need."""
        said = []
        for entry in entries:
            since = at if entry.valid_from is None else entry.valid_from
            row: dict[str, object] = {
                "entry_id": entry.entry_id or self.next_entry(), "list": entry.list, "action": entry.action,
                "subject": entry.subject, "source": entry.source, "reason": entry.reason, "proof": entry.proof,
                "valid_from": local_time(int(since)), "appeal": entry.appeal,
            }  # fmt: skip
            self.sequence += 1
            row["sequence"] = self.sequence
            if entry.action == "set":
                row["valid_to"] = local_time(int(since + entry.valid_days * DAY))
            said.append(row)
        for first in range(0, len(said), _LISTED):
            part = said[first : first + _LISTED]
            self.ledger.record(at, "list_entries", {"publisher": "AFM", "entries": part}, case)

    def next_entry(self) -> str:
        """The name of a new entry of a list."""
        self.entries += 1
        return f"E{self.entries:06d}"

    def blocked(
        self, at: float, resource: str, kind: str, reason: str, *, accounts: Sequence[str] = (),
        people: Sequence[int] = (), phones: Sequence[str] = (), cards: Sequence[str] = (), wallets: Sequence[str] = (),
        action: str = "set", valid_from: float | None = None, case: int = 0,
    ) -> None:  # fmt: skip
        """A site or account of a social network that was blocked, and what is tied to it."""
        since = at if valid_from is None else valid_from
        tied = {
            "ids": [self.population.identifier[person] for person in people], "accounts": [*accounts],
            "phones": [*phones], "cards": [*cards], "wallets": [*wallets],
        }  # fmt: skip
        body = {
            "publisher": "KIBERNADZOR", "resource": resource, "resource_kind": kind, "reason": reason,
            "action": action, "source": "monitoring", "valid_from": local_time(int(since)),
            "valid_to": local_time(int(since + 365 * DAY)), "tied": tied,
        }  # fmt: skip
        self.ledger.record(at, "blocked_resource", body, case)

    def disposition(
        self, at: float, outcome: str, subject: Subject, *, typology: int = 0, tenge: float = 0, case: int = 0
    ) -> None:
        """What the work on a subject came to."""
        body: dict[str, object] = {"publisher": "AFM", "outcome": outcome, "subject": subject}
        if typology:
            body["typology"] = f"T{typology:02d}"
        if tenge:
            body |= {"amount": f"{round(tenge)}.00", "currency": "KZT"}
        self.ledger.record(at, "disposition", body, case)


def wallet(rng: np.random.Generator) -> str:
    """An invented address of a crypto wallet."""
    letters = "023456789acdefghjklmnpqrstuvwxyz"
    return "bc1q" + "".join(letters[number] for number in rng.integers(0, len(letters), 38).tolist())
