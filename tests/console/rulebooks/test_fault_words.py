"""Faults that authors of typologies make are said in their language, and what is not known is not half translated."""

from __future__ import annotations

import ast
import inspect
import re
from types import ModuleType

import pytest

from console.rulebooks.checking import check
from console.texts import Language, load
from console.web.fault_words import FaultWords
from rules import lists, procedure, pyramid_index, tracing, typology
from rules.feature_reading import read_features
from tests.rules.small import TYPOLOGY, documents
from tests.rules.test_features import GOOD, document

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

OF_DEVICE: dict[str, object] = {"name": "device.payers_30d", "where": {}}
OF_FACTS: dict[str, object] = {"where": {"kind": "sim_swap"}}
OF_FEATURES: list[dict[str, object]] = [
    {"name": "somebody.payers"},
    {"name": "payee.kind"},
    {"aggregate": "reciprocal", "of": None},
    {**OF_DEVICE, "aggregate": "reciprocal", "of": None},
    {"aggregate": "share", "of": None, "where": {"direction": "in"}},
    {"aggregate": "share", "of": None, **OF_FACTS},
    {"of": None},
    {"of": "countrparty"},
    OF_FACTS,
    {"aggregate": "sum", "of": "device"},
    {"aggregate": "count"},
    {"aggregate": "max", "of": None, "within": None},
    {"aggregate": "sum", "of": None, "unit": "people"},
    {"aggregate": "first_seen", "of": None, "unit": "centuries"},
    {"text": {"kk": "к", "ru": "р", "en": "e", "de": "d"}},
    {"where": {"direction": "sideways"}},
    {"where": {"direction": []}},
    {"where": {"direction": "used"}},
    {**OF_DEVICE, "where": {"direction": "in"}},
    {"where": {"kind": "no such"}},
    {"where": {"kind": ["transfer", "sim_swap"]}},
    {"where": {"kind": "sim_swap", "direction": "in"}},
    {"where": {"channel": "no such"}},
    {"where": {"counterparty": "no such"}},
    {"where": {"region": "no such"}},
    {**OF_DEVICE, "where": {"region": "same"}},
    {"where": {"flag": "no such"}},
    {"where": {"flag": "online", "without": "online"}},
    {"where": {"amount": {"at_least": 5, "below": 3}}},
    {"where": {"amount": {"at_least": "0.001"}}},
    {"where": {"round": 0}},
]


@pytest.mark.parametrize(("right", "wrong"), MISTAKES)
@pytest.mark.parametrize("language", ["kk", "ru"])
def test_a_mistake_of_an_author_is_said_in_words(language: Language, right: str, wrong: str) -> None:
    assert right in TYPOLOGY
    faults = check({**documents(), PATH: TYPOLOGY.replace(right, wrong, 1)}).faults
    told = [text for fault in faults for text in (fault.message, fault.suggestion) if text]
    assert told
    assert [text for text in told if not re.search("[а-яё]", IN_WORDS(language, text) or "")] == []


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_every_mistake_in_a_feature_is_said_in_words(language: Language) -> None:
    for change in OF_FEATURES:
        (error,) = read_features(document({**GOOD, **change}))[1]
        for text in filter(None, (error.message, error.suggestion)):
            assert re.search("[а-яё]", IN_WORDS(language, text) or ""), text
    assert IN_WORDS("ru", "a rulebook holds at most 128 features, here are 130") is not None


@pytest.mark.parametrize("module", [lists, procedure, pyramid_index, tracing, typology])
def test_whatever_files_of_the_catalogue_are_refused_for_is_said_in_words(module: ModuleType) -> None:
    raised = [each.exc for each in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(each, ast.Raise)]
    said = [_sentence(call.args[0]) for call in raised if isinstance(call, ast.Call)]
    assert said
    assert [text for text in said if not re.search("[а-яё]", IN_WORDS("ru", text) or "")] == []


def _sentence(text: ast.expr) -> str:
    """A message as it reads with x for each of its values."""
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)


def test_what_the_engine_says_otherwise_stays_as_it_is() -> None:
    assert IN_WORDS("ru", "alert_at: something quite new") is None
    assert IN_WORDS("ru", "x" * 100_000 + " is missing") is None
    assert IN_WORDS("en", "unknown key 'alert'") == "unknown key 'alert'"
