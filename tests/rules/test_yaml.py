"""The strict YAML: what it refuses, where it says so, and that every node knows its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from rules.yaml import MAX_BYTES, MAX_DEPTH, Document, decode, parse


def problems(text: str) -> list[str]:
    return [str(problem) for problem in parse("f.yaml", text).problems]


def plain(text: str) -> Any:
    document = parse("f.yaml", text)
    assert document.root is not None, document.problems
    return document.root.plain()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1\nb: *x\n", "f.yaml:1:4: error: anchor &x: anchors are not allowed"),
        ("a: *x\n", "f.yaml:1:4: error: alias *x: aliases are not allowed"),
        ("a: 1\nb: !!python/object:os.system 'x'\n", "f.yaml:2:4: error: tags (!…) are not allowed"),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", "f.yaml:1:1: error: tags are not allowed"),
        ("base: 1\n<<: {a: 1}\n", "f.yaml:2:1: error: merge keys (<<) are not allowed"),
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: error: key 'a' is given twice (first on line 1)"),
        ("a: yes\n", "f.yaml:1:4: error: yes is read as true, false or null by some"),
        ("a: Off\n", "f.yaml:1:4: error: Off is read as true, false or null by some"),
        ("no: 1\n", "f.yaml:1:1: error: no is read as true, false or null by some"),
        ("a: True\n", "f.yaml:1:4: error: True is read as true, false or null by some"),
        ("at: 12:30\n", "f.yaml:1:5: error: 12:30 is a sexagesimal number in YAML 1.1; put it in quotes"),
        ("a: 190:20:30.15\n", "f.yaml:1:4: error: 190:20:30.15 is a sexagesimal number"),
        ("a: 0777\n", "f.yaml:1:4: error: 0777 is an octal, binary or hexadecimal number"),
        ("a: 0x1F\n", "f.yaml:1:4: error: 0x1F is an octal, binary or hexadecimal number"),
        ("a: .inf\n", "f.yaml:1:4: error: .inf is not a number that a rulebook may use"),
        ("a: -.NaN\n", "f.yaml:1:4: error: -.NaN is not a number that a rulebook may use"),
        ("a: 1e999\n", "f.yaml:1:4: error: 1e999 is too large a number"),
        ("1: a\n", "f.yaml:1:1: error: a key must be text; put it in quotes"),
        ("? [a]\n: 1\n", "f.yaml:1:3: error: a key must be text"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: error: more than one document in the file"),
        ("", "f.yaml:1:1: error: the file is empty"),
        ("a: b: c\n", "f.yaml:1:5: error: mapping values are not allowed in this context; a text with ': '"),
        ("a:\n\t- b\n", "f.yaml:2:1: error: found character that cannot start any token; indent with spaces"),
        ("a: [1, 2\n", "f.yaml:2:1: error: did not find expected ',' or ']'; a bracket is not closed"),
        ("a: \x00\n", "f.yaml:1:4: error: a character that YAML does not allow"),
        ("\ufeffa: 1\n", "f.yaml:1:1: error: the file is not plain UTF-8 text"),
        ("a: \udc80\n", "f.yaml:1:1: error: the file is not plain UTF-8 text"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"f.yaml:1:{MAX_DEPTH + 1}: error: nested deeper than 20"),
        ("[" * 100_000, "f.yaml:1:21: error: nested deeper than 20"),
        ("a: " + "x" * MAX_BYTES, "f.yaml:1:1: error: the file is larger than 256 KB"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_it_refuses(text: str, expected: str) -> None:
    found = problems(text)
    assert found, "nothing was refused"
    assert found[0].startswith(expected)


def test_several_faults_are_told_together() -> None:
    assert len(problems("a: yes\nb: 12:30\nc: 0777\na: 1\n")) == 4


def test_a_billion_laughs_are_refused_at_the_first() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8)
    )
    assert problems(bomb)[0].startswith("f.yaml:1:4: error: anchor &a")


def test_values_are_what_they_look_like() -> None:
    dates, numbers = "a: 2026-01-05T10:00\nb: 2026-01-05\n", "c: 1_000_000\nd: 0.5\nh: 1e3\ni: -7\n"
    assert plain(f"{dates}{numbers}e: 'yes'\nf: ~\ng: true\nj: 2026.11.1\n") == {
        "a": "2026-01-05T10:00", "b": "2026-01-05", "c": 1_000_000, "d": 0.5, "e": "yes", "f": None, "g": True,
        "h": 1000.0, "i": -7, "j": "2026.11.1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "word", "place"),
    [
        ("k: aa bb cc\n", "bb", (1, 7)),
        ("k: 'aa bb cc'\n", "bb", (1, 8)),
        ("k: >-\n  aa\n  bb\n  cc\n", "bb", (3, 3)),
        ("k: |\n    aa\n\n    bb cc\n", "bb", (4, 5)),
        ("k:\n  - x\n  - aa\n    bb cc\n", "bb", (4, 5)),
        ("к: >  # примечание\n  әә  bb\n", "bb", (2, 7)),
    ],
)
def test_a_place_inside_a_text_is_found_however_it_is_written(text: str, word: str, place: tuple[int, int]) -> None:
    document = parse("f.yaml", text)
    assert document.root is not None
    node = next(iter(document.root.value.values()))  # type: ignore[union-attr]
    node = node.value[1] if isinstance(node.value, list) else node
    assert isinstance(node.value, str)
    assert document.place(node, node.value.index(word)) == place


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    weight: float
    name: str = ""


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    title: str
    parts: list[Inner]


def decoded(text: str) -> tuple[Outer | None, list[str]]:
    document: Document = parse("f.yaml", text)
    return decode(document, Outer), [str(problem) for problem in document.problems]


def test_models_say_line_column_and_the_nearest_key() -> None:
    outer, found = decoded("title: a\nparts:\n  - wieght: 1\n  - weight: heavy\n  - {weight: 1, nmae: x}\n")
    assert outer is None
    assert found == [
        "f.yaml:3:5: error: 'weight' is missing",
        "f.yaml:3:5: error: unknown key 'wieght'; did you mean 'weight'?",
        "f.yaml:4:13: error: weight: input should be a valid number",
        "f.yaml:5:17: error: unknown key 'nmae'; did you mean 'name'?",
    ]


def test_models_are_read() -> None:
    outer, found = decoded("title: a\nparts: [{weight: 1}]\n")
    assert not found
    assert outer == Outer(title="a", parts=[Inner(weight=1.0)])


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text(alphabet="ab:{}[],&*!|>'\"#-? \n\t%@`01.", max_size=80)))
def test_any_text_is_a_document_or_has_problems_inside_it(text: str) -> None:
    document = parse("f.yaml", text)
    assert (document.root is None) == bool(document.problems)
    lines = text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + text.count("\u2029") + 2
    for problem in document.problems:
        assert 1 <= problem.line <= lines
        assert problem.column >= 1
    if document.root is not None:
        document.root.plain()
        decode(document, Outer)
