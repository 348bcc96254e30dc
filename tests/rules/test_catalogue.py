"""Laws over the whole packaged rulebook: what stands in it is complete, explained, shown on examples and precise."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

from rules.check import Checked, check
from rules.examples import Outcome, judge, run, tell
from rules.names import MODELS
from rules.rulebook import Rulebook
from rules.rulebook_files import PACKAGED, read_documents
from rules.texts import LANGUAGES
from rules.typology import Typology

ALL = tuple(f"T{number:02d}" for number in range(1, 23))
MOST_FEATURES = 96  # the language allows 128; each costs time on every event that its typologies concern


@cache
def checked() -> Checked:
    return check(read_documents(PACKAGED))


def rulebook() -> Rulebook:
    found = checked().rulebook
    assert found is not None, "\n".join(map(str, checked().problems))
    return found


@cache
def outcomes() -> tuple[Outcome, ...]:
    return tuple(run(rulebook()))


def typologies() -> tuple[Typology, ...]:
    return rulebook().typologies


def test_there_is_nothing_to_complain_about() -> None:
    assert list(map(str, checked().problems)) == []


def test_every_typology_of_the_mission_is_there() -> None:
    assert tuple(typology.id for typology in typologies()) == ALL


def test_it_is_small_enough_to_be_fast() -> None:
    assert len(rulebook().features) <= MOST_FEATURES


@pytest.mark.parametrize("outcome", outcomes(), ids=lambda one: f"{one.typology}: {one.name}")
def test_every_example_shows_what_it_says(outcome: Outcome) -> None:
    assert outcome.passed, f"{outcome.expected}, but {outcome.alerts}: {outcome.score:g} {outcome.signals}"


@pytest.mark.parametrize("outcome", [one for one in outcomes() if one.kind == "silent"], ids=lambda one: one.name)
def test_honest_people_are_left_in_peace_by_every_typology(outcome: Outcome) -> None:
    assert outcome.others == ()


@pytest.mark.parametrize("typology", typologies(), ids=lambda one: one.id)
def test_every_typology_is_complete(typology: Typology) -> None:
    assert len(typology.examples.alerting) >= 2
    assert len(typology.examples.silent) >= 2
    assert typology.false_positives
    assert all(basis.source for basis in typology.legal_basis)
    assert all(parameter.source and parameter.unit for parameter in typology.parameters)
    # A single signal never alerts: an alert says at least two things.
    assert max(signal.weight for signal in typology.signals) < typology.alert_at or typology.id == "T22"


@pytest.mark.parametrize("typology", typologies(), ids=lambda one: one.id)
def test_every_language_is_written_in_its_own_letters(typology: Typology) -> None:
    texts = [typology.name, typology.explanation.summary, typology.explanation.advice]
    texts += [signal.text for signal in typology.signals] + [basis.text for basis in typology.legal_basis]
    texts += typology.false_positives
    for text in texts:
        english = re.sub(r"\{[^}]*\}", "", text.en)
        assert not re.search("[а-яәғқңөұүһі]", english, re.IGNORECASE), english
        for other in (text.kk, text.ru):
            without = re.sub(r"\{[^}]*\}|SIM|T\d\d", "", other)
            assert not re.search("[a-z]{4,}", without, re.IGNORECASE), other
        assert not re.search("[әғқңөұүһі]", text.ru, re.IGNORECASE), text.ru


def test_model_scores_are_read_by_one_typology_only() -> None:
    readers = {
        compiled.typology.id
        for compiled in rulebook().compiled
        if any(name in MODELS for expression in compiled.signals for name in expression.names)
    }
    assert readers == {"T22"}


def test_payments_by_card_to_merchants_need_no_features() -> None:
    told = tell(rulebook().typologies[ALL.index("T22")].examples.alerting[0])
    told.rows["amount_kzt"] = rulebook().amounts_in_tenge(told.rows)
    needed = rulebook().applicable(told.rows)
    assert rulebook().applies(needed)[0].tolist() == [typology == "T22" for typology in ALL]
    assert not (rulebook().features.typologies & needed[0]).any()


@pytest.mark.parametrize("typology", typologies(), ids=lambda one: one.id)
def test_an_alert_explains_itself(typology: Typology) -> None:
    t = rulebook().typologies.index(typology)
    told = tell(typology.examples.alerting[0])
    judged = judge(rulebook(), told)
    i = int(np.argmax(judged.score[:, t]))
    described = rulebook().describe(judged, i, t)
    assert described.score == pytest.approx(sum(signal.contribution for signal in described.signals)) or (
        described.score == 1.0
    )
    for language in LANGUAGES:
        for text in (described.summary, *(signal.text for signal in described.signals if signal.state == 1)):
            assert "{" not in text[language]
            assert not re.search("белгісіз$|неизвестно$|unknown$|nan", text[language]), text[language]
    # A value is missing only where a signal itself asks whether it is there.
    asked = " ".join(signal.when for signal in typology.signals)
    for name, (value, _) in described.values.items():
        role = name.partition(".")[0]
        assert value is not None or f"known({name})" in asked or f"event.has_{role}" in asked, name
    assert described.values
    assert set(described.not_judged) == {signal.id for signal in described.signals if signal.state == 2}
