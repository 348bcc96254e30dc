"""Which events two rulebooks are compared on: a simulated country, files, or what the center has judged."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulator.country import Settings, write_country
from simulator.people import SMALLEST
from simulator.writer import labels_beside

MOST_PEOPLE: Final = 20_000
MOST_DAYS: Final = 60


class Events(BaseModel):
    """What every source of events is."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SimulatedEvents(Events):
    """A country to simulate: its events are labelled, so that new alerts are known to be right or wrong."""

    kind: Literal["simulated"] = "simulated"
    seed: Annotated[int, Field(ge=0, le=2**31)] = 1
    people: Annotated[int, Field(ge=SMALLEST, le=MOST_PEOPLE)] = 3_000
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 10

    @property
    def name(self) -> str:
        """How reports name it."""
        return f"seed {self.seed}, {self.people:,} × {self.days} d"


class FileEvents(Events):
    """JSON Lines in order of time, plain or .gz; labels that stand beside them are used."""

    kind: Literal["files"] = "files"
    paths: Annotated[tuple[Path, ...], Field(min_length=1)]

    @property
    def name(self) -> str:
        """How reports name them."""
        return " + ".join(path.name for path in self.paths)


class JudgedEvents(Events):
    """What the center has judged in the last days, as its topic keeps it: people are tokens there."""

    kind: Literal["judged"] = "judged"
    days: Annotated[int, Field(ge=1, le=400)] = 30

    @property
    def name(self) -> str:
        """How reports name them."""
        return f"judged, {self.days} d"


AnyEvents = Annotated[SimulatedEvents | FileEvents | JudgedEvents, Field(discriminator="kind")]


@contextlib.contextmanager
def files_of(events: SimulatedEvents | FileEvents) -> Iterator[tuple[tuple[Path, ...], tuple[Path, ...]]]:
    """The files of events and those of their labels; a simulated country's exist as long as the block."""
    if isinstance(events, FileEvents):
        beside = [path for one in events.paths if (path := _labels_of(one)) is not None]
        yield events.paths, tuple(beside)
        return
    with tempfile.TemporaryDirectory(prefix="antifraud-rulebook-") as folder:
        out = Path(folder) / "country.jsonl"
        write_country(Settings(seed=events.seed, people=events.people, days=events.days), out, labels_beside(out))
        yield (out,), (labels_beside(out),)


def _labels_of(path: Path) -> Path | None:
    beside = labels_beside(path)
    return next((file for file in (beside, beside.with_name(beside.name + ".gz")) if file.exists()), None)
