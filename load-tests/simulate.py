"""How many events the simulator makes and writes in a second, on one core."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

from simulator.country import Settings, write_country


def main() -> None:
    """Write one week of 20,000 people, or of as many as the first argument says."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "week.jsonl"
        began, used = perf_counter(), process_time()
        summary = write_country(Settings(people=people), out, Path(folder) / "week.labels.csv")
        seconds, processor = perf_counter() - began, process_time() - used
        size = out.stat().st_size
    print(f"{summary.events:,} events, {size / summary.events:.0f} bytes each, {seconds:.2f} s")
    print(json.dumps({
        "events": summary.events,
        "events_per_second": round(summary.events / seconds),
        "events_per_processor_second": round(summary.events / processor),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
