"""The rule language: what it computes, what it refuses, and how it says so."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import machine
from rules.conditions import Name, Program, kinds_named
from rules.expressions import Expression, Fault, compile_condition
from rules.names import Catalogue
from rules.satisfiability import possible
from tests.rules import slow

KINDS = ("transfer", "top_up", "card_payment")
NAMES = {
    name.name: name
    for name in (
        Name("event.amount", "number", low=0),
        Name("payer.in_1d", "number", low=0),
        Name("payer.payers", "number", low=0, integral=True),
        Name("payer.share", "number", low=0, high=1),
        Name("event.new", "truth"),
        Name("event.same", "truth"),
        Name("event.kind", "text", options=KINDS),
        Name("event.purpose", "words"),
        Name("p.limit", "number", value=10.0),
    )
}
COLUMNS = [name for name in NAMES.values() if name.type != "words" and name.value is None]
LEXICONS = ("pyramid", "goods")
PLACES = {
    **{name.name: (machine.FEATURE, place) for place, name in enumerate(COLUMNS)},
    **{f"lexicon:{lexicon}": (machine.FEATURE, len(COLUMNS) + place) for place, lexicon in enumerate(LEXICONS)},
}

NO_WORDS = {f"lexicon:{lexicon}": False for lexicon in LEXICONS}
ONE_OF_KINDS = "one of transfer, top_up, card_payment"
SAY_LEXICON = "write: event.purpose in lexicon('…')"
SOME_NUMBERS = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 10.0, 50.0, math.nan])


def _numbers() -> st.SearchStrategy[str]:
    leaves = st.one_of(
        st.sampled_from(["event.amount", "payer.in_1d", "payer.payers", "payer.share", "p.limit"]),
        st.sampled_from(["0", "0.5", "1", "3", "10", "-2", "1_000"]),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from("+-*/%"), inner),
            st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
            st.builds("abs({})".format, inner),
            st.builds("-{}".format, inner),
        ),
        max_leaves=4,
    )


def _conditions() -> st.SearchStrategy[str]:
    numbers = _numbers()
    comparison = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    some = st.lists(st.sampled_from(KINDS), min_size=1, max_size=3)
    kinds = some.map(lambda chosen: f"({', '.join(map(repr, chosen))},)")
    lexicons = st.sampled_from(LEXICONS)
    leaves = st.one_of(
        st.builds("{} {} {}".format, numbers, comparison, numbers),
        st.builds("{} {} {} {} {}".format, numbers, comparison, numbers, comparison, numbers),
        st.builds("{} {} (1, 3, p.limit)".format, numbers, st.sampled_from(["in", "not in"])),
        st.builds("event.kind {} {}".format, st.sampled_from(["in", "not in"]), kinds),
        st.builds("event.kind {} {!r}".format, st.sampled_from(["==", "!="]), st.sampled_from(KINDS)),
        st.builds("event.purpose {} lexicon({!r})".format, st.sampled_from(["in", "not in"]), lexicons),
        st.builds("known({})".format, st.one_of(numbers, st.sampled_from(["event.new", "event.kind"]))),
        st.sampled_from(["event.new", "event.same", "true", "false"]),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds("({} and {})".format, inner, inner),
            st.builds("({} or {} or {})".format, inner, inner, inner),
            st.builds("not ({})".format, inner),
            st.builds("known({})".format, inner),
        ),
        max_leaves=6,
    )


@st.composite
def _rows(draw: st.DrawFn) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name in COLUMNS:
        if name.type == "number":
            value = draw(SOME_NUMBERS)
            row[name.name] = min(value, name.high) if name.integral is False else value
            if name.integral and value == 0.5:
                row[name.name] = 1.0
        elif name.type == "truth":
            row[name.name] = draw(st.sampled_from([True, False, None]))
        else:
            row[name.name] = draw(st.sampled_from([*KINDS, None]))
    row["p.limit"] = 10.0
    for lexicon in LEXICONS:
        row[f"lexicon:{lexicon}"] = draw(st.booleans())
    return row


def compiled(text: str) -> Expression:
    result = compile_condition(text, NAMES, LEXICONS)
    assert isinstance(result, Expression), (text, result)
    return result


def run(expression: Expression, rows: list[dict[str, Any]]) -> list[bool | None]:
    """What the machine says, by way of `judge` with one signal in one typology."""
    program = Program(PLACES)
    program.write(expression.condition)
    values = np.array([[_as_number(row, name) for name in [*PLACES]] for row in rows])
    signals = np.zeros((len(rows), 1), np.uint8)
    machine.judge(
        np.ones(len(rows), np.uint64), np.array([0, 1]), np.array([1000]), np.array([0, len(program.operations)]),
        np.array(program.operations), np.array(program.arguments), np.array(program.constants, np.float64),
        np.zeros((len(rows), 0)), values, np.zeros((len(rows), 4, 0)), np.zeros((len(rows), 0)),
        np.zeros((len(rows), 4), np.uint32), np.zeros((len(rows), 1)), signals,
    )  # fmt: skip
    return [(False, True, None)[state] for state in signals[:, 0].tolist()]


def _as_number(row: dict[str, Any], name: str) -> float:
    value = row[name]
    if value is None:
        return math.nan
    return float(KINDS.index(value)) if isinstance(value, str) else float(value)


@settings(max_examples=400, deadline=None)
@given(_conditions(), st.lists(_rows(), min_size=1, max_size=6))
def test_the_machine_says_what_the_slow_evaluator_says(text: str, rows: list[dict[str, Any]]) -> None:
    result = compile_condition(text, NAMES, LEXICONS)
    if isinstance(result, Fault):
        assert result.message == "division by zero"
        return
    expected = [slow.judge(text, row, {lexicon: row[f"lexicon:{lexicon}"] for lexicon in LEXICONS}) for row in rows]
    assert run(result, rows) == expected


@settings(max_examples=400, deadline=None)
@given(_conditions(), _rows())
def test_what_happens_is_possible(text: str, row: dict[str, Any]) -> None:
    result = compile_condition(text, NAMES, LEXICONS)
    if isinstance(result, Expression) and run(result, [row]) == [True]:
        assert possible([result.condition])


def test_no_and_unknown_is_no() -> None:
    nothing = dict.fromkeys([name.name for name in COLUMNS]) | NO_WORDS
    assert run(compiled("payer.in_1d > 5 and event.purpose in lexicon('goods')"), [nothing]) == [False]
    assert run(compiled("payer.in_1d > 5 or true"), [nothing]) == [True]
    assert run(compiled("payer.in_1d > 5"), [nothing]) == [None]
    assert run(compiled("not (payer.in_1d > 5)"), [nothing]) == [None]
    assert run(compiled("known(payer.in_1d) and payer.in_1d > 5"), [nothing]) == [False]


def test_dividing_by_nothing_is_not_judged() -> None:
    row = {name.name: 0.0 for name in COLUMNS} | {"event.kind": "transfer"} | NO_WORDS
    assert run(compiled("event.amount / payer.in_1d > 0.9"), [row]) == [None]


@pytest.mark.parametrize(
    ("text", "caret", "message", "suggestion"),
    [
        ("event.amuont > 5", 0, "unknown name 'event.amuont'", "did you mean 'event.amount'?"),
        ("event.new and payer.paiers > 5", 14, "unknown name 'payer.paiers'", "did you mean 'payer.payers'?"),
        ("event.kind == 'transfr'", 14, "event.kind is never 'transfr'", "did you mean 'transfer'?"),
        ("event.kind in ('transfer', 'topup')", 27, "event.kind is never 'topup'", "did you mean 'top_up'?"),
        ("event.kind < 'transfer'", 0, "texts have no order: '<'", "use ==, != or in"),
        ("event.purpose in lexicon('pyramyd')", 25, "unknown lexicon 'pyramyd'", "did you mean 'pyramid'?"),
        ("event.amount", 0, "event.amount is a number, and a truth is needed here", "compare it with something"),
        ("event.amount + 1", 0, "a number stands where a truth is needed", "compare it with something"),
        ("event.new + 1 > 2", 0, "event.new is a truth, and a number is needed here", ""),
        ("event.new == true", 0, "truths are not compared", "write the condition itself, or 'not' before it"),
        ("event.amount > 'many'", 15, "a number is compared with a text", ""),
        ("event.amount > 5 AND event.new", 17, "'AND' is not part of the rule language", "write 'and'"),
        ("event.new && event.same", 10, "'&&' is not part of the rule language", "write 'and'"),
        ("event.new & event.same", 0, "'&' is not part of the rule language", "write 'and'"),
        ("event.amount is 5", 0, "'is' is not part of the rule language", "write '=='"),
        ("event.amount ** 2 > 5", 0, "'**' is not part of the rule language", "write the product out"),
        ("event.amount / 0 > 5", 15, "division by zero", ""),
        ("event.amount > None", 15, "there is no None", "write: known(name), or not known(name)"),
        ("__import__('os').system('true')", 0, "", ""),
        ("(lambda: 1)() > 0", 0, "unknown function", ""),
        ("event.amount.real > 1", 0, "a name has one dot, such as event.amount", ""),
        ("event.__class__ > 1", 0, "unknown name 'event.__class__'", ""),
        ("[x for x in (1, 2)]", 0, "a loop is not part of the rule language", ""),
        ("f'{event.amount}' == 'x'", 0, "a text with values in it is not part", ""),
        ("event.amount > 1e400", 15, "the number is too large", ""),
        ("event.amount > 5  # high", 18, "comments are not allowed inside an expression", "put it above, after '# '"),
        ("", 0, "the expression is empty", ""),
        ("summ(event.amount, 1) > 2", 0, "unknown function 'summ'", ""),
        ("event.purpose == 'взнос' and event.new", 0, "the purpose is compared with a lexicon", SAY_LEXICON),
        ("event.kind == 'аударым' or event.new", 14, "event.kind is never 'аударым'", ONE_OF_KINDS),
        ("event.new and 'аударым' == event.kind", 14, "event.kind is never 'аударым'", ONE_OF_KINDS),
    ],
)  # fmt: skip
def test_a_fault_points_at_its_place(text: str, caret: int, message: str, suggestion: str) -> None:
    fault = compile_condition(text, NAMES, LEXICONS)
    assert isinstance(fault, Fault), fault
    assert fault.message.startswith(message)
    if suggestion:
        assert fault.suggestion == suggestion
    assert fault.offset == caret


def test_offsets_count_characters_and_not_bytes() -> None:
    text = "event.kind == 'transfer' and ('ә' == 'ә' or event.amuont > 1)"
    fault = compile_condition(text.replace("'ә' == 'ә' or ", "event.kind != 'әі' or "), NAMES, LEXICONS)
    assert isinstance(fault, Fault)
    assert fault.message == "event.kind is never 'әі'"
    fault = compile_condition("event.purpose in lexicon('әі') or event.amuont > 1", NAMES, ("әі",))
    assert isinstance(fault, Fault)
    assert fault.offset == len("event.purpose in lexicon('әі') or ")


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=80), st.text(alphabet="event.amount()<>=!andornot 123'\"[]{}:,#\\\n", max_size=80)))
def test_any_text_is_an_expression_or_a_fault_within_it(text: str) -> None:
    result = compile_condition(text, NAMES, LEXICONS)
    if isinstance(result, Fault):
        assert 0 <= result.offset <= len(text)


@pytest.mark.parametrize("text", ["(" * 150 + "event.new" + ")" * 150, "not " * 300 + "event.new", "-" * 500 + "1 > 0"])
def test_deep_expressions_are_refused(text: str) -> None:
    result = compile_condition(text, NAMES, LEXICONS)
    # Brackets alone leave no trace in the syntax tree.
    assert isinstance(result, Fault) or text.startswith("(")


def test_constants_are_computed_once() -> None:
    program = Program(PLACES)
    program.write(compiled("event.amount > 2 * p.limit + abs(-3)").condition)
    assert program.constants == [23.0]


def test_the_lists_of_a_subject_are_truths_with_two_dots() -> None:
    names = Catalogue.of([], [], {}).names
    result = compile_condition("payer.on_list.convicted and not payee.on_list.licensed", names)
    assert isinstance(result, Expression)
    assert result.names == ("payee.on_list.licensed", "payer.on_list.convicted")
    fault = compile_condition("payer.on_list.convict", names)
    assert isinstance(fault, Fault)
    assert fault.suggestion == "did you mean 'payer.on_list.convicted'?"
    for text in ("payer.on_list", "payer.on_list.a.b", "payer.other.convicted", "payer.on_list.black > 1"):
        assert isinstance(compile_condition(text, names), Fault), text


def test_the_kinds_that_a_condition_asks_for() -> None:
    names = Catalogue.of([], [], {}).names

    def named(text: str) -> set[str]:
        result = compile_condition(text, names)
        assert isinstance(result, Expression)
        return set(kinds_named(result.condition))

    assert named("event.kind in ('loan_contract', 'transfer') and event.hour > 3") == {"loan_contract", "transfer"}
    assert named("event.online or event.kind == 'listing'") == {"listing"}
    assert named("event.kind != 'listing' and event.secured") == set()
    assert named("not (event.kind != 'listing')") == {"listing"}
