"""The flow graph: chains, rings, mules and meetings; the same whatever the calls and restarts; bounded in every way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rules.events import EVENT, KINDS, PARTY_KINDS, Events
from rules.flow_kernels import CLEAN, FUNDERS, REACH
from rules.flows import CHUNK, FlowParameters, Flows
from rules.rulebook import Rulebook
from rules.tracing import Tracing

HOUR = 3_600_000
PARAMETERS = FlowParameters(
    least=5_000_000, hop_ms=72 * HOUR, meeting_ms=72 * HOUR, keep=0.8, over=0.02, covered=0.8, relay=0.5
)
Told = tuple[float, int, int, int]  # hours, payer, payee, tenge


def rows_of(told: list[Told], first: int = 1) -> Events:
    rows = np.zeros(len(told), EVENT)
    rows["kind"] = KINDS.index("transfer")
    rows["payer_kind"] = rows["payee_kind"] = PARTY_KINDS.index("person")
    rows["event"] = rows["offset"] = np.arange(first, first + len(told))
    for row, (hours, payer, payee, tenge) in zip(rows, told, strict=True):
        row["occurred_at"], row["payer"], row["payee"] = int(hours * HOUR), payer, payee
        row["amount_kzt"] = tenge * 100
    return rows


def add(flows: Flows, rows: Events) -> NDArray[np.void]:
    return flows.add(rows, np.zeros(len(rows), np.uint16), PARAMETERS)


def traced(told: list[Told]) -> NDArray[np.void]:
    return add(Flows(2 * CHUNK), rows_of(told))


def test_a_chain_grows_hop_by_hop_while_the_sum_is_kept() -> None:
    found = traced([(0, 1, 2, 900_000), (5, 2, 3, 880_000), (30, 3, 4, 800_000), (80, 4, 5, 700_000)])
    assert found["depth"].tolist() == [1, 2, 3, 4]
    assert found["new_hops"].tolist() == [1, 2, 3, 4]
    assert found["kept_share"][3] == pytest.approx(700 / 900)
    assert found["elapsed_hours"].tolist() == [0, 5, 30, 80]


@pytest.mark.parametrize(
    ("onward", "why"),
    [
        ((80, 2, 3, 880_000), "it rested for longer than a hop may take"),
        ((1, 2, 3, 20_000), "it is below the least sum"),
        ((1, 2, 3, 1_500_000), "most of it is the payer's own"),
    ],
)
def test_a_chain_ends_where_the_money_is_no_longer_the_same(onward: Told, why: str) -> None:
    found = traced([(0, 1, 2, 900_000), onward])
    assert found["depth"][1] <= 1, why


def test_what_was_passed_on_once_is_not_passed_on_again() -> None:
    found = traced([(0, 1, 2, 900_000), (1, 2, 3, 880_000), (2, 2, 4, 880_000)])
    assert found["depth"].tolist() == [1, 2, 1]


def test_money_of_a_company_begins_with_whom_it_pays() -> None:
    rows = rows_of([(0, 1, 2, 300_000), (1, 2, 3, 290_000), (2, 3, 4, 280_000)])
    rows["payer_kind"][0] = PARTY_KINDS.index("company")
    flows = Flows(2 * CHUNK)
    assert add(flows, rows)["depth"].tolist() == [1, 1, 2]
    assert flows.edge(0)["flags"] & CLEAN


def test_an_origin_that_gets_its_money_back_closes_a_ring() -> None:
    found = traced([(0, 1, 2, 900_000), (5, 2, 3, 850_000), (9, 3, 4, 820_000), (12, 4, 1, 800_000)])
    assert found["cycle_length"].tolist() == [0, 0, 0, 4]
    assert found["cycle_share"][3] == pytest.approx(800 / 900)
    assert traced([(0, 1, 2, 900_000), (5, 2, 1, 900_000)])["cycle_length"].tolist() == [0, 2]


def test_one_origin_over_several_intermediaries_is_told_by_its_paths() -> None:
    out = [(0.1 * m, 1, m, 300_000 + m) for m in range(10, 15)]
    back = [(2 + 0.1 * m, m, 2, 290_000) for m in range(10, 15)]
    last = traced(out + back)[-1]
    assert (last["paths_met"], last["via"], last["relays_met"]) == (5, 1, 5)
    assert last["gathered"] == 5 * 290_000 * 100


def test_origins_and_relays_that_meet_are_counted() -> None:
    victims = [(0.1 * v, v, 250 + v // 2, 200_000) for v in range(100, 110)]
    mules = [(0.1 * m, m, 2, 390_000) for m in range(300, 305)]
    last = traced(victims + mules)[-1]
    assert last["relays_met"] == 5
    assert 7 <= last["origins_met"] <= 13  # an estimate from 64 bits


def test_a_hub_that_gathers_and_scatters_is_told_by_both_sides_and_their_balance() -> None:
    into = [(0.1 * n, n, 1, 100_000) for n in range(10, 18)]
    out = [(3 + 0.1 * n, 1, n, 190_000) for n in range(30, 34)]
    last = traced(into + out)[-1]
    assert (last["sources"], last["targets"]) == (8, 4)
    assert last["balance"] == pytest.approx(0.95)
    assert (last["new_sources"], last["new_targets"]) == (8, 4)


def test_people_who_were_seen_together_are_not_new_to_each_other_whoever_pays() -> None:
    found = traced([(0, 1, 2, 1_000), (1, 2, 1, 100_000), (2, 2, 3, 100_000)])
    assert found["edge"].tolist() == [-1, 0, 1]
    assert found["new_hops"].tolist() == [0, 0, 1]


def test_facts_own_transfers_and_payments_between_companies_are_passed_over() -> None:
    rows = rows_of([(0, 1, 2, 900_000)] * 4)
    rows["kind"][0] = KINDS.index("listing")
    rows["kind"][1] = KINDS.index("card_payment")
    rows["payee"][2] = 1
    rows["payer_kind"][3] = rows["payee_kind"][3] = PARTY_KINDS.index("company")
    flows = Flows(2 * CHUNK)
    assert add(flows, rows)["edge"].tolist() == [-1] * 4
    assert len(flows) == 0


def test_where_money_came_from_and_where_it_went() -> None:
    flows = Flows(2 * CHUNK)
    add(
        flows,
        rows_of([(0, 1, 2, 900_000), (1, 2, 3, 880_000), (2, 9, 3, 70_000), (3, 3, 4, 870_000), (4, 4, 5, 860_000)]),
    )
    assert [(s.hop, s.number) for s in flows.where_from(event=4)] == [(0, 3), (1, 1), (2, 0)]
    assert [(s.hop, s.number) for s in flows.where_to(event=1)] == [(0, 0), (1, 1), (2, 3), (3, 4)]
    assert [s.number for s in flows.where_from(subject=4, hops=1)] == [3, 1]
    assert [s.number for s in flows.where_to(subject=2, hops=1)] == [1, 3]
    assert flows.where_from(subject=777) == flows.where_to(event=777) == []
    assert len(flows.where_to(subject=1, limit=2)) == 2
    with pytest.raises(ValueError, match="a subject or for an event"):
        flows.where_from()


stories = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(1, 8), st.integers(1, 8), st.sampled_from([20, 60, 100, 95, 90, 200, 350])
    ),
    max_size=60,
)


def random_rows(story: list[tuple[int, int, int, int]]) -> Events:
    hours = np.cumsum([gap / 4 for gap, *_ in story]) if story else []
    return rows_of([(float(h), a, b, k * 1_000) for h, (_, a, b, k) in zip(hours, story, strict=True)])


@settings(deadline=None, max_examples=60)
@given(story=stories, cuts=st.lists(st.integers(0, 60), max_size=6), restore=st.booleans())
def test_cuts_and_restored_states_change_nothing(
    story: list[tuple[int, int, int, int]], cuts: list[int], restore: bool
) -> None:
    rows = random_rows(story)
    whole = Flows(2 * CHUNK)
    expected = add(whole, rows)
    flows, parts = Flows(2 * CHUNK), []
    edges = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    for start, stop in pairwise(edges):
        parts.append(add(flows, rows[start:stop]))
        if restore:
            flows = Flows.restore({name: array.copy() for name, array in flows.state().items()})
    got = np.concatenate(parts) if parts else expected[:0]
    assert got.tobytes() == expected.tobytes()
    assert flows.state()["ring"].tobytes() == whole.state()["ring"].tobytes()


@settings(deadline=None, max_examples=60)
@given(story=stories)
def test_no_money_is_passed_on_twice_and_links_point_back(story: list[tuple[int, int, int, int]]) -> None:
    flows = Flows(2 * CHUNK)
    add(flows, random_rows(story))
    for number in range(flows.next):
        edge = flows.edge(number)
        assert 0 <= edge["left"] <= edge["amount"]
        funders = [int(f) for f in edge["funders"] if f >= 0]
        assert len(funders) == len(set(funders)) <= FUNDERS
        for funder in funders:
            assert funder < number
            assert flows.edge(funder)["payee"] == edge["payer"]
            assert 0 <= edge["at"] - flows.edge(funder)["at"] <= PARAMETERS.hop_ms
        assert (edge["depth"] > 1) == bool(funders)


def test_the_ring_forgets_the_oldest_and_stays_as_large_as_it_is() -> None:
    chance = np.random.default_rng(1)
    flows = Flows(2 * CHUNK)
    sizes = set()
    for turn in range(8):
        told = [(turn * 24.0, int(a), int(a) + 1, 100_000) for a in chance.integers(1, 10**12, CHUNK)]
        found = add(flows, rows_of(told, first=1 + turn * CHUNK))
        assert (found["edge"] == np.arange(turn * CHUNK, (turn + 1) * CHUNK)).all()
        sizes.add(flows.memory_bytes)
    assert len(flows) == flows.capacity - CHUNK
    assert len(sizes) <= 2
    assert flows.number_of(1) is None
    assert flows.number_of(8 * CHUNK) == 8 * CHUNK - 1


def test_a_busy_subject_costs_no_more_than_its_latest_transfers() -> None:
    into = [(0.001 * n, 1_000 + n, 1, 100_000) for n in range(3_000)]
    last = traced([*into, (4, 1, 2, 100_000)])[-1]
    assert last["sources"] == REACH


@pytest.fixture(scope="module")
def tracing() -> Tracing:
    found = Rulebook.load().tracing
    assert found is not None
    return found


def test_wage_rent_and_shop_are_no_pattern(tracing: Tracing) -> None:
    rows = rows_of([(0, 90, 1, 400_000), (5, 1, 2, 350_000), (20, 2, 3, 320_000), (30, 3, 80, 300_000)])
    rows["payer_kind"][0] = rows["payee_kind"][3] = PARTY_KINDS.index("company")
    scores, _ = tracing.scores(add(Flows(2 * CHUNK), rows), rows["amount_kzt"])
    assert (scores < [pattern.alert_at for pattern in tracing.patterns]).all()


def test_a_pattern_scores_the_sum_of_the_signals_that_hold(tracing: Tracing) -> None:
    rows = rows_of([(0, 1, 2, 900_000), (5, 2, 3, 880_000), (30, 3, 4, 800_000), (80, 4, 5, 700_000)])
    scores, held = tracing.scores(add(Flows(2 * CHUNK), rows), rows["amount_kzt"])
    chain = next(i for i, pattern in enumerate(tracing.patterns) if pattern.id == "chain")
    assert scores[3, chain] == pytest.approx(1.0)
    assert held[chain][3].all()
    assert scores[0, chain] == pytest.approx(0.4)  # kept, fast and large, but neither long nor among strangers
