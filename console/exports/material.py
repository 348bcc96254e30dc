"""What an export is made of: a case with its alerts, operations, holds, and those whose names were opened for it.

Instants are ms since 1970 UTC, money is tiyn. A party is a token; it has a number and a name only where a person who
may has opened them for this export with a reason, which the audit log has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from streams.contracts.hold import HoldEvent
from streams.contracts.suspicious_operation import SuspiciousOperation

KAZAKHSTAN: Final = timezone(timedelta(hours=5))


class Refused(ValueError):
    """There is nothing to make this export of; `reason` is a key of texts/exports.yaml."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody, or an account: a token, and what stands behind it where it was opened."""

    token: str
    kind: str  # person, company, foreign, account; empty where only half of the token is known
    number: str | None = None
    name: str | None = None

    @property
    def shown(self) -> str:
        """The number where it was opened, else the token."""
        return self.number or self.token


@dataclass(frozen=True, slots=True)
class Side:
    """Payer or payee of an operation."""

    party: Party | None
    account: Party | None
    institution: str | None  # BIC
    region: int  # number of the ISO 3166-2:KZ region; 0 not given, 255 abroad

    @property
    def parties(self) -> Iterator[Party]:
        """The person and the account, where they are known."""
        return (each for each in (self.party, self.account) if each is not None)


@dataclass(frozen=True, slots=True)
class Operation:
    """One judged operation."""

    event: str  # 16 hexadecimal digits, as evidence names it
    event_id: str
    institution: str  # its publisher
    occurred_at: int
    kind: str  # of rules.events.KINDS
    channel: str | None
    amount: int
    purpose_code: int
    payer: Side
    payee: Side


@dataclass(frozen=True, slots=True)
class CaseAlert:
    """An alert of the case and what was done with it."""

    alert: SuspiciousOperation
    state: str
    reason_code: str | None


@dataclass(frozen=True, slots=True)
class CaseHold:
    """A hold with every state it went through, in order."""

    states: tuple[HoldEvent, ...]

    @property
    def latest(self) -> HoldEvent:
        """Its present or last state."""
        return self.states[-1]


@dataclass(frozen=True, slots=True)
class TraceRow:
    """What became of the case's money at one account, traced pro rata; amounts in tiyn."""

    hop: int  # 1: where the first operations led
    account: Party
    received: int
    still_there: int
    left: int  # went out of sight: cash, crypto, abroad, or further than was traced


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One entry of the audit log about the case."""

    number: int
    at: int
    actor: str
    role: str
    action: str
    hash: str


@dataclass(frozen=True, slots=True)
class Filing:
    """The approved proposal that a report to the FIU's register rests on."""

    proposal_id: int
    digest: str
    maker: str
    checker: str
    approved_at: int
    reason: str


@dataclass(frozen=True, slots=True)
class Material:
    """Everything of one case."""

    case_id: int
    title: str
    state: str
    opened_at: int
    owner: str
    alerts: tuple[CaseAlert, ...]
    operations: tuple[Operation, ...]  # of the alerts, in order of time
    holds: tuple[CaseHold, ...] = ()
    trace: tuple[TraceRow, ...] = ()
    audit: tuple[AuditLine, ...] = ()
    filing: Filing | None = None
    prepared_at: int = 0
    named: frozenset[str] = field(default_factory=frozenset)  # tokens whose identities were opened for it

    @property
    def amount(self) -> int:
        """Of the operations, each once."""
        return sum(operation.amount for operation in self.operations)


def local(instant: int) -> datetime:
    """An instant in Kazakhstan's time.

    >>> local(0).isoformat()
    '1970-01-01T05:00:00+05:00'
    """
    return datetime.fromtimestamp(instant / 1000, UTC).astimezone(KAZAKHSTAN)


def decimal(tiyn: int) -> str:
    """An amount as documents write it: tenge, a point, two digits.

    >>> decimal(15_000_001), decimal(-5)
    ('150000.01', '-0.05')
    """
    whole, rest = divmod(abs(tiyn), 100)
    return f"{'-' if tiyn < 0 else ''}{whole}.{rest:02d}"
