"""The columns in which the country's events are made, before they become lines of JSON."""

from __future__ import annotations

from collections.abc import Iterable
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
        ("kind", "u1"),  # position in rules.events.KINDS
        ("channel", "u1"),  # position in rules.events.CHANNELS
        ("scenario", "u1"),  # 0 honest, else the number of the typology
    ]
)

Moves = NDArray[np.void]
Indices = NDArray[np.int64]

TRANSFER, CARD_PAYMENT, CASH_DEPOSIT, CASH_WITHDRAWAL = range(4)
LOAN_DISBURSEMENT, LOAN_REPAYMENT, TOP_UP, CRYPTO_EXCHANGE = range(4, 8)
MOBILE, WEB, CARD, TERMINAL, ATM, BRANCH, API = range(7)


def moves(at: Indices, kind: Any, amount: Any, **columns: Any) -> Moves:
    """Rows of the given columns; a party, device or purpose that is not named is absent."""
    rows = np.zeros(len(at), dtype=MOVE)
    for absent in ("payer", "payee", "device", "purpose"):
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
        self._rows: list[tuple[int, int, int, int, int, int, int, int, int, int]] = []

    def __len__(self) -> int:
        return len(self._rows)

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
        scenario: int = 0,
    ) -> None:
        """Write down one event; whole tenge, as people send them."""
        amount = max(1, round(tenge)) * TIYN
        self._rows.append((int(at), amount, payer, payee, device, purpose, context, kind, channel, scenario))

    def moves(self, start: int, end: int) -> Moves:
        """All events inside the simulated time, in the order of time."""
        rows = np.array(self._rows, dtype=MOVE)
        rows = rows[(rows["at"] >= start) & (rows["at"] < end)]
        return rows[np.argsort(rows["at"], kind="stable")]
