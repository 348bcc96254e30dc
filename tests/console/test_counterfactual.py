"""What would have kept an alert silent, against every subset of its signals."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from console.counterfactual import counterfactual
from streams.contracts.suspicious_operation import Signal
from tests.streams.alerts import words


def signal(name: str, weight: float, state: str = "yes") -> Signal:
    document = {"id": name, "state": state, "weight": weight, "contribution": 0.0, "text": words(name)}
    return Signal.model_validate(document)


def test_the_smallest_change_is_named() -> None:
    signals = [signal("call", 0.5), signal("new_payee", 0.3), signal("night", 0.2), signal("loan", 0.4, "no")]
    found = counterfactual(signals, 0.8)
    assert [(each.signal_id, each.score, each.silent) for each in found.without] == [
        ("call", 0.5, True),
        ("new_payee", 0.7, True),
        ("night", 0.8, False),
    ]
    assert (found.fewest, found.left) == (("new_payee",), 0.7)


def test_a_score_above_one_hides_a_signal_that_can_go() -> None:
    found = counterfactual([signal("a", 0.9), signal("b", 0.9)], 0.8)
    assert [each.silent for each in found.without] == [False, False]
    assert set(found.fewest) == {"a", "b"}


@given(st.lists(st.integers(1, 999), max_size=6), st.integers(1, 1_000))
def test_it_is_what_trying_everything_finds(weights: list[int], needed: int) -> None:
    signals = [signal(f"s{place}", weight / 1_000) for place, weight in enumerate(weights)]
    found = counterfactual(signals, needed / 1_000)
    best = next(
        (
            (many, max(left))
            for many in range(1, len(weights) + 1)
            if (
                left := [
                    sum(weights) - sum(gone)
                    for gone in combinations(weights, many)
                    if sum(weights) - sum(gone) < needed
                ]
            )
        ),
        (0, sum(weights)),
    )
    assert (len(found.fewest), found.left) == (best[0], min(best[1], 1_000) / 1_000)
