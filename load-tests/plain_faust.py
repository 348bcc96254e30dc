"""Measures the baseline: eight threshold rules as a plain Faust job, one event at a time, with Tables in memory.

    python load-tests/plain_faust.py --bootstrap localhost:9092 --events 50000 --json

The job itself is plain_faust_job.py. The time is taken inside its worker, from the first event to the last one that
both of its agents have finished, all events being in Kafka beforehand.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

JOB = Path(__file__).with_name("plain_faust_job.py")


def generated(events: int, seed: int = 1) -> Iterator[bytes]:
    """Transfers of a long-tailed country over one week, in the transaction contract."""
    chance = random.Random(seed)
    people = 20_000
    start = datetime.fromisoformat("2026-11-02T00:00:00+05:00")
    for number in range(events):
        moment = start + timedelta(seconds=604_800 * number / events)
        payer, payee = (int(people * chance.random() ** 2) for _ in range(2))
        yield json.dumps(
            {
                "event_id": f"plain-{number}",
                "type": "transaction",
                "occurred_at": moment.isoformat(timespec="milliseconds"),
                "institution": "CASPKZKA",
                "kind": "transfer",
                "amount": f"{chance.lognormvariate(9.5, 1.2):.2f}",
                "currency": "KZT",
                "payer": {"id": f"{payer:012d}", "account": f"KZ{payer:018d}", "region": "KZ-75"},
                "payee": {"id": f"{payee:012d}", "account": f"KZ{payee:018d}", "region": "KZ-10"},
                "channel": "mobile",
            },
            separators=(",", ":"),
        ).encode()


def from_files(paths: list[Path], events: int) -> Iterator[bytes]:
    """The first transactions with both parties of the files: this small job cannot do with fewer."""
    from streams.event_files import read_files

    for line in read_files(paths):
        event = json.loads(line.value)
        if event.get("type") == "transaction" and event.get("payer") and event.get("payee"):
            yield line.value
            events -= 1
            if not events:
                return


def fill(bootstrap: str, run: str, lines: Iterator[bytes], partitions: int) -> int:
    """Makes the topics, and puts the events into the first one, keyed by payer as its agent needs them."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    names = [f"plain-{run}-{name}" for name in ("transactions", "by-payee", "alerts")]
    for created in admin.create_topics([NewTopic(name, partitions, 1) for name in names]).values():
        created.result(30)
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 20})
    count = 0
    for line in lines:
        payer = json.loads(line)["payer"]
        while True:
            try:
                producer.produce(names[0], line, key=payer.get("id") or payer.get("account"))
                break
            except BufferError:
                producer.poll(0.1)
        count += 1
    if producer.flush(60):
        raise SystemExit("the broker did not take the events within 60 s")
    return count


def remove(bootstrap: str, run: str) -> None:
    """Deletes what the run has left in Kafka."""
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": bootstrap})
    mine = [name for name in admin.list_topics(timeout=15).topics if name.startswith(f"plain-{run}")]
    for deleted in admin.delete_topics(mine).values() if mine else ():
        deleted.result(30)


def measure(bootstrap: str, events: int, files: list[Path], partitions: int, seconds: float) -> dict[str, Any]:
    """Fills the topic, runs the job in a process of its own, and returns its result."""
    run = uuid.uuid4().hex[:8]
    lines = islice(from_files(files, events) if files else generated(events), events)
    try:
        count = fill(bootstrap, run, lines, partitions)
        environment = os.environ | {
            "PLAIN_FAUST_RUN": run,
            "PLAIN_FAUST_BOOTSTRAP": bootstrap,
            "PLAIN_FAUST_EVENTS": str(count),
            "PLAIN_FAUST_PARTITIONS": str(partitions),
        }
        try:
            finished = subprocess.run(
                [sys.executable, str(JOB), "worker", "-l", "error"],
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            raise SystemExit(f"the plain job did not finish {count} events within {seconds:g} s") from None
        for line in finished.stdout.splitlines():
            if line.startswith("RESULT "):
                result: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
                return result
        raise SystemExit(f"the plain job ended with code {finished.returncode}:\n{finished.stderr[-2000:]}")
    finally:
        remove(bootstrap, run)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--file", type=Path, nargs="*", default=[], help="JSON Lines; without it, generated events")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for the job itself")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    result = measure(given.bootstrap, given.events, given.file, given.partitions, given.timeout)
    if given.json:
        print(json.dumps(result))
    else:
        print(f"{result['events_per_s']:,.0f} events/s: {result['events']} events in {result['seconds']:.1f} s")


if __name__ == "__main__":
    main()
