"""`/live`: brings alerts that have come to open pages, as server-sent events whose ids are the alerts' `seq`.

One task of the process looks into the store; every connection holds nothing but the number it was last told, so that
a viewer who reads slowly costs no memory, and one who comes back with `Last-Event-ID` is told of all he missed. Lines
of the queue come with the event: were each page to ask for them, fifty would ask at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from console.store import queue
from console.store.errors import StoreError
from console.web.arrivals import Arrivals
from console.web.house import House, TheHouse, house_of
from console.web.lanes import lanes_of
from console.web.queue_query import QueueQuery
from console.web.viewer import COOKIE, Viewer, find_viewer, may

LOOK_SECONDS: Final = 0.25
REST_SECONDS: Final = 0.5  # after something came: where much comes, it is told together
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
            seconds = LOOK_SECONDS
            # A store that is away for a moment is no reason to send everybody off.
            with contextlib.suppress(StoreError):
                newest = await run_in_threadpool(self._read)
                if newest != self._newest:
                    seconds = REST_SECONDS
                    async with self._changed:
                        self._newest = newest
                        self._changed.notify_all()
            await asyncio.sleep(seconds)

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


def arrivals_of(request: Request) -> Arrivals:
    """The one maker of arrivals' lines of the application."""
    state = request.app.state
    if not hasattr(state, "arrivals"):
        state.arrivals = Arrivals(house_of(request), lanes_of(request).quick)
    arrivals = state.arrivals
    assert isinstance(arrivals, Arrivals)
    return arrivals


@router.get("/live")
async def live(
    request: Request,
    viewer: Annotated[Viewer, Depends(may("alerts.read"))],
    house: TheHouse,
    query: Annotated[QueueQuery, Query()],
    seq: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    last_event_id: Annotated[str | None, Header(max_length=20, pattern=r"^[0-9]*$")] = None,
) -> StreamingResponse:
    """Events `alerts` for those that pass the filters: {"newest": seq, "new": how many, "rows": lines of the queue}.

    They begin after Last-Event-ID, else after `seq`, else now.
    """
    begin = int(last_event_id) if last_event_id else seq
    if begin is None:
        begin = await run_in_threadpool(_newest, house)
    return StreamingResponse(_events(request, viewer, query, begin), media_type="text/event-stream")


async def _events(request: Request, viewer: Viewer, query: QueueQuery, told: int) -> AsyncIterator[str]:
    pulse, arrivals = pulse_of(request), arrivals_of(request)
    yield f"retry: 2000\nid: {told}\n\n"
    checked = time.monotonic()
    while not await request.is_disconnected():
        newest = await pulse.beyond(told, KEEP_ALIVE_SECONDS)
        if time.monotonic() - checked >= KEEP_ALIVE_SECONDS:
            # Whoever has been signed out in the meantime is told no more.
            if await run_in_threadpool(find_viewer, request, request.cookies.get(COOKIE)) is None:
                return
            checked = time.monotonic()
            yield f"id: {told}\n: still here\n\n"
        if newest is None:
            continue
        try:
            lines = await arrivals.lines(viewer, query, told, newest)
        except StoreError:  # away for a moment
            await asyncio.sleep(LOOK_SECONDS)
            continue
        if lines.count:
            said = json.dumps({"newest": newest, "new": lines.count, "rows": lines.html}, ensure_ascii=False)
            yield f"id: {newest}\nevent: alerts\ndata: {said}\n\n"
        told = newest


def _newest(house: House) -> int:
    with house.store.reading() as connection:
        return queue.newest(connection)
