"""The columns in which the country's events are made, before they become lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
TIYN: Final = 100

NOBODY: Final = -1

# One row per event; accounts, devices, purposes and contexts are positions in the country's tables.
MOVE: Final = np.dtype(
    [
        ("at", "<i8"),  # milliseconds since 1970 in local time: the writer adds the offset
        ("amount", "<i8"),  # tiyn
        ("payer", "<i4"),
        ("payee", "<i4"),
        ("device", "<i4"),
        ("purpose", "<i4"),
        ("context", "<i4"),
        ("record", "<i4"),  # NOBODY for a transaction, else the position of a record of another stream
        ("case", "<i4"),  # position in the country's cases, 0 in ordinary life
        ("kind", "u1"),  # position in rules.events.KINDS; of a record in RECORD_TYPES
        ("channel", "u1"),  # position in rules.events.CHANNELS
        ("scenario", "u1"),  # 0 honest, else the number of the typology
    ]
)

Moves = NDArray[np.void]
Indices = NDArray[np.int64]

TRANSFER, CARD_PAYMENT, CASH_DEPOSIT, CASH_WITHDRAWAL = range(4)
LOAN_DISBURSEMENT, LOAN_REPAYMENT, TOP_UP, CRYPTO_EXCHANGE = range(4, 8)
MOBILE, WEB, CARD, TERMINAL, ATM, BRANCH, API = range(7)

RECORD_TYPES: Final = (
    "transaction", "call", "loan", "credit_refusals", "list_entries", "blocked_resource", "disposition",
)  # fmt: skip


def moves(at: Indices, kind: Any, amount: Any, **columns: Any) -> Moves:
    """Rows of the given columns; a party, device or purpose that is not named is absent."""
    rows = np.zeros(len(at), dtype=MOVE)
    for absent in ("payer", "payee", "device", "purpose", "record"):
        rows[absent] = NOBODY
    rows["at"], rows["kind"], rows["amount"] = at, kind, amount
    for name, values in columns.items():
        rows[name] = values
    return rows


def join(batches: Iterable[Moves]) -> Moves:
    """All batches one after the other."""
    return np.concatenate([np.zeros(0, dtype=MOVE), *batches])


class Ledger:
    """Events that are told one by one: the stories of frauds and of honest people who look like them."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, int, int, int, int, int, int, int, int, int, int]] = []
        self.cases: list[tuple[str, int]] = [("", 0)]  # name and number of the typology; 0 for an honest look-alike
        self.records: list[bytes] = []  # the records of the other streams, from behind their moment on

    def __len__(self) -> int:
        return len(self._rows)

    def case(self, name: str, typology: int) -> int:
        """The number of a new case."""
        self.cases.append((name, typology))
        return len(self.cases) - 1

    def add(
        self,
        at: float,
        kind: int,
        tenge: float,
        *,
        payer: int = NOBODY,
        payee: int = NOBODY,
        channel: int = MOBILE,
        device: int = NOBODY,
        purpose: int = NOBODY,
        context: int = 0,
        case: int = 0,
    ) -> None:
        """Write down one transaction; whole tenge, as people send them."""
        amount = max(1, round(tenge)) * TIYN
        self._rows.append(
            (int(at), amount, payer, payee, device, purpose, context, NOBODY, case, kind, channel, self.cases[case][1])
        )

    def record(self, at: float, kind: str, body: Mapping[str, object], case: int = 0) -> None:
        """Write down a record of another stream: its type, and what it says besides its name and moment."""
        said = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        self.records.append(f'",{said[1:]}\n'.encode())
        last, number = len(self.records) - 1, RECORD_TYPES.index(kind)
        self._rows.append((int(at), 0, NOBODY, NOBODY, NOBODY, NOBODY, 0, last, case, number, 0, self.cases[case][1]))

    def latest(self, since: int) -> int:
        """The last moment of what was written down from the entry of that number on."""
        return max((row[0] for row in self._rows[since:]), default=0)

    def moves(self, start: int, end: int) -> Moves:
        """All events inside the simulated time, in the order of time."""
        rows = np.array(self._rows, dtype=MOVE)
        rows = rows[(rows["at"] >= start) & (rows["at"] < end)]
        return rows[np.argsort(rows["at"], kind="stable")]
