"""The ledger of a case: what victims claim, what is frozen, what was recovered, and who gets how much of it.

Double entry: a transfer's postings add up to zero. The accounts are

- `outside`: everybody's accounts as they are, from which money is frozen and to which nothing of a case belongs;
- `frozen:KEY`: what an order keeps in the account of the party KEY;
- `held:CASE`: what was recovered, and waits for its distribution;
- `claimant:KEY`: what a victim got back.

Nothing here knows the store: postings and claims go in, sums and new postings come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

OUTSIDE: Final = "outside"
FREEZE, LIFT, RECOVER, DISTRIBUTE, RETURN = "freeze", "lift", "recover", "distribute", "return"


class Unbalanced(Exception):
    """A posting would break a law of the ledger; the message says which."""


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount` tiyn into an account, or out of it where below zero."""

    transfer_id: int
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a victim says was lost by one operation, in tiyn."""

    claim_id: int
    claimant: int
    amount: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a case stands, in tiyn; `claims` without those withdrawn."""

    frozen: Mapping[int, int]  # party → what is kept in its account now
    held: int  # recovered and not yet distributed
    paid: Mapping[int, int]  # claimant → what came back
    claimed: Mapping[int, int]  # claimant → what was claimed

    @property
    def owed(self) -> dict[int, int]:
        """Claimant → what is still missing."""
        return {one: max(0, amount - self.paid.get(one, 0)) for one, amount in self.claimed.items()}


def frozen(party: int) -> str:
    """The account of what is kept at a party."""
    return f"frozen:{party}"


def held(case_id: int) -> str:
    """The account of what was recovered in a case."""
    return f"held:{case_id}"


def claimant(party: int) -> str:
    """The account of what a victim got back."""
    return f"claimant:{party}"


def transfer(transfer_id: int, moves: Iterable[tuple[str, str, int]]) -> list[Posting]:
    """The postings of one transfer, of moves (from, to, tiyn above zero)."""
    postings = []
    for source, target, amount in moves:
        if amount <= 0:
            raise Unbalanced("an amount has to be above zero")
        postings += [Posting(transfer_id, source, -amount), Posting(transfer_id, target, amount)]
    return postings


def balances(postings: Iterable[Posting]) -> dict[str, int]:
    """Account → balance in tiyn."""
    found: dict[str, int] = {}
    for posting in postings:
        found[posting.account] = found.get(posting.account, 0) + posting.amount
    return found


def check(postings: Sequence[Posting], claims: Sequence[Claim]) -> dict[str, int]:
    """The balances, if every law holds; raises Unbalanced with the first that does not.

    Each transfer adds up to zero; nothing but `outside` is below zero; nobody got more than was claimed. Then what is
    frozen, held and paid back is together exactly what was taken from outside.
    """
    sums: dict[int, int] = {}
    for posting in postings:
        sums[posting.transfer_id] = sums.get(posting.transfer_id, 0) + posting.amount
    for transfer_id, total in sums.items():
        if total:
            raise Unbalanced(f"transfer {transfer_id} does not add up: {total} tiyn too much")
    found = balances(postings)
    for account, balance in found.items():
        if balance < 0 and account != OUTSIDE:
            raise Unbalanced(f"{account} would be {-balance} tiyn below zero")
    claimed = totals(claims)
    for account, balance in found.items():
        kind, _, party = account.partition(":")
        if kind == "claimant" and balance > claimed.get(int(party), 0):
            raise Unbalanced(f"{account} would get more than was claimed")
    return found


def totals(claims: Iterable[Claim]) -> dict[int, int]:
    """Claimant → all that is claimed."""
    found: dict[int, int] = {}
    for claim in claims:
        found[claim.claimant] = found.get(claim.claimant, 0) + claim.amount
    return found


def standing(postings: Sequence[Posting], claims: Sequence[Claim]) -> Standing:
    """How the case stands; raises Unbalanced where a law of the ledger is broken."""
    found = check(postings, claims)

    def of(kind: str) -> dict[int, int]:
        split = ((account.partition(":"), balance) for account, balance in found.items())
        return {int(party): balance for (name, _, party), balance in split if name == kind and party}

    return Standing(of("frozen"), sum(of("held").values()), of("claimant"), totals(claims))


def in_proportion(amount: int, weights: Mapping[int, int]) -> dict[int, int]:
    """Divide `amount` tiyn by weights (0 or more); the shares add up to it exactly, by the largest remainder.

    Equal remainders go to the lower key first, so that everybody finds the same shares.

    >>> in_proportion(100, {1: 1, 2: 1, 3: 1})
    {1: 34, 2: 33, 3: 33}
    """
    total = sum(weights.values())
    if amount < 0 or any(weight < 0 for weight in weights.values()) or (amount and not total):
        raise ValueError("an amount of at least zero is divided by weights of which one is above zero")
    if not total:
        return dict.fromkeys(weights, 0)
    shares = {key: amount * weight // total for key, weight in weights.items()}
    rest = amount - sum(shares.values())
    for key in sorted(weights, key=lambda key: (-(amount * weights[key] % total), key))[:rest]:
        shares[key] += 1
    return shares


def pro_rata(amount: int, owed: Mapping[int, int]) -> dict[int, int]:
    """Who gets what of `amount` tiyn, in proportion to what each is owed; nobody gets more, what is over remains."""
    return in_proportion(min(amount, sum(owed.values())), owed)


def first_in_first_out(
    amount: int,
    owed: Mapping[int, int],
    whose: Mapping[int, Mapping[int, int]],
    recovered: Mapping[int, int],
    had: Mapping[int, int],
) -> dict[int, int]:
    """The same by Clayton's case: each gets what tracing found of the own money in the accounts it was recovered from.

    `whose`: account → claimant → traced tiyn; `recovered`: account → tiyn that ever came from there; `had`: claimant →
    tiyn of earlier distributions. What tracing gives to nobody, or to somebody who is owed no more, remains.
    """
    found = dict.fromkeys(owed, 0)
    for account, came in recovered.items():
        traced = {key: part for key, part in whose.get(account, {}).items() if key in owed and part > 0}
        if traced:
            for key, part in in_proportion(min(came, sum(traced.values())), traced).items():
                found[key] += part
    found = {key: min(max(0, part - had.get(key, 0)), owed[key]) for key, part in found.items()}
    over = sum(found.values()) - amount
    return found if over <= 0 else in_proportion(amount, found)
