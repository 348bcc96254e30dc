"""A subject by its token: its alerts in any role, its counterparties, what it shares, and what is usual for it."""

from __future__ import annotations

import pytest

from console.store import dealings, habits, subjects
from console.store.errors import NotFound
from console.store.opening import Store
from tests.console.builders import NOW, alert, company, device, feed, feed_judged, operation, person, phone

HOUR_MS = 3_600_000
A, B, SHOP = person(1), person(2), company(1)


def filled(store: Store) -> None:
    # Every day at ten in the morning (NOW is ten in Kazakhstan) 10,000 to the shop, once 900,000 to B at noon.
    daily = [
        operation(f"day-{day}", payer=A, payee=SHOP, tenge=10_000, at=NOW - day * 24 * HOUR_MS, with_device=device(1))
        for day in range(1, 20)
    ]
    feed_judged(store, [*daily, operation("large", payer=A, payee=B, tenge=900_000, at=NOW + 2 * HOUR_MS)])
    feed_judged(store, [operation("of-b", payer=B, payee=SHOP, tenge=500, with_device=device(1))])
    feed_judged(store, [operation("called", payer=A, with_phone=phone(1), tenge=0, kind="call_scam")])


def test_habits_are_what_came_before_and_tell_the_unusual(store: Store) -> None:
    filled(store)
    with store.reading() as connection:
        usual = habits.before(connection, A.key, NOW + 2 * HOUR_MS)
        later = habits.before(connection, A.key, NOW + 400 * 24 * HOUR_MS)
    assert (usual.operations, usual.paid.median, usual.paid.spread) == (19, 1_000_000, 0)
    assert usual.times_median(90_000_000, paid=True) == 90
    assert usual.times_median(1, paid=False) is None
    assert usual.usual_hours == {10}
    assert SHOP.key in usual.known
    assert B.key not in usual.known
    assert later.operations == 0


def test_counterparties_come_by_money_in_both_directions(store: Store) -> None:
    filled(store)
    feed_judged(store, [operation("back", payer=SHOP, payee=A, tenge=7)])
    with store.reading() as connection:
        found = dealings.counterparties(connection, A.key)
    assert [each.key for each in found] == [B.key, SHOP.key]
    assert (found[1].paid_times, found[1].paid, found[1].received) == (19, 19_000_000, 700)
    assert found[1].last_at == NOW


def test_what_is_shared_names_the_others(store: Store) -> None:
    filled(store)
    with store.reading() as connection:
        found = {each.key: [user for user, _, _ in each.users] for each in dealings.shared(connection, A.key)}
        users = dealings.users_of(connection, "device", device(1).key)
    assert found == {device(1).key: [B.key], phone(1).key: []}
    assert [(user, times) for user, times, _ in users] == [(A.key, 19), (B.key, 1)]


def test_alerts_are_found_in_whatever_role_page_by_page(store: Store) -> None:
    feed(store, "suspicious-operations", *(alert(n, payer=A, payee=B) for n in (1, 2)), alert(3, payer=B, payee=SHOP))
    with store.reading() as connection:
        first = subjects.alerts_of(connection, B.key, limit=2)
        rest = subjects.alerts_of(connection, B.key, before=first[-1][1]["seq"], limit=2)
    assert [(role, row["seq"]) for role, row in [*first, *rest]] == [("payer", 3), ("payee", 2), ("payee", 1)]


@pytest.mark.parametrize("text", ["", "k1:zz", f"k1:{'0' * 32}", "demo:' OR 1=1 --", "a" * 10_000])
def test_a_token_that_nobody_has_is_not_found(store: Store, text: str) -> None:
    filled(store)
    with store.reading() as connection, pytest.raises(NotFound):
        subjects.find(connection, text)


def test_half_a_token_finds_its_whole(store: Store) -> None:
    filled(store)
    with store.reading() as connection:
        assert subjects.find(connection, A.text[:-16]).token == A.text
