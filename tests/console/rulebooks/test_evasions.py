"""Evasions: what is said to be silent is silent by the engine, a little less is not, and the cheap comes first."""

from __future__ import annotations

import pytest

from console.rulebooks.evasion_changes import Change
from console.rulebooks.evasions import Prices, evasions
from console.rulebooks.reports import Evasion, EvasionReport
from console.rulebooks.stories import story_of, verdict
from rules.rulebook import Rulebook
from tests.rules.small import documents


@pytest.fixture(scope="module")
def packaged() -> Rulebook:
    """The packaged rulebook."""
    return Rulebook.load()


def silent(rulebook: Rulebook, typology: str, evasion: Evasion, *changes: Change) -> bool:
    place = [one.id for one in rulebook.typologies].index(typology)
    told = rulebook.typologies[place].examples.alerting
    story = story_of(rulebook, place, next(one for one in told if one.name == evasion.example))
    for change in changes or [Change(step.kind, step.number) for step in evasion.steps]:  # type: ignore[arg-type]
        story = change.apply(story)
    return verdict(rulebook, place, story).silent


def found(rulebook: Rulebook, typology: str) -> EvasionReport:
    report = evasions(rulebook, typology)
    assert report.digest == rulebook.digest
    return report


@pytest.mark.parametrize("typology", ["T03", "T07", "T16", "T17"])
def test_what_is_found_is_silent_and_what_the_engine_still_sees_is_told(packaged: Rulebook, typology: str) -> None:
    report = found(packaged, typology)
    assert report.found
    for evasion in report.found:
        assert silent(packaged, typology, evasion)
        assert typology not in evasion.still_caught_by


def test_half_an_hour_between_coming_and_going_is_what_a_mule_has_to_wait(packaged: Rulebook) -> None:
    _, second = found(packaged, "T03").found
    (step,) = second.steps
    assert step.kind == "pace"
    assert not silent(packaged, "T03", second, Change("pace", step.number - 1))


def test_a_sum_under_the_least_that_is_looked_at_is_the_way_where_all_else_is_closed() -> None:
    """Of a typology that asks only for a sum nothing but smaller sums or parts helps, and parts cost no money."""
    book = Rulebook.from_documents(documents(("when: payer.payees_1d >= 3", "when: event.amount >= 1")))
    report = found(book, "T90")
    first = report.found[0]
    assert [step.kind for step in first.steps] == ["split"]
    assert first.money_forgone == pytest.approx(0, abs=1)
    assert first.operations == 15  # 5,000 tenge in six parts are each under 1,000: three sums become eighteen
    assert not silent(book, "T90", first, Change("split", 5))


def test_prices_decide_between_ways() -> None:
    book = Rulebook.from_documents(documents(("when: payer.payees_1d >= 3", "when: event.amount >= 1")))
    dear = evasions(book, "T90", prices=Prices(operation=1_000_000.0))
    assert all("split" not in {step.kind for step in one.steps} for one in dear.found)
    assert all(one.money_forgone > 0 for one in dear.found)


def test_stated_model_scores_are_not_evaded(packaged: Rulebook) -> None:
    report = found(packaged, "T22")
    assert (report.tries, report.found, len(report.not_found)) == (0, [], 2)


def test_the_same_search_finds_the_same(packaged: Rulebook) -> None:
    assert found(packaged, "T05") == found(packaged, "T05")
