"""The small, strict YAML of the rulebook, read into nodes that remember their line and column.

Of YAML 1.1 only mappings, lists and plain values remain. What makes a file mean something other than what its reader
sees is refused: anchors and aliases (271 bytes can stand for 40 million values), tags, merge keys, duplicate keys,
`yes`/`no`/`on`/`off`, sexagesimal numbers such as 12:30, octal numbers, `.nan` and `.inf`. Dates stay text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from rules.problems import Problem, nearest

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 20
MOST_EXPLAINED: Final = 100  # of one file: who has more of them mends these first

Scalar = str | int | float | bool | None
Path = tuple[str | int, ...]

_NULL: Final = re.compile(r"(?:~|null|)\Z")
_TRUTH: Final = re.compile(r"(?:true|false)\Z")
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*)\Z")
_NUMBER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
_SURPRISES: Final = (
    (re.compile(r"(?:y|n|yes|no|on|off|Null|NULL|True|TRUE|False|FALSE)\Z", re.IGNORECASE),
     "is read as true, false or null by some YAML readers and as text by others",
     "write true, false or null, or put it in quotes"),
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z"),
     "is a sexagesimal number in YAML 1.1", "put it in quotes"),
    (re.compile(r"[-+]?0[0-9_]+\Z|[-+]?0[xXbBoO][0-9a-fA-F_]+\Z"),
     "is an octal, binary or hexadecimal number in YAML", "put it in quotes, or write it in decimal"),
    (re.compile(r"[-+]?\.(?:inf|nan)\Z", re.IGNORECASE), "is not a number that a rulebook may use", ""),
)  # fmt: skip

# The YAML library speaks of its own inner states; the author of a file needs the remedy.
_REMEDIES: Final = (
    (
        "found character that cannot start any token",
        "indent with spaces, and put a text that starts with @ or ` in quotes",
    ),
    ("could not find expected ':'", "a ':' is missing, or a text with ': ' in it needs quotes"),
    ("mapping values are not allowed", "a text with ': ' in it needs quotes"),
    ("did not find expected ',' or", "a bracket is not closed, or a text needs quotes"),
    ("did not find expected", "check the indentation of this line"),
)


@dataclass(slots=True)
class Node:
    """A value, a list of nodes or a mapping of nodes, with the place it was written at (from 1)."""

    value: Scalar | list[Node] | dict[str, Node]
    line: int
    column: int
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    span: tuple[int, int] = (0, 0)
    style: str = ""

    def at(self, path: Path) -> Node:
        """The node under a path of keys and positions; the nearest one above where the path leads nowhere."""
        node = self
        for step in path:
            held: Any = node.value
            inside = step in held if isinstance(held, dict) else isinstance(held, list) and step in range(len(held))
            if not inside:
                break
            node = held[step]
        return node

    def plain(self) -> Any:
        """The value as ordinary lists, dictionaries and scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


@dataclass(slots=True)
class Document:
    """One parsed file: its text, its root node (if it has one) and what is wrong with it."""

    path: str
    text: str
    root: Node | None
    problems: list[Problem]

    def place(self, node: Node, offset: int = 0) -> tuple[int, int]:
        """Line and column of the character at `offset` of a text value, however the value was quoted or folded.

        YAML folds white space but never drops or adds a visible character outside double quotes, so the n-th visible
        character of the value is the n-th visible character of what was written.
        """
        if not isinstance(node.value, str) or not node.span[1]:
            return node.line, node.column
        written = self.text[node.span[0] : node.span[1]]
        start = 0
        if node.style in ("|", ">"):
            start = written.find("\n") + 1
        elif node.style in ("'", '"'):
            start = 1
        visible = len(re.sub(r"\s", "", node.value[:offset]))
        at = start
        for at in range(start, len(written)):
            if written[at].isspace():
                continue
            if visible == 0:
                break
            visible -= 1
        before = self.text[: node.span[0] + at]
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1

    def problem(self, node: Node, message: str, suggestion: str = "", offset: int = 0) -> Problem:
        line, column = self.place(node, offset)
        return Problem(self.path, line, column, message, suggestion)


def parse(path: str, text: str) -> Document:
    """Read one file; every fault found is in `problems`, and then there may be no root."""
    document = Document(path, text, None, [])
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        document.problems.append(Problem(path, 1, 1, f"the file is larger than {MAX_BYTES // 1024} KB", "split it"))
        return document
    if "\ufeff" in text or any("\ud800" <= character <= "\udfff" for character in text):
        document.problems.append(Problem(path, 1, 1, "the file is not plain UTF-8 text", "save it without BOM"))
        return document
    try:
        document.root = _Builder(document).build()
    except _Refused as refused:
        document.problems.append(refused.problem)
    except yaml.reader.ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        column = len(before) - (before.rfind("\n") + 1) + 1
        document.problems.append(Problem(path, before.count("\n") + 1, column, "a character that YAML does not allow"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = error.problem or "not YAML"
        remedy = next((remedy for sign, remedy in _REMEDIES if sign in said), "")
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        document.problems.append(Problem(path, line, column, said, remedy))
    except yaml.YAMLError as error:
        document.problems.append(Problem(path, 1, 1, f"not YAML: {error}"))
    return document


class _Refused(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


class _Builder:
    """Nodes from the parser's events: before any alias could be followed or any tag be obeyed."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.events: Iterator[Any] = yaml.parse(document.text, Loader=yaml.CSafeLoader)

    def build(self) -> Node | None:
        next(self.events)
        start = next(self.events)
        if isinstance(start, yaml.StreamEndEvent):
            self.complain(start, "the file is empty")
            return None
        if start.tags:
            self.refuse(start, "tags are not allowed")
        root = self.node(next(self.events), 1)
        next(self.events)
        extra = next(self.events)
        if not isinstance(extra, yaml.StreamEndEvent):
            self.complain(extra, "more than one document in the file", "use one file for each")
        return None if self.document.problems else root

    def node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            self.refuse(event, f"alias *{event.anchor}: aliases are not allowed", "write the value out")
        if getattr(event, "anchor", None) is not None:
            self.refuse(event, f"anchor &{event.anchor}: anchors are not allowed", "write the value out")
        if getattr(event, "tag", None) is not None:
            self.refuse(event, "tags (!…) are not allowed", "remove the tag")
        if depth > MAX_DEPTH:
            self.refuse(event, f"nested deeper than {MAX_DEPTH} levels")
        node = Node(None, event.start_mark.line + 1, event.start_mark.column + 1)
        start, end = event.start_mark, event.end_mark
        if isinstance(event, yaml.ScalarEvent):
            node.style = event.style or ""
            node.span = (start.index, end.index)
            node.value = event.value if node.style else self.scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node.value = self.sequence(depth)
        else:
            node.value = self.mapping(depth, node)
        return node

    def sequence(self, depth: int) -> list[Node]:
        items = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.node(event, depth + 1))
        return items

    def mapping(self, depth: int, parent: Node) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            value = self.node(next(self.events), depth + 1)
            if not isinstance(key.value, str):
                self.complain(event, "a key must be text", "put it in quotes")
            elif key.value == "<<" and not key.style:
                self.complain(event, "merge keys (<<) are not allowed", "write the values out")
            elif key.value in entries:
                line = parent.keys[key.value][0]
                self.complain(event, f"key {key.value!r} is given twice (first on line {line})", "keep one of them")
            else:
                entries[key.value] = value
                parent.keys[key.value] = (key.line, key.column)
        return entries

    def scalar(self, event: Any) -> Scalar:
        text: str = event.value
        if _NULL.match(text):
            return None
        if _TRUTH.match(text):
            return text == "true"
        if _INTEGER.match(text) and len(text) <= 20:
            return int(text)
        if _NUMBER.match(text):
            number = float(text)
            if number in (float("inf"), float("-inf")):
                self.complain(event, f"{text} is too large a number")
            return number
        for pattern, message, suggestion in _SURPRISES:
            if pattern.match(text):
                self.complain(event, f"{text} {message}", suggestion)
        return text

    def complain(self, event: Any, message: str, suggestion: str = "") -> None:
        mark = event.start_mark
        self.document.problems.append(Problem(self.document.path, mark.line + 1, mark.column + 1, message, suggestion))

    def refuse(self, event: Any, message: str, suggestion: str = "") -> None:
        mark = event.start_mark
        raise _Refused(Problem(self.document.path, mark.line + 1, mark.column + 1, message, suggestion))


ModelT = TypeVar("ModelT", bound=BaseModel)


def decode(document: Document, model: type[ModelT], at: Path = ()) -> ModelT | None:
    """The document, or the part of it under `at`, as a pydantic model; faults go to the document's problems."""
    if document.root is None:
        return None
    node = document.root.at(at)
    try:
        return model.model_validate(node.plain())
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=True)
        for fault in faults[:MOST_EXPLAINED]:
            document.problems.append(_explain(document, node, model, fault))
        if len(faults) > MOST_EXPLAINED:
            document.problems.append(document.problem(node, f"{len(faults) - MOST_EXPLAINED} more faults like these"))
        return None


def _explain(document: Document, root: Node, model: type[BaseModel], fault: Any) -> Problem:
    location: Path = tuple(fault["loc"])
    node = root.at(location)
    kind = fault["type"]
    name = next((step for step in reversed(location) if isinstance(step, str)), "")
    line, column = document.place(node)
    if kind == "extra_forbidden":
        parent = root.at(location[:-1])
        line, column = parent.keys.get(name, (line, column))
        return Problem(document.path, line, column, f"unknown key {name!r}", nearest(name, _keys(model, location[:-1])))
    if kind == "missing":
        return Problem(document.path, line, column, f"{name!r} is missing")
    said = str(fault["msg"]).removeprefix("Value error, ")
    message = f"{name}: {said[:1].lower()}{said[1:]}" if name else said
    suggestion = ""
    if kind == "literal_error" and isinstance(node.value, str):
        suggestion = nearest(node.value, re.findall(r"'([^']+)'", str(fault["ctx"]["expected"])))
    return Problem(document.path, line, column, message, suggestion)


def _keys(model: type[BaseModel], location: Path) -> list[str]:
    """The keys that the model knows at a location, to suggest from."""
    schema: Any = _schema(model)
    definitions = schema.get("$defs", {})
    current = schema
    for step in location:
        current = _resolve(current, definitions)
        current = current.get("items", {}) if isinstance(step, int) else current.get("properties", {}).get(step, {})
    return list(_resolve(current, definitions).get("properties", {}))


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _resolve(schema: Any, definitions: Any) -> Any:
    for option in schema.get("anyOf", ()):
        if option.get("type") != "null":
            schema = option
            break
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    return schema
