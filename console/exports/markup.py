"""XML for exports: elements from any text, checked against a schema of ours before anybody gets them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from lxml import etree

SCHEMAS: Final = Path(__file__).parent / "schemas"
CONTENT_TYPE: Final = "application/xml; charset=utf-8"

# XML 1.0, production 2: everything else is in no document, not even as a character reference.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


class NotValid(ValueError):
    """An export that its own schema refuses: nothing of it is handed out. The message names places, no values."""


def clean(text: str, most: int | None = None) -> str:
    """The text with what XML cannot hold replaced, and cut to `most` characters, the last of them an ellipsis.

    >>> clean("a\\x00b\\x1b[31m\\ud800"), clean("abcdef", 4)
    ('a�b�[31m�', 'abc…')
    """
    whole = _NOT_XML.sub(_REPLACEMENT, text)
    return whole if most is None or len(whole) <= most else f"{whole[: most - 1]}…"


class Writer:
    """Makes the elements of one namespace (none: of no namespace); children that are None are left out."""

    def __init__(self, namespace: str | None = None) -> None:
        self._namespace = namespace
        # lxml's stubs know no default namespace, which is the one of the key None.
        self._names = cast("Mapping[str, str]", {None: namespace}) if namespace is not None else None

    def element(
        self, tag: str, *children: etree._Element | None, attributes: Mapping[str, str] | None = None
    ) -> etree._Element:
        """An element of elements."""
        made = etree.Element(self._qualified(tag), dict(attributes or {}), nsmap=self._names)
        made.extend([child for child in children if child is not None])
        return made

    def text(
        self, tag: str, value: str | int | None, most: int | None = None, attributes: Mapping[str, str] | None = None
    ) -> etree._Element | None:
        """An element with a text of at most `most` characters; None where there is nothing to say."""
        if value is None or value == "":
            return None
        made = etree.Element(self._qualified(tag), dict(attributes or {}), nsmap=self._names)
        made.text = clean(str(value), most)
        return made

    def _qualified(self, tag: str) -> str:
        return tag if self._namespace is None else f"{{{self._namespace}}}{tag}"


def document(root: etree._Element, schema: str, face: str) -> bytes:
    """The document as bytes, with a comment on its face, if the schema (a file of `schemas/`) takes it.

    Raises:
        NotValid: it does not.
    """
    checker: Any = _schema(schema)  # lxml's stubs do not know its log
    if not checker.validate(root):
        raise NotValid(f"the export does not keep {schema}: {checker.error_log.last_error.path}")
    # Two hyphens end a comment, whatever stands around them.
    root.addprevious(etree.Comment(f" {clean(face).replace('--', '—').rstrip('-')} "))
    return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8", pretty_print=True)


@cache
def _schema(name: str) -> etree.XMLSchema:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.XMLSchema(etree.parse(str(SCHEMAS / name), parser))
