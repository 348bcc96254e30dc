"""The FM-1-shaped form: what Kazakhstan's form of a financial monitoring report asks for, as XML and on paper.

Shaped, no more: the list of fields is our own, by the sense of the form's sections (their source is on the form's
face), and has not been compared with the approved form. One form an operation.
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
    """One field of the form: its number in our list, its name, what it says."""

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
        *(_xml.element("Form", *(_section(section) for section in form)) for form in made),
    )
    return document(root, SCHEMA, face)


def paper(made: tuple[Form, ...], texts: Texts, language: Language) -> bytes:
    """The forms as a PDF, each on pages of its own."""
    words = _Words(texts, language)
    title = words("title")
    told: list[Any] = []
    for form in made:
        told += [paragraph(title, TITLE), paragraph(words("does_not_claim"), NOTE), paragraph(words("source"), NOTE)]
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

    def __call__(self, key: str) -> str:
        return self._texts(self.language, f"exports.fm1.{key}")


def _form(material: Material, filing: Filing, operation: Operation, number: int, words: _Words) -> Form:
    found = [each.alert for each in material.alerts if _about(each.alert, operation)]
    told = dict.fromkeys(getattr(alert.explanation, words.language) for alert in found)
    return (
        _numbered(
            1,
            "form",
            number=f"{material.case_id}-{filing.proposal_id}-{number}",
            date=_instant(material.prepared_at),
            document=words("new"),
        ),
        _numbered(
            2,
            "subject",
            institution=operation.institution,
            prepared_by=filing.maker,
            approved_by=filing.checker,
            basis=f"{filing.proposal_id}, {_instant(filing.approved_at)}, sha256 {filing.digest}",
        ),
        _numbered(
            3,
            "operation",
            event=operation.event_id,
            kind=operation.kind,
            channel=operation.channel or words("none"),
            occurred_at=_instant(operation.occurred_at),
            currency="KZT",
            amount=decimal(operation.amount),
            purpose_code=f"{operation.purpose_code:03d}" if operation.purpose_code else words("none"),
            signs=", ".join(sorted({alert.typology.id for alert in found})) or words("none"),
            description="\n".join(told)[:_LONG] or words("none"),
        ),
        _participant(4, "payer", operation.payer, words),
        _participant(5, "payee", operation.payee, words),
    )


def _about(alert: SuspiciousOperation, operation: Operation) -> bool:
    return (alert.institution, alert.event_id) == (operation.institution, operation.event_id)


def _participant(number: int, name: str, side: Side, words: _Words) -> Section:
    party, account = side.party, side.account
    return _numbered(
        number,
        name,
        party=party.shown if party is not None else words("none"),
        name=(party.name if party is not None else None) or words("not_opened"),
        party_kind=(party.kind if party is not None else "") or words("none"),
        account=account.shown if account is not None else words("none"),
        bank=side.institution or words("none"),
        region=f"KZ-{side.region:02d}" if 0 < side.region < 255 else words("none"),
    )


def _numbered(section: int, section_name: str, /, **values: str) -> Section:
    return Section(
        section_name,
        tuple(Field(f"{section}.{place}", name, value) for place, (name, value) in enumerate(values.items(), start=1)),
    )


def _section(section: Section) -> etree._Element:
    return _xml.element(
        "Section",
        *(_xml.text("Field", one.value, _LONG, {"no": one.number, "name": one.name}) for one in section.fields),
        attributes={"name": section.name},
    )


def _instant(instant: int) -> str:
    return local(instant).isoformat(timespec="seconds")
