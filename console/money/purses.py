"""What is in an account into which traced money came, and which of it is paid out first: the four ways to tell.

- FIFO: what came first leaves first. English law since Clayton's case (1816); Anderson, Shumailov and Ahmed ("Making
  Bitcoin Legal", 2018) follow stolen coins so.
- LIFO: what came last leaves first.
- Pro rata: every payment takes of the traced money the share that it has of the balance; "haircut" with Möser, Böhme
  and Breuker ("Towards Risk Scoring of Bitcoin Transactions", 2014), "rateable" in English law.
- Poison: all that is in an account into which traced money came, and all that comes while it is not empty, is traced;
  from the same paper. It counts too much, and shows how far money can have come at most.

A purse is handed, and hands on, parts: (label, amount) in the order in which they leave, label 0 for clean money. FIFO
and LIFO keep the labels of several seeds apart; for the others traced money is one.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal, Protocol

Method = Literal["fifo", "lifo", "pro_rata", "poison"]
METHODS: Final[tuple[Method, ...]] = ("fifo", "lifo", "pro_rata", "poison")
CLEAN: Final = 0
TRACED: Final = 1  # the label where traced money is one

Part = tuple[int, int]


class Purse(Protocol):
    """An account with traced money; `balance` and `traced` are tiyn."""

    balance: int
    traced: int

    def put(self, parts: list[Part], amount: int, traced: int) -> None:
        """Take in parts that add up to `amount`, `traced` of it not clean."""

    def take(self, amount: int) -> list[Part]:
        """Pay out at most the balance."""

    def whose(self) -> list[Part]:
        """The traced money that is there, by label."""


class _Lots:
    """Money kept in a row of lots as it came; what a payment takes of them is the heirs' affair."""

    __slots__ = ("_lots", "balance", "traced")

    def __init__(self, clean: int) -> None:
        self._lots: deque[Part] = deque([(CLEAN, clean)] if clean else ())
        self.balance, self.traced = clean, 0

    def put(self, parts: list[Part], amount: int, traced: int) -> None:
        """See Purse."""
        lots = self._lots
        for part in parts:
            if lots and lots[-1][0] == part[0]:
                part = (part[0], lots.pop()[1] + part[1])
            lots.append(part)
        self.balance += amount
        self.traced += traced

    def whose(self) -> list[Part]:
        """See Purse."""
        return _by_label(self._lots)


class Queue(_Lots):
    """FIFO: payments take the oldest lots."""

    __slots__ = ()

    def take(self, amount: int) -> list[Part]:
        """See Purse."""
        lots, parts, needed = self._lots, [], amount
        self.balance -= amount
        while needed:
            label, there = lots[0]
            if there > needed:
                lots[0] = (label, there - needed)
                there = needed
            else:
                lots.popleft()
            needed -= there
            parts.append((label, there))
            if label:
                self.traced -= there
        return parts


class Stack(_Lots):
    """LIFO: payments take the latest lots; what one payment takes stays in its order."""

    __slots__ = ()

    def take(self, amount: int) -> list[Part]:
        """See Purse."""
        lots, parts, needed = self._lots, [], amount
        self.balance -= amount
        while needed:
            label, there = lots.pop()
            if there > needed:
                lots.append((label, there - needed))
                there = needed
            needed -= there
            parts.append((label, there))
            if label:
                self.traced -= there
        parts.reverse()
        return parts


class Mixture:
    """Pro rata: traced and clean money are mixed; a payment's share is rounded to whole tiyn, half up."""

    __slots__ = ("balance", "traced")

    def __init__(self, clean: int) -> None:
        self.balance, self.traced = clean, 0

    def put(self, parts: list[Part], amount: int, traced: int) -> None:
        """See Purse."""
        self.balance += amount
        self.traced += traced

    def take(self, amount: int) -> list[Part]:
        """See Purse."""
        traced = (2 * amount * self.traced + self.balance) // (2 * self.balance)
        self.balance -= amount
        self.traced -= traced
        return [(TRACED, traced), (CLEAN, amount - traced)]

    def whose(self) -> list[Part]:
        """See Purse."""
        return [(TRACED, self.traced)] if self.traced else []


class Poisoned:
    """Poison: everything is traced until the account is empty."""

    __slots__ = ("balance", "traced")

    def __init__(self, clean: int) -> None:
        self.balance, self.traced = clean, 0

    def put(self, parts: list[Part], amount: int, traced: int) -> None:
        """See Purse."""
        self.balance += amount
        if traced or self.traced:
            self.traced = self.balance

    def take(self, amount: int) -> list[Part]:
        """See Purse."""
        poisoned = self.traced > 0
        self.balance -= amount
        self.traced = self.balance if poisoned else 0
        return [(TRACED if poisoned else CLEAN, amount)]

    def whose(self) -> list[Part]:
        """See Purse."""
        return [(TRACED, self.traced)] if self.traced else []


PURSES: Final[dict[Method, type[Queue] | type[Stack] | type[Mixture] | type[Poisoned]]] = {
    "fifo": Queue,
    "lifo": Stack,
    "pro_rata": Mixture,
    "poison": Poisoned,
}


def _by_label(lots: deque[Part] | list[Part]) -> list[Part]:
    totals: dict[int, int] = {}
    for label, amount in lots:
        if label:
            totals[label] = totals.get(label, 0) + amount
    return sorted(totals.items())
