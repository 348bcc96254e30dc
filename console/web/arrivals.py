"""Lines of the queue for alerts that have just come, made once for all viewers who see the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import RowMapping
from starlette.concurrency import run_in_threadpool

from console.store import queue
from console.store.errors import StoreError
from console.store.sieve import Sieve
from console.web.api.alert_models import alert_rows
from console.web.house import House
from console.web.lanes import Lane
from console.web.queue_query import QueueQuery
from console.web.queue_reading import MOST_NEW, typologies
from console.web.viewer import Viewer

Made = TypeVar("Made")


@dataclass(frozen=True)
class Lines:
    """So many lines, as HTML."""

    count: int
    html: str


class Arrivals:
    """Use it from one event loop; what was made for the newest alert is forgotten when a newer one has come."""

    def __init__(self, house: House, lane: Lane) -> None:
        """`lane`: where pages are made; fifty viewers are told at once, and their lines wait among pages for a turn."""
        self._house = house
        self._lane = lane
        self._newest = 0
        self._making: dict[Hashable, asyncio.Future[Any]] = {}

    async def lines(self, viewer: Viewer, query: QueueQuery, after: int, newest: int) -> Lines:
        """Alerts that pass the filters, with a `seq` beyond `after` and up to `newest`; the last MOST_NEW of them.

        Raises:
            StoreError: the store cannot be read at the moment.
        """
        if newest > self._newest:
            self._newest, self._making = newest, {}
        sieve = query.sieve(viewer.username, typologies())
        asked = (sieve, after, newest)
        rows = await self._once(asked, self._rows, *asked)
        if not rows:
            return Lines(0, "")
        # What a viewer may know of cases is his own affair; what has just come is in none as a rule.
        whose = viewer.username if any(row["case_id"] is not None for row in rows) else ""
        seen = (*asked, viewer.language, viewer.can("alerts.work"), whose)
        html = await self._once(seen, self._html, viewer, rows)
        return Lines(len(rows), html)

    async def _once(self, key: Hashable, make: Callable[..., Made], *given: Any) -> Made:
        """What is made under a key, by whoever asks first; the others wait for it."""
        making = self._making.get(key)
        if making is None:
            making = self._making[key] = asyncio.ensure_future(self._in_turn(make, *given))
        try:
            # Who goes away while the others wait takes nothing from them.
            made: Made = await asyncio.shield(making)
        except StoreError:
            self._making.pop(key, None)
            raise
        return made

    async def _in_turn(self, make: Callable[..., Made], *given: Any) -> Made:
        async with self._lane.turn():
            return await run_in_threadpool(make, *given)

    def _rows(self, sieve: Sieve, after: int, newest: int) -> list[RowMapping]:
        with self._house.store.reading() as connection:
            return queue.since(connection, sieve, after, up_to=newest, now=self._house.clock(), limit=MOST_NEW)

    def _html(self, viewer: Viewer, rows: list[RowMapping]) -> str:
        with self._house.store.reading() as connection:
            lines = alert_rows(connection, viewer, rows)
        values = {"viewer": viewer, "now": self._house.clock(), "rows": lines}
        return self._house.renderer.render(viewer.language, "queue/rows.html", values)
