"""Turns at an SQLite store: one writer among processes, and a clear word for who would wait too long."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.store.errors import StoreAway, StoreLocked
from console.store.turns import Turns


def test_one_process_at_a_time_has_the_turn(tmp_path: Path) -> None:
    ours, theirs = (Turns(tmp_path / "turn", 0.02) for _ in range(2))
    with ours.one(), pytest.raises(StoreLocked), theirs.one():
        pass
    with theirs.one(), pytest.raises(StoreLocked), ours.one():
        pass
    with pytest.raises(ValueError, match="undone"), ours.one():
        raise ValueError("undone")
    with theirs.one():
        assert (tmp_path / "turn").exists()


def test_a_turn_that_nobody_can_have_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreAway, match="FileNotFoundError"), Turns(tmp_path / "nowhere" / "turn", 0.02).one():
        pass
