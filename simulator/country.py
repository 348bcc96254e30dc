"""The whole country over some days: ordinary life, look-alikes and frauds, sorted by time."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.background import stage_background, stage_refusals
from simulator.frauds import stage_frauds
from simulator.life import Life
from simulator.loans import stage_loans
from simulator.look_alikes import stage_look_alikes
from simulator.moves import DAY, MINUTE, NOBODY, Ledger, Moves, join
from simulator.people import FEWEST_INSTITUTIONS, INSTITUTIONS, SMALLEST, Population, populate
from simulator.phrases import Contexts, Purposes
from simulator.records import Records
from simulator.scenarios import SCENARIOS
from simulator.stage import Stage
from simulator.writer import Lines, Writer


@dataclass(frozen=True)
class Settings:
    """What decides every byte that is written."""

    days: int = 7
    people: int = 20_000
    seed: int = 1
    start: datetime.date = datetime.date(2026, 1, 5)
    fraud_rate: float = 1.0  # frauds for each that is usual
    institutions: int = len(INSTITUTIONS)  # how many of them take part: the first
    transactions_only: bool = False  # without the records of the other streams
    scenario: str = "country"  # which frauds are played, see simulator.scenarios
    late: float = 0.0  # share of events that are published some minutes late, and stand in the file where they are

    def __post_init__(self) -> None:
        if self.days < 1:
            raise ValueError("days must be at least 1")
        if self.people < SMALLEST:
            raise ValueError(f"people must be at least {SMALLEST}: a smaller country has no room for its companies")
        if self.seed < 0:
            raise ValueError("seed must not be negative")
        if not 0 <= self.fraud_rate <= 100:
            raise ValueError("fraud-rate must be from 0 to 100")
        if self.scenario not in SCENARIOS:
            raise ValueError(f"scenario must be one of {', '.join(SCENARIOS)}")
        if not 0 <= self.late <= 0.5:
            raise ValueError("late must be from 0 to 0.5")
        if not FEWEST_INSTITUTIONS <= self.institutions <= len(INSTITUTIONS):
            raise ValueError(f"institutions must be from {FEWEST_INSTITUTIONS} to {len(INSTITUTIONS)}")


@dataclass(frozen=True)
class Summary:
    """What was written."""

    events: int
    labelled: dict[str, int]  # typology → events
    instances: dict[str, int]  # typology → how many times it was played


class Country:
    """A population with all that will happen to it; `days` brings it day by day."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.start = (settings.start - datetime.date(1970, 1, 1)).days * DAY
        self.population: Population = populate(settings.people, settings.seed, self.start, settings.institutions)
        self.purposes, self.contexts = Purposes(), Contexts()
        self._life = Life(self.population, self.purposes, self.contexts, self.start, settings.days)
        ledger = Ledger()
        records = Records(self.population, ledger)
        stage = Stage(
            self.population, self.purposes, self.contexts, ledger, records, self.start, settings.days,
            settings.fraud_rate,
        )  # fmt: skip
        stage_refusals(stage)
        self.instances = stage_frauds(stage, SCENARIOS[settings.scenario].frauds)
        stage_look_alikes(stage)
        stage_loans(stage)
        stage_background(stage)
        self._stories = ledger.moves(self.start, self.start + settings.days * DAY)
        if settings.transactions_only:
            self._stories = self._stories[self._stories["record"] == NOBODY]
        self.cases = ledger.cases
        self.lines = Lines(self.population, self.purposes, self.contexts, ledger)

    def days(self) -> Iterator[Moves]:
        """The events of each day, sorted by time, or in the order of their publication where some are late."""
        cuts = np.searchsorted(self._stories["at"], self.start + np.arange(self.settings.days + 1) * DAY)
        for number in range(self.settings.days):
            midnight = self.start + number * DAY
            ordinary = self._life.day(self.settings.start + datetime.timedelta(days=number), midnight)
            # What begins late in the evening and would end after midnight ends a moment before it.
            ordinary["at"] = np.minimum(ordinary["at"], midnight + DAY - 1)
            rows = join([ordinary, self._stories[cuts[number] : cuts[number + 1]]])
            yield rows[np.argsort(self._published(rows, number), kind="stable")]

    def _published(self, rows: Moves, number: int) -> NDArray[np.int64]:
        """When each event is published: at once, or, of a share of them, up to twenty minutes later."""
        at: NDArray[np.int64] = rows["at"]
        if not self.settings.late:
            return at
        rng = np.random.default_rng([self.settings.seed, 4, number])
        late = rng.random(len(rows)) < self.settings.late
        return at + late * rng.integers(MINUTE // 6, 20 * MINUTE, len(rows))


def write_country(
    settings: Settings, out: Path, labels: Path, progress: Callable[[int, int], object] = lambda _events, _days: None
) -> Summary:
    """Simulate and write; `progress` hears of events and days as they are done."""
    country = Country(settings)
    labelled = np.zeros(256, dtype=np.int64)
    with Writer(out, labels, country.lines) as writer:
        for rows in country.days():
            writer.write(rows, lambda events: progress(events, 0))
            labelled += np.bincount(rows["scenario"], minlength=256)
            progress(0, 1)
    by_typology = {f"T{number:02d}": int(count) for number, count in enumerate(labelled) if number and count}
    return Summary(writer.written, by_typology, country.instances)
