"""All detectors together, as the screen uses them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.base import STATISTICS
from models.detectors import FORMAT, SEGMENTS, Detectors, UnknownStateFormat, segment_name
from tests.models.measurements import measurements

ROWS = 8_000


@dataclass
class Stream:
    columns: dict[str, NDArray[Any]]

    def run(self, detectors: Detectors, start: int = 0, stop: int = ROWS) -> NDArray[np.float64]:
        return detectors.score_and_learn(**{name: column[start:stop] for name, column in self.columns.items()})


@pytest.fixture
def stream() -> Stream:
    rng = np.random.default_rng(1)
    statistics = np.stack([measurements(ROWS, seed)[:, : len(STATISTICS)] for seed in range(4)], axis=1)
    return Stream(
        {
            "subject": rng.integers(1, 1 << 63, 500, np.uint64)[rng.integers(0, 500, (ROWS, 2))],
            "kind": rng.integers(0, 2, ROWS).astype(np.uint8),
            "payer_kind": rng.integers(1, 3, ROWS).astype(np.uint8),
            "payee_kind": rng.integers(0, 3, ROWS).astype(np.uint8),
            "amount_kzt": rng.lognormal(14, 1, ROWS).astype(np.int64),
            "occurred_at": 1_790_000_000_000 + np.arange(ROWS) * 60_000,
            "statistics": statistics,
            "present": rng.random((ROWS, 2)) < 0.95,
            "learn": rng.random((ROWS, 2)) < 0.9,
        }
    )


def test_absent_sides_have_no_score_and_the_others_a_tail_probability(stream: Stream) -> None:
    anomaly = stream.run(Detectors())
    kinds = np.column_stack([stream.columns["payer_kind"], stream.columns["payee_kind"]])
    np.testing.assert_array_equal(np.isnan(anomaly), (kinds == 0) | ~stream.columns["present"])
    assert np.nanmin(anomaly) == 0
    assert 0.99 < np.nanmax(anomaly) < 1


def test_cutting_into_batches_changes_nothing(stream: Stream) -> None:
    whole, cut = Detectors(), Detectors()
    borders = [0, 1, 1, 7, 500, 501, 3_000, 7_999, ROWS]
    parts = [stream.run(cut, start, stop) for start, stop in pairwise(borders)]
    np.testing.assert_array_equal(np.concatenate(parts), stream.run(whole))
    assert_same_state(whole, cut)


def test_restored_detectors_are_ones_that_never_stopped(stream: Stream) -> None:
    detectors = Detectors(seed=3)
    stream.run(detectors, stop=4_321)
    state = detectors.state()
    expected = stream.run(detectors, start=4_321)
    restored = Detectors.restore(state)
    np.testing.assert_array_equal(stream.run(restored, start=4_321), expected)
    assert_same_state(restored, detectors)
    assert restored.drift == detectors.drift


def test_a_state_is_plain_arrays(stream: Stream) -> None:
    """No pickle: every array can be written as bytes and a dtype."""
    detectors = Detectors()
    stream.run(detectors)
    for array in detectors.state().values():
        assert isinstance(array, np.ndarray)
        assert not array.dtype.hasobject


@pytest.mark.parametrize("state", [{}, {"format": np.array([FORMAT + 1])}], ids=["none", "newer"])
def test_another_format_is_refused(state: dict[str, NDArray[Any]]) -> None:
    with pytest.raises(UnknownStateFormat, match=r"has format .* this version reads format 1 \(river .*replay"):
        Detectors.restore(state)


def test_what_is_not_learnt_changes_nothing(stream: Stream) -> None:
    detectors = Detectors()
    stream.run(detectors)
    before = detectors.state()
    stream.columns["learn"] = np.zeros((ROWS, 2), np.bool_)
    stream.run(detectors)
    after = detectors.state()
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)


def test_a_stolen_card_is_found_among_usual_payments(stream: Stream) -> None:
    """A burst at night, of amounts that this person never pays: also the tenth in a wave of them."""
    victims = np.arange(ROWS // 2, ROWS, ROWS // 20)
    burst = (victims[:, None] + np.arange(8)).ravel()
    columns = stream.columns
    columns["payer_kind"][:] = 1
    columns["kind"][:] = 1
    columns["subject"][burst, 0] = np.repeat(np.arange(1, 11, dtype=np.uint64) << np.uint64(20), 8) + np.uint64(77)
    columns["present"][burst, 0] = True
    stolen = dict(zip(STATISTICS, [50, 200, 3.5, 900, 3, 0.02, 0, 0.5, 2.5, 0.5], strict=True))
    columns["statistics"][burst, 0] = list(stolen.values())
    anomaly = stream.run(Detectors())[:, 0]
    usual = np.setdiff1d(np.arange(ROWS // 2, ROWS), burst)
    threshold = np.nanquantile(anomaly[usual], 0.99)
    assert np.mean(anomaly[burst] > threshold) > 0.9


def test_segments_have_names_of_their_own() -> None:
    assert len({segment_name(segment) for segment in range(SEGMENTS)}) == SEGMENTS


def assert_same_state(one: Detectors, other: Detectors) -> None:
    first, second = one.state(), other.state()
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.tobytes() == second[name].tobytes(), name
