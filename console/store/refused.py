"""What the books of money do not allow, each with a text of its own in texts/money.yaml."""

from __future__ import annotations

from typing import Literal

from console.store.errors import StoreError

Why = Literal[
    "books",
    "case_closed",
    "distribution_waits",
    "no_account",
    "not_two_parties",
    "nothing_left",
    "nothing_to_divide",
    "paid_claim",
    "recall_waits",
    "recalled",
    "same_institution",
    "too_many_claims",
    "too_much",
]


class MoneyRefused(StoreError):
    """Money cannot be dealt with so; `why` says which text tells the reason and what to do, nothing was changed."""

    def __init__(self, why: Why) -> None:
        super().__init__(f"This cannot be done with the money ({why}).", "Look at the case's money again.")
        self.why = why
