"""The rule language said again, slowly: Python's own syntax tree walked row by row; None is what is not known."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any

Value = float | bool | str | None


def judge(text: str, row: Mapping[str, Value], lexicons: Mapping[str, bool] = {}) -> bool | None:
    """True, False, or None where it cannot be judged."""
    result = _value(ast.parse(" ".join(text.split()), mode="eval").body, row, lexicons)
    assert result is None or isinstance(result, bool)
    return result


def _value(node: ast.expr, row: Mapping[str, Value], lexicons: Mapping[str, bool]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return node.id == "true"
    if isinstance(node, ast.Attribute):
        value = row[ast.unparse(node)]
        return None if isinstance(value, float) and math.isnan(value) else value
    if isinstance(node, ast.BoolOp):
        parts = [_value(part, row, lexicons) for part in node.values]
        settling = isinstance(node.op, ast.Or)
        if settling in parts:
            return settling
        return None if None in parts else not settling
    if isinstance(node, ast.UnaryOp):
        of = _value(node.operand, row, lexicons)
        if of is None:
            return None
        return not of if isinstance(node.op, ast.Not) else -of
    if isinstance(node, ast.BinOp):
        return _arithmetic(node.op, _value(node.left, row, lexicons), _value(node.right, row, lexicons))
    if isinstance(node, ast.Call):
        return _call(node, row, lexicons)
    assert isinstance(node, ast.Compare)
    left, results = node.left, []
    for operator, right in zip(node.ops, node.comparators, strict=True):
        results.append(_compare(operator, left, right, row, lexicons))
        left = right
    if False in results:
        return False
    return None if None in results else True


def _arithmetic(operator: ast.operator, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    if isinstance(operator, ast.Div | ast.Mod):
        if right == 0:
            return None
        return left / right if isinstance(operator, ast.Div) else left % right
    if isinstance(operator, ast.Add):
        return left + right
    return left - right if isinstance(operator, ast.Sub) else left * right


def _call(node: ast.Call, row: Mapping[str, Value], lexicons: Mapping[str, bool]) -> Any:
    assert isinstance(node.func, ast.Name)
    values = [_value(argument, row, lexicons) for argument in node.args]
    if node.func.id == "known":
        return values[0] is not None
    if None in values:
        return None
    return {"min": min, "max": max, "abs": lambda numbers: abs(numbers[0])}[node.func.id](values)


def _compare(
    operator: ast.cmpop, left: ast.expr, right: ast.expr, row: Mapping[str, Value], lexicons: Mapping[str, bool]
) -> bool | None:
    if isinstance(right, ast.Call) and isinstance(right.func, ast.Name) and right.func.id == "lexicon":
        assert isinstance(right.args[0], ast.Constant)
        has = lexicons[str(right.args[0].value)]
        return has if isinstance(operator, ast.In) else not has
    one = _value(left, row, lexicons)
    if isinstance(operator, ast.In | ast.NotIn):
        assert isinstance(right, ast.Tuple | ast.List | ast.Set)
        if one is None:
            return None
        inside = one in [_value(element, row, lexicons) for element in right.elts]
        return inside if isinstance(operator, ast.In) else not inside
    other = _value(right, row, lexicons)
    if one is None or other is None:
        return None
    comparisons = {
        ast.Lt: lambda: one < other,
        ast.LtE: lambda: one <= other,
        ast.Gt: lambda: one > other,
        ast.GtE: lambda: one >= other,
        ast.Eq: lambda: one == other,
        ast.NotEq: lambda: one != other,
    }
    return bool(comparisons[type(operator)]())
