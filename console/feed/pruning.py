"""Takes old operations and readings out of the store in small lots, while the feed has nothing else to do."""

from __future__ import annotations

from typing import Final

import structlog

from console.store import retention
from console.store.errors import StoreError
from console.store.opening import Store
from console.store.retention import BEGINNING, Place
from rules.events import DAY_MS

log = structlog.get_logger(__name__)

PAUSE_MS: Final = DAY_MS  # between two walks through all that is old
_RETRY_MS: Final = 60_000


class Pruner:
    """`step` whenever there is time; of what is older than `days` it takes what console.store.retention lets go."""

    def __init__(self, store: Store, days: int) -> None:
        """`days` 0: everything is kept."""
        self._store = store
        self._days = days
        self._place: Place | None = None  # where the walk is; None between two walks
        self._readings = False  # whether it is still at those of the pyramid meter, which come first
        self._before = 0
        self._next_at = 0
        self._gone = 0

    def step(self, now: int) -> None:
        """Look at one lot; `now` is in ms UTC. A store that cannot be written to is left alone for a minute."""
        if not self._days or now < self._next_at:
            return
        try:
            with self._store.writing() as connection:
                if self._place is None:
                    self._place, self._readings, self._gone = BEGINNING, True, 0
                    self._before = retention.horizon(connection, self._days, now)
                if self._readings:
                    self._readings = retention.prune_readings(connection, self._before) == retention.LOT
                    return
                gone, self._place = retention.prune(connection, self._before, self._place)
        except StoreError as error:
            log.warning("old operations stay for now", reason=error.message)
            self._next_at = now + _RETRY_MS
            return
        self._gone += gone
        if self._place is None:
            self._next_at = now + PAUSE_MS
            log.info("old operations are gone", operations=self._gone, before=self._before)
