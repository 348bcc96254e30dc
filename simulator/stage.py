"""Where stories are played: who is in them, when, and what they write down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from simulator.moves import (
    ATM,
    CASH_WITHDRAWAL,
    DAY,
    HOUR,
    MOBILE,
    NOBODY,
    TRANSFER,
    Ledger,
)
from simulator.people import LENDER_MFO, REGIONS, Population
from simulator.phrases import Contexts, Purposes


@dataclass
class Stage:
    """One country's stage; each story brings its own dice and scenario."""

    population: Population
    purposes: Purposes
    contexts: Contexts
    ledger: Ledger
    start: int
    days: int
    # Whoever has played a part in a story is not cast again, so that stories do not blur each other.
    cast: set[int] = field(default_factory=set)

    @property
    def end(self) -> int:
        """The first moment that is no longer simulated."""
        return self.start + self.days * DAY


@dataclass
class Story:
    """One fraud, or one thing that looks like it, with its own dice so that stories do not depend on each other."""

    stage: Stage
    rng: np.random.Generator
    scenario: int = 0

    def between(self, low: float, high: float) -> float:
        """A number between the two."""
        return float(self.rng.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        """Whether something happens that happens in that share of cases."""
        return bool(self.rng.random() < share)

    def one_of(self, choices: Sequence[int]) -> int:
        """One of the choices."""
        return int(choices[int(self.rng.integers(len(choices)))])

    def moment(self, day: int, first_hour: float = 9, last_hour: float = 22) -> float:
        """A moment of that day between two hours, local time."""
        return self.stage.start + day * DAY + self.between(first_hour, last_hour) * HOUR

    def first_day(self, lasting: int) -> int:
        """A day to begin on: from the second on, so that there is a past, and early enough to end in time."""
        return self.count(1, max(1, self.stage.days - lasting)) if self.stage.days > 1 else 1

    def actor(self, youngest: int = 18, oldest: int = 75) -> int:
        """Somebody who has not been in a story yet."""
        population, cast = self.stage.population, self.stage.cast
        for _ in range(400):
            person = int(self.rng.integers(population.people))
            if person not in cast and youngest <= population.age[person] <= oldest:
                break
        cast.add(person)
        return person

    def company(self, kind: str) -> int:
        """A company of that kind."""
        return self.one_of(self.stage.population.company[kind].tolist())

    def strangers(self, count: int, regions: int = 0, *, besides: Sequence[int] = ()) -> list[int]:
        """People who do not know each other, of any region or of a few; never those `besides`."""
        population = self.stage.population
        pool = np.arange(population.people)
        if regions:
            chosen = self.rng.choice(len(REGIONS), regions, replace=False)
            pool = np.flatnonzero(np.isin(population.region[: population.people], chosen))
        pool = pool[~np.isin(pool, [*besides])]
        if len(pool) < count:
            pool = np.setdiff1d(np.arange(population.people), [*besides])
        people = self.rng.choice(pool, min(count, len(pool) // 2 + 1), replace=False)
        return [int(person) for person in people]

    def fresh_account(self, owner: int, oldest_days: int = 25, institution: int = NOBODY) -> int:
        """An account opened for the occasion, at most so many days before the simulation."""
        days = self.count(1, oldest_days)
        opened = self.stage.start - days * DAY + self.between(9, 20) * HOUR
        bank = institution if institution != NOBODY else int(self.rng.integers(LENDER_MFO))
        return self.stage.population.open_account(owner, int(opened), bank)

    def transfer(
        self,
        at: float,
        payer: int,
        payee: int,
        tenge: float,
        *,
        group: str = "",
        device: int = NOBODY,
        context: int = 0,
        channel: int = MOBILE,
    ) -> None:
        """A transfer made on the payer's own telephone, unless it was made on another device."""
        population = self.stage.population
        person = population.owner[payer]
        if device == NOBODY and person < population.people:
            device = int(population.device[person])
        purpose = self.stage.purposes.one(group, self.rng) if group else NOBODY
        self.stage.ledger.add(
            at, TRANSFER, tenge, payer=payer, payee=payee, channel=channel, device=device, purpose=purpose,
            context=context, scenario=self.scenario,
        )  # fmt: skip

    def cash_out(self, at: float, payer: int, tenge: float) -> None:
        """A withdrawal at a cash machine."""
        self.stage.ledger.add(at, CASH_WITHDRAWAL, tenge, payer=payer, channel=ATM, scenario=self.scenario)
