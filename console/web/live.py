"""`/live`: tells open pages that alerts have come, as server-sent events whose ids are the alerts' `seq`.

One task of the process looks into the store; every connection holds nothing but the number it was last told, so that
a viewer who reads slowly costs no memory, and one who comes back with `Last-Event-ID` is told of all he missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from console.store import queue
from console.store.errors import StoreError
from console.web.house import House, TheHouse, house_of
from console.web.viewer import COOKIE, Viewer, find_viewer, may

LOOK_SECONDS: Final = 0.25
KEEP_ALIVE_SECONDS: Final = 15.0

router = APIRouter()


class Pulse:
    """The highest `seq` in the store, for all who wait; it looks only while somebody does."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._newest = 0
        self._waiting = 0
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def beyond(self, seq: int, seconds: float) -> int | None:
        """The newest `seq` as soon as it is beyond this one; None where nothing came in that time."""
        self._waiting += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self._newest > seq)
                return self._newest
        except TimeoutError:
            return None
        finally:
            self._waiting -= 1

    async def _look(self) -> None:
        idle = 0.0
        while self._waiting or idle < KEEP_ALIVE_SECONDS:
            idle = 0.0 if self._waiting else idle + LOOK_SECONDS
            # A store that is away for a moment is no reason to send everybody off.
            with contextlib.suppress(StoreError):
                newest = await run_in_threadpool(self._read)
                if newest != self._newest:
                    async with self._changed:
                        self._newest = newest
                        self._changed.notify_all()
            await asyncio.sleep(LOOK_SECONDS)

    def _read(self) -> int:
        with self._house.store.reading() as connection:
            return queue.newest(connection)


def pulse_of(request: Request) -> Pulse:
    """The one pulse of the application."""
    state = request.app.state
    if not hasattr(state, "pulse"):
        state.pulse = Pulse(house_of(request))
    pulse = state.pulse
    assert isinstance(pulse, Pulse)
    return pulse


@router.get("/live")
async def live(
    request: Request,
    _viewer: Annotated[Viewer, Depends(may("alerts.read"))],
    house: TheHouse,
    after: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    last_event_id: Annotated[str | None, Header(max_length=20, pattern=r"^[0-9]*$")] = None,
) -> StreamingResponse:
    """Events `alerts`: {"newest": seq, "new": how many since the last}; `after` where there is no Last-Event-ID."""
    begin = int(last_event_id) if last_event_id else after
    if begin is None:
        begin = await run_in_threadpool(_newest, house)
    return StreamingResponse(_events(request, begin), media_type="text/event-stream")


async def _events(request: Request, told: int) -> AsyncIterator[str]:
    pulse = pulse_of(request)
    yield f"retry: 2000\nid: {told}\n\n"
    while not await request.is_disconnected():
        newest = await pulse.beyond(told, KEEP_ALIVE_SECONDS)
        if newest is not None:
            yield f"id: {newest}\nevent: alerts\ndata: {json.dumps({'newest': newest, 'new': newest - told})}\n\n"
            told = newest
            continue
        # Whoever has been signed out in the meantime is told no more.
        if await run_in_threadpool(find_viewer, request, request.cookies.get(COOKIE)) is None:
            return
        yield ": still here\n\n"


def _newest(house: House) -> int:
    with house.store.reading() as connection:
        return queue.newest(connection)
