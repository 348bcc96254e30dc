"""A small country as tests see it: its lines, its events, its labels, and what belongs to a case."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from simulator.country import Settings, Summary, write_country
from streams.contracts.blocked_resource import BlockedResource
from streams.contracts.call import Call
from streams.contracts.credit_refusals import CreditRefusals
from streams.contracts.disposition import Disposition
from streams.contracts.fields import Contract
from streams.contracts.list_entries import ListEntries
from streams.contracts.loan import Loan
from streams.contracts.transaction import Transaction

SETTINGS: Final = Settings(days=5, people=2_000, seed=7)
CONTRACTS: Final[dict[str, type[Contract]]] = {
    "transaction": Transaction,
    "call": Call,
    "loan": Loan,
    "credit_refusals": CreditRefusals,
    "list_entries": ListEntries,
    "blocked_resource": BlockedResource,
    "disposition": Disposition,
}


@dataclass(frozen=True)
class Written:
    """What one run wrote."""

    lines: list[bytes]
    events: list[dict[str, Any]]
    labels: list[dict[str, str]]
    summary: Summary

    def of(self, typology: str) -> list[dict[str, Any]]:
        """The events of one fraud, in order."""
        pairs = zip(self.events, self.labels, strict=True)
        return [event for event, label in pairs if label["scenario"] == typology]

    def paid(self, typology: str) -> list[dict[str, Any]]:
        """Those of them that moved money."""
        return [event for event in self.of(typology) if event["type"] == "transaction"]

    @cached_property
    def cases(self) -> dict[str, list[dict[str, Any]]]:
        """Case → its events, in order; frauds and look-alikes."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for event, label in zip(self.events, self.labels, strict=True):
            if label["case"]:
                found[label["case"]].append(event)
        return found

    def named(self, name: str) -> list[list[dict[str, Any]]]:
        """The cases of one kind, such as `T06-called` or `wedding`."""
        found = [events for case, events in self.cases.items() if case.rpartition("-")[0] == name]
        assert found, name
        return found

    def records(self, kind: str) -> list[dict[str, Any]]:
        """All records of one type."""
        return [event for event in self.events if event["type"] == kind]


def country(folder: Path, settings: Settings) -> Written:
    """Write a country and read it back."""
    out, labels = folder / "days.jsonl", folder / "days.labels.csv"
    summary = write_country(settings, out, labels)
    lines = out.read_bytes().splitlines()
    with labels.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return Written(lines, [json.loads(line) for line in lines], rows, summary)
