"""A small fraud in a store: three victims pay a mule, who passes the money on within minutes, and a case about it."""

from __future__ import annotations

from dataclasses import dataclass

from console.store import cases
from console.store.keys import signed
from console.store.opening import Store
from tests.console.builders import NOW, TOKENS, Named, add_user, alert, feed, feed_judged, operation, person

MINUTE = 60_000
MULE, CHIEF, FRIEND = person(50), person(60), person(70)
VICTIMS = [person(number) for number in (1, 2, 3)]
BANK, OTHER = "CASPKZKA", "HSBKKZKX"


@dataclass(frozen=True)
class Somebody:
    """Who acts in a test of the store."""

    username: str
    role: str
    permissions: frozenset[str]


MAKER = Somebody("analyst", "analyst", frozenset({"cases.read", "cases.work", "proposals.make", "money.read"}))
CHECKER = Somebody("senior", "senior", frozenset({"cases.read", "cases.work", "proposals.make", "proposals.check"}))


def event(event_id: str, institution: str = BANK) -> int:
    """The key of an operation."""
    return signed(TOKENS.event_hash(institution, event_id))


def transfer(
    event_id: str, payer: Named, payee: Named, tenge: int, minutes: float, **more: object
) -> dict[str, object]:
    """A transfer from one bank to another, so many minutes after the beginning."""
    banks = {"payer_institution": BANK.encode(), "payee_institution": OTHER.encode()}
    at = NOW + round(minutes * MINUTE)
    return operation(event_id, payer=payer, payee=payee, tenge=tenge, at=at, **(banks | more))  # type: ignore[arg-type]


def fraud(store: Store) -> int:
    """Tell it to an empty store; the number of the case. 90,000 tenge are at the mule, 200,000 at the chief."""
    paid = [transfer(f"paid-{n}", victim, MULE, 100_000, n) for n, victim in enumerate(VICTIMS)]
    moved = [
        transfer("onward", MULE, CHIEF, 200_000, 10),
        operation("cash", payer=MULE, tenge=10_000, at=NOW + 12 * MINUTE, kind="cash_withdrawal"),
    ]
    feed_judged(store, [*paid, *moved])
    told = alert(1, payer=VICTIMS[0], payee=MULE, tenge=100_000, event_id="paid-0")
    feed(store, "suspicious-operations", told)
    for name in ("analyst", "senior"):
        add_user(store, name, name)
    with store.writing() as connection:
        return cases.open_case(connection, MAKER, "A mule", now=NOW, alert_ids=[told["alert_id"]])
