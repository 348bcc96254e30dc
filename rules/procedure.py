"""What follows a finding by law and custom, as data: clocks, protected money, who may decide, notices, warnings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field, StringConstraints, model_validator

from rules.calendar import HOUR_MS, USUAL_HOURS, Calendar, Hours, MovedDay
from rules.events import DAY_MS, PARTY_KINDS, TRANSACTION_KINDS
from rules.lists import Day, Identifier, Lists, Sourced, Threshold
from rules.names import Dated
from rules.pyramid_index import MeterSettings
from rules.references import LISTS
from rules.texts import Strict, Texts
from rules.typology import Score, Subject, TypologyId, one_of
from rules.warning import WarningPolicy, WarningRule

Unit = Literal["hours", "working_hours", "days", "business_days"]
Power = Literal["suspend", "release", "sanction"]
Body = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,10}$")]

# The clocks, causes and thresholds of money that the state machine of rules/holds.py asks for by name.
CLOCKS: Final = (
    "suspicion_hold",
    "fiu_answer",
    "prosecutor_sanction",
    "step_up_answer",
    "cooling_off_bank",
    "cooling_off_bank_large",
    "cooling_off_microcredit",
)
CAUSES: Final = (
    "center_decided",
    "authority_confirmed",
    "prosecutor_sanctioned",
    "found_innocent",
    "money_returned",
    "protected_money",
    "fiu_was_silent",
    "term_is_over",
    "payer_was_silent",
    "cooling_off_is_over",
    "graver_decision",
)


class ClockValue(Sourced):
    value: Annotated[float, Field(gt=0, le=10_000)]


class Clock(Strict):
    """How long something may last or take, by what law, and what happens when nobody says anything until then."""

    name: Identifier
    unit: Unit
    text: Texts
    legal_basis: Texts
    on_silence: Texts
    values: Annotated[list[ClockValue], Field(min_length=1)]

    @model_validator(mode="after")
    def _covers_all_time(self) -> Clock:
        spans = sorted(value.interval() for value in self.values)
        if any(end != start for (_, end), (start, _) in pairwise(spans)):
            raise ValueError("the values do not follow on each other day by day: something held would have no deadline")
        first, last = self.values[0], self.values[-1]
        if len(spans) == 1 and (first.valid_from or first.valid_to):
            raise ValueError("the only value has to hold for all time")
        if all(value.valid_from for value in self.values) or all(value.valid_to for value in self.values):
            raise ValueError(f"the first value needs no valid_from and the last no valid_to ({first}, {last})")
        return self

    @cached_property
    def _dated(self) -> Dated:
        order = sorted(self.values, key=lambda value: value.interval())
        spans = np.array([value.interval() for value in order], np.int64)
        return Dated(self.name, self.unit, spans[:, 0], spans[:, 1], np.array([value.value for value in order]))

    def at(self, moment: int) -> float:
        """The value in force at an instant (ms), in the clock's unit."""
        return float(self._dated.at(np.array([moment]))[0])


class MovedDayEntry(Sourced):
    """A day off that the government moved."""

    day_off: Day
    worked: Day | None = None


class WorkingHours(Sourced):
    start: Annotated[int, Field(ge=0, le=23)]
    end: Annotated[int, Field(ge=1, le=24)]


class Cause(Strict):
    """Why the state of a hold changed, in words for those whom it concerns."""

    name: Annotated[str, one_of(CAUSES)]
    text: Texts


class Authority(Sourced):
    """A body whose dispositions bind, and what they may do to a hold."""

    name: Body
    text: Texts
    may: Annotated[list[Power], Field(min_length=1)]


class Protected(Sourced):
    """Money that passes whatever is suspected: in, or out up to what came in protected while its owner was held."""

    name: Identifier
    direction: Literal["in", "out"]
    text: Texts
    purpose_codes: list[Annotated[int, Field(ge=1, le=999)]] = Field(default_factory=list)
    words: list[Annotated[str, StringConstraints(pattern=r"^\w{3,32}$")]] = Field(default_factory=list)
    merchant_categories: list[Annotated[int, Field(ge=1, le=9999)]] = Field(default_factory=list)
    kinds: list[Annotated[str, one_of(TRANSACTION_KINDS)]] = Field(default_factory=list)


class Addressee(Strict):
    """A body outside the center that can do something about it."""

    name: Identifier
    text: Texts


class Measure(Sourced):
    """What a body is asked to do, by what law and until when."""

    name: Identifier
    addressee: Identifier
    clock: Identifier
    text: Texts
    legal_basis: Texts
    done_by: list[Annotated[str, one_of(LISTS)]] = Field(default_factory=list)  # an entry here is the answer: done
    most_per_person: Annotated[int, Field(ge=1, le=1_000)] | None = None  # open at a time


class NoticeRule(Strict):
    """Which finding causes a notice, and about which of its subjects."""

    typology: TypologyId
    measure: Identifier
    about: Subject
    at: Score | None = None  # from this score on; the typology's alert threshold where it is not given
    subject_kinds: list[Annotated[str, one_of(PARTY_KINDS)]] = Field(default_factory=list)  # any, where empty


class Necessity(Sourced):
    """Why a typology may look a subject up in a sensitive list."""

    typology: TypologyId
    list: Annotated[str, one_of(LISTS)]
    text: Texts


class ProcedureLists(Lists):
    """One file of catalogue/lists, with what is said there of procedure."""

    clocks: list[Clock] = Field(default_factory=list)
    moved_days: list[MovedDayEntry] = Field(default_factory=list)
    working_hours: list[WorkingHours] = Field(default_factory=list, max_length=1)
    causes: list[Cause] = Field(default_factory=list)
    authorities: list[Authority] = Field(default_factory=list)
    microfinance: list[Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{8}([A-Z0-9]{3})?$")]] = Field(
        default_factory=list
    )
    cooling_off: list[TypologyId] = Field(default_factory=list)
    protected: list[Protected] = Field(default_factory=list)
    addressees: list[Addressee] = Field(default_factory=list)
    measures: list[Measure] = Field(default_factory=list)
    notices: list[NoticeRule] = Field(default_factory=list)
    necessities: list[Necessity] = Field(default_factory=list)
    warning_policy: list[WarningPolicy] = Field(default_factory=list, max_length=1)
    warnings: list[WarningRule] = Field(default_factory=list)
    pyramid_meter: list[MeterSettings] = Field(default_factory=list, max_length=1)


# Sections whose entries have a name that nothing else of the section may have.
NAMED: Final = ("clocks", "causes", "authorities", "protected", "addressees", "measures", "warnings")


@dataclass(frozen=True)
class Procedure:
    """The procedure of one rulebook generation. `given` is false where its files say nothing of procedure."""

    clocks: Mapping[str, Clock]
    causes: Mapping[str, Cause]
    authorities: Mapping[str, Authority]
    protected: tuple[Protected, ...]
    addressees: Mapping[str, Addressee]
    measures: Mapping[str, Measure]
    notices: tuple[NoticeRule, ...]
    necessities: tuple[Necessity, ...]
    microfinance: frozenset[str]
    cooling_off: frozenset[str]  # typologies whose hold waits for a loan's cooling-off
    warning_policy: WarningPolicy | None  # without one nobody is warned
    warnings: Mapping[str, WarningRule]
    pyramid_meter: MeterSettings | None  # without one nobody is watched
    thresholds: Mapping[str, Dated]
    calendar: Calendar

    @classmethod
    def of(cls, lists: Iterable[ProcedureLists], thresholds: Iterable[Threshold]) -> Procedure:
        """The procedure that these files state together."""
        files = list(lists)

        def every(section: str) -> list[Any]:
            return [entry for file in files for entry in getattr(file, section)]

        def named(section: str) -> dict[str, Any]:
            return {entry.name: entry for entry in every(section)}

        moved = (
            MovedDay(date.fromisoformat(day.day_off), date.fromisoformat(day.worked) if day.worked else None)
            for day in every("moved_days")
        )
        hours = next((Hours(given.start, given.end) for given in every("working_hours")), USUAL_HOURS)
        return cls(
            named("clocks"),
            named("causes"),
            named("authorities"),
            tuple(every("protected")),
            named("addressees"),
            named("measures"),
            tuple(every("notices")),
            tuple(every("necessities")),
            frozenset(every("microfinance")),
            frozenset(every("cooling_off")),
            next(iter(every("warning_policy")), None),
            named("warnings"),
            next(iter(every("pyramid_meter")), None),
            {threshold.name: threshold.dated() for threshold in thresholds},
            Calendar(moved, hours),
        )

    @property
    def given(self) -> bool:
        """Whether this rulebook states a procedure; one that does not is for tests of other things."""
        return bool(self.clocks)

    def deadline(self, clock: str, start: int) -> int:
        """The instant (ms) at which a clock that starts at `start` (ms) is over, by the value in force at its start."""
        told = self.clocks[clock]
        value = told.at(start)
        if told.unit == "business_days":
            return self.calendar.after_business_days(start, round(value))
        if told.unit == "working_hours":
            return self.calendar.after_working_hours(start, value)
        return start + round(value * (HOUR_MS if told.unit == "hours" else DAY_MS))

    def threshold(self, name: str, moment: int) -> float:
        """A dated value of law in force at an instant (ms); NaN where none is."""
        dated = self.thresholds.get(name)
        return float(dated.at(np.array([moment]))[0]) if dated is not None else float("nan")

    def cooling_off_clock(self, lender: str, amount: int, moment: int) -> str:
        """The clock of an unsecured online loan's cooling-off, by lender and amount (tiyn); empty where it needs none.

        Law of 30 June 2025: of a bank from 150 MRP on and, longer, above 255; of a microfinance lender above 75.
        """
        units = amount / 100 / self.threshold("mrp", moment)
        if lender in self.microfinance:
            return "cooling_off_microcredit" if units > self.threshold("cooling_microcredit", moment) else ""
        if units > self.threshold("cooling_bank_long", moment):
            return "cooling_off_bank_large"
        return "cooling_off_bank" if units >= self.threshold("cooling_bank", moment) else ""

    def may(self, body: str, power: Power) -> bool:
        """Whether a body's disposition may do this; who may publish dispositions may suspend and release at least."""
        known = self.authorities.get(body)
        return power in known.may if known is not None else power != "sanction"

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """The lists that may be looked into for a stated reason only."""
        return frozenset(necessity.list for necessity in self.necessities)

    def necessity(self, typology: str, which: str) -> Necessity | None:
        """Why this typology may look into this list, if it may."""
        return next((one for one in self.necessities if (one.typology, one.list) == (typology, which)), None)

    def unstated(self, typology: str, names: Iterable[str]) -> list[str]:
        """Sensitive lists that a typology reads by these names without a stated necessity."""
        read = {name.rpartition(".")[2] for name in names if ".on_list." in name}
        return sorted(which for which in read & self.sensitive if self.necessity(typology, which) is None)

    def faults(self) -> list[tuple[str, str]]:
        """What the files name and do not say: (section, sentence)."""
        if not self.given:
            return []
        found = [("clocks", f"the clock {name!r} is missing") for name in CLOCKS if name not in self.clocks]
        found += [("causes", f"the cause {name!r} is missing") for name in CAUSES if name not in self.causes]
        for measure in self.measures.values():
            if measure.clock not in self.clocks:
                found.append(("measures", f"{measure.name}: unknown clock {measure.clock!r}"))
            if measure.addressee not in self.addressees:
                found.append(("measures", f"{measure.name}: unknown addressee {measure.addressee!r}"))
        for notice in self.notices:
            if notice.measure not in self.measures:
                found.append(("notices", f"{notice.typology}: unknown measure {notice.measure!r}"))
        return found
