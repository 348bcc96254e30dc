"""Runs an evaluation: files with their labels, or simulated countries, judged one after the other."""

from __future__ import annotations

import dataclasses
import datetime
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from rules.rulebook import Rulebook
from simulator.country import Settings, write_country
from simulator.writer import labels_beside
from streams.contracts.rejected import RejectedEvent
from streams.evaluation.cases import cases_of
from streams.evaluation.figures import Figures
from streams.evaluation.labels import LabelsInvalid, read_labels
from streams.evaluation.measuring import Judged, figures
from streams.evaluation.observed import Observed, observe
from streams.tokens import TokenKey
from streams.wording import instant

FORMAT: Final = 1


class NothingJudged(Exception):
    """None of a run's events could be judged; the message says why the first was rejected."""


@dataclass(frozen=True, slots=True)
class Country:
    """A country to simulate; `scenario` only where the simulator plays scenarios by name."""

    seed: int
    days: int
    people: int
    scenario: str | None = None

    @property
    def name(self) -> str:
        return f"seed {self.seed}"

    def settings(self) -> Settings:
        """What the simulator is told.

        Raises:
            ValueError: it cannot simulate that.
        """
        wanted: dict[str, Any] = {"days": self.days, "people": self.people, "seed": self.seed}
        if self.scenario is not None:
            if "scenario" not in {each.name for each in dataclasses.fields(Settings)}:
                raise ValueError("this simulator plays no scenarios by name")
            wanted["scenario"] = self.scenario
        return Settings(**wanted)


@dataclass(frozen=True, slots=True)
class Files:
    """Events in order of time, and their labels."""

    events: tuple[Path, ...]
    labels: tuple[Path, ...]

    @property
    def name(self) -> str:
        return " + ".join(path.name for path in self.events)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation came to."""

    command: str
    rulebook: Rulebook
    runs: list[tuple[Country | Files, Observed, Figures]]
    pooled: Figures

    def as_json(self) -> dict[str, Any]:
        """The figures, with the id, typology and rightness of every alert, so that another run can be compared."""
        return {
            "type": "evaluation",
            "format": FORMAT,
            "command": self.command,
            "rulebook": {"version": self.rulebook.version, "digest": self.rulebook.digest},
            "runs": [{**_of_source(source, run), "figures": dataclasses.asdict(of_run)}
                     for source, run, of_run in self.runs],
            "pooled": dataclasses.asdict(self.pooled),
            "alerts": [
                [run.name, alert.alert_id, alert.typology, run.label(alert).fraud]
                for _, run, _ in self.runs for alert in run.alerts
            ],
        }  # fmt: skip


def evaluate(
    sources: Sequence[Country | Files],
    rulebook: Rulebook,
    key: TokenKey,
    *,
    command: str,
    analysts: int = 1,
    on_step: Callable[[str, str], None] = lambda _name, _step: None,
    on_events: Callable[[int], None] = lambda _: None,
) -> Evaluated:
    """Judge every source by the rulebook and measure; `on_step` hears what begins, `on_events` how it goes on.

    Raises:
        LabelsInvalid, NothingJudged, OSError, EOFError: an input cannot be used; the message names the place.
        ValueError: a country cannot be simulated so.
    """
    judged: list[Judged] = []
    for source in sources:
        with tempfile.TemporaryDirectory(prefix="antifraud-evaluate-") as folder:
            files = _simulated(source, Path(folder), on_step, on_events) if isinstance(source, Country) else source
            on_step(source.name, "reading labels")
            labels = read_labels(files.labels)
            on_step(source.name, "judging")
            observed = observe(source.name, files.events, labels, rulebook, key, on_events)
        if not len(observed.rows):
            raise NothingJudged(_why_nothing(files, observed.first_rejected))
        judged.append(Judged(observed, cases_of(observed)))
    typologies = rulebook.typologies
    runs = [
        (source, each.observed, figures([each], typologies, analysts))
        for source, each in zip(sources, judged, strict=True)
    ]
    pooled = runs[0][2] if len(runs) == 1 else figures(judged, typologies, analysts)
    return Evaluated(command, rulebook, runs, pooled)


def files_with_labels(events: Sequence[Path], labels: Path | None) -> Files:
    """Files with the labels given, or with those that stand beside each.

    Raises:
        LabelsInvalid: none are given and a file has none beside it.
    """
    if labels is not None:
        return Files(tuple(events), (labels,))
    found = []
    for path in events:
        beside = labels_beside(path)
        also = beside.with_name(beside.name + ".gz")
        if not beside.exists() and not also.exists():
            raise LabelsInvalid(f"{path}: there are no labels beside it ({beside.name}, plain or .gz)")
        found.append(beside if beside.exists() else also)
    return Files(tuple(events), tuple(found))


def _simulated(
    country: Country, folder: Path, on_step: Callable[[str, str], None], on_events: Callable[[int], None]
) -> Files:
    on_step(country.name, "simulating")
    out = folder / f"country-{country.seed}.jsonl"
    write_country(country.settings(), out, labels_beside(out), lambda events, _days: on_events(events))
    return Files((out,), (labels_beside(out),))


def _of_source(source: Country | Files, run: Observed) -> dict[str, Any]:
    times = run.rows["occurred_at"]
    told: dict[str, Any] = {
        "name": source.name,
        "first_event": _day(times.min()),
        "last_event": _day(times.max()),
        "lines": run.replayed.lines,
    }
    if isinstance(source, Country):
        told |= dataclasses.asdict(source)
    return told


def _day(milliseconds: np.int64) -> str:
    zone = datetime.timezone(datetime.timedelta(hours=5))
    return instant(milliseconds).astimezone(zone).isoformat(timespec="seconds")


def _why_nothing(files: Files, rejected: RejectedEvent | None) -> str:
    if rejected is None:
        return f"{files.events[0]}: there is no event in it"
    place = f"{files.name}:{rejected.source.offset + 1}"
    return f"{place}: no event could be judged; the first: {rejected.path}: {rejected.message}"
