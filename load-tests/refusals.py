"""How long 4.5 million credit refusals take from a file through Kafka into a worker's reference sets, and their size.

    python load-tests/refusals.py [--entries 4500000]

The citizens are invented: every IIN that can be issued for the birthdays of some years, with valid check digits.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from bench import center, worker
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families

from streams.contracts.fields import BULK_ENTRIES
from streams.publishing import publish_files

_FIRST = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
_SECOND = np.array([3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2])
_OPENED = datetime(2026, 1, 1, tzinfo=UTC)


def iins(count: int) -> NDArray[np.str_]:
    """`count` different IINs with valid check digits, of people born from 1960 on."""
    made: list[NDArray[np.str_]] = []
    have, day = 0, datetime(1960, 1, 1, tzinfo=UTC)
    while have < count:
        # 400 people a day of birth, of either sex.
        century = np.repeat([3, 4] if day.year < 2000 else [5, 6], 200)
        serial = np.tile(np.arange(200), 2)
        first_eleven = [f"{day:%y%m%d}{sex}{number:04d}" for sex, number in zip(century, serial, strict=True)]
        digits = np.frombuffer("".join(first_eleven).encode(), np.uint8).reshape(-1, 11).astype(np.int64) - 48
        check = digits @ _FIRST % 11
        check = np.where(check == 10, digits @ _SECOND % 11, check)
        whole = np.column_stack([digits, check])[check < 10]
        made.append((whole + 48).astype(np.uint8).view("S12").ravel().astype(str))
        have += len(made[-1])
        day += timedelta(days=1)
        if day.year == 2008:
            raise SystemExit("no more birthdays: ask for fewer entries")
    return np.concatenate(made)[:count]


def records(entries: int) -> Iterator[bytes]:
    """Bulk records of a thousand, in order of time; one refusal in fifty is a withdrawal."""
    names = iins(entries)
    for first in range(0, entries, BULK_ENTRIES):
        moment = (_OPENED + timedelta(seconds=first // BULK_ENTRIES)).isoformat()
        yield json.dumps(
            {
                "type": "credit_refusals",
                "event_id": f"refusals-{first}",
                "occurred_at": moment,
                "publisher": "EGOV",
                "entries": [
                    {
                        "id": str(name),
                        "action": "withdrawn" if number % 50 == 0 else "set",
                        "valid_from": (_OPENED - timedelta(minutes=number % 1_000_000)).isoformat(),
                        "sequence": number,
                    }
                    for number, name in enumerate(names[first : first + BULK_ENTRIES], start=first)
                ],
            },
            separators=(",", ":"),
        ).encode()


def gauges(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return {sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples}


def measure(entries: int) -> dict[str, Any]:
    """Publish the file to a running center and wait until its worker knows every entry."""
    with center() as started, tempfile.TemporaryDirectory() as name:
        file = Path(name) / "refusals.jsonl"
        with file.open("wb") as out:
            for record in records(entries):
                out.write(record + b"\n")
        started.start_workers()
        started.wait_ready()
        process, port = worker(started), started.ports[0]
        # Whether a replay is open anywhere is settled after some seconds of silence; then the sources are live.
        time.sleep(8)
        resident = process.memory_info().rss
        began = time.monotonic()
        published = publish_files([file], bootstrap_servers=started.kafka.bootstrap_servers)
        sent = time.monotonic() - began
        peak = 0
        while (seen := gauges(port))["antifraud_reference_entries"] < entries:
            peak = max(peak, process.memory_info().rss)
            if time.monotonic() - began > 900:
                raise SystemExit(f"only {seen['antifraud_reference_entries']:.0f} entries after 15 minutes")
            time.sleep(0.5)
        loaded = time.monotonic() - began
        time.sleep(15)  # a snapshot or two, and what was only needed for loading is let go of
        return {
            "entries": entries,
            "records": published.acknowledged,
            "file_mb": round(file.stat().st_size / 1e6, 1),
            "published_s": round(sent, 1),
            "loaded_s": round(loaded, 1),
            "entries_per_s": round(entries / loaded),
            "reference_mb": round(seen["antifraud_reference_bytes"] / 1e6, 1),
            "worker_grew_by_mb": round((process.memory_info().rss - resident) / 1e6, 1),
            "worker_grew_at_most_by_mb": round((max(peak, resident) - resident) / 1e6, 1),
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=4_500_000)
    print(json.dumps(measure(parser.parse_args().entries), indent=2))
