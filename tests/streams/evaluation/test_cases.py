"""Cases: whose they are, how their money is counted, and which alerts name them when."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.evaluation.cases import cases_of
from streams.evaluation.labels import Label
from tests.streams.evaluation.small import HONEST, run

PYRAMID = Label(True, "T01", "T01-elimai-1")
COLLECTOR, SHOP = 900, 800
# Ten deposits of 100,000 from different people, then half of it is paid back to the first.
DEPOSITS = [(hour, 1 + hour, COLLECTOR, 100_000, PYRAMID) for hour in range(10)]
PAYOUT = (11, COLLECTOR, 1, 500_000, PYRAMID)
LIFE = [(hour, 2000 + hour, SHOP, 5_000, HONEST) for hour in range(40)]


def test_money_that_is_passed_on_is_counted_once() -> None:
    (case,) = cases_of(run([*DEPOSITS, PAYOUT, *LIFE]))
    assert case.money == 1_000_000 * 100
    assert case.within.tolist()[-1] == 1_000_000 * 100  # paid back, it lies on an account that took part
    assert case.come_before(1) == 0.1


def test_money_taken_in_cash_is_gone() -> None:
    events = [*DEPOSITS, (11, COLLECTOR, 0, 600_000, PYRAMID), (12, 50, COLLECTOR, 100_000, PYRAMID), *LIFE]
    (case,) = cases_of(run(events, [("T01", 11, COLLECTOR, "")], kinds={10: "cash_withdrawal"}))
    (named,) = case.named
    # Of 1.1 m, 400,000 are still on the account, and the alert's own 100,000 can be held.
    assert case.recoverable(named) == 500_000 / 1_100_000
    assert case.still_to_come(named) == 0


def test_an_alert_on_an_event_or_about_a_subject_names_the_case() -> None:
    events = [*DEPOSITS, *LIFE, (5, COLLECTOR, SHOP, 3_000, HONEST)]
    alerts = [("T01", 3, COLLECTOR, ""), ("T04", len(events) - 1, COLLECTOR, ""), ("T10", 12, SHOP, "")]
    (case,) = cases_of(run(events, alerts))
    assert [(each.alert.typology, each.at, each.by_event) for each in case.named] == [
        ("T01", 3, True),
        ("T04", 5, False),
    ]
    first = case.first_named()
    assert first is not None
    assert case.come_before(first.at) == 0.3
    assert case.still_to_come(first) == 0.6


def test_a_shop_that_a_fraud_paid_once_is_no_subject_of_it() -> None:
    (case,) = cases_of(run([*DEPOSITS, (12, COLLECTOR, SHOP, 1_000, PYRAMID), *LIFE]))
    assert COLLECTOR in case.subjects
    assert SHOP not in case.subjects


def test_alerts_before_the_case_or_long_after_do_not_name_it() -> None:
    events = [(0, COLLECTOR, SHOP, 1_000, HONEST), *((h + 5, *rest) for h, *rest in DEPOSITS), *LIFE]
    events.append((14 + 24 * 8, COLLECTOR, SHOP, 1_000, HONEST))
    (case,) = cases_of(run(events, [("T01", 0, COLLECTOR, ""), ("T01", len(events) - 1, COLLECTOR, "")]))  # type: ignore[arg-type]
    assert case.named == []


def test_protected_is_what_follows_the_first_hold_of_the_subject() -> None:
    (case,) = cases_of(run([*DEPOSITS, PAYOUT, *LIFE], [("T01", 7, COLLECTOR, "hold"), ("T02", 2, COLLECTOR, "warn")]))
    held, warned = case.protected()
    # Three deposits and the payout follow the hold; the money of the case bounds what can be protected.
    assert (held, warned) == (800_000 * 100, 200_000 * 100)
    assert case.protected("T02") == (0, 1_000_000 * 100)
    assert case.protected("T09") == (0, 0)


def test_labels_without_cases_are_divided_by_who_is_connected() -> None:
    fan = Label(True, "fan_in", "")
    one = [(hour, 1 + hour, 500, 10_000, fan) for hour in range(3)]
    other = [(hour, 11 + hour, 600, 10_000, fan) for hour in range(3)]
    # Both pay the same shop once, as everybody does: that does not make them one.
    events = [*one, *other, (4, 500, SHOP, 100, fan), (5, 600, SHOP, 100, fan), *LIFE]
    cases = cases_of(run(events))
    assert [(case.name, len(case.rows)) for case in cases] == [("fan_in-1", 4), ("fan_in-2", 4)]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 50), st.integers(0, 6), st.integers(0, 6), st.integers(1, 1_000),
            st.sampled_from(["transfer", "cash_withdrawal", "crypto_exchange"]),
        ),
        min_size=1, max_size=30,
    )
)  # fmt: skip
def test_money_is_kept_or_gone_but_never_made(events: list[tuple[int, int, int, int, str]]) -> None:
    made = run(
        [(hour, payer, payee, amount, PYRAMID) for hour, payer, payee, amount, _ in events],
        kinds={number: kind for number, (*_, kind) in enumerate(events)},
    )
    (case,) = cases_of(made)
    assert (case.entering >= 0).all()
    assert (case.within >= 0).all()
    assert (np.diff(case.within) <= case.entering).all()
    assert all(a <= b for a, b in pairwise(np.cumsum(case.entering).tolist()))
    assert case.money <= case.amounts.sum()
