"""Alerts and operations that come into the store during console_http.py, in a process of their own, as the feed writes.

Reads {"store", "until", "alerts", "operations"} (the latter two a second) from its input and prints {"stored": [[first
seq, last seq, seconds since 1970]]} for each transaction. Twenty-five collectors are paid, so that campaigns grow.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # tests/ is not installed

from console.feed import offsets
from console.feed.offsets import Partition, Place
from console.feed.projection import JUDGED, store_records
from console.feed.records import Record
from console.store import queue
from console.store.opening import Store
from streams.alerts import ALERTS
from tests.console import builders

LOOK_SECONDS: Final = 0.2  # as long as the feed waits for Kafka
PEOPLE: Final = 20_000
COLLECTORS: Final = 25


def write(asked: dict[str, Any]) -> dict[str, Any]:
    """Write what comes, a little at a time, until the end."""
    store, chance = Store.open(asked["store"]), random.Random(time.time_ns())
    reader = builders.reader()
    with store.reading() as connection:
        places = offsets.read(connection, builders.CLUSTER)
        newest = queue.newest(connection)
    stored: list[tuple[int, int, float]] = []
    began = time.time()
    alerts = operations = 0
    while (now := time.time()) < asked["until"]:
        due = [int(asked[name] * (now - began)) for name in ("alerts", "operations")]
        records = list(_records(due[0] - alerts, due[1] - operations, places, chance))
        alerts, operations = due
        if records:
            places = store_records(store, reader, records, places, builders.CLUSTER, int(now * 1_000))
            with store.reading() as connection:
                last = queue.newest(connection)
            if last > newest:
                stored.append((newest + 1, last, time.time()))
                newest = last
        time.sleep(max(0.0, now + LOOK_SECONDS - time.time()))
    store.close()
    return {"stored": stored}


def _records(alerts: int, operations: int, places: dict[Partition, Place], chance: random.Random) -> Iterator[Record]:
    """So many operations in one frame, and alerts on some of them, as they would stand behind `places`."""
    now = int(time.time() * 1_000)
    judged = places.get(Partition(JUDGED, 0), Place(0, 0))
    first = judged.number or 0
    parties = [(builders.person(chance.randrange(PEOPLE)), _payee(chance)) for _ in range(max(alerts, operations))]
    moved = [
        builders.operation(f"load-{first + place}", payer=payer, payee=payee, at=now, found=place < alerts)
        for place, (payer, payee) in enumerate(parties)
    ]
    if moved:
        yield from builders.records(JUDGED, [builders.judged_frame(moved, first)], judged.offset)
    found = [
        builders.alert(
            chance.getrandbits(127), payer=payer, payee=payee, at=now, event_id=f"load-{first + place}", decision=None
        )
        for place, (payer, payee) in enumerate(parties[:alerts])
    ]
    yield from builders.records(ALERTS, found, places.get(Partition(ALERTS, 0), Place(0)).offset)


def _payee(chance: random.Random) -> builders.Named:
    return builders.company(chance.randrange(COLLECTORS))


if __name__ == "__main__":
    print(json.dumps(write(json.load(sys.stdin))))
