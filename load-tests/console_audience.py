"""Viewers of a console for load tests: each has the queue open, into which new rows come."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import cycle
from typing import Self

import httpx

from console.web.viewer import COOKIE

PAGES = ("/queue", "/cases", "/holds", "/pyramids")  # what somebody looks at in turn
PAGE_SECONDS = 0.5


class Audience:
    """`count` live viewers, and one who asks for a page every PAGE_SECONDS, while the `with` block runs.

    After it, `pages_ms` has how long each of those pages took, and `told` how often viewers were told of new rows.
    """

    def __init__(self, address: str, session: str, count: int) -> None:
        """`address` of the console, `session` the secret of whoever looks."""
        self.pages_ms: list[float] = []
        self.told = 0
        self._address = address
        # As a header: the cookie is kept for https only, though browsers send it to this machine all the same.
        self._headers = {"Cookie": f"{COOKIE}={session}"}
        self._count = count
        self._ended = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        try:
            asyncio.run(self._all())
        except BaseException as error:  # handed over to who waits for the thread
            self._failed = error

    async def _all(self) -> None:
        limits = httpx.Limits(max_connections=None)
        async with (
            httpx.AsyncClient(base_url=self._address, headers=self._headers, limits=limits, timeout=60.0) as client,
            asyncio.TaskGroup() as group,
        ):
            tasks = [group.create_task(self._watch(client)) for _ in range(self._count)]
            tasks.append(group.create_task(self._look_around(client)))
            await asyncio.to_thread(self._ended.wait)
            for task in tasks:
                task.cancel()

    async def _look_around(self, client: httpx.AsyncClient) -> None:
        for page in cycle(PAGES):
            began = time.perf_counter()
            (await client.get(page)).raise_for_status()
            self.pages_ms.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(max(0.0, PAGE_SECONDS - (time.perf_counter() - began)))

    async def _watch(self, client: httpx.AsyncClient) -> None:
        async with client.stream("GET", "/live", params={"seq": 0}, timeout=None) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                self.told += line.startswith("event: alerts")
