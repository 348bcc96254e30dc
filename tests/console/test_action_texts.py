"""Every action, object and detail that anything writes into the audit log has a name in three languages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final, get_args

import pytest

from console.store.proposals import Kind
from console.texts import load

ROOT: Final = Path(__file__).resolve().parents[2] / "console"
TEXTS: Final = load()
# What an action is put together of: the file and the part of it that differs.
_PARTS: Final = {
    ("proposals.py", "kind"): get_args(Kind),
    ("proposals.py", "proposal.kind"): get_args(Kind),
    ("proposals.py", "state"): ("approved", "refused"),
    ("recalls.py", "state"): ("part", "closed"),
}
_SPREAD: Final = ("generation", "effective_at")  # of a published rulebook, handed over as a mapping


def _entries() -> Iterator[tuple[Path, ast.Module, ast.Call]]:
    for file in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.write":
                yield file, tree, node


def _texts_of(file: Path, tree: ast.Module, value: ast.expr) -> Iterator[str]:
    """All that an expression can be: a text, a constant of the file, one of two, or a text put together."""
    if isinstance(value, ast.Constant):
        yield str(value.value)
    elif isinstance(value, ast.Name):
        for node in tree.body:
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == value.id and node.value is not None:
                yield from _texts_of(file, tree, node.value)
    elif isinstance(value, ast.IfExp):
        yield from _texts_of(file, tree, value.body)
        yield from _texts_of(file, tree, value.orelse)
    else:
        assert isinstance(value, ast.JoinedStr), ast.unparse(value)
        parts = [_parts_of(file, part) for part in value.values]
        yield from ("".join(chosen) for chosen in product(*parts))


def _parts_of(file: Path, part: ast.expr) -> tuple[str, ...]:
    if isinstance(part, ast.FormattedValue):
        return _PARTS[file.name, ast.unparse(part.value)]
    return (str(ast.literal_eval(part)),)


@pytest.mark.parametrize(("argument", "below"), [(2, "actions."), (3, "actions.objects.")])
def test_every_action_and_object_of_the_audit_log_has_a_name(argument: int, below: str) -> None:
    written = {text for file, tree, call in _entries() for text in _texts_of(file, tree, call.args[argument])}
    assert len(written) > 8
    assert [text for text in sorted(written) if below + text not in TEXTS] == []


def test_every_detail_of_the_audit_log_has_a_name() -> None:
    written = {keyword.arg for _, _, call in _entries() for keyword in call.keywords if keyword.arg} | {*_SPREAD}
    assert [name for name in sorted(written - {"reason"}) if f"actions.details.{name}" not in TEXTS] == []
