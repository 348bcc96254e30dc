"""Faults that authors of typologies make are said in their language, and what is not known is not half translated."""

from __future__ import annotations

import re

import pytest

from console.rulebooks.checking import check
from console.texts import Language, load
from console.web.fault_words import FaultWords
from tests.rules.small import TYPOLOGY, documents

PATH = "typologies/T90-test.yaml"
IN_WORDS = FaultWords(load())
MISTAKES = [
    ("event.amount >= p.least", "event.amuont >= p.least"),
    ("event.amount >= p.least", "event.amount >= p.least and"),
    ("event.amount >= p.least", "event.amount AND p.least"),
    ("event.amount >= p.least", "event.amount"),
    ("event.amount >= p.least", "event.amount >= 'many'"),
    ("event.amount >= p.least", "event.kind == 'transfre'"),
    ("event.amount >= p.least", "event.amount > 5 and event.amount < 3"),
    ("event.amount >= p.least", "event.amount / 0 > 1"),
    ("event.amount >= p.least", "event.amount in ()"),
    ("event.amount >= p.least", "event.purpose == 'x'"),
    ("alert_at: ", "alert_at: 9"),
    ("alert_at: ", "alert: "),
    ("id: T90", "id: T90\nid: T91"),
    ("version: 1", "version: yes"),
    ("id: T90", "id: [T90"),
]


@pytest.mark.parametrize(("right", "wrong"), MISTAKES)
@pytest.mark.parametrize("language", ["kk", "ru"])
def test_a_mistake_of_an_author_is_said_in_words(language: Language, right: str, wrong: str) -> None:
    assert right in TYPOLOGY
    faults = check({**documents(), PATH: TYPOLOGY.replace(right, wrong, 1)}).faults
    told = [text for fault in faults for text in (fault.message, fault.suggestion) if text]
    assert told
    assert [text for text in told if not re.search("[а-яё]", IN_WORDS(language, text) or "")] == []


def test_what_the_engine_says_otherwise_stays_as_it_is() -> None:
    assert IN_WORDS("ru", "alert_at: something quite new") is None
    assert IN_WORDS("ru", "x" * 100_000 + " is missing") is None
    assert IN_WORDS("en", "unknown key 'alert'") == "unknown key 'alert'"
