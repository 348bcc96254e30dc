"""Evidence that gathers over the events of one subject."""

from __future__ import annotations

import numpy as np

from models.runs import Runs

HOUR = 3_600_000


def add_up(runs: Runs, subject: int, times: list[int], evidence: list[float], learn: bool = True) -> list[float]:
    rows = len(times)
    total = runs.add_up(
        np.full(rows, subject, np.uint64),
        np.array(times, np.int64),
        np.array(evidence, np.float64),
        np.full(rows, learn, np.bool_),
    )
    return [float(value) for value in total]


def test_a_run_of_odd_events_is_more_than_each() -> None:
    totals = add_up(Runs(), 7, [HOUR * hour for hour in range(6)], [6.0] * 6)
    assert totals[0] == 6.0
    assert totals == sorted(totals)
    assert totals[-1] > 14


def test_usual_events_gather_nothing_however_many() -> None:
    evidence = np.random.default_rng(1).gamma(2, 1, 5_000).tolist()
    totals = add_up(Runs(), 7, [HOUR // 60 * minute for minute in range(5_000)], evidence)
    assert np.mean(np.array(totals) - np.array(evidence) > 2.0) < 0.05


def test_a_run_fades_with_time() -> None:
    runs = Runs()
    add_up(runs, 7, [0, HOUR], [10.0, 10.0])
    soon = add_up(runs, 7, [2 * HOUR], [5.0], learn=False)[0]
    late = add_up(runs, 7, [20 * 24 * HOUR], [5.0], learn=False)[0]
    assert soon > 15
    assert late < 5.01


def test_a_late_event_does_not_turn_time_back() -> None:
    runs = Runs()
    add_up(runs, 7, [10 * HOUR, 2 * HOUR], [10.0, 10.0])
    assert runs.state()["times"].tolist() == [10 * HOUR]


def test_subjects_that_meet_in_a_slot_share_nothing_and_the_more_suspicious_stays() -> None:
    runs = Runs(slots=8)
    add_up(runs, 1, [0, 0], [10.0, 10.0])
    assert add_up(runs, 9, [0, 0], [6.0, 6.0]) == [6.0, 6.0]
    assert add_up(runs, 1, [0], [4.0])[0] > 15


def test_what_cannot_be_judged_yet_stays_so() -> None:
    runs = Runs()
    assert np.isnan(add_up(runs, 7, [0], [float("nan")])[0])
    assert len(runs.state()["sums"]) == 0
