"""Which exports there are, and how each is made of a case's material."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Final, Literal

from console.exports import casefile, casefile_pdf, fm1, goaml, markup, paper
from console.exports.material import Material
from console.exports.profile import load
from console.texts import Language, Texts
from streams.evidence.signing import SigningKey, sign

Kind = Literal["casefile.pdf", "casefile.json", "goaml.xml", "fm1.xml", "fm1.pdf"]
KINDS: Final[tuple[Kind, ...]] = ("casefile.pdf", "casefile.json", "goaml.xml", "fm1.xml", "fm1.pdf")
FILED: Final[frozenset[Kind]] = frozenset({"goaml.xml", "fm1.xml", "fm1.pdf"})  # rest on an approved filing
PROFILE: Final = "kz"
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


def make(kind: Kind, material: Material, texts: Texts, language: Language, key: SigningKey) -> File:
    """One export of a case.

    Raises:
        Refused: it needs an approved filing or known operations, and there are none.
        NotValid: the result is not what our own schema describes.
    """
    content_type, content = _made(kind, material, texts, language, key)
    stem, _, ending = kind.partition(".")
    return File(f"case-{material.case_id}-{stem}-{language}.{ending}", content_type, content)


def text_of(kind: str) -> str:
    """Where the texts of a kind of export stand.

    >>> text_of("casefile.pdf"), text_of("fm1.xml")
    ('casefile', 'exports.fm1')
    """
    stem = kind.partition(".")[0]
    return stem if stem == "casefile" else f"exports.{stem}"


def _made(kind: Kind, material: Material, texts: Texts, language: Language, key: SigningKey) -> tuple[str, bytes]:
    if kind == "goaml.xml":
        return markup.CONTENT_TYPE, goaml.report(material, load(PROFILE), texts, language)
    if kind in ("fm1.xml", "fm1.pdf"):
        forms = fm1.forms(material, texts, language)
        if kind == "fm1.xml":
            return markup.CONTENT_TYPE, fm1.xml(forms, texts, language)
        return paper.CONTENT_TYPE, fm1.paper(forms, texts, language)
    signed = sign(casefile.document(material, texts), key)
    if kind == "casefile.pdf":
        return paper.CONTENT_TYPE, casefile_pdf.pages(signed, texts, language)
    return _JSON, json.dumps(signed, ensure_ascii=False, indent=1).encode()
