"""How fast the console's queue, alert and subject pages are with a million alerts and operations in an SQLite store.

python load-tests/console_store.py [--alerts N] [--store FILE] fills FILE where it is not there yet (some minutes) and
prints the median, the 95th percentile and the worst of many calls of each query, in milliseconds. Queries are those of
the pages, with everything that they show, but without HTML.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from console_filling import BANKS, HOUR_MS, LOT, NOW, PEOPLE, alert_id_of, fill, token_of
from sqlalchemy import Connection

from console.network.drawing import draw
from console.network.neighbourhood import neighbourhood
from console.people.roles import permissions_of
from console.rulebooks.shelf import Shelf
from console.store import queue
from console.store.dealings import counterparties
from console.store.opening import Store
from console.store.sieve import NOBODY, Sieve
from console.web import alert_reading, queue_reading, subject_reading
from console.web.queue_query import QueueQuery
from console.web.viewer import Viewer

CALLS: Final = 40
FAR_DOWN: Final = queue.Place(2, None, 5_000_000, 10**9)
VIEWER: Final = Viewer("analyst7", "Analyst", "analyst", "en", permissions_of("analyst"), "", "", False)
Rows = Callable[..., Callable[[], object]]


def main() -> None:
    """Fill the store, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--open-share", type=float, default=0.3)
    parser.add_argument("--store", type=Path, default=Path("var/console/load.db"))
    wanted = parser.parse_args()
    new = not wanted.store.exists()
    store = Store.open(f"sqlite:///{wanted.store}")
    if new:
        fill(store, wanted.alerts, wanted.operations, wanted.open_share)
    for name, ask in questions(store).items():
        took = []
        for _ in range(CALLS):
            began = time.perf_counter()
            ask()
            took.append((time.perf_counter() - began) * 1_000)
        print(f"{name:34} median {median(took):7.1f}  p95 {quantiles(took, n=20)[-1]:7.1f}  worst {max(took):7.1f} ms")


def questions(store: Store) -> dict[str, Callable[[], object]]:
    """What is asked, by name; each as a page would ask it."""
    return {**_of_pages(store), **_of_rows(partial(_rows, store, queue.page), partial(_rows, store, queue.grouped))}


def _of_pages(store: Store) -> dict[str, Callable[[], object]]:
    """Whole pages, and the network that one of them shows."""
    numbers, shelf = iter(range(1, 10**9)), Shelf(None)

    def asked(of: Callable[[Connection], object]) -> Callable[[], object]:
        def ask() -> object:
            with store.reading() as connection:
                return of(connection)

        return ask

    def queue_page(query: QueueQuery) -> Callable[[], object]:
        return asked(lambda connection: queue_reading.read(connection, VIEWER, query, now=NOW))

    def alert_page(connection: Connection) -> object:
        return alert_reading.read(connection, VIEWER, shelf, alert_id_of(1 + next(numbers) * 7_919 % LOT))

    def subject_page(connection: Connection) -> object:
        return subject_reading.read(connection, VIEWER, token_of(next(numbers) * 31 % PEOPLE), now=NOW)

    def busiest_subject(connection: Connection) -> object:
        return subject_reading.read(connection, VIEWER, token_of(0), now=NOW)

    def network(connection: Connection) -> object:
        center = counterparties(connection, 0, limit=1)[0].key
        return draw(connection, neighbourhood(connection, center, hops=2, most=200))

    nothing_closed = QueueQuery(view="alerts", state="closed", institution="NOBANKKZ")
    return {
        "queue page, campaigns": queue_page(QueueQuery()),
        "queue page, alerts": queue_page(QueueQuery(view="alerts")),
        "queue page, closed, nothing passes": queue_page(nothing_closed),
        "alert page": asked(alert_page),
        "subject page": asked(subject_page),
        "subject page, the busiest": asked(busiest_subject),
        "network of 200": asked(network),
    }


def _of_rows(flat: Rows, grouped: Rows) -> dict[str, Callable[[], object]]:
    """Rows of the queue alone."""
    return {
        "flat": flat(Sieve()),
        "flat, far down": flat(Sieve(), deep=True),
        "flat, one typology": flat(Sieve(typologies=("T19",))),
        "flat, typology, bank, nobody's": flat(Sieve(typologies=("T19",), institution=BANKS[5], assignee=NOBODY)),
        "flat, mine": flat(Sieve(assignee="analyst7")),
        "flat, nothing passes": flat(Sieve(institution="NOBANKKZ")),
        "flat, an hour": flat(Sieve(since=NOW - 400 * HOUR_MS, until=NOW - 399 * HOUR_MS)),
        "flat, from 50 million": flat(Sieve(least=5_000_000_000)),
        "closed": flat(Sieve(state="closed")),
        "closed, one typology": flat(Sieve(state="closed", typologies=("T19",))),
        "closed, nothing passes": flat(Sieve(state="closed", institution="NOBANKKZ")),
        "campaigns": grouped(Sieve()),
        "campaigns, far down": grouped(Sieve(), deep=True),
        "campaigns, typology and bank": grouped(Sieve(typologies=("T19",), institution=BANKS[5])),
    }


def _rows(store: Store, page: Callable[..., object], sieve: Sieve, *, deep: bool = False) -> Callable[[], object]:
    """A page of the queue's rows, with the counts above them; `deep`: far down."""

    def ask() -> object:
        with store.reading() as connection:
            queue.by_severity(connection, sieve, now=NOW)
            return page(connection, sieve, now=NOW, after=FAR_DOWN if deep else None)

    return ask


if __name__ == "__main__":
    main()
