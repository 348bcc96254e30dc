"""How fast the feed takes a backlog into an empty case store: judged rows and alerts a second.

    python load-tests/console_feed.py [--store sqlite:///…] [--events 100000] [--alerts 5000]

Without --store a file in a temporary folder is filled. The records are made first; what is measured is what the feed
does with them: reading frames and documents, grouping, writing, committing.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # tests/ is not installed

from console.feed.offsets import Partition, Place
from console.feed.projection import JUDGED, bundles, store_records
from console.feed.records import Record
from console.store.opening import Store
from streams.alerts import ALERTS
from tests.console import builders

ROWS_A_FRAME = 500
PEOPLE = 50_000
COLLECTORS = 200


def judged(events: int, chance: random.Random) -> Iterator[bytes]:
    """Frames of transfers among PEOPLE."""
    people = [builders.person(number) for number in range(PEOPLE)]
    for first in range(0, events, ROWS_A_FRAME):
        yield builders.judged_frame(
            [
                builders.operation(
                    f"event-{number}",
                    payer=chance.choice(people),
                    payee=chance.choice(people),
                    at=builders.NOW + 10 * number,
                    purpose="перевод по договору займа",
                )
                for number in range(first, min(first + ROWS_A_FRAME, events))
            ],
            first,
        )


def alerts(count: int, chance: random.Random) -> Iterator[dict[str, object]]:
    """Alerts about people who pay COLLECTORS."""
    for number in range(count):
        payer, payee = builders.person(chance.randrange(PEOPLE)), builders.company(chance.randrange(COLLECTORS))
        yield builders.alert(number, payer=payer, payee=payee, at=builders.NOW + 10 * number)


def fill(store: Store, records: list[Record], places: dict[Partition, Place]) -> dict[Partition, Place]:
    """Store the records in transactions as the feed does; how far that reaches."""
    reader = builders.reader()
    for bundle in bundles(records):
        places = store_records(store, reader, bundle, places, builders.CLUSTER, builders.NOW)
    return places


def main() -> None:
    """Fill a store and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--alerts", type=int, default=5_000)
    asked = parser.parse_args()
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(asked.store or f"sqlite:///{folder}/cases.db")
        places: dict[Partition, Place] = {}
        for topic, count, values in (
            (JUDGED, asked.events, list(judged(asked.events, chance))),
            (ALERTS, asked.alerts, list(alerts(asked.alerts, chance))),
        ):
            records = builders.records(topic, values)
            began = time.perf_counter()
            places = fill(store, records, places)
            seconds = time.perf_counter() - began
            print(f"{topic}: {count:,} in {seconds:.2f} s, {count / seconds:,.0f} a second")
        store.close()


if __name__ == "__main__":
    main()
