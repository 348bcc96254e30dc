"""Laws over every text: three languages, the same values, each one asked for is there, each one there is asked for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from console.texts import TextFault, load

ROOT = Path(__file__).resolve().parents[2] / "console"
TEXTS = load()
# Which argument of a call is a text's key.
_KEYED = {"see_other": 2, "Refusal": 1, "Wrong": 1}
_PYTHON = sorted(ROOT.rglob("*.py"))
_TEMPLATES = sorted((ROOT / "web" / "templates").rglob("*.html"))


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ('title: {kk: "а", ru: "б"}', "needs exactly kk, ru and en"),
        ('title: {kk: "а", ru: "б", en: ""}', "a text is a sentence"),
        ('title: {kk: "{n}", ru: "{n}", en: "{m}"}', "want different values"),
        ('title: {kk: "а", ru: {one: "б"}, en: "c"}', "with `other` among them"),
        ('Title: {kk: "а", ru: "б", en: "c"}', "small letters"),
        ('title: {kk: "а", ru: "б", en: "c"}\ntitle: {kk: "а", ru: "б", en: "c"}', "title"),
    ],
)
def test_a_faulty_file_is_refused_with_its_fault(tmp_path: Path, written: str, fault: str) -> None:
    (tmp_path / "page.yaml").write_text(written, encoding="utf-8")
    with pytest.raises(TextFault, match=re.escape(fault)):
        load(tmp_path)


def test_counts_take_the_form_of_their_language(tmp_path: Path) -> None:
    (tmp_path / "page.yaml").write_text(
        'left: {kk: "{n} қалды", ru: {one: "{n} сигнал", few: "{n} сигнала", other: "{n} сигналов"}, en: "{n} left"}',
        encoding="utf-8",
    )
    texts = load(tmp_path)
    assert [texts("ru", "page.left", n=n) for n in (1, 3, 11, 21)] == [
        "1 сигнал",
        "3 сигнала",
        "11 сигналов",
        "21 сигнал",
    ]
    assert texts("kk", "page.left", n=3) == "3 қалды"


def test_english_is_written_in_latin_letters() -> None:
    values = {name: 7 for key in TEXTS for name in TEXTS.placeholders(key)}
    cyrillic = [key for key in TEXTS if re.search("[а-яё]", TEXTS("en", key, **values).lower())]
    assert cyrillic == ["common.language_kk", "common.language_ru"]


@pytest.mark.parametrize("file", _TEMPLATES, ids=lambda file: file.name)
def test_every_text_that_a_template_asks_for_is_there_with_its_values(file: Path) -> None:
    for call in _calls(file):
        key, given = call.args[0], {each.key for each in call.kwargs}
        if isinstance(key, nodes.Const):
            assert key.value in TEXTS, f"line {call.lineno}: {key.value}"
            if call.dyn_kwargs is None:
                assert TEXTS.placeholders(key.value) == given, f"line {call.lineno}: {key.value}"
        elif isinstance(key, nodes.Concat) and isinstance(key.nodes[0], nodes.Const):
            prefix = str(key.nodes[0].value)
            assert any(each.startswith(prefix) for each in TEXTS), f"line {call.lineno}: {prefix}…"


def test_every_text_that_python_asks_for_is_there() -> None:
    missing = [
        f"{file.name}:{line}: {key}" for file in _PYTHON for line, key in _keys_of_calls(file) if key not in TEXTS
    ]
    assert missing == []


def test_every_text_is_asked_for() -> None:
    """By its key or the beginning of it (`common.nav.`) in a template or a program, or as the title of another."""
    words = {word for file in _TEMPLATES for word in _words(file)}
    words |= {text for file in _PYTHON for text in _strings(file)}
    beginnings = tuple(word for word in words if word.endswith((".", "_")) and "." in word)
    unused = [
        key
        for key in TEXTS
        if key not in words and not key.startswith(beginnings) and key.removesuffix("_title") not in words
    ]
    assert unused == []


def _parsed(file: Path) -> nodes.Template:
    return Environment(autoescape=True).parse(file.read_text(encoding="utf-8"))


def _calls(file: Path) -> Iterator[nodes.Call]:
    for call in _parsed(file).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "t" and call.args:
            yield call


def _words(file: Path) -> Iterator[str]:
    return (str(const.value) for const in _parsed(file).find_all(nodes.Const))


def _keys_of_calls(file: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and name in _KEYED and len(node.args) > _KEYED[name]:
            yield from _constants_of(node.args[_KEYED[name]])


def _constants_of(key: ast.expr) -> Iterator[tuple[int, str]]:
    choices = (key.body, key.orelse) if isinstance(key, ast.IfExp) else (key,)
    for each in choices:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.lineno, each.value


def _strings(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
