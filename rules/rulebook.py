"""A rulebook: all typologies, features and lists of one generation, compiled to judge batches of events."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules import machine
from rules.conditions import NO, YES, Program, kinds_named
from rules.events import KINDS, TRANSACTION_KINDS, Events
from rules.expressions import Expression
from rules.judged import DescribedSignal, Description, Judged, Value
from rules.names import ON_LISTS, Catalogue
from rules.problems import RulebookInvalid
from rules.protected import ProtectedMoney
from rules.rulebook_files import PACKAGED, read_documents
from rules.rulebook_reading import CompiledTypology, Contents, Reading
from rules.typology import Typology


class _Code(NamedTuple):
    """The programs of some expressions as the arrays that the machine runs."""

    starts: NDArray[np.int64]
    operations: NDArray[np.int64]
    arguments: NDArray[np.int64]
    constants: NDArray[np.float64]

    @classmethod
    def of(cls, expressions: Iterable[Expression], catalogue: Catalogue) -> _Code:
        program = Program(catalogue.places)
        starts = [0]
        for expression in expressions:
            program.write(expression.condition)
            starts.append(len(program.operations))
        return cls(
            np.array(starts, np.int64),
            np.array(program.operations, np.int64),
            np.array(program.arguments, np.int64),
            np.array(program.constants, np.float64),
        )


@dataclass
class Rulebook(Contents):
    """One generation of rules, ready to judge."""

    @classmethod
    def load(cls, path: Path | str = PACKAGED) -> Rulebook:
        """The rulebook in a folder; RulebookInvalid if it has errors."""
        return cls.from_documents(read_documents(path))

    @classmethod
    def from_documents(cls, documents: Mapping[str, str]) -> Rulebook:
        """The rulebook of these texts by path; RulebookInvalid if it has errors."""
        reading = Reading(documents)
        if reading.contents is None:
            raise RulebookInvalid(reading.problems)
        return cls.of(reading.contents)

    @classmethod
    def of(cls, contents: Contents) -> Rulebook:
        """The rulebook that has been read without errors."""
        return cls(**{each.name: getattr(contents, each.name) for each in fields(contents)})

    @cached_property
    def typologies(self) -> tuple[Typology, ...]:
        return tuple(compiled.typology for compiled in self.compiled)

    @cached_property
    def protected_money(self) -> ProtectedMoney:
        """What tells money that is never held."""
        return ProtectedMoney(self.procedure)

    @cached_property
    def alert_at(self) -> NDArray[np.float64]:
        """The alert threshold of each typology."""
        return np.array([typology.alert_at for typology in self.typologies])

    @cached_property
    def shadow(self) -> NDArray[np.bool_]:
        """Which typologies are judged for comparison only."""
        return np.array([typology.shadow for typology in self.typologies], np.bool_)

    @cached_property
    def signal_of(self) -> tuple[slice, ...]:
        """The columns of `Judged.signals` that belong to each typology."""
        slices, start = [], 0
        for typology in self.typologies:
            slices.append(slice(start, start + len(typology.signals)))
            start = slices[-1].stop
        return tuple(slices)

    @cached_property
    def _thousandths(self) -> NDArray[np.int64]:
        """The weight of each signal in thousandths."""
        weights = [signal.weight for typology in self.typologies for signal in typology.signals]
        return np.array([round(weight * 1000) for weight in weights], np.int64)

    @cached_property
    def _conditions(self) -> _Code:
        """The `when` of each typology."""
        return _Code.of([compiled.when for compiled in self.compiled], self.catalogue)

    @cached_property
    def _signals(self) -> _Code:
        """The signals of all typologies, in order."""
        return _Code.of([signal for compiled in self.compiled for signal in compiled.signals], self.catalogue)

    @cached_property
    def _first_signal(self) -> NDArray[np.int64]:
        return np.cumsum([0, *(len(typology.signals) for typology in self.typologies)])

    @cached_property
    def _of_kind(self) -> NDArray[np.uint64]:
        """Bit t for each kind: a transaction may concern every typology, a fact only those whose `when` names it."""
        masks = np.full(len(KINDS), np.iinfo(np.uint64).max, np.uint64)
        for number, kind in enumerate(KINDS[len(TRANSACTION_KINDS) :], start=len(TRANSACTION_KINDS)):
            masks[number] = sum(
                1 << place
                for place, compiled in enumerate(self.compiled)
                if kind in kinds_named(compiled.when.condition)
            )
        return masks

    @cached_property
    def listed_roles(self) -> int:
        """Bit r: some signal reads a list that the subject ROLES[r] may be on."""
        named = {name for compiled in self.compiled for signal in compiled.signals for name in signal.names}
        return sum({1 << ON_LISTS[name][0] for name in named if name in ON_LISTS})

    @cached_property
    def reads_lists(self) -> NDArray[np.bool_]:
        """Which typologies read a list."""
        reads = [any(name in ON_LISTS for signal in one.signals for name in signal.names) for one in self.compiled]
        return np.array(reads, np.bool_)

    def amounts_in_tenge(self, rows: Events) -> NDArray[np.int64]:
        """The amounts in tiyn, by the rates in force when the events happened; 0 where no rate is known."""
        return self.rates.tiyn(rows)

    def applies(self, needed: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """The mask of `applicable` as one column for each typology: bool[n, typologies]."""
        bits = np.arange(len(self.compiled), dtype=np.uint64)
        applies: NDArray[np.bool_] = (needed[:, None] >> bits) & np.uint64(1) != 0
        return applies

    def applicable(self, rows: Events) -> NDArray[np.uint64]:
        """Bit t: typology t may apply, by the event's own fields. Where its `when` cannot be judged, it does."""
        needed = np.zeros(len(rows), np.uint64)
        machine.applicable(*self._conditions, self.catalogue.columns(rows), needed)
        needed &= self._of_kind[rows["kind"]]
        return needed

    def judge(
        self,
        rows: Events,
        needed: NDArray[np.uint64],
        values: NDArray[np.float64],
        statistics: NDArray[np.float64],
        scores: NDArray[np.float64],
        lists: NDArray[np.uint32] | None = None,
    ) -> Judged:
        """Judge n events: features float64[n, F], statistics float64[n, 4, K], model scores float64[n, 2].

        `lists` uint32[n, 4] as from `ReferenceSets.of_events`; without them nobody is on any list.
        """
        lists = np.zeros((len(rows), 4), np.uint32) if lists is None else np.ascontiguousarray(lists)
        score = np.zeros((len(rows), len(self.compiled)))
        signals = np.zeros((len(rows), len(self._thousandths)), np.uint8)
        needed = np.ascontiguousarray(needed)
        machine.judge(
            needed,
            self._first_signal,
            self._thousandths,
            *self._signals,
            self.catalogue.columns(rows, needed != 0),
            np.ascontiguousarray(values),
            np.ascontiguousarray(statistics),
            np.ascontiguousarray(scores),
            lists,
            score,
            signals,
        )
        return Judged(score, signals, rows, needed, values, statistics, scores, lists)

    def at_most(self, judged: Judged) -> NDArray[np.float64]:
        """The score that each typology could reach if every signal not judged held: float64[n, typologies]."""
        highest = np.empty_like(judged.score)
        for place, columns in enumerate(self.signal_of):
            total = (judged.signals[:, columns] != NO) @ self._thousandths[columns]
            highest[:, place] = np.minimum(total, 1000) / 1000
        return np.where(self.applies(judged.needed), highest, 0.0)

    def describe(self, judged: Judged, i: int, t: int) -> Description:
        """Say in words why typology t gave event i its score."""
        compiled = self.compiled[t]
        typology = compiled.typology
        columns = self.catalogue.columns(judged.rows[i : i + 1])[0]

        def value(name: str) -> tuple[Value, str]:
            return self._value(compiled, judged, i, columns, name)

        states = judged.signals[i, self.signal_of[t]]
        described = tuple(
            DescribedSignal(
                signal.id,
                int(state),
                signal.weight,
                signal.weight if state == YES else 0.0,
                signal.text.render(value),
            )
            for signal, state in zip(typology.signals, states, strict=True)
        )
        looked_at = {
            name: value(name)
            for expression, state in zip(compiled.signals, states, strict=True)
            if state == YES
            for name in expression.names
            if name != "event.purpose"
        }
        score = float(judged.score[i, t])
        return Description(
            typology,
            score,
            described,
            looked_at,
            typology.explanation.summary.render(value),
            typology.explanation.advice.render(value),
            typology.action(score),
        )

    def measured(self, judged: Judged, i: int, t: int) -> dict[str, tuple[Value, str]]:
        """Everything that typology t's signals look at, as it was at event i, true or not: name → (value, unit)."""
        compiled = self.compiled[t]
        columns = self.catalogue.columns(judged.rows[i : i + 1])[0]
        names = dict.fromkeys(name for expression in compiled.signals for name in expression.names)
        names.pop("event.purpose", None)
        return {name: self._value(compiled, judged, i, columns, name) for name in names}

    def _value(
        self, compiled: CompiledTypology, judged: Judged, i: int, columns: NDArray[np.float64], name: str
    ) -> tuple[Value, str]:
        known = compiled.parameters.get(name) or self.catalogue.names[name]
        if known.value is not None:
            return known.value, known.unit
        operation, place = self.catalogue.places[name]
        if operation == machine.EVENT_COLUMN:
            value = float(columns[place])
        elif operation == machine.FEATURE:
            value = float(judged.values[i, place])
        elif operation == machine.MODEL:
            value = float(judged.scores[i, place])
        elif operation == machine.LISTED:
            role, which = divmod(place, 1 << machine.STATISTICS_SHIFT)
            value = float(judged.lists[i, role] >> np.uint32(which) & np.uint32(1))
        else:
            role, column = divmod(place, 1 << machine.STATISTICS_SHIFT)
            value = float(judged.statistics[i, role, column])
        if not math.isfinite(value):
            return None, known.unit
        if known.type == "text":
            return known.options[int(value)], known.unit
        return bool(value) if known.type == "truth" else value, known.unit
