"""Which exports there are, and how each is made of a case's material."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from console.exports import casefile, casefile_pdf, fm1, goaml, markup, paper
from console.exports.material import Material
from console.exports.profile import load
from console.texts import Language, Texts
from streams.evidence.signing import SigningKey, sign

Kind = Literal["casefile.pdf", "casefile.json", "goaml.xml", "fm1.xml", "fm1.pdf"]
KINDS: Final[tuple[Kind, ...]] = ("casefile.pdf", "casefile.json", "goaml.xml", "fm1.xml", "fm1.pdf")
FILED: Final[frozenset[Kind]] = frozenset({"goaml.xml", "fm1.xml", "fm1.pdf"})  # rest on an approved filing
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class File:
    """An export: a name of letters that no header or file system minds, what it is, and its bytes."""

    name: str
    content_type: str
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal: what the audit log keeps of it."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Tools:
    """What exports are made with."""

    texts: Texts
    profile: Path  # of goAML-shaped reports
    key: SigningKey  # of case files


def make(kind: Kind, material: Material, language: Language, tools: Tools) -> File:
    """One export of a case.

    Raises:
        Refused: it needs an approved filing or known operations, and there are none.
        NotValid: the result is not what our own schema describes.
        ProfileRefused: the profile of goAML-shaped reports is not as it must be.
    """
    content_type, content = _made(kind, material, language, tools)
    stem, _, ending = kind.partition(".")
    return File(f"case-{material.case_id}-{stem}-{language}.{ending}", content_type, content)


def text_of(kind: str) -> str:
    """Where the texts of a kind of export stand.

    >>> text_of("casefile.pdf"), text_of("fm1.xml")
    ('casefile', 'exports.fm1')
    """
    stem = kind.partition(".")[0]
    return stem if stem == "casefile" else f"exports.{stem}"


def _made(kind: Kind, material: Material, language: Language, tools: Tools) -> tuple[str, bytes]:
    texts = tools.texts
    if kind == "goaml.xml":
        return markup.CONTENT_TYPE, goaml.report(material, load(tools.profile), texts, language)
    if kind in ("fm1.xml", "fm1.pdf"):
        forms = fm1.forms(material, texts, language)
        if kind == "fm1.xml":
            return markup.CONTENT_TYPE, fm1.xml(forms, texts, language)
        return paper.CONTENT_TYPE, fm1.paper(forms, texts, language)
    signed = sign(casefile.document(material, texts), tools.key)
    if kind == "casefile.pdf":
        return paper.CONTENT_TYPE, casefile_pdf.pages(signed, texts, language)
    return _JSON, json.dumps(signed, ensure_ascii=False, indent=1).encode()
