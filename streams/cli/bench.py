"""`antifraud bench`: the load tests of the source tree, from the command line."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.common import JsonOption, fail


def bench(
    only: Annotated[
        list[str] | None, typer.Option(help="stages, drain, plain, latency or memory; may be repeated.")
    ] = None,
    events: Annotated[int, typer.Option(min=1_000, help="Events to drain.")] = 500_000,
    runs: Annotated[int, typer.Option(min=1, help="How often to drain; the median counts.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Measure throughput, latency and memory on real Kafka, and the ratio to plain Faust. About 15 minutes."""
    folder = Path(__file__).resolve().parents[2] / "load-tests"
    if not (folder / "bench.py").is_file():
        fail("The load tests are part of the source tree, not of the installed package.", "Run it in a clone.")
    sys.path.insert(0, str(folder))
    arguments = ["--events", str(events), "--runs", str(runs), *(["--json"] if as_json else [])]
    sys.argv = ["bench.py", *arguments, *(part for name in only or () for part in ("--only", name))]
    runpy.run_path(str(folder / "bench.py"), run_name="__main__")
