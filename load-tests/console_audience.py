"""Who looks at a console while a load test does something else: live viewers, and one who asks for pages."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import cycle
from typing import Self

from console_watchers import Viewer, watching

from console.web.viewer import COOKIE

PAGES = ("/queue", "/cases", "/holds", "/pyramids")  # what somebody looks at in turn
PAGE_SECONDS = 0.5


class Audience:
    """`count` live viewers, and one who asks for a page every PAGE_SECONDS, while the `with` block runs.

    After it, `pages_ms` has how long each of those pages took. `told` counts how often viewers were told of new rows.
    """

    def __init__(self, address: str, session: str, count: int) -> None:
        """`address` of the console, `session` the secret of whoever looks."""
        self.pages_ms: list[float] = []
        self._address = address
        # As a header: the cookie is kept for https only, though browsers send it to this machine all the same.
        self._cookie = f"{COOKIE}={session}"
        self._viewers = [Viewer(self._cookie, "seq=0") for _ in range(count)]
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

    @property
    def told(self) -> int:
        """Events that came to all viewers so far."""
        return sum(len(each.seen) for each in self._viewers)

    def _run(self) -> None:
        try:
            asyncio.run(self._look_around())
        except BaseException as error:  # handed over to who waits for the thread
            self._failed = error

    async def _look_around(self) -> None:
        pages = cycle(PAGES)
        async with watching(self._address, self._viewers) as client:
            while not self._ended.is_set():
                began = time.perf_counter()
                (await client.get(next(pages), headers={"Cookie": self._cookie})).raise_for_status()
                taken = time.perf_counter() - began
                self.pages_ms.append(1000 * taken)
                await asyncio.to_thread(self._ended.wait, max(0.0, PAGE_SECONDS - taken))
