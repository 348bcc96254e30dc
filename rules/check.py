"""The lint of a rulebook: everything that is wrong with it before it judges anybody, with file, line and column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from rules.names import MODELS
from rules.problems import Problem, errors
from rules.rulebook import Rulebook
from rules.rulebook_reading import CompiledTypology, Reading
from rules.satisfiability import highest, possible
from rules.texts import Texts
from rules.yaml import Path

# Model scores depend on the number of partitions; only this typology may read them (docs/architecture.md).
MODEL_TYPOLOGY: Final = "T22"
LEAST_EXAMPLES: Final = 2
_KAZAKH_ONLY: Final = frozenset("әғқңөұүһіӘҒҚҢӨҰҮҺІ")
_LONG_ENOUGH: Final = 40  # letters after which a Kazakh sentence without one of its own letters is unlikely


@dataclass(frozen=True, slots=True)
class Checked:
    """A rulebook, if it has no errors, and all problems in order of place."""

    rulebook: Rulebook | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> list[Problem]:
        return errors(self.problems)


def check(documents: Mapping[str, str]) -> Checked:
    """Read and lint the files of a rulebook, path → text."""
    reading = Reading(documents)
    problems = set(reading.problems)
    for compiled in reading.compiled:
        for law in LAWS:
            problems.update(law(compiled))
    problems.update(_unused(reading))
    in_order = tuple(sorted(problems))
    if errors(in_order) or reading.contents is None:
        return Checked(None, in_order)
    return Checked(Rulebook.of(reading.contents), in_order)


def _at(compiled: CompiledTypology, at: Path, message: str, suggestion: str = "") -> Problem:
    root = compiled.document.root
    assert root is not None
    return compiled.document.problem(root.at(at), message, suggestion)


def file_carries_the_id(compiled: CompiledTypology) -> Iterator[Problem]:
    """Whoever reads an alert finds the file by its name."""
    typology = compiled.typology
    name = compiled.document.path.rpartition("/")[2]
    if not name.startswith(f"{typology.id}-"):
        yield _at(compiled, ("id",), f"the file of {typology.id} is called {name}", f"call it {typology.id}-….yaml")


def has_examples(compiled: CompiledTypology) -> Iterator[Problem]:
    """Every typology shows when it fires and when it stays silent."""
    examples = compiled.typology.examples
    for kind, held in (("alerting", examples.alerting), ("silent", examples.silent)):
        if len(held) < LEAST_EXAMPLES:
            message = f"{compiled.typology.id} has {len(held)} {kind} examples, at least {LEAST_EXAMPLES} are needed"
            advice = "a fraud as it happens" if kind == "alerting" else "honest people who look alike"
            yield _at(compiled, ("examples", kind), message, f"add {advice}")


def texts_are_three_languages(compiled: CompiledTypology) -> Iterator[Problem]:
    """Each language says it in its own words."""
    for at, texts in _texts(compiled):
        if texts.kk == texts.ru and any(letter.isalpha() for letter in texts.kk):
            yield _at(compiled, (*at, "kk"), "the Kazakh text is the Russian one", "translate it")
        elif sum(map(str.isalpha, texts.kk)) >= _LONG_ENOUGH and not _KAZAKH_ONLY & set(texts.kk):
            problem = _at(compiled, (*at, "kk"), "the text has no letter that only Kazakh has", "is it Kazakh?")
            yield replace(problem, severity="warning")
        if texts.en in (texts.kk, texts.ru):
            yield _at(compiled, (*at, "en"), "the English text is that of another language", "translate it")


def models_only_in_their_typology(compiled: CompiledTypology) -> Iterator[Problem]:
    """The same events give the same alerts on any number of partitions."""
    if compiled.typology.id == MODEL_TYPOLOGY:
        return
    for place, expression in enumerate(compiled.signals):
        for name in expression.names:
            if name in MODELS:
                root = compiled.document.root
                assert root is not None
                node = root.at(("signals", place, "when"))
                message = f"{name} may be used in {MODEL_TYPOLOGY} only: it depends on the number of partitions"
                yield compiled.document.problem(node, message, "use a feature", expression.text.index(name))


def can_alert(compiled: CompiledTypology) -> Iterator[Problem]:
    """Nothing stands in the rulebook that can never happen."""
    typology, when = compiled.typology, compiled.when.condition
    if not possible([when]):
        yield _at(compiled, ("when",), f"{typology.id} can never alert: its 'when' contradicts itself")
        return
    weights = [round(signal.weight * 1000) for signal in typology.signals]
    if sum(weights) < round(typology.alert_at * 1000):
        message = f"{typology.id} can never alert: all weights together are {sum(weights) / 1000:g}"
        yield _at(compiled, ("alert_at",), message, f"lower alert_at to at most {sum(weights) / 1000:g}")
        return
    impossible = False
    for place, (signal, expression) in enumerate(zip(typology.signals, compiled.signals, strict=True)):
        if not possible([when, expression.condition]):
            impossible = True
            alone = (
                "contradicts itself" if not possible([expression.condition]) else "contradicts the typology's 'when'"
            )
            yield _at(compiled, ("signals", place, "when"), f"signal {signal.id!r} can never be true: it {alone}")
    reachable = highest(when, [signal.condition for signal in compiled.signals], weights)
    if reachable < round(typology.alert_at * 1000):
        if not impossible:
            message = f"{typology.id} can never alert: signals that are true together reach {reachable / 1000:g}"
            yield _at(compiled, ("alert_at",), message, f"lower alert_at to at most {reachable / 1000:g}")
        return
    yield from _actions(compiled, reachable)


def _actions(compiled: CompiledTypology, reachable: int) -> Iterator[Problem]:
    typology = compiled.typology
    for place, action in enumerate(typology.actions):
        at: Path = ("actions", place, "at")
        if action.at < typology.alert_at:
            message = f"the decision {action.decision!r} at {action.at:g} would come without an alert"
            yield _at(compiled, at, message, f"raise it to alert_at, {typology.alert_at:g}")
        elif round(action.at * 1000) > reachable:
            message = f"the decision {action.decision!r} at {action.at:g} can never be reached"
            yield _at(compiled, at, message, f"the highest score is {reachable / 1000:g}")


def parameters_are_used(compiled: CompiledTypology) -> Iterator[Problem]:
    """A number that changes nothing misleads whoever changes it."""
    typology = compiled.typology
    said = " ".join([compiled.when.text, *(signal.text for signal in compiled.signals)])
    said += " ".join(text for _, texts in _texts(compiled) for text in (texts.kk, texts.ru, texts.en))
    for place, parameter in enumerate(typology.parameters):
        if f"p.{parameter.name}" not in said:
            problem = _at(compiled, ("parameters", place, "name"), f"parameter {parameter.name!r} is not used")
            yield replace(problem, severity="warning")


LAWS: Final[tuple[Callable[[CompiledTypology], Iterator[Problem]], ...]] = (
    file_carries_the_id,
    has_examples,
    texts_are_three_languages,
    models_only_in_their_typology,
    can_alert,
    parameters_are_used,
)


def _texts(compiled: CompiledTypology) -> Iterator[tuple[Path, Texts]]:
    typology = compiled.typology
    yield ("name",), typology.name
    yield ("explanation", "summary"), typology.explanation.summary
    yield ("explanation", "advice"), typology.explanation.advice
    for place, signal in enumerate(typology.signals):
        yield ("signals", place, "text"), signal.text
    for place, basis in enumerate(typology.legal_basis):
        yield ("legal_basis", place, "text"), basis.text
    for place, texts in enumerate(typology.false_positives):
        yield ("false_positives", place), texts


def _unused(reading: Reading) -> Iterator[Problem]:
    """Features and lexicons that cost something and tell nobody anything."""
    if errors(reading.problems):
        return  # what uses them may be what could not be read
    names = {name for compiled in reading.compiled for signal in compiled.signals for name in signal.names}
    lexicons = {
        lexicon
        for compiled in reading.compiled
        for expression in (compiled.when, *compiled.signals)
        for lexicon in expression.lexicons
    }
    for document, feature in reading.features:
        if feature.name not in names:
            assert document.root is not None
            node = document.root.at((*feature.path, "name"))
            message = f"feature {feature.name!r} is not used by any typology"
            yield replace(document.problem(node, message, "remove it, or use it"), severity="warning")
        elif feature.where.words:
            lexicons.add(feature.where.words)
    for name, (document, place) in reading.lexicon_places.items():
        if name not in lexicons:
            assert document.root is not None
            node = document.root.at(("lexicons", place, "name"))
            yield replace(document.problem(node, f"lexicon {name!r} is not used"), severity="warning")
