"""What the feed does while the store cannot keep what comes: it waits, says so, and passes nothing over."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from sqlalchemy import func, select

from console.feed.feed import Feed
from console.store.opening import Store
from console.store.tables import alerts, feed_offsets
from streams.alerts import ALERTS
from tests.console.builders import CLUSTER, alert, reader, records

ENOUGH = 1_000_000


def test_a_full_store_is_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/cases.db")
    limit(store, 0)
    feed = Feed(store, "127.0.0.1:1", reader())
    said = records(ALERTS, [alert(number) for number in range(200)])
    writing = threading.Thread(target=feed._keep, args=(said, CLUSTER))
    writing.start()
    deadline = time.monotonic() + 10
    while feed.state.phase != "store_waits" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "disk of the case store is full" in feed.state.message
    assert not feed.state.well
    limit(store, ENOUGH)
    writing.join(10)
    assert (feed.state.phase, feed.state.message) == ("catching_up", "")
    with store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(alerts)) == len(said)
        assert connection.scalar(select(feed_offsets.c.next_offset)) == len(said)
    store.close()


def limit(store: Store, pages: int) -> None:
    """Let the file grow no further than so many pages; 0: no further than it is."""
    with store.engine.connect() as connection:
        pages = pages or int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
