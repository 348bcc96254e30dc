"""The typed little language of signals: parsed, checked against the names and their types, never run as Python.

`ast` only parses; each node has to be on a whitelist and of the right type, and what comes out is our own tree
(rules/conditions.py), which a compiled kernel runs over batches. Nothing is ever handed to `eval`.
"""

from __future__ import annotations

import ast
import math
import re
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rules.conditions import (
    All,
    Always,
    AnyOf,
    Arithmetic,
    Column,
    Compare,
    Condition,
    Constant,
    Flag,
    HasWords,
    Known,
    Magnitude,
    Name,
    Not,
    Number,
    OneOf,
    Text,
    TextIs,
    Type,
    fold,
)
from rules.problems import nearest

MAX_LENGTH: Final = 2_000
MAX_DEPTH: Final = 40
# CPython 3.11 counts the depth of all threads' trees as one and may find it wrong (SystemError, python/cpython#106905);
# what is warned of is the process's affair as well.
_ONE_PARSES: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an expression, and at which of its characters."""

    offset: int
    message: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked condition: its text, its tree, and the names and lexicons that it reads."""

    text: str
    condition: Condition
    names: tuple[str, ...]
    lexicons: tuple[str, ...]


# -- reading and checking --------------------------------------------------------------------------------------------

_OPERATORS: Final[dict[type[ast.AST], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Mod: "%",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_FUNCTIONS: Final = ("abs", "known", "lexicon", "max", "min")
_SAID: Final[dict[type[ast.AST], tuple[str, str]]] = {
    ast.BitAnd: ("'&'", "write 'and'"),
    ast.BitOr: ("'|'", "write 'or'"),
    ast.Invert: ("'~'", "write 'not'"),
    ast.Is: ("'is'", "write '=='"),
    ast.IsNot: ("'is not'", "write '!='"),
    ast.Pow: ("'**'", "write the product out"),
    ast.FloorDiv: ("'//'", "write '/'"),
    ast.IfExp: ("'if … else'", "use 'and' and 'or'"),
    ast.Subscript: ("'[…]'", ""),
    ast.Lambda: ("'lambda'", ""),
    ast.JoinedStr: ("a text with values in it", ""),
    ast.ListComp: ("a loop", ""),
    ast.GeneratorExp: ("a loop", ""),
    ast.Tuple: ("a list outside of 'in'", ""),
    ast.List: ("a list outside of 'in'", ""),
    ast.Set: ("a list outside of 'in'", ""),
    ast.NamedExpr: ("':='", "write '=='"),
}


class _Refused(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.message)


def compile_condition(text: str, names: Mapping[str, Name], lexicons: Sequence[str] = ()) -> Expression | Fault:
    """Check one expression and make it ready to compute, or say what is wrong with it.

    >>> names = {"event.amount": Name("event.amount", "number")}
    >>> compile_condition("event.amuont > 5", names)
    Fault(offset=0, message="unknown name 'event.amuont'", suggestion="did you mean 'event.amount'?")
    """
    if not text.strip():
        return Fault(0, "the expression is empty")
    if len(text) > MAX_LENGTH:
        return Fault(MAX_LENGTH, f"the expression is longer than {MAX_LENGTH} characters", "split it into signals")
    if "#" in text:
        return Fault(text.index("#"), "comments are not allowed inside an expression", "put it above, after '# '")
    start = len(text) - len(text.lstrip())
    # A line break inside a block scalar means no more than a space; the offsets stay the same.
    line = re.sub(r"\s", " ", text[start:])
    try:
        with _ONE_PARSES, warnings.catch_warnings():
            # What Python would warn of (an odd escape, `1or`) is judged below like everything else.
            warnings.simplefilter("ignore")
            tree = ast.parse(line, mode="eval")
    except SyntaxError as error:
        return _syntax_fault(line, error, start)
    except (ValueError, RecursionError, MemoryError):
        return Fault(start, "the expression cannot be read", "write it more simply")
    checker = _Checker(line, names, lexicons)
    try:
        condition = checker.condition(tree.body, 1)
    except _Refused as refused:
        return Fault(refused.fault.offset + start, refused.fault.message, refused.fault.suggestion)
    return Expression(text, condition, tuple(sorted(set(condition.names()))), tuple(sorted(checker.used_lexicons)))


def _syntax_fault(line: str, error: SyntaxError, start: int) -> Fault:
    message = str(error.msg).removeprefix("invalid syntax. ").rstrip(".")
    suggestion = ""
    for wrong in re.finditer(r"\b(AND|OR|NOT|IN)\b|&&|\|\||!(?!=)|<>", line):
        said = wrong.group()
        right = {"&&": "and", "||": "or", "!": "not", "<>": "!="}.get(said, said.lower())
        return Fault(start + wrong.start(), f"{said!r} is not part of the rule language", f"write {right!r}")
    # CPython counts in characters here, and from 1; at the end of the text it may point past it.
    offset = min(max((error.offset or 1) - 1, 0), len(line))
    return Fault(start + offset, message, suggestion)


class _Checker:
    """One pass over the parsed expression: whitelist, names and types together."""

    def __init__(self, text: str, names: Mapping[str, Name], lexicons: Sequence[str]) -> None:
        self.text = text
        self.bytes = text.encode()
        self.known_names = names
        self.lexicons = lexicons
        self.used_lexicons: set[str] = set()

    def refuse(self, node: ast.AST, message: str, suggestion: str = "") -> _Refused:
        # ast counts columns in bytes of UTF-8.
        offset = len(self.bytes[: getattr(node, "col_offset", 0)].decode(errors="ignore"))
        return _Refused(Fault(offset, message, suggestion))

    def not_allowed(self, node: ast.AST, at: ast.AST) -> _Refused:
        said, suggestion = _SAID.get(type(node), (f"{type(node).__name__}", ""))
        return self.refuse(at, f"{said} is not part of the rule language", suggestion)

    def deeper(self, node: ast.AST, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise self.refuse(node, f"nested deeper than {MAX_DEPTH} levels", "split it into signals")
        return depth + 1

    def name(self, node: ast.AST) -> Name | None:
        """The name written as `one.two` or `one.on_list.two`, or nothing where the node is not a name."""
        if isinstance(node, ast.Attribute):
            inner = node.value
            if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.attr == "on_list":
                said = f"{inner.value.id}.on_list.{node.attr}"
            elif isinstance(inner, ast.Name):
                said = f"{inner.id}.{node.attr}"
            else:
                raise self.refuse(node, "a name has one dot, such as event.amount, or is like payer.on_list.convicted")
        elif isinstance(node, ast.Name):
            said = node.id
        else:
            return None
        if said in ("true", "false"):
            return None
        if said not in self.known_names:
            raise self.refuse(node, f"unknown name {said!r}", nearest(said, self.known_names))
        return self.known_names[said]

    def type_of(self, node: ast.expr) -> Type:
        """What a node is, judged by its outside: enough to choose how to read it."""
        if name := self.name(node):
            return name.type
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                return "text"
            return "truth" if isinstance(node.value, bool) else "number"
        if isinstance(node, ast.BinOp):
            return "number"
        if isinstance(node, ast.UnaryOp):
            return "truth" if isinstance(node.op, ast.Not) else "number"
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            return "truth" if called == "known" else "number"
        if isinstance(node, ast.Compare | ast.BoolOp | ast.Name):
            return "truth"
        raise self.not_allowed(node, node)

    # -- truths

    def condition(self, node: ast.expr, depth: int) -> Condition:
        depth = self.deeper(node, depth)
        if isinstance(node, ast.BoolOp):
            parts = tuple(self.condition(value, depth) for value in node.values)
            return All(parts) if isinstance(node.op, ast.And) else AnyOf(parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Not(self.condition(node.operand, depth))
        if isinstance(node, ast.Compare):
            return self.comparison(node, depth)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return Always(node.value)
        if isinstance(node, ast.Name) and node.id in ("true", "false"):
            return Always(node.id == "true")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "known":
            return self.known(node, depth)
        name = self.name(node)
        if name is None:
            if isinstance(node, ast.Constant | ast.BinOp | ast.UnaryOp | ast.Call):
                self.number(node, depth)  # says what is wrong inside first
                raise self.refuse(node, "a number stands where a truth is needed", "compare it with something")
            raise self.not_allowed(node, node)
        if name.type != "truth":
            raise self.refuse(
                node, f"{name.name} is a {name.type}, and a truth is needed here", "compare it with something"
            )
        return Flag(name)

    def comparison(self, node: ast.Compare, depth: int) -> Condition:
        parts = []
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            parts.append(self.pair(left, operator, right, depth))
            left = right
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def pair(self, left: ast.expr, operator: ast.cmpop, right: ast.expr, depth: int) -> Condition:
        if isinstance(operator, ast.In | ast.NotIn):
            member = self.member(left, right, depth)
            return Not(member) if isinstance(operator, ast.NotIn) else member
        if type(operator) not in _OPERATORS:
            raise self.not_allowed(operator, left)
        said = _OPERATORS[type(operator)]
        types = self.type_of(left), self.type_of(right)
        if types == ("number", "number"):
            return Compare(said, self.number(left, depth), self.number(right, depth))
        if types == ("text", "text"):
            return self.text_comparison(left, said, right)
        if "words" in types:
            raise self.refuse(left, "the purpose is compared with a lexicon", "write: event.purpose in lexicon('…')")
        if types == ("truth", "truth"):
            self.condition(left, depth)
            self.condition(right, depth)
            raise self.refuse(left, "truths are not compared", "write the condition itself, or 'not' before it")
        raise self.refuse(right, f"a {types[0]} is compared with a {types[1]}")

    def text_comparison(self, left: ast.expr, said: str, right: ast.expr) -> Condition:
        if isinstance(left, ast.Constant):
            left, right = right, left
        name = self.name(left)
        if name is None or not isinstance(right, ast.Constant):
            raise self.refuse(left, "a text is compared with one written out, such as event.kind == 'transfer'")
        if said not in ("==", "!="):
            raise self.refuse(left, f"texts have no order: {said!r}", "use ==, != or in")
        condition = TextIs(name, frozenset([self.option(name, right)]))
        return Not(condition) if said == "!=" else condition

    def option(self, name: Name, node: ast.expr) -> str:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            raise self.refuse(node, f"{name.name} is a text; only texts written out stand here")
        if node.value not in name.options:
            suggestion = nearest(node.value, name.options) or f"one of {', '.join(name.options)}"
            raise self.refuse(node, f"{name.name} is never {node.value!r}", suggestion)
        return node.value

    def member(self, left: ast.expr, right: ast.expr, depth: int) -> Condition:
        name = self.name(left)
        if name is not None and name.type == "words":
            return HasWords(name, self.lexicon(right))
        if not isinstance(right, ast.Tuple | ast.List | ast.Set):
            raise self.refuse(right, "'in' needs a list, such as ('mobile', 'web')")
        if not right.elts:
            raise self.refuse(right, "the list is empty")
        if name is not None and name.type == "text":
            return TextIs(name, frozenset(self.option(name, element) for element in right.elts))
        if self.type_of(left) != "number":
            raise self.refuse(left, "a truth is not one of a list")
        values = []
        for element in right.elts:
            value = self.number(element, depth)
            if not isinstance(value, Constant):
                raise self.refuse(element, "only numbers written out, or parameters, stand in a list")
            values.append(value.value)
        return OneOf(self.number(left, depth), tuple(values))

    def lexicon(self, node: ast.expr) -> str:
        if (
            not isinstance(node, ast.Call)
            or not isinstance(node.func, ast.Name)
            or node.func.id != "lexicon"
            or len(node.args) != 1
            or node.keywords
            or not isinstance(node.args[0], ast.Constant)
            or not isinstance(node.args[0].value, str)
        ):
            raise self.refuse(node, "the purpose is compared with a lexicon", "write: event.purpose in lexicon('…')")
        name = node.args[0].value
        if name not in self.lexicons:
            raise self.refuse(node.args[0], f"unknown lexicon {name!r}", nearest(name, self.lexicons))
        self.used_lexicons.add(name)
        return name

    def known(self, node: ast.Call, depth: int) -> Condition:
        if len(node.args) != 1 or node.keywords:
            raise self.refuse(node, "known(…) takes one value")
        argument = node.args[0]
        name = self.name(argument)
        if name is not None and name.type == "text":
            return Known(Text(name))
        if self.type_of(argument) == "number":
            return Known(self.number(argument, depth))
        return Known(self.condition(argument, depth))

    # -- numbers

    def number(self, node: ast.expr, depth: int) -> Number:
        depth = self.deeper(node, depth)
        if isinstance(node, ast.Constant):
            return self.constant(node)
        if isinstance(node, ast.UnaryOp):
            if not isinstance(node.op, ast.USub):
                raise self.not_allowed(node.op, node)
            return fold(Arithmetic("-", Constant(0.0), self.number(node.operand, depth)))
        if isinstance(node, ast.BinOp):
            if type(node.op) not in _OPERATORS:
                raise self.not_allowed(node.op, node)
            left, right = self.number(node.left, depth), self.number(node.right, depth)
            if isinstance(node.op, ast.Div | ast.Mod) and right == Constant(0.0):
                raise self.refuse(node.right, "division by zero")
            return fold(Arithmetic(_OPERATORS[type(node.op)], left, right))
        if isinstance(node, ast.Call):
            return self.call(node, depth)
        name = self.name(node)
        if name is None:
            raise self.not_allowed(node, node)
        if name.type != "number":
            raise self.refuse(node, f"{name.name} is a {name.type}, and a number is needed here")
        return Column(name) if name.value is None else Constant(name.value)

    def constant(self, node: ast.Constant) -> Number:
        value = node.value
        if value is None:
            raise self.refuse(node, "there is no None in the rule language", "write: known(name), or not known(name)")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refuse(node, f"{ast.unparse(node)[:40]} stands where a number is needed")
        if (isinstance(value, int) and abs(value) > 2**53) or not math.isfinite(value):
            raise self.refuse(node, "the number is too large")
        return Constant(float(value))

    def call(self, node: ast.Call, depth: int) -> Number:
        called = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)[:40]
        if called not in _FUNCTIONS:
            raise self.refuse(node, f"unknown function {called!r}", nearest(called, _FUNCTIONS))
        if called in ("known", "lexicon"):
            raise self.refuse(node, f"{called}(…) stands where a number is needed")
        arguments = [self.number(argument, depth) for argument in node.args]
        if node.keywords or (len(arguments) != 1 if called == "abs" else len(arguments) < 2):
            raise self.refuse(
                node, "abs takes one number" if called == "abs" else f"{called} takes two or more numbers"
            )
        if called == "abs":
            return fold(Magnitude(arguments[0]))
        value = arguments[0]
        for argument in arguments[1:]:
            value = fold(Arithmetic(called, value, argument))
        return value
