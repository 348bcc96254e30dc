"""Where stories are played: who is in them, when, and what they write down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from simulator.moves import (
    API,
    ATM,
    CASH_WITHDRAWAL,
    CRYPTO_EXCHANGE,
    DAY,
    HOUR,
    LOAN_DISBURSEMENT,
    MINUTE,
    MOBILE,
    NOBODY,
    TRANSFER,
    WEB,
    Ledger,
)
from simulator.people import REGIONS, TRADER, Population
from simulator.phrases import Contexts, Purposes
from simulator.records import Records

# Purposes under which people pay who are being deceived.
_LOSING: Final = frozenset(("victim", "safe_account", "relative", "fake_shop", "pyramid", "lottery", "phishing"))


@dataclass
class Stage:
    """One country's stage; each story brings its own dice and scenario."""

    population: Population
    purposes: Purposes
    contexts: Contexts
    ledger: Ledger
    records: Records
    start: int
    days: int
    rate: float = 1.0  # how many frauds there are for each that is usual
    # Whoever has played a part in a story is not cast again, so that stories do not blur each other.
    cast: set[int] = field(default_factory=set)
    drops: list[int] = field(default_factory=list)
    # Who has told eGov that no loan may be given in their name; ordinary borrowers are not among them.
    refused: set[int] = field(default_factory=set)

    def times(self, weekly: float) -> int:
        """How often something is played that happens so often a week among 20,000 people; once at least."""
        return max(1, round(weekly * self.population.people / 20_000 * self.days / 7))

    @property
    def end(self) -> int:
        """The first moment that is no longer simulated."""
        return self.start + self.days * DAY


@dataclass
class Story:
    """One fraud, or one thing that looks like it, with its own dice so that stories do not depend on each other."""

    stage: Stage
    rng: np.random.Generator
    case: int = 0  # the number of the case in the ledger
    evasive: bool = False  # played by somebody who knows what the typologies look for
    suspects: list[int] = field(default_factory=list)  # accounts that did wrong
    victims: list[int] = field(default_factory=list)  # people who lost money

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
        """Somebody who has not been in a story yet, and no trader: their customers would be in it without knowing."""
        population, cast = self.stage.population, self.stage.cast
        for _ in range(400):
            person = int(self.rng.integers(population.people))
            trades = population.occupation[person] == TRADER
            if person not in cast and not trades and youngest <= population.age[person] <= oldest:
                break
        cast.add(person)
        return person

    def borrower(self, youngest: int = 18, oldest: int = 75) -> int:
        """Such a person who has never refused loans; the story's victim."""
        person = self.actor(youngest, oldest)
        for _ in range(50):
            if person not in self.stage.refused:
                break
            person = self.actor(youngest, oldest)
        self.victims.append(person)
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
        population = self.stage.population
        bank = institution if institution != NOBODY else int(self.rng.choice(population.banks))
        return self.stage.population.open_account(owner, int(opened), bank)

    def drop(self, youngest: int, oldest: int, oldest_days: int) -> int:
        """An account that takes the money of victims: fresh, or somebody's only one, or one that others used before."""
        drops = self.stage.drops
        if drops and self.chance(0.2):
            account = self.one_of(drops)
        else:
            person = self.actor(youngest, oldest)
            account = self.fresh_account(person, oldest_days) if self.chance(0.65) else person
            drops.append(account)
        self.suspects.append(account)
        return account

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
            context=context, case=self.case,
        )  # fmt: skip
        if group in _LOSING and len(self.victims) < 40:
            self.victims.append(payer)

    def add(self, at: float, kind: int, tenge: float, **columns: int) -> None:
        """Any other transaction of this story."""
        self.stage.ledger.add(at, kind, tenge, case=self.case, **columns)

    def cash_out(self, at: float, payer: int, tenge: float) -> None:
        """A withdrawal at a cash machine."""
        self.add(at, CASH_WITHDRAWAL, tenge, payer=payer, channel=ATM)

    def buy_crypto(self, at: float, payer: int, tenge: float, device: int = NOBODY) -> None:
        """A purchase at the licensed exchange, at the computer unless on another device."""
        population = self.stage.population
        if device == NOBODY:
            device = population.people + population.owner[payer]
        exchange = int(population.company["exchange"][0])
        self.add(at, CRYPTO_EXCHANGE, tenge, payer=payer, payee=exchange, channel=WEB, device=device)

    def call(self, at: float, person: int, sign: str = "spoofed", seconds: int = 0) -> None:
        """A marked call; its length in seconds is drawn where not given."""
        lasted = seconds or self.count(20, 900)
        self.stage.records.call(at, person, sign, lasted, named=self.chance(0.7), case=self.case)

    def lender(self, small: bool) -> int:
        """A microfinance organisation, or a bank as it is popular."""
        population = self.stage.population
        if small:
            return self.one_of(population.company["mfo"].tolist())
        return int(self.rng.choice(population.company["bank"], p=population.bank_shares))

    def borrow(
        self, at: float, lender: int, borrower: int, tenge: float, *, wait_hours: float = 0.0, online: bool = True,
        secured: bool = False, consent: bool = False, account: int = NOBODY,
    ) -> float:  # fmt: skip
        """A loan from application to money, which comes `wait_hours` after the contract; the moment it comes.

        Three lenders in four tell of the money as a transaction, the fourth as a stage of the loan.
        """
        records = self.stage.records
        loan_id = records.next_loan()

        def tell(moment: float, stage: str) -> None:
            records.loan(
                moment, lender, loan_id, stage, borrower, tenge, account=account, online=online, secured=secured,
                case=self.case,
            )  # fmt: skip

        tell(at, "application")
        at += self.between(1, 12) * MINUTE if online else self.between(1, 30) * HOUR
        tell(at, "approval")
        at += self.between(1, 9) * MINUTE if online else self.between(0.3, 3) * HOUR
        tell(at, "contract")
        at += wait_hours * HOUR + self.between(0.3, 4) * MINUTE
        if consent:
            tell(at, "consent")
            at += self.between(0.5, 5) * MINUTE
        if lender % 4 == 3:
            tell(at, "disbursement")
        else:
            payee = account if account != NOBODY else borrower
            self.add(at, LOAN_DISBURSEMENT, tenge, payer=lender, payee=payee, channel=API)
        return at
