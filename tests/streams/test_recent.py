"""The bounded cache: what is in use stays, what is not goes."""

from __future__ import annotations

import pytest

from streams.recent import Recent


def test_a_value_is_made_once_while_in_use_and_memory_is_bounded() -> None:
    made: list[int] = []
    cache: Recent[int, int] = Recent(lambda key: made.append(key) or key, limit=100)  # type: ignore[func-returns-value]
    for key in range(10_000):
        assert cache[key] == key
        assert cache[0] == 0
        assert len(cache) + len(cache._older) <= 200
    assert made.count(0) == 1


def test_what_fails_is_tried_again() -> None:
    cache: Recent[str, int] = Recent(int, limit=10)
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            cache["x"]
    assert len(cache) == 0
