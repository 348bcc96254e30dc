"""Checks the files of a rulebook and runs its examples, each with what was measured; faults, never an exception."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from console.rulebooks.files import Files, normal
from console.rulebooks.reports import CheckReport, ExampleResult, Fault, MeasuredValue, SignalResult, SignalState
from rules.check import check as lint
from rules.examples import judge, outcome_of, tell
from rules.problems import Problem
from rules.rulebook import Rulebook
from rules.rulebook_files import digest_of, read_documents
from rules.texts import Texts
from rules.typology import Example, Typology

# A page waits for its examples: the packaged rulebook tells 2,816 events in all and 207 in the longest.
MOST_OF_EXAMPLE: Final = 5_000
MOST_OF_ALL: Final = 100_000
MOST_FAULTS: Final = 200  # that are listed
_STATES: Final[tuple[SignalState, ...]] = ("no", "yes", "not_judged")


def read_folder(folder: Path) -> dict[str, str]:
    """The files of a rulebook's folder; OSError where it cannot be read."""
    return {path: normal(text) for path, text in read_documents(folder).items()}


def check(files: Files, *, examples_in: str | None = None, with_examples: bool = True) -> CheckReport:
    """The faults of a rulebook; and, where nothing stops it, the result of every example, or of those in one file."""
    checked = lint(files)
    problems = list(checked.problems)
    rulebook = checked.rulebook
    if rulebook is not None and (too_long := _too_long(rulebook)):
        problems, rulebook = sorted([*problems, *too_long]), None
    return CheckReport(
        digest=digest_of(files),
        version=rulebook.version if rulebook is not None else None,
        typologies=[typology.id for typology in rulebook.typologies] if rulebook is not None else [],
        faults=[_fault(problem) for problem in _first(problems)],
        more_faults=max(0, len(problems) - MOST_FAULTS),
        examples=list(examples(rulebook, examples_in)) if rulebook is not None and with_examples else [],
    )


def examples(rulebook: Rulebook, path: str | None = None) -> Iterator[ExampleResult]:
    """Run the examples of a rulebook, or those of the typology in one file."""
    for place, compiled in enumerate(rulebook.compiled):
        if path not in (None, compiled.document.path):
            continue
        typology = compiled.typology
        for kind, told in (("alerting", typology.examples.alerting), ("silent", typology.examples.silent)):
            for example in told:
                yield _result(rulebook, place, kind, example)


def _result(rulebook: Rulebook, place: int, kind: str, example: Example) -> ExampleResult:
    judged = judge(rulebook, tell(example))
    outcome = outcome_of(rulebook, place, kind, example, judged)
    best = outcome.best - 1
    description = rulebook.describe(judged, best, place)
    return ExampleResult.model_validate(
        {
            **outcome.as_json(),
            "alert_at": rulebook.typologies[place].alert_at,
            "signals": [
                SignalResult(id=one.id, state=_STATES[one.state], weight=one.weight, text=Texts(**one.text))
                for one in description.signals
            ],
            "values": [
                MeasuredValue(name=name, value=value, unit=unit)
                for name, (value, unit) in rulebook.measured(judged, best, place).items()
            ],
        }
    )


def _first(problems: Sequence[Problem]) -> Sequence[Problem]:
    if len(problems) <= MOST_FAULTS:
        return problems
    return sorted(problems, key=lambda problem: problem.severity != "error")[:MOST_FAULTS]


def _too_long(rulebook: Rulebook) -> list[Problem]:
    """Examples that tell more events than anybody would wait for."""
    return [*_of_one(rulebook), *_of_all(rulebook)]


def _of_one(rulebook: Rulebook) -> Iterator[Problem]:
    for compiled in rulebook.compiled:
        root = compiled.document.root
        assert root is not None
        for kind, told in _told(compiled.typology):
            for place, example in enumerate(told):
                if (events := _events(example)) > MOST_OF_EXAMPLE:
                    message = f"the example tells {events} events, at most {MOST_OF_EXAMPLE} are run"
                    yield compiled.document.problem(root.at(("examples", kind, place)), message, "tell a shorter story")


def _of_all(rulebook: Rulebook) -> Iterator[Problem]:
    told = [sum(map(_events, [*one.examples.alerting, *one.examples.silent])) for one in rulebook.typologies]
    if sum(told) > MOST_OF_ALL:
        document = rulebook.compiled[told.index(max(told))].document
        assert document.root is not None
        message = f"all examples together tell {sum(told)} events, at most {MOST_OF_ALL} are run"
        yield document.problem(document.root.at(("examples",)), message, "this file tells most of them")


def _told(typology: Typology) -> Iterator[tuple[str, list[Example]]]:
    yield "alerting", typology.examples.alerting
    yield "silent", typology.examples.silent


def _events(example: Example) -> int:
    return sum(said.times for said in example.events)


def _fault(problem: Problem) -> Fault:
    return Fault(**{name: getattr(problem, name) for name in Fault.model_fields})
