"""A rulebook: all typologies, features and lists of one generation, compiled to judge batches of events."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import StringConstraints

from rules import machine
from rules.conditions import NO, NOT_JUDGED, YES, Name, Program, kinds_named
from rules.events import KINDS, TRANSACTION_KINDS, Events
from rules.expressions import Expression, compile_condition
from rules.feature_reading import read_features
from rules.feature_table import FeatureTable
from rules.features import Feature
from rules.lists import ExchangeRate, Lexicon, Rates, Threshold
from rules.names import EVENT_NAMES, ON_LISTS, Catalogue
from rules.problems import Problem, RulebookInvalid, errors, nearest
from rules.procedure import NAMED, Procedure, ProcedureLists
from rules.protected import ProtectedMoney
from rules.risk import RiskSettings
from rules.texts import Language, Strict, Texts
from rules.tracing import Tracing
from rules.typology import Action, Typology
from rules.yaml import MAX_BYTES, Document, decode, parse
from rules.yaml import Path as Place

MAX_TYPOLOGIES: Final = 64
SETTINGS: Final = "rulebook.yaml"
PACKAGED: Final = Path(__file__).parent / "catalogue"

Value = float | str | bool | None


class Settings(Strict):
    """rulebook.yaml: what holds for the rulebook as a whole."""

    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$")]
    risk: RiskSettings
    tracing: Tracing | None = None  # without it no flow of money is traced


@dataclass(frozen=True, slots=True)
class CompiledTypology:
    """A typology with its expressions ready to compute."""

    typology: Typology
    document: Document
    when: Expression
    signals: tuple[Expression, ...]
    parameters: Mapping[str, Name]

    @property
    def names(self) -> frozenset[str]:
        """Everything that its signals look at."""
        return frozenset(name for signal in self.signals for name in signal.names)


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


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rulebook says about n events."""

    score: NDArray[np.float64]  # [n, typologies]; 0 where the typology does not apply
    signals: NDArray[np.uint8]  # [n, signals of all typologies]: 0 no, 1 yes, 2 not judged
    rows: Events
    needed: NDArray[np.uint64]
    values: NDArray[np.float64]
    statistics: NDArray[np.float64]
    scores: NDArray[np.float64]
    lists: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class DescribedSignal:
    """One signal of a finding, in words."""

    id: str
    state: int  # 0 no, 1 yes, 2 not judged
    weight: float
    contribution: float
    text: dict[Language, str]


@dataclass(frozen=True, slots=True)
class Description:
    """Why a typology gave an event its score."""

    typology: Typology
    score: float
    signals: tuple[DescribedSignal, ...]
    values: dict[str, tuple[Value, str]]  # what the true signals looked at: name → (value, unit)
    summary: dict[Language, str]
    advice: dict[Language, str]
    action: Action | None

    @property
    def not_judged(self) -> tuple[str, ...]:
        """The signals that could not be judged: the score may be too low by their weights."""
        return tuple(signal.id for signal in self.signals if signal.state == NOT_JUDGED)


@dataclass
class Rulebook:
    """One generation of rules. Typologies stand in order of id; typology t is bit t of every mask."""

    digest: str
    version: str
    risk: RiskSettings
    features: FeatureTable
    declared: tuple[Feature, ...]
    compiled: tuple[CompiledTypology, ...]
    catalogue: Catalogue
    rates: Rates
    procedure: Procedure
    documents: Mapping[str, str] = field(repr=False)
    tracing: Tracing | None = None

    @classmethod
    def load(cls, path: Path | str = PACKAGED) -> Rulebook:
        """The rulebook in a folder; RulebookInvalid if it has errors."""
        return cls.from_documents(read_documents(path))

    @classmethod
    def from_documents(cls, documents: Mapping[str, str]) -> Rulebook:
        """The rulebook of these texts by path; RulebookInvalid if it has errors."""
        reading = Reading(documents)
        if reading.rulebook is None:
            raise RulebookInvalid(reading.problems)
        return reading.rulebook

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


def read_documents(path: Path | str) -> dict[str, str]:
    """The YAML files of a folder and of its subfolders, one level deep: path inside the folder → text.

    Of a file that is too large only the beginning is read: enough for `parse` to refuse it.
    """
    root = Path(path)
    files = {file for pattern in ("*.yaml", "*.yml", "*/*.yaml", "*/*.yml") for file in root.glob(pattern)}
    documents = {}
    for file in sorted(files):
        with file.open(encoding="utf-8", errors="surrogateescape") as opened:
            documents[file.relative_to(root).as_posix()] = opened.read(MAX_BYTES + 1)
    return documents


@cache
def packaged_procedure() -> Procedure:
    """The procedure of the packaged rulebook: that of every rulebook which states none of its own."""
    lists = (PACKAGED / "lists").glob("*.yaml")
    read = [decode(parse(path.name, path.read_text(encoding="utf-8")), ProcedureLists) for path in sorted(lists)]
    return Procedure.of(
        [lists for lists in read if lists is not None],
        [threshold for lists in read if lists is not None for threshold in lists.thresholds],
    )


def digest_of(documents: Mapping[str, str]) -> str:
    """SHA-256 over paths and texts: two rulebooks with the same digest judge the same."""
    digest = hashlib.sha256()
    for path in sorted(documents):
        for part in (path, documents[path]):
            data = part.encode("utf-8", "surrogateescape")
            digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


class Reading:
    """One pass over the files of a rulebook: what they say, and everything that is wrong with them."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        self.texts = dict(documents)
        self.documents = {path: parse(path, text) for path, text in sorted(self.texts.items())}
        self.found: list[Problem] = []
        self.lexicons: dict[str, Lexicon] = {}
        self.lexicon_places: dict[str, tuple[Document, int]] = {}
        self.thresholds: dict[str, Threshold] = {}
        self.rates: dict[str, ExchangeRate] = {}
        self.lists: list[tuple[Document, ProcedureLists]] = []
        self.features: list[tuple[Document, Feature]] = []
        self.broken: list[Name] = []  # features whose declaration has faults
        self.typologies: dict[str, tuple[Document, Typology]] = {}
        self.compiled: list[CompiledTypology] = []
        self.settings = self._settings()
        self._sort_documents()
        self.catalogue = self._catalogue()
        for _, (document, typology) in sorted(self.typologies.items()):
            self._compile(document, typology)
        self.rulebook = self._rulebook()

    @property
    def problems(self) -> list[Problem]:
        """Everything that is wrong, in order of place."""
        return sorted(
            {*self.found, *(problem for document in self.documents.values() for problem in document.problems)}
        )

    def _settings(self) -> Settings | None:
        document = self.documents.get(SETTINGS)
        if document is None:
            self.found.append(
                Problem(SETTINGS, 1, 1, "the file is missing", "it holds the version and the risk settings")
            )
            return None
        return decode(document, Settings)

    def _sort_documents(self) -> None:
        # Lists first: features and typologies name lexicons.
        readers = {"lists": self._read_lists, "features": self._read_features, "typologies": self._read_typology}
        for folder, read in readers.items():
            for path, document in self.documents.items():
                if path.partition("/")[0] == folder:
                    read(document)
        for path in self.documents:
            if path != SETTINGS and path.partition("/")[0] not in readers:
                message = f"the file is in none of the folders {', '.join(sorted(readers))}"
                self.found.append(Problem(path, 1, 1, message, nearest(path.partition("/")[0], readers)))

    def _read_features(self, document: Document) -> None:
        if document.root is None:
            return
        declared, faults = read_features(document.root.plain())
        for fault in faults:
            self.found.append(_problem_at(document, fault.path, fault.message, fault.suggestion or ""))
            named = document.root.at((*fault.path[:2], "name")).value
            if isinstance(named, str):
                # Whoever uses it is not at fault as well.
                self.broken.append(Name(named, "number"))
        for feature in declared:
            twin = next((other for other, held in self.features if held.name == feature.name), None)
            if twin:
                message = f"feature {feature.name!r} is declared twice"
                self.found.append(_problem_at(document, (*feature.path, "name"), message, f"see {twin.path}"))
            else:
                self.features.append((document, feature))
            if feature.where.words is not None and feature.where.words not in self.lexicons:
                message = f"unknown lexicon {feature.where.words!r}"
                suggestion = nearest(feature.where.words, self.lexicons)
                self.found.append(_problem_at(document, (*feature.path, "where", "words"), message, suggestion))

    def _read_lists(self, document: Document) -> None:
        lists = decode(document, ProcedureLists)
        if lists is None:
            return
        self.lists.append((document, lists))
        for place, lexicon in enumerate(lists.lexicons):
            self._once(document, ("lexicons", place, "name"), self.lexicons, lexicon.name, lexicon)
            self.lexicon_places[lexicon.name] = document, place
        for place, threshold in enumerate(lists.thresholds):
            self._once(document, ("thresholds", place, "name"), self.thresholds, threshold.name, threshold)
        for place, rate in enumerate(lists.exchange_rates):
            self._once(document, ("exchange_rates", place, "currency"), self.rates, rate.currency, rate)

    def _procedure(self) -> Procedure:
        procedure = Procedure.of([lists for _, lists in self.lists], self.thresholds.values())
        if not procedure.given:
            return packaged_procedure()
        named: dict[str, Any] = {}
        for document, lists in self.lists:
            for section in NAMED:
                for place, entry in enumerate(getattr(lists, section)):
                    self._once(document, (section, place, "name"), named, f"{section}: {entry.name}", entry)
        for section, message in procedure.faults():
            document = next(document for document, lists in self.lists if getattr(lists, section) or lists.clocks)
            self.found.append(Problem(document.path, 1, 1, message, f"see {section}"))
        for compiled in self.compiled:
            # A list that tells of a conviction is looked into for a stated reason or not at all.
            for which in procedure.unstated(compiled.typology.id, compiled.names):
                root = compiled.document.root
                assert root is not None
                message = f"{compiled.typology.id} reads the list {which!r} without a stated necessity"
                suggestion = "state it under 'necessities' in catalogue/lists/notices.yaml"
                self.found.append(compiled.document.problem(root.at(("signals",)), message, suggestion))
        return procedure

    def _once(self, document: Document, at: Place, held: dict[str, Any], name: str, item: Any) -> None:
        if name in held:
            self.found.append(_problem_at(document, at, f"{name!r} is listed twice in {at[0]}"))
        held[name] = item

    def _read_typology(self, document: Document) -> None:
        typology = decode(document, Typology)
        if typology is None:
            return
        if typology.id in self.typologies:
            other = self.typologies[typology.id][0].path
            self.found.append(_problem_at(document, ("id",), f"duplicate id {typology.id}: {other} has it too"))
            return
        self.typologies[typology.id] = document, typology
        if len(self.typologies) > MAX_TYPOLOGIES:
            self.found.append(_problem_at(document, ("id",), f"more than {MAX_TYPOLOGIES} typologies"))

    def _catalogue(self) -> Catalogue:
        return Catalogue.of(
            [*(_name_of(feature) for _, feature in self.features), *self.broken],
            [threshold.dated() for threshold in self.thresholds.values()],
            {name: lexicon.hashes() for name, lexicon in self.lexicons.items()},
        )

    def _compile(self, document: Document, typology: Typology) -> None:
        parameters = {
            f"p.{parameter.name}": Name(f"p.{parameter.name}", "number", parameter.unit, value=parameter.value)
            for parameter in typology.parameters
        }
        before = len(self.found)
        _repeated(self.found, document, "parameters", "name", [parameter.name for parameter in typology.parameters])
        _repeated(self.found, document, "signals", "id", [signal.id for signal in typology.signals])
        # The `when` is judged before any history is looked at: facts of the event, its time, and fixed numbers.
        dated = {name: self.catalogue.names[name] for name in self.catalogue.names if name.startswith("threshold.")}
        known_early = {**EVENT_NAMES, **dated, **parameters}
        when = self._expression(document, ("when",), typology.when, known_early, only_event=True)
        names = {**self.catalogue.names, **parameters}
        signals = [
            self._expression(document, ("signals", place, "when"), signal.when, names)
            for place, signal in enumerate(typology.signals)
        ]
        self._check_texts(document, typology, names)
        if when is None or len(self.found) > before:
            return
        self.compiled.append(
            CompiledTypology(
                typology, document, when, tuple(signal for signal in signals if signal is not None), parameters
            )
        )

    def _expression(
        self, document: Document, at: Place, text: str, names: Mapping[str, Name], *, only_event: bool = False
    ) -> Expression | None:
        result = compile_condition(text, names, tuple(self.lexicons))
        if isinstance(result, Expression):
            return result
        message, suggestion = result.message, result.suggestion
        if only_event and any(f"unknown name {name!r}" == message for name in self.catalogue.names):
            message, suggestion = f"{message} in 'when': only event.*, threshold.* and p.*", "move it to a signal"
        assert document.root is not None
        self.found.append(document.problem(document.root.at(at), message, suggestion, result.offset))
        return None

    def _check_texts(self, document: Document, typology: Typology, names: Mapping[str, Name]) -> None:
        places: list[tuple[Place, Texts]] = [
            (("signals", place, "text"), signal.text) for place, signal in enumerate(typology.signals)
        ]
        places += [
            (("explanation", "summary"), typology.explanation.summary),
            (("explanation", "advice"), typology.explanation.advice),
        ]
        assert document.root is not None
        for at, texts in places:
            for language, offset, name in texts.placeholders():
                if name not in names or names[name].type == "words":
                    node = document.root.at((*at, language))
                    message = f"unknown name {name!r} in a text"
                    self.found.append(document.problem(node, message, nearest(name, names), offset))

    def _rulebook(self) -> Rulebook | None:
        procedure = self._procedure()
        if not self.typologies and not self.problems:
            self.found.append(Problem("typologies", 1, 1, "the rulebook has no typology"))
        tracing = self.settings.tracing if self.settings is not None else None
        if tracing is not None and tracing.typology not in self.typologies:
            message = f"no typology is {tracing.typology}"
            suggestion = nearest(tracing.typology, self.typologies)
            self.found.append(_problem_at(self.documents[SETTINGS], ("tracing", "typology"), message, suggestion))
        if errors(self.problems) or self.settings is None:
            return None
        features = [feature for _, feature in self.features]
        used = {
            feature.name: sum(
                1 << place
                for place, compiled in enumerate(self.compiled)
                if any(feature.name in expression.names for expression in compiled.signals)
            )
            for feature in features
        }
        lexicons = {name: [*chain(*lexicon.words.values())] for name, lexicon in self.lexicons.items()}
        table = FeatureTable.from_declarations(features, lexicons, used)
        return Rulebook(
            digest_of(self.texts),
            self.settings.version,
            self.settings.risk,
            table,
            tuple(features),
            tuple(self.compiled),
            self.catalogue,
            Rates.of(list(self.rates.values())),
            procedure,
            self.texts,
            self.settings.tracing,
        )


def _name_of(feature: Feature) -> Name:
    counts = feature.aggregate in ("count", "distinct", "reciprocal")
    high = 1.0 if feature.aggregate == "share" else math.inf
    return Name(feature.name, "number", feature.unit, 0.0, high, integral=counts)


def _problem_at(document: Document, at: Place, message: str, suggestion: str = "") -> Problem:
    assert document.root is not None
    return document.problem(document.root.at(at), message, suggestion)


def _repeated(found: list[Problem], document: Document, section: str, key: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for place, name in enumerate(names):
        if name in seen:
            found.append(_problem_at(document, (section, place, key), f"{name!r} stands twice in {section}"))
        seen.add(name)
