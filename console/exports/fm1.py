"""The FM-1-shaped form: what Kazakhstan's form of a financial monitoring report asks for, as XML and on paper.

Numbers, names and order of the fields are those of the XML format of form FM-1 (annex 2 to the rules whose source is on
the form's face). Shaped, no more: its tags, its lists of codes and the form itself (annex 1) are not ours to give, and
what only the reporting subject knows is left to it and named on the face. One form an operation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from lxml import etree
from reportlab.platypus import PageBreak

from console.exports.markup import Writer, document
from console.exports.material import Filing, Material, Operation, Refused, Side, decimal, local
from console.exports.paper import BODY, HEAD, NOTE, TITLE, facts, paragraph, pdf
from console.texts import Language, Texts
from streams.contracts.suspicious_operation import SuspiciousOperation

NAMESPACE: Final = "urn:anti-fraud-center:fm1-shaped:1"
SCHEMA: Final = "antifraud-fm1-shaped.xsd"
_LONG: Final = 4_000
_xml: Final = Writer(NAMESPACE)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form: its number there, its name, what it says."""

    number: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """The fields of one section."""

    name: str
    fields: tuple[Field, ...]


Form = tuple[Section, ...]


def forms(material: Material, texts: Texts, language: Language) -> tuple[Form, ...]:
    """A form for each operation of a case whose filing two persons have approved.

    Raises:
        Refused: no filing is approved, or none of the case's operations is known.
    """
    if material.filing is None:
        raise Refused("not_filed")
    if not material.operations:
        raise Refused("no_operations")
    words = _Words(texts, language)
    return tuple(
        _form(material, material.filing, operation, number, words)
        for number, operation in enumerate(material.operations, start=1)
    )


def xml(made: tuple[Form, ...], texts: Texts, language: Language) -> bytes:
    """The forms as one XML document; NotValid where our own schema refuses it."""
    words = _Words(texts, language)
    face = words("does_not_claim")
    root = _xml.element(
        "Forms",
        _xml.text("DoesNotClaim", face, _LONG),
        _xml.text("Source", words("source"), _LONG),
        _xml.text("LeftToSubject", words("left_to_subject"), _LONG),
        *(_xml.element("Form", *(_section(section) for section in form)) for form in made),
    )
    return document(root, SCHEMA, face)


def paper(made: tuple[Form, ...], texts: Texts, language: Language) -> bytes:
    """The forms as a PDF, each on pages of its own."""
    words = _Words(texts, language)
    title = words("title")
    told: list[Any] = []
    for form in made:
        told.append(paragraph(title, TITLE))
        told += [paragraph(words(key), NOTE) for key in ("does_not_claim", "source", "left_to_subject")]
        for section in form:
            told.append(paragraph(words(f"section.{section.name}"), HEAD))
            told.append(
                facts([(f"{field.number} {words(f'field.{field.name}')}", field.value) for field in section.fields])
            )
        told.append(PageBreak())
    numbers = ", ".join(form[0].fields[0].value for form in made[:3])
    return pdf(told[:-1] or [paragraph(title, BODY)], title=title, subject=numbers, foot=title)


class _Words:
    """The form's texts in one language."""

    def __init__(self, texts: Texts, language: Language) -> None:
        self._texts = texts
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        return self._texts(self.language, f"exports.fm1.{key}", **values)


def _form(material: Material, filing: Filing, operation: Operation, number: int, words: _Words) -> Form:
    found = [each.alert for each in material.alerts if _about(each.alert, operation)]
    amount = decimal(operation.amount)
    return (
        _section_of(
            "form",
            ("1.1", "number", f"{material.case_id}-{filing.proposal_id}-{number}"),
            ("1.2", "date", f"{local(material.prepared_at):%d.%m.%Y}"),
            ("1.3", "document", words("new")),
            ("1.4", "occurred_at", f"{local(operation.occurred_at):%d.%m.%Y %H:%M:%S}"),
            ("1.5", "basis", words("suspicious")),
        ),
        _section_of("subject", ("2.2", "institution", operation.institution)),
        _section_of(
            "operation",
            ("3.1", "event", operation.event_id),
            ("3.2", "kind", operation.kind),
            ("3.3", "purpose_code", f"{operation.purpose_code:03d}" if operation.purpose_code else words("none")),
            ("3.4", "participants", str(sum(side.party is not None for side in (operation.payer, operation.payee)))),
            ("3.5", "currency", "KZT"),
            ("3.6", "amount_in_currency", amount),
            ("3.7", "amount", amount),
            *_signs(found, words),
            ("3.14", "more", _more(filing, operation, found, words)),
        ),
        _participant("payer", operation.payer, operation.institution, words),
        _participant("payee", operation.payee, operation.institution, words),
    )


def _about(alert: SuspiciousOperation, operation: Operation) -> bool:
    return (alert.institution, alert.event_id) == (operation.institution, operation.event_id)


def _signs(found: list[SuspiciousOperation], words: _Words) -> list[tuple[str, str, str]]:
    """The first three typologies: the form has room for one sign and two more."""
    signs = sorted({alert.typology.id for alert in found}) or [words("none")]
    return list(zip(("3.10", "3.11", "3.12"), ("sign", "second_sign", "third_sign"), signs, strict=False))


def _more(filing: Filing, operation: Operation, found: list[SuspiciousOperation], words: _Words) -> str:
    """What the form has no field for: the explanations, the channel, and who approved the filing of which digest."""
    told = dict.fromkeys(getattr(alert.explanation, words.language) for alert in found)
    approved = words(
        "approved",
        proposal=filing.proposal_id,
        at=local(filing.approved_at).isoformat(timespec="seconds"),
        digest=filing.digest,
        maker=filing.maker,
        checker=filing.checker,
    )
    return "\n".join([*told, *([operation.channel] if operation.channel else []), approved])[:_LONG]


def _participant(name: str, side: Side, publisher: str, words: _Words) -> Section:
    party, account = side.party, side.account
    is_company = party is not None and party.kind == "company"
    full_name = (party.name if party is not None else None) or words("not_opened")
    return _section_of(
        name,
        ("4.1", "participant", words(f"participant.{name}")),
        ("4.2", "client", words("client" if side.institution == publisher else "not_client")),
        ("4.5", "party_kind", (party.kind if party is not None else "") or words("none")),
        ("4.7 (1.3)", "bank", side.institution or words("none")),
        ("4.7 (1.4)", "account", account.shown if account is not None else words("none")),
        *([("4.8 (1.2)", "company_name", full_name)] if is_company else []),
        ("4.13", "party", party.shown if party is not None else words("none")),
        *([] if is_company else [("4.14", "person_name", full_name)]),
        ("4.24", "region", f"KZ-{side.region:02d}" if 0 < side.region < 255 else words("none")),
    )


def _section_of(name: str, *fields: tuple[str, str, str]) -> Section:
    return Section(name, tuple(Field(*field) for field in fields))


def _section(section: Section) -> etree._Element:
    return _xml.element(
        "Section",
        *(_xml.text("Field", one.value, _LONG, {"no": one.number, "name": one.name}) for one in section.fields),
        attributes={"name": section.name},
    )
