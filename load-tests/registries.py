"""What all typologies and all registries cost: the backbone's ten typologies without registries, drained beside them.

    antifraud bench --only registries

Both jobs drain the same events in turn, so that the ratio is of one run. The registries are 4.5 million credit
refusals and the lists, blocked resources, calls and loans of a simulated country, all earlier than the events.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from bench import drain
from refusals import records

from rules.rulebook_files import PACKAGED
from simulator.country import Settings, write_country
from simulator.writer import labels_beside
from streams.center import Center
from streams.publishing import publish_files

TEN = ("T01", "T03", "T04", "T05", "T10", "T12", "T15", "T16", "T21", "T22")


def compare(file: Path, events: int, entries: int, runs: int) -> dict[str, Any]:
    """Events/s of both jobs, medians of `runs` pairs, and their ratio."""
    with tempfile.TemporaryDirectory(prefix="antifraud-bench-") as name:
        ten = first_ten(Path(name) / "ten")
        registries = written(Path(name), entries)

        def load_registries(started: Center) -> None:
            publish_files(registries, bootstrap_servers=started.kafka.bootstrap_servers)

        alone, loaded, sizes = [], [], []
        for _ in range(runs):
            alone.append(drain(file, events, rulebook=ten)["throughput_events_per_s"])
            run = drain(file, events, prepare=load_registries)
            loaded.append(run["throughput_events_per_s"])
            sizes.append(int(run["rss_bytes"]))
    return {
        "entries": entries,
        "ten_typologies_events_per_s": round(statistics.median(alone)),
        "all_loaded_events_per_s": round(statistics.median(loaded)),
        "ratio": round(statistics.median(b / a for a, b in zip(alone, loaded, strict=True)), 3),
        "ratios": [round(b / a, 3) for a, b in zip(alone, loaded, strict=True)],
        "rss_bytes": max(sizes),
    }


def first_ten(folder: Path) -> Path:
    """The packaged rulebook with the typologies of the backbone only."""
    shutil.copytree(PACKAGED, folder)
    for typology in (folder / "typologies").glob("*.yaml"):
        if not typology.name.startswith(TEN):
            typology.unlink()
    return folder


def written(folder: Path, entries: int) -> list[Path]:
    """The registries as two files: the refusals, and what a simulated country says besides transactions."""
    refusals = folder / "refusals.jsonl"
    with refusals.open("wb") as out:
        out.writelines(record + b"\n" for record in records(entries))
    country = folder / "country.jsonl"
    write_country(Settings(7, 20_000, 5, institutions=6), country, labels_beside(country), lambda *_: None)
    lists = folder / "lists.jsonl"
    with country.open("rb") as lines, lists.open("wb") as out:
        out.writelines(line for line in lines if b'"type":"transaction"' not in line)
    return [refusals, lists]
