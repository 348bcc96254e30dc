"""How fast the console's statistics are counted with a million alerts, in the store that console_store.py fills.

python load-tests/console_statistics.py [--store FILE] prints the median of some calls of each block over a month and a
year before the latest alert, in milliseconds.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median
from typing import Final

from console.statistics.blocks import BLOCKS
from console.store.fraud_counts import last_day
from console.store.opening import Store
from console.store.statistics import Choice

CALLS: Final = 5
SPANS: Final = (30, 365)


def main() -> None:
    """Measure every block over every span."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=Path("var/console/load.db"))
    store = Store.open(f"sqlite:///{parser.parse_args().store}")
    with store.reading() as connection:
        newest = last_day(connection)
        if newest is None:
            raise SystemExit("The store has no alerts: fill it with console_store.py first.")
        for days in SPANS:
            choice = Choice(newest - days + 1, newest + 1)
            for block, counted in BLOCKS.items():
                took = []
                for _ in range(CALLS):
                    began = time.perf_counter()
                    counted(connection, choice, "month")
                    took.append((time.perf_counter() - began) * 1_000)
                print(f"{days:4} days  {block:14} median {median(took):8.1f} ms")


if __name__ == "__main__":
    main()
