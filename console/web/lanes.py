"""Pages are made one after another, what may take long in a lane of its own: side by side all of them come late.

A thread that reads rows gives the interpreter away at each row and gets it back when the others let it: ten pages made
at once each take far more than ten times as long as one (docs/decisions/0014).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request

from console.web.viewer import SAFE

PATIENCE_SECONDS: Final = 1.0


class Lane:
    """One at a time, in the order they came; use it from one event loop."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._one = asyncio.Semaphore(1)
        self._patience_seconds = patience_seconds

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn, and keep it until the block ends.

        Whoever has waited for longer than one page should take goes beside the one before: it may be waiting for a
        database that does not answer, which is no reason for all pages to wait one after another.
        """
        had = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience_seconds):
                had = await self._one.acquire()
        try:
            yield
        finally:
            if had:
                self._one.release()


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes of an application."""

    quick: Lane = field(default_factory=Lane)
    long: Lane = field(default_factory=Lane)


def lanes_of(request: Request) -> Lanes:
    """The lanes of the application that answers a request."""
    lanes = request.app.state.lanes
    assert isinstance(lanes, Lanes)
    return lanes


async def in_the_quick_lane(request: Request) -> AsyncIterator[None]:
    """A dependency of routes whose answers take some ten milliseconds."""
    async with _turn(request, lanes_of(request).quick):
        yield


async def in_the_long_lane(request: Request) -> AsyncIterator[None]:
    """A dependency of routes whose answers may take a second."""
    async with _turn(request, lanes_of(request).long):
        yield


def _turn(request: Request, lane: Lane) -> contextlib.AbstractAsyncContextManager[None]:
    # What changes something waits for the store's one writer, and is soon done.
    return lane.turn() if request.method in SAFE else contextlib.nullcontext()
