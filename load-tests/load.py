"""Loads a JSON Lines file into the institutions' topics faster than the center can judge it (confluent-kafka).

    python load-tests/load.py week.jsonl.gz --bootstrap localhost:9092                      # history, as a backlog
    python load-tests/load.py week.jsonl.gz --bootstrap localhost:9092 --live --rate 2000   # open loop

It speaks the same protocol as `antifraud publish`, whose functions it uses; only the producer is another, so that the
loader is never what is measured. With --rate the loop is open: an event leaves when it is due, however slow its
predecessors were, and how late the loader itself was is reported.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, Message, Producer
from confluent_kafka.admin import AdminClient

from streams.event_files import Line, Place, read_files, survey
from streams.history_protocol import HistoryProtocol, Record
from streams.publishing import Pace, send_lines


class Loader:
    """Sends records through librdkafka: idempotent, acks=all, the first failure raised."""

    def __init__(self, bootstrap_servers: str, linger_ms: int) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": linger_ms,
                "batch.size": 512 * 1024,
                "queue.buffering.max.messages": 200_000,
                "queue.buffering.max.kbytes": 128 * 1024,
                "message.max.bytes": 16_000_000,
            }
        )
        self._calls = 0
        self._place = Place("", 0)
        self._failed: KafkaError | None = None
        self.acknowledged = 0

    def send(self, place: Place, record: Record, *, event: bool) -> None:
        """Hands over one record."""
        self._place = place
        on_delivery = self._event_delivered if event else self._delivered
        while True:
            try:
                self._producer.produce(
                    record.topic,
                    record.value,
                    partition=record.partition,
                    headers=record.headers,
                    on_delivery=on_delivery,
                )
                break
            except BufferError:  # librdkafka's queue is full: the broker is the slower one
                self._producer.poll(0.05)
        self._calls += 1
        if self._calls & 255 == 0:
            self.settle()

    def settle(self) -> None:
        """Serves delivery reports."""
        self._producer.poll(0)
        if self._failed is not None:
            raise SystemExit(f"not delivered, somewhere before {self._place}: {self._failed.str()}")

    def flush(self) -> None:
        """Waits for every acknowledgement."""
        left = self._producer.flush(60)
        self.settle()
        if left:
            raise SystemExit(f"{left} records were not acknowledged within 60 s")

    def control(self, records: Iterable[Record]) -> None:
        """Sends control records and waits for them."""
        for record in records:
            self.send(Place("", 0), record, event=False)
        self.flush()

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        self._failed = self._failed or error

    def _event_delivered(self, error: KafkaError | None, _: Message) -> None:
        self._failed = self._failed or error
        self.acknowledged += error is None


def partitions_of(bootstrap_servers: str) -> dict[str, int]:
    """How many partitions each topic has."""
    topics = AdminClient({"bootstrap.servers": bootstrap_servers}).list_topics(timeout=15).topics
    return {name: len(topic.partitions) for name, topic in topics.items()}


def load(
    paths: list[Path],
    bootstrap_servers: str,
    *,
    institution: str | None = None,
    live: bool = False,
    rate: float | None = None,
    events: int | None = None,
) -> dict[str, Any]:
    """Publishes (the first `events` of) the files; returns what was done and how fast."""
    partitions = partitions_of(bootstrap_servers)
    found = survey(paths, institution, partitions)
    involved = found.involved(partitions)
    if found.unsorted and not live:
        raise SystemExit(f"{found.unsorted} is older than the line before it")
    if not involved:
        raise SystemExit("no line has a topic to go to")
    lines: Iterable[Line] = itertools.islice(read_files(paths, institution), events)
    loader = Loader(bootstrap_servers, linger_ms=5 if rate else 20)
    protocol = None if live else HistoryProtocol.soon()
    if protocol:
        loader.control(protocol.opening(involved))
        protocol.wait()
    started_at, started = time.time(), time.perf_counter()
    send_lines(loader, lines, involved, protocol, Pace(rate=rate), found.first or 0)
    sent = time.perf_counter() - started
    loader.flush()
    seconds = time.perf_counter() - started
    if protocol:
        loader.control(protocol.closing(involved))
    return {
        "events": loader.acknowledged,
        "not_routable": found.unroutable,
        "topics": len(found.topics),
        "history_opened_at": protocol.opened_at if protocol else None,
        "started_at": started_at,
        "seconds": round(seconds, 3),
        "events_per_s": round(loader.acknowledged / seconds, 1),
        # Of an open loop: by how much the last event left later than it was due.
        "behind_s": round(max(0.0, sent - (loader.acknowledged - 1) / rate), 3) if rate else None,
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--as", dest="institution")
    parser.add_argument("--live", action="store_true", help="as events of this moment, not as history")
    parser.add_argument("--rate", type=float, help="events a second, open loop")
    parser.add_argument("--events", type=int, help="the first so many lines only")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    result = load(
        given.files,
        given.bootstrap,
        institution=given.institution,
        live=given.live,
        rate=given.rate,
        events=given.events,
    )
    if given.json:
        print(json.dumps(result))
    else:
        print(f"{result['events']} events in {result['seconds']:.1f} s: {result['events_per_s']:,.0f} a second")


if __name__ == "__main__":
    main()
