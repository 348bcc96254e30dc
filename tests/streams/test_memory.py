"""What a bulk has left goes back to the system, also where something that stays lies behind it."""

from __future__ import annotations

import ctypes

import psutil
import pytest

from streams.memory import give_back

BLOCK, BLOCKS = 20_000, 4_000  # 80 MB, in pieces too small to be mapped one by one


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library cannot give memory back")
def test_freed_memory_below_something_that_stays_is_given_back() -> None:
    bulk = [b"x" * BLOCK for _ in range(BLOCKS)]
    stays = bulk.pop()  # the last and so the highest: without help the process would keep what is below
    bulk.clear()
    kept = psutil.Process().memory_info().rss
    give_back()
    assert kept - psutil.Process().memory_info().rss > BLOCK * BLOCKS / 2
    assert len(stays) == BLOCK
