"""Drift is found when the scores change, and not by cutting or restarting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.drift import KEPT, DriftWatch

STREAMS = 2


def scores(rows: int = 200_000, change: bool = True) -> NDArray[np.float64]:
    values = np.random.default_rng(4).gamma(2, 0.5, rows)
    if change:
        values[rows // 2 :] += 0.3
    return values


def observe(watch: DriftWatch, values: NDArray[np.float64], start: int, stop: int) -> None:
    part = np.arange(start, stop)
    watch.observe(part % STREAMS, values[start:stop], part)


def test_a_change_is_found_and_stillness_is_not() -> None:
    watch, still = DriftWatch(STREAMS), DriftWatch(STREAMS)
    values, stillness = scores(), scores(change=False)
    observe(watch, values, 0, len(values))
    observe(still, stillness, 0, len(stillness))
    assert [alarm.stream for alarm in watch.alarms] in ([0, 1], [1, 0])
    assert all(100_000 < alarm.occurred_at < 150_000 for alarm in watch.alarms)
    assert still.alarms == ()


def test_a_restored_watch_is_one_that_never_stopped() -> None:
    values = scores()
    never = DriftWatch(STREAMS)
    observe(never, values, 0, len(values))
    restored = DriftWatch(STREAMS)
    # More blocks than are kept come before, between and after the restarts.
    for start, stop in zip(range(0, 200_000, 33_333), range(33_333, 233_333, 33_333), strict=False):
        observe(restored, values, start, min(stop, 200_000))
        state = restored.state()
        restored = DriftWatch(STREAMS)
        restored.restore(state)
    assert restored.alarms == never.alarms
    assert restored.alarms_total == never.alarms_total > 0
    for name, array in never.state().items():
        assert array.tobytes() == restored.state()[name].tobytes(), name


def test_what_is_kept_is_bounded() -> None:
    watch = DriftWatch(STREAMS)
    values = scores(400_000, change=False)
    observe(watch, values, 0, len(values))
    assert watch.state()["lengths"].max() <= KEPT
