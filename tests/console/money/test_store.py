"""Money in the store: followed by what it has, frozen and divided by two persons, and recalls that close themselves."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import insert, select

from console.money.purses import METHODS
from console.money.restitution import Unbalanced
from console.store import distribution, freezing, money, proposals, recalls, restitution
from console.store import operations as loading
from console.store.errors import NotAllowed, NotFound
from console.store.money import Followed, Question
from console.store.opening import Store
from console.store.refused import MoneyRefused
from console.store.tables import ledger, outbound
from streams.contracts.freeze_order import FreezeOrder
from tests.console.builders import NOW, feed_judged, operation, person
from tests.console.money.stories import (
    CHECKER,
    CHIEF,
    FRIEND,
    MAKER,
    MINUTE,
    MULE,
    OTHER,
    VICTIMS,
    event,
    fraud,
    transfer,
)

TIYN = 100
PAID = [event(f"paid-{number}") for number in range(3)]


def followed(store: Store, question: Question | None = None) -> Followed:
    with store.reading() as connection:
        return money.follow(connection, PAID, question or Question())


def approve(store: Store, number: int) -> None:
    with store.writing() as connection:
        digest = proposals.find(connection, number).digest
        proposals.approve(connection, CHECKER, number, digest, now=NOW + 30 * MINUTE)


def frozen_case(store: Store, case_id: int = 0) -> int:
    case_id = case_id or fraud(store)
    said = followed(store)
    with store.writing() as connection:
        restitution.add_claims(connection, MAKER, case_id, PAID, now=NOW)
        parties = [MULE.key, CHIEF.key]
        number = freezing.propose(connection, MAKER, case_id, said, "fifo", parties, "It is leaving", now=NOW)
    approve(store, number)
    return case_id


def test_money_is_followed_to_where_it_is(store: Store) -> None:
    fraud(store)
    said = followed(store)
    assert [(stop.party.token, stop.hop) for stop in said.stops] == [(MULE.text, 1), (CHIEF.text, 2)]
    for method in METHODS:
        assert said.stops[0].present[method] == 90_000 * TIYN
        assert said.stops[1].present[method] == 200_000 * TIYN
        assert said.left_by_kind[method] == {"cash_withdrawal": 10_000 * TIYN}


def test_backwards_it_is_followed_to_the_victims(store: Store) -> None:
    fraud(store)
    with store.reading() as connection:
        said = money.follow(connection, [event("onward")], Question(backwards=True))
    sources = {stop.party.token: stop.received["fifo"] for stop in said.stops if stop.received["fifo"]}
    half = 100_000 * TIYN
    assert sources == {MULE.text: 2 * half, VICTIMS[0].text: half, VICTIMS[1].text: half}


def test_a_busy_account_is_not_followed_and_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "BUSIEST", 4)
    fraud(store)
    said = followed(store)
    assert [(stop.party.token, stop.ended) for stop in said.stops] == [(MULE.text, "busy")]
    assert said.stops[0].present["fifo"] == 300_000 * TIYN


def test_a_search_that_grows_too_large_is_cut_and_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MOST", 6)
    fraud(store)
    said = followed(store)
    assert (said.around.cut, len(said.stops)) == (True, 1)


def test_money_reached_again_sooner_by_a_longer_way_is_still_followed(store: Store) -> None:
    # To the chief by three hands at once, and by one hand later: what it paid in between came by the longer way.
    first, second = person(81), person(82)
    feed_judged(
        store,
        [
            transfer("start", VICTIMS[0], MULE, 100, 0),
            transfer("a", MULE, first, 50, 1),
            transfer("b", first, second, 50, 2),
            transfer("c", second, CHIEF, 50, 3),
            transfer("d", CHIEF, FRIEND, 50, 4),
            transfer("e", MULE, CHIEF, 50, 5),
        ],
    )
    with store.reading() as connection:
        said = money.follow(connection, [event("start")], Question(hops=6))
    assert {stop.party.token: stop.present["fifo"] for stop in said.stops if stop.present["fifo"]} == {
        FRIEND.text: 50 * TIYN,
        CHIEF.text: 50 * TIYN,
    }


def test_an_operation_that_is_not_there_is_not_found(store: Store) -> None:
    with store.reading() as connection, pytest.raises(NotFound):
        money.follow(connection, [12], Question())
    with pytest.raises(NotFound):
        money.event_of("not hexadecimal!")


def test_an_order_is_sent_and_posted_when_a_second_person_has_approved(store: Store) -> None:
    case_id = frozen_case(store)
    with store.reading() as connection:
        sent = list(connection.execute(select(outbound).order_by(outbound.c.outbound_id)).mappings())
        standing = restitution.books_of(connection, case_id).standing
        ends = freezing.ends(connection, case_id)
    orders = [FreezeOrder.model_validate_json(row["value"]) for row in sent]
    assert [row["topic"] for row in sent] == [f"orders.{OTHER}"] * 2
    assert [(order.event_id, order.role, order.amount) for order in orders] == [
        ("paid-2", "payee", "90000.00"),
        ("onward", "payee", "200000.00"),
    ]
    assert not any(token in row["value"].decode() for row in sent for token in (MULE.text, CHIEF.text))
    assert standing.frozen == {MULE.key: 90_000 * TIYN, CHIEF.key: 200_000 * TIYN}
    assert set(ends.values()) == {NOW + 30 * MINUTE + freezing.LASTS_MS}


def test_nothing_is_frozen_twice_and_nobody_approves_the_own_order(store: Store) -> None:
    case_id = fraud(store)
    said = followed(store)
    with store.writing() as connection:
        number = freezing.propose(connection, CHECKER, case_id, said, "fifo", [MULE.key], "Leaving", now=NOW)
        digest = proposals.find(connection, number).digest
        with pytest.raises(NotAllowed):
            proposals.approve(connection, CHECKER, number, digest, now=NOW)
    frozen_case(store, case_id)
    with store.writing() as connection, pytest.raises(MoneyRefused):
        freezing.propose(connection, MAKER, case_id, said, "fifo", [MULE.key], "Once more", now=NOW)


def test_what_is_recovered_is_divided_to_the_tiyn_and_the_claims_are_settled(store: Store) -> None:
    case_id = frozen_case(store)
    with store.writing() as connection:
        restitution.recovered(connection, MAKER, case_id, CHIEF.key, 200_000 * TIYN, now=NOW)
        found = restitution.books_of(connection, case_id)
        divided = {each: distribution.divided(connection, found, each) for each in distribution.DIVISIONS}
        number = distribution.propose(connection, MAKER, case_id, "pro_rata", "All alike", now=NOW)
    # The chief has what the first two victims paid; the third one's money is at the mule.
    assert divided["fifo"] == {VICTIMS[0].key: 10_000_000, VICTIMS[1].key: 10_000_000, VICTIMS[2].key: 0}
    assert sorted(divided["pro_rata"].values()) == [6_666_666, 6_666_667, 6_666_667]
    approve(store, number)
    with store.reading() as connection:
        standing = restitution.books_of(connection, case_id).standing
    assert (standing.held, sum(standing.paid.values())) == (0, 200_000 * TIYN)
    assert sum(standing.owed.values()) == 100_000 * TIYN


def test_more_than_is_frozen_cannot_be_recovered_and_a_paid_claim_stays(store: Store) -> None:
    case_id = frozen_case(store)
    with store.writing() as connection, pytest.raises(MoneyRefused):
        restitution.recovered(connection, MAKER, case_id, MULE.key, 90_001 * TIYN, now=NOW)
    with store.writing() as connection:
        restitution.recovered(connection, MAKER, case_id, MULE.key, 90_000 * TIYN, now=NOW)
        number = distribution.propose(connection, MAKER, case_id, "fifo", "Whose it is", now=NOW)
    approve(store, number)
    with store.writing() as connection:
        claims = restitution.books_of(connection, case_id).claims
        restitution.withdraw_claim(connection, MAKER, case_id, claims[0]["claim_id"])  # got nothing
    with store.writing() as connection, pytest.raises(MoneyRefused):
        restitution.withdraw_claim(connection, MAKER, case_id, claims[2]["claim_id"])


def test_a_lifted_order_is_told_and_posted(store: Store) -> None:
    case_id = frozen_case(store)
    with store.writing() as connection:
        freezing.lift(connection, MAKER, case_id, MULE.key, "Innocent", now=NOW + 60 * MINUTE)
        last = connection.execute(select(outbound).order_by(outbound.c.outbound_id.desc())).mappings().first()
        standing = restitution.books_of(connection, case_id).standing
    assert last is not None
    assert json.loads(last["value"])["state"] == "lifted"
    assert standing.frozen == {MULE.key: 0, CHIEF.key: 200_000 * TIYN}


def test_books_that_were_changed_from_outside_are_noticed(store: Store) -> None:
    case_id = frozen_case(store)
    row = {"posting_id": 99, "transfer_id": 99, "case_id": case_id, "account": "held:1", "amount": 5}
    with store.writing() as connection:
        connection.execute(insert(ledger).values(**row, cause="recover", at=NOW, by="nobody"))
    with store.reading() as connection, pytest.raises(Unbalanced, match="transfer 99"):
        restitution.books_of(connection, case_id)


def test_claims_are_suggested_from_the_alerts_and_the_payees(store: Store) -> None:
    case_id = fraud(store)
    with store.writing() as connection:
        assert {row["event"] for row in restitution.suggested(connection, case_id)} == {PAID[0]}
        assert restitution.add_claims(connection, MAKER, case_id, [PAID[0], PAID[0]], now=NOW) == 1
        assert restitution.suggested(connection, case_id) == []


def recalled(store: Store, case_id: int, tenge: int = 100_000) -> None:
    with store.writing() as connection:
        restitution.add_claims(connection, MAKER, case_id, PAID[:1], now=NOW)
        number = recalls.propose(connection, MAKER, case_id, PAID[0], tenge * TIYN, "Fraud", now=NOW)
    approve(store, number)


def state(store: Store, case_id: int) -> tuple[str, int, int]:
    with store.reading() as connection:
        (row,) = recalls.of_case(connection, case_id)
        paid = restitution.books_of(connection, case_id).standing.paid.get(VICTIMS[0].key, 0)
    return row["state"], row["returned"] // TIYN, paid // TIYN


def test_a_recall_closes_itself_when_the_money_comes_back(store: Store) -> None:
    case_id = fraud(store)
    recalled(store, case_id)
    feed_judged(
        store,
        [
            transfer("other", MULE, VICTIMS[1], 30_000, 60),  # to somebody else
            transfer("too-much", MULE, VICTIMS[0], 100_001, 61),
            transfer("back-1", MULE, VICTIMS[0], 30_000, 62),
        ],
    )
    assert state(store, case_id) == ("part", 30_000, 30_000)
    feed_judged(store, [transfer("back-2", MULE, VICTIMS[0], 70_000, 90)])
    assert state(store, case_id) == ("closed", 100_000, 100_000)
    feed_judged(store, [transfer("gift", MULE, VICTIMS[0], 10_000, 99)])
    assert state(store, case_id) == ("closed", 100_000, 100_000)


def test_a_recall_closes_by_the_word_that_the_payee_gave_the_money_back(store: Store) -> None:
    case_id = fraud(store)
    recalled(store, case_id)
    feed_judged(store, [operation("word", payee=MULE, tenge=0, at=NOW + 90 * MINUTE, kind="marked_returned")])
    assert state(store, case_id) == ("closed", 100_000, 100_000)


def test_a_recall_is_made_once_and_never_within_one_institution(store: Store) -> None:
    case_id = fraud(store)
    recalled(store, case_id)
    feed_judged(store, [transfer("inside", VICTIMS[1], MULE, 500, 20, payer_institution=OTHER.encode())])
    with store.writing() as connection:
        for operation_, tenge in ((PAID[0], 1), (event("inside"), 1), (event("cash"), 1), (PAID[1], 100_001)):
            with pytest.raises(MoneyRefused):
                recalls.propose(connection, MAKER, case_id, operation_, tenge * TIYN, "Fraud", now=NOW)
