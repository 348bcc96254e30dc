"""Reads the files of a rulebook and compiles what they say, or tells everything that is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import Annotated, Any, Final

from pydantic import StringConstraints

from rules.conditions import Name
from rules.expressions import Expression, compile_condition
from rules.feature_reading import read_features
from rules.feature_table import FeatureTable
from rules.features import Feature
from rules.lists import ExchangeRate, Lexicon, Rates, Threshold
from rules.names import EVENT_NAMES, Catalogue
from rules.problems import Problem, errors, nearest
from rules.procedure import NAMED, Procedure, ProcedureLists
from rules.risk import RiskSettings
from rules.rulebook_files import PACKAGED, SETTINGS, digest_of
from rules.texts import Strict, Texts
from rules.tracing import Tracing
from rules.typology import Typology
from rules.yaml import Document, decode, parse
from rules.yaml import Path as Place

MAX_TYPOLOGIES: Final = 64


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


@dataclass
class Contents:
    """What the files of one generation say, compiled. Typologies stand in order of id; typology t is bit t of masks."""

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


@cache
def packaged_procedure() -> Procedure:
    """The procedure of the packaged rulebook: that of every rulebook which states none of its own."""
    lists = (PACKAGED / "lists").glob("*.yaml")
    read = [decode(parse(path.name, path.read_text(encoding="utf-8")), ProcedureLists) for path in sorted(lists)]
    return Procedure.of(
        [lists for lists in read if lists is not None],
        [threshold for lists in read if lists is not None for threshold in lists.thresholds],
    )


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
        self.contents = self._contents()

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

    def _contents(self) -> Contents | None:
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
        return Contents(
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
