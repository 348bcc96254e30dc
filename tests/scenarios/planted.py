"""Records put into a scenario beside the simulated ones, over invented people, each on a case that must come out so."""

from __future__ import annotations

from typing import Any

from tests.streams.events import document, valid_id

LENDER, BANK = "MFOKKZKA", "CASPKZKA"


def person(number: int) -> str:
    """A valid IIN, the same for the same number."""
    return next(found for serial in range(10) if (found := valid_id(f"8607144{number:03d}{serial}")))


def at(day: int, hour: int, minute: int = 0) -> str:
    """A moment of a day of the simulated week: day 0 is Monday, 5 January 2026."""
    return f"2026-01-{5 + day:02d}T{hour:02d}:{minute:02d}:00.000+05:00"


def transfer(event_id: str, when: str, sender: str, receiver: str, tenge: int, **changes: Any) -> dict[str, Any]:
    said = document(name="transaction") | {"event_id": event_id, "occurred_at": when, "amount": f"{tenge}.00"}
    said |= {"payer": {"id": sender}, "payee": {"id": receiver}}
    kept = {name: value for name, value in said.items() if name not in ("context", "device", "purpose", "purpose_code")}
    return {name: value for name, value in (kept | changes).items() if value is not None}


def loan(event_id: str, when: str, stage: str, borrower: str, **changes: Any) -> dict[str, Any]:
    said = document(name="loan") | {"event_id": event_id, "occurred_at": when, "stage": stage, "institution": LENDER}
    return (
        said | {"loan_id": f"of-{event_id}", "borrower": {"id": borrower}, "online": True, "secured": False} | changes
    )


def refusals(event_id: str, when: str, *entries: tuple[str, str, str, int]) -> dict[str, Any]:
    """Entries of (IIN, action, valid from, sequence)."""
    said = document(name="credit_refusals") | {"event_id": event_id, "occurred_at": when}
    names = ("id", "action", "valid_from", "sequence")
    return said | {"entries": [dict(zip(names, entry, strict=True)) for entry in entries]}


def listed(event_id: str, when: str, subject: str, name: str, **changes: Any) -> dict[str, Any]:
    """One person put on one list; a change to None leaves a field out."""
    entry = document(name="list_entries")["entries"][0]
    entry |= {"entry_id": f"{event_id}-entry", "list": name, "subject": {"id": subject}}
    entry |= {"valid_from": "2025-12-01", "valid_to": "2030-12-01"} | changes
    kept = {key: value for key, value in entry.items() if value is not None}
    return document(name="list_entries") | {"event_id": event_id, "occurred_at": when, "entries": [kept]}


def call(event_id: str, when: str, **callee: str) -> dict[str, Any]:
    return document(name="call") | {"event_id": event_id, "occurred_at": when, "sign": "spoofed", "callee": callee}
